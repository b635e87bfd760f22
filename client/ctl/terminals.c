/* client/ctl/terminals.c - the machines of the centre, kept by the office. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/certificate.h"
#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/output.h"
#include "common/locale.h"
#include "common/text.h"

#define POLL_MS 500u
#define RENEW_POLL_MS 100u
#define RENEW_ASKED_MS 1500u /* for what the server asks for */

static int terminals_call(struct ctl *ctl, Mdg__Terminals *terminals, enum ctl_access access, Mdg__Response **out)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_TERMINALS;
    body.terminals = terminals;
    return ctl_call(ctl, &body, access, NULL, out);
}

/* The answer's own message, if it is that arm; else NULL. */
static const Mdg__Terminals *answer_of(const Mdg__Response *response, Mdg__Terminals__OfCase arm)
{
    if (!response->body || response->body->domain_case != MDG__BODY__DOMAIN_TERMINALS) return NULL;
    return response->body->terminals->of_case == arm ? response->body->terminals : NULL;
}

static json_t *terminal_json(const Mdg__Terminal *terminal)
{
    return json_pack("{s:I, s:s, s:s, s:I, s:b, s:b, s:I, s:I}", "id", (json_int_t)terminal->id, "name", terminal->name,
                     "kind", kind_word((unsigned)terminal->kind), "room_id", (json_int_t)terminal->room_id,
                     "is_private", terminal->is_private, "is_revoked", terminal->is_revoked, "certificate_until_us",
                     (json_int_t)terminal->certificate_until_us, "last_seen_us", (json_int_t)terminal->last_seen_us);
}

static int terminals_all(struct ctl *ctl, json_t **out)
{
    json_t *rows = json_array();
    bool has_more = true;
    int64_t after_id = 0;
    int rc = 0;
    while (rc == 0 && has_more) {
        Mdg__TerminalList list = MDG__TERMINAL_LIST__INIT;
        Mdg__Terminals terminals = MDG__TERMINALS__INIT;
        Mdg__Response *response = NULL;
        list.after_id = after_id;
        terminals.of_case = MDG__TERMINALS__OF_LIST;
        terminals.list = &list;
        has_more = false;
        rc = terminals_call(ctl, &terminals, CTL_READ, &response);
        const Mdg__Terminals *answer = rc == 0 ? answer_of(response, MDG__TERMINALS__OF_LISTED) : NULL;
        for (size_t i = 0; answer && i < answer->listed->n_terminals; i++) {
            json_array_append_new(rows, terminal_json(answer->listed->terminals[i]));
            after_id = answer->listed->terminals[i]->id;
            has_more = answer->listed->has_more;
        }
        if (response) mdg__response__free_unpacked(response, NULL);
    }
    if (rc == 0)
        *out = rows;
    else
        json_decref(rows);
    return rc;
}

static int run_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Number"), "id", CELL_NUMBER},
                                            {N_("Name"), "name", CELL_TEXT},
                                            {N_("Kind"), "kind", CELL_WORD},
                                            {N_("In a private room"), "is_private", CELL_MARK},
                                            {N_("Revoked"), "is_revoked", CELL_MARK},
                                            {N_("Certificate until"), "certificate_until_us", CELL_INSTANT},
                                            {N_("Last seen"), "last_seen_us", CELL_INSTANT},
                                            {NULL, NULL, CELL_TEXT}};
    json_t *rows = NULL;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = terminals_all(ctl, &rows);
    return rc != 0 ? rc : output_table(ctl, json_pack("{s:o}", "terminals", rows), "terminals", COLUMNS);
}

/* A terminal by its number or name; *row is the caller's, NULL when a number was given and row is not wanted. */
static int terminal_find(struct ctl *ctl, const char *wanted, int64_t *id, json_t **row)
{
    json_t *rows = NULL;
    bool is_number = number_parse(wanted, 1, INT64_MAX, id) == 0;
    if (is_number && !row) return 0;
    int rc = terminals_all(ctl, &rows);
    if (rc != 0) return rc;
    json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *each = json_array_get(rows, i);
        json_int_t each_id = json_integer_value(json_object_get(each, "id"));
        if (is_number ? each_id == *id : strcmp(json_string_value(json_object_get(each, "name")), wanted) == 0)
            found = each;
    }
    if (found) {
        *id = json_integer_value(json_object_get(found, "id"));
        if (row) *row = json_incref(found);
    }
    json_decref(rows);
    if (found) return 0;
    return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("There is no terminal “%s”. Please see “terminal list”."), wanted);
}

/* --- enrolment, on the office's side ------------------------------------------------------------------ */

static const char *step_word(int step)
{
    static const char *const WORDS[] = {"none", "waiting", "proved", "compare", "issued", "ended"};
    return step >= 0 && (size_t)step < sizeof WORDS / sizeof WORDS[0] ? WORDS[step] : "none";
}

static int enrolment_seen(struct ctl *ctl, json_t **out)
{
    Mdg__EnrolmentState state = MDG__ENROLMENT_STATE__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__Response *response = NULL;
    terminals.of_case = MDG__TERMINALS__OF_ENROLMENT_STATE;
    terminals.enrolment_state = &state;
    int rc = terminals_call(ctl, &terminals, CTL_READ, &response);
    if (rc != 0) return rc;
    const Mdg__Terminals *answer = answer_of(response, MDG__TERMINALS__OF_ENROLMENT_SEEN);
    if (answer) {
        const Mdg__EnrolmentSeen *seen = answer->enrolment_seen;
        *out =
            json_pack("{s:s, s:I, s:s, s:s, s:I, s:i}", "step", step_word((int)seen->step), "terminal_id",
                      (json_int_t)seen->terminal_id, "terminal", seen->terminal_name, "check_number",
                      seen->check_number, "until_us", (json_int_t)seen->until_us, "tries_left", (int)seen->tries_left);
    }
    mdg__response__free_unpacked(response, NULL);
    return answer ? 0 : MDG_ERR_MALFORMED;
}

static const struct column ENROLMENT_COLUMNS[] = {{N_("Step"), "step", CELL_WORD},
                                                  {N_("Terminal"), "terminal", CELL_TEXT},
                                                  {N_("Check number"), "check_number", CELL_TEXT},
                                                  {N_("Until"), "until_us", CELL_INSTANT},
                                                  {N_("Tries left"), "tries_left", CELL_NUMBER},
                                                  {NULL, NULL, CELL_TEXT}};

static int run_state(struct ctl *ctl)
{
    json_t *document = NULL;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = enrolment_seen(ctl, &document);
    return rc != 0 ? rc : output_facts(ctl, document, ENROLMENT_COLUMNS);
}

static int decide(struct ctl *ctl, bool is_same)
{
    Mdg__EnrolmentDecide message = MDG__ENROLMENT_DECIDE__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    message.is_same = is_same;
    terminals.of_case = MDG__TERMINALS__OF_ENROLMENT_DECIDE;
    terminals.enrolment_decide = &message;
    return terminals_call(ctl, &terminals, CTL_WRITE, NULL);
}

static int decided(struct ctl *ctl, bool is_same)
{
    return output_done(ctl, json_pack("{s:b}", "is_same", is_same), "%s",
                       is_same ? _("The machine gets its certificate now.") : _("The enrolment was cancelled."));
}

static int run_decide(struct ctl *ctl)
{
    bool is_same = option_is_set(&ctl->options, "same");
    if (is_same == option_is_set(&ctl->options, "different"))
        return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give either --same or --different."));
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = decide(ctl, is_same);
    return rc != 0 ? rc : decided(ctl, is_same);
}

static bool ask_same(void)
{
    char line[16];
    fputs(_("Does the machine show the same number? [y/N] "), stderr);
    fflush(stderr);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

/* Follows the pending enrolment until both screens show the number, then lets the person decide. */
static int enrolment_follow(struct ctl *ctl)
{
    for (;;) {
        json_t *seen = NULL;
        int rc = enrolment_seen(ctl, &seen);
        if (rc != 0) return rc;
        const char *step = json_string_value(json_object_get(seen, "step"));
        bool is_compare = strcmp(step, "compare") == 0,
             is_over = strcmp(step, "ended") == 0 || strcmp(step, "none") == 0;
        if (is_compare)
            fprintf(stderr, _("Check number %s.\n"), json_string_value(json_object_get(seen, "check_number")));
        json_decref(seen);
        if (is_over) return ctl_fail(ctl, MDG_ERR_STATE, _("The enrolment has ended. Please make a new code."));
        if (is_compare) {
            bool is_same = option_is_set(&ctl->options, "yes") || ask_same();
            rc = decide(ctl, is_same);
            return rc != 0 ? rc : decided(ctl, is_same);
        }
        ctl_wait(ctl, POLL_MS);
    }
}

static int enrol_fill(struct ctl *ctl, Mdg__TerminalEnrol *enrol)
{
    const struct ctl_options *options = &ctl->options;
    const char *terminal = option_text(options, "terminal"), *name = option_text(options, "name"),
               *kind = option_text(options, "kind"), *room = option_text(options, "room");
    if (terminal) return terminal_find(ctl, terminal, &enrol->terminal_id, NULL);
    if (!name || !kind)
        return ctl_fail(ctl, MDG_ERR_INVALID,
                        _("Please give --name and --kind, or --terminal for one that stands there."));
    enrol->name = (char *)name;
    enrol->kind = (Mdg__TerminalKind)kind_of_word(kind);
    enrol->is_private = option_is_set(options, "private");
    if (enrol->kind == MDG__TERMINAL_KIND__TERMINAL_NONE)
        return ctl_fail(ctl, MDG_ERR_INVALID,
                        _("--kind: please give counter, office, lounge, door, council or display."));
    if (room && number_parse(room, 1, INT64_MAX, &enrol->room_id) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--room: please give the room's number."));
    return 0;
}

static int run_enrol(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {
        {N_("Code"), "code", CELL_TEXT}, {N_("Until"), "until_us", CELL_INSTANT}, {NULL, NULL, CELL_TEXT}};
    Mdg__TerminalEnrol enrol = MDG__TERMINAL_ENROL__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__Response *response = NULL;
    terminals.of_case = MDG__TERMINALS__OF_ENROL;
    terminals.enrol = &enrol;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = enrol_fill(ctl, &enrol);
    if (rc == 0) rc = terminals_call(ctl, &terminals, CTL_WRITE, &response);
    if (rc != 0) return rc;
    const Mdg__Terminals *answer = answer_of(response, MDG__TERMINALS__OF_ENROLLED_CODE);
    json_t *document = NULL;
    if (answer) {
        char shown[CODE_CHARACTERS + 3];
        code_text(answer->enrolled_code->code, shown);
        document = json_pack("{s:I, s:s, s:I}", "terminal_id", (json_int_t)response->object_id, "code", shown,
                             "until_us", (json_int_t)answer->enrolled_code->until_us);
    }
    mdg__response__free_unpacked(response, NULL);
    if (!document) return MDG_ERR_MALFORMED;
    if (!option_is_set(&ctl->options, "wait")) return output_facts(ctl, document, COLUMNS);
    fprintf(stderr, _("Code %s.\n"), json_string_value(json_object_get(document, "code")));
    json_decref(document);
    return enrolment_follow(ctl);
}

/* --- changing ----------------------------------------------------------------------------------------- */

static int run_change(struct ctl *ctl)
{
    const struct ctl_options *options = &ctl->options;
    Mdg__TerminalChange change = MDG__TERMINAL_CHANGE__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    const char *name = option_text(options, "name"), *room = option_text(options, "room");
    json_t *row = NULL;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = terminal_find(ctl, options->operand, &change.terminal_id, &row);
    if (rc != 0) return rc;
    change.name = (char *)(name ? name : json_string_value(json_object_get(row, "name")));
    change.room_id = json_integer_value(json_object_get(row, "room_id"));
    change.is_private = json_is_true(json_object_get(row, "is_private"));
    if (option_is_set(options, "private")) change.is_private = true;
    if (option_is_set(options, "not-private")) change.is_private = false;
    if (room && number_parse(room, 0, INT64_MAX, &change.room_id) != 0)
        rc = ctl_fail(ctl, MDG_ERR_INVALID, _("--room: please give the room's number."));
    terminals.of_case = MDG__TERMINALS__OF_CHANGE;
    terminals.change = &change;
    if (rc == 0) rc = terminals_call(ctl, &terminals, CTL_WRITE, NULL);
    json_decref(row);
    return rc != 0 ? rc
                   : output_done(ctl, json_pack("{s:I}", "terminal_id", (json_int_t)change.terminal_id),
                                 _("The terminal was changed."));
}

static int run_revoke(struct ctl *ctl)
{
    Mdg__TerminalRevoke revoke = MDG__TERMINAL_REVOKE__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    revoke.reason = (char *)option_text(&ctl->options, "reason");
    terminals.of_case = MDG__TERMINALS__OF_REVOKE;
    terminals.revoke = &revoke;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = terminal_find(ctl, ctl->options.operand, &revoke.terminal_id, NULL);
    if (rc == 0) rc = terminals_call(ctl, &terminals, CTL_WRITE, NULL);
    return rc != 0 ? rc
                   : output_done(ctl, json_pack("{s:I}", "terminal_id", (json_int_t)revoke.terminal_id),
                                 _("The terminal is shut out."));
}

static int run_unlock(struct ctl *ctl)
{
    Mdg__TerminalUnlock unlock = MDG__TERMINAL_UNLOCK__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    accounts.of_case = MDG__ACCOUNTS__OF_TERMINAL_UNLOCK;
    accounts.terminal_unlock = &unlock;
    body.domain_case = MDG__BODY__DOMAIN_ACCOUNTS;
    body.accounts = &accounts;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = terminal_find(ctl, ctl->options.operand, &unlock.terminal_id, NULL);
    if (rc == 0) rc = ctl_call(ctl, &body, CTL_WRITE, NULL, NULL);
    return rc != 0 ? rc
                   : output_done(ctl, json_pack("{s:I}", "terminal_id", (json_int_t)unlock.terminal_id),
                                 _("People can sign in at that terminal again."));
}

/* The library renews by itself as soon as two thirds of the certificate's life are over, or the server asks for it: all
 * it needs is to be connected for a while. */
static int run_renew(struct ctl *ctl)
{
    int64_t from_us, until_us, now_from_us = 0, now_until_us = 0;
    char moment[MOMENT_BYTES];
    certificate_life(ctl->options.profile_dir, &from_us, &until_us);
    int rc = ctl_open(ctl, 0);
    if (rc != 0) return rc;
    int64_t due_us = from_us + (until_us - from_us) / 3 * 2;
    bool is_due = mdg_client_now_us(ctl->client) >= due_us;
    unsigned waits = (is_due ? ctl->options.timeout_ms : RENEW_ASKED_MS) / RENEW_POLL_MS + 1;
    do {
        ctl_wait(ctl, RENEW_POLL_MS);
        certificate_life(ctl->options.profile_dir, &now_from_us, &now_until_us);
    } while (now_until_us == until_us && --waits > 0);
    bool is_renewed = now_until_us != until_us;
    if (!is_renewed && is_due) return MDG_ERR_DEADLINE;
    json_t *document = json_pack("{s:b, s:I, s:I}", "is_renewed", is_renewed, "due_us", (json_int_t)due_us,
                                 "certificate_until_us", (json_int_t)now_until_us);
    moment_text(is_renewed ? now_until_us : due_us, moment, sizeof moment);
    if (is_renewed) return output_done(ctl, document, _("The new certificate holds until %s."), moment);
    return output_done(ctl, document, _("It is not time yet: the certificate is renewed by itself from %s on."),
                       moment);
}

/* --- the authority ------------------------------------------------------------------------------------ */

static int run_authority(struct ctl *ctl)
{
    static const char *const STEPS[] = {"stable", "announced", "terminals", "server"};
    static const struct column COLUMNS[] = {{N_("Step"), "step", CELL_WORD},
                                            {N_("Present authority until"), "until_us", CELL_INSTANT},
                                            {N_("Terminals"), "terminals", CELL_NUMBER},
                                            {N_("know the new one"), "terminals_announced", CELL_NUMBER},
                                            {N_("have moved"), "terminals_moved", CELL_NUMBER},
                                            {NULL, NULL, CELL_TEXT}};
    Mdg__AuthorityState state = MDG__AUTHORITY_STATE__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__Response *response = NULL;
    terminals.of_case = MDG__TERMINALS__OF_AUTHORITY_STATE;
    terminals.authority_state = &state;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = terminals_call(ctl, &terminals, CTL_READ, &response);
    if (rc != 0) return rc;
    const Mdg__Terminals *answer = answer_of(response, MDG__TERMINALS__OF_AUTHORITY_SEEN);
    json_t *document = NULL;
    if (answer) {
        const Mdg__AuthoritySeen *seen = answer->authority_seen;
        size_t step = (size_t)seen->step < sizeof STEPS / sizeof STEPS[0] ? (size_t)seen->step : 0;
        document =
            json_pack("{s:s, s:I, s:I, s:I, s:I}", "step", STEPS[step], "until_us", (json_int_t)seen->until_us,
                      "terminals", (json_int_t)seen->terminals, "terminals_announced",
                      (json_int_t)seen->terminals_announced, "terminals_moved", (json_int_t)seen->terminals_moved);
    }
    mdg__response__free_unpacked(response, NULL);
    return document ? output_facts(ctl, document, COLUMNS) : MDG_ERR_MALFORMED;
}

static int authority_move(struct ctl *ctl, bool is_back)
{
    Mdg__AuthorityMove move = MDG__AUTHORITY_MOVE__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    move.is_back = is_back;
    terminals.of_case = MDG__TERMINALS__OF_AUTHORITY_MOVE;
    terminals.authority_move = &move;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = terminals_call(ctl, &terminals, CTL_WRITE, NULL);
    return rc != 0
               ? rc
               : output_done(ctl, NULL, "%s", is_back ? _("The last step was undone.") : _("The next step was taken."));
}

static int run_authority_forward(struct ctl *ctl)
{
    return authority_move(ctl, false);
}

static int run_authority_back(struct ctl *ctl)
{
    return authority_move(ctl, true);
}

#define KIND_WORDS "counter office lounge door council display"

const struct ctl_command TERMINAL_COMMANDS[] = {
    {"terminal list", NULL, N_("Show all terminals."), run_list, {{0}}},
    {"terminal enrol",
     NULL,
     N_("Name a new terminal and show its one-time code."),
     run_enrol,
     {{"name", "NAME", N_("what it is called on every screen"), false, NULL},
      {"kind", "KIND", N_("what it is for"), false, KIND_WORDS},
      {"room", "ID", N_("the room of a door"), false, NULL},
      {"private", NULL, N_("it stands in a private room"), false, NULL},
      {"terminal", "ID", N_("instead: one that stands there enrols again"), false, NULL},
      {"wait", NULL, N_("wait for the machine and compare the check number"), false, NULL},
      {"yes", NULL, N_("with --wait: take the check number as the same"), false, NULL}}},
    {"terminal state", NULL, N_("Show how far the pending enrolment is."), run_state, {{0}}},
    {"terminal decide",
     NULL,
     N_("Say whether the machine shows the same check number."),
     run_decide,
     {{"same", NULL, N_("both show the same number"), false, NULL},
      {"different", NULL, N_("cancel the enrolment"), false, NULL}}},
    {"terminal change",
     "TERMINAL",
     N_("Change name, room, or whether it stands in a private room."),
     run_change,
     {{"name", "NAME", N_("new name"), false, NULL},
      {"room", "ID", N_("the room of a door"), false, NULL},
      {"private", NULL, N_("it stands in a private room"), false, NULL},
      {"not-private", NULL, N_("it stands where people pass"), false, NULL}}},
    {"terminal revoke",
     "TERMINAL",
     N_("Shut a terminal out at once and for good."),
     run_revoke,
     {{"reason", "TEXT", N_("why"), true, NULL}}},
    {"terminal unlock",
     "TERMINAL",
     N_("Let people sign in there again after too many wrong passphrases."),
     run_unlock,
     {{0}}},
    {"terminal renew", NULL, N_("Renew this terminal's certificate if it is time to."), run_renew, {{0}}},
    {"terminal authority", NULL, N_("Show how far the change of the authority is."), run_authority, {{0}}},
    {"terminal authority forward", NULL, N_("Take the next step of the change."), run_authority_forward, {{0}}},
    {"terminal authority back", NULL, N_("Undo the last step of the change."), run_authority_back, {{0}}},
    {0},
};
