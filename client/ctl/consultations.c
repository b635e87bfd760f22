/* client/ctl/consultations.c - cases of advice: taken in at the counter, read by their consultant. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/consultation_cases.h"
#include "client/ctl/consultation_text.h"
#include "client/ctl/families.h"
#include "client/ctl/moment.h"
#include "client/ctl/output.h"
#include "client/ctl/sending.h"
#include "common/locale.h"

#define MINUTES_MAX 1440
#define PEOPLE_MAX 999

/* --- options ------------------------------------------------------------------------------------------ */

static int number_option(struct ctl *ctl, const char *name, int64_t most, int32_t *out)
{
    const char *text = option_text(&ctl->options, name);
    int64_t number = 0;
    if (text && number_parse(text, 0, most, &number) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--%s: please give a number up to %lld."), name, (long long)most);
    if (text) *out = (int32_t)number;
    return 0;
}

static int account_option(struct ctl *ctl, const char *name, int64_t *out)
{
    const char *text = option_text(&ctl->options, name);
    if (text && number_parse(text, 1, INT64_MAX, out) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--%s: please give the number of the account."), name);
    return 0;
}

static int day_option(struct ctl *ctl, const char *name, int32_t *day)
{
    const char *text = option_text(&ctl->options, name);
    if (text && moment_day_parse(text, mdg_client_now_us(ctl->client), day) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--%s: please give a day such as 2026-11-24."), name);
    return 0;
}

static int time_option(struct ctl *ctl, int64_t *at_us)
{
    const char *text = option_text(&ctl->options, "at");
    *at_us = mdg_client_now_us(ctl->client);
    if (text && moment_parse(text, *at_us, at_us) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--at: please give a time such as 13:00 or 2026-11-24 13:00."));
    return 0;
}

/* --- text by way of the outbox ------------------------------------------------------------------------ */

/* What somebody typed must not be gone with a refusal: it is shown once more, to be taken over. */
static void give_back(const Mdg__ConsultationContent *content)
{
    if (!isatty(STDIN_FILENO) || !content->text || !content->text[0]) return;
    fprintf(stderr, "%s\n", _("It was not taken. What you wrote:"));
    if (content->contact[0]) fprintf(stderr, "%s\n", content->contact);
    fprintf(stderr, "%s\n", content->text);
}

static int text_submit(struct ctl *ctl, Mdg__Consultations *consultations, const Mdg__ConsultationContent *content,
                       struct sending *sending)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_CONSULTATIONS;
    body.consultations = consultations;
    int rc = sending_submit(ctl, &body, option_is_set(&ctl->options, "now"), sending);
    if (rc != 0) give_back(content);
    return rc;
}

static unsigned open_flags(const struct ctl *ctl)
{
    return CTL_FEED | (option_is_set(&ctl->options, "now") ? 0 : CTL_OUTBOX | CTL_MAY_OFFLINE);
}

static int intake_fill(struct ctl *ctl, Mdg__ConsultationIntake *intake)
{
    const struct ctl_options *options = &ctl->options;
    const char *group = option_text(options, "group");
    intake->channel = (Mdg__ConsultationChannel)consultation_channel_of(option_text(options, "channel"));
    intake->client = (Mdg__ConsultationClient)consultation_client_of(option_text(options, "client"));
    intake->topic = (char *)option_text(options, "topic");
    if (intake->channel == 0) return ctl_fail(ctl, MDG_ERR_INVALID, _("--channel: please give visit, phone or mail."));
    if (intake->client == 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--client: please give person, group, company or government."));
    int rc = number_option(ctl, "minutes", MINUTES_MAX, &intake->minutes);
    if (rc == 0) rc = number_option(ctl, "people", PEOPLE_MAX, &intake->people);
    if (rc == 0) rc = account_option(ctl, "owner", &intake->owner_id);
    if (rc == 0) rc = day_option(ctl, "follow-up", &intake->follow_up_day);
    if (rc == 0) rc = time_option(ctl, &intake->at_us);
    return rc == 0 && group ? consultation_group_find(ctl, group, &intake->group_id) : rc;
}

static int intake_done(struct ctl *ctl, const struct sending *sending, int64_t at_us)
{
    struct consultation_case made = {0};
    char sentence[200], number[32] = "";
    json_t *document = json_pack("{s:I}", "at_us", (json_int_t)at_us);
    if (!sending->is_waiting && consultation_case_opened(ctl, at_us, &made) == 0)
        snprintf(number, sizeof number, "%d-%d", made.fiscal_year, made.number);
    json_object_set_new(document, "id", json_integer(made.id));
    json_object_set_new(document, "number", json_string(number));
    snprintf(sentence, sizeof sentence, _("Case %s is open."), number);
    return sending_done(ctl, sending, document, sentence);
}

static int run_intake(struct ctl *ctl)
{
    Mdg__ConsultationIntake intake = MDG__CONSULTATION_INTAKE__INIT;
    Mdg__ConsultationContent content = MDG__CONSULTATION_CONTENT__INIT;
    Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
    struct sending sending;
    char *typed = NULL;
    consultations.of_case = MDG__CONSULTATIONS__OF_INTAKE;
    consultations.intake = &intake;
    intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_PLAIN;
    intake.plain = &content;
    int rc = ctl_open(ctl, open_flags(ctl));
    if (rc == 0) rc = intake_fill(ctl, &intake);
    if (rc == 0) rc = consultation_text_read(ctl, option_is_set(&ctl->options, "contact"), &content, &typed);
    if (rc == 0) rc = text_submit(ctl, &consultations, &content, &sending);
    consultation_text_free(typed);
    return rc == 0 ? intake_done(ctl, &sending, intake.at_us) : rc;
}

static int run_add(struct ctl *ctl)
{
    Mdg__ConsultationAdd add = MDG__CONSULTATION_ADD__INIT;
    Mdg__ConsultationContent content = MDG__CONSULTATION_CONTENT__INIT;
    Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
    struct consultation_case found;
    struct sending sending;
    char *typed = NULL, sentence[200];
    consultations.of_case = MDG__CONSULTATIONS__OF_ADD;
    consultations.add = &add;
    add.content_case = MDG__CONSULTATION_ADD__CONTENT_PLAIN;
    add.plain = &content;
    int rc = ctl_open(ctl, open_flags(ctl));
    if (rc == 0) rc = consultation_case_find(ctl, ctl->options.operand, &found);
    if (rc == 0) rc = number_option(ctl, "minutes", MINUTES_MAX, &add.minutes);
    if (rc == 0) rc = time_option(ctl, &add.at_us);
    if (rc == 0) rc = consultation_text_read(ctl, option_is_set(&ctl->options, "contact"), &content, &typed);
    if (rc == 0) {
        add.case_id = found.id;
        rc = text_submit(ctl, &consultations, &content, &sending);
    }
    consultation_text_free(typed);
    if (rc != 0) return rc;
    snprintf(sentence, sizeof sentence, _("An entry was added to case %d-%d."), found.fiscal_year, found.number);
    return sending_done(ctl, &sending, json_pack("{s:I}", "id", (json_int_t)found.id), sentence);
}

/* --- finding and reading ------------------------------------------------------------------------------ */

static int find_all(struct ctl *ctl, Mdg__ConsultationFind *find, json_t *rows)
{
    bool has_more = true;
    int rc = 0;
    while (rc == 0 && has_more) {
        Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
        Mdg__Response *response = NULL;
        consultations.of_case = MDG__CONSULTATIONS__OF_FIND;
        consultations.find = find;
        has_more = false;
        rc = consultations_call(ctl, &consultations, CTL_READ, &response);
        if (rc != 0) break;
        if (response->body && response->body->domain_case == MDG__BODY__DOMAIN_CONSULTATIONS &&
            response->body->consultations->of_case == MDG__CONSULTATIONS__OF_FOUND) {
            const Mdg__ConsultationFound *found = response->body->consultations->found;
            for (size_t i = 0; i < found->n_cases; i++)
                json_array_append_new(rows, consultation_head_json(found->cases[i]));
            has_more = found->has_more && found->n_cases > 0;
            if (has_more) find->after_id = found->cases[found->n_cases - 1]->id;
        }
        mdg__response__free_unpacked(response, NULL);
    }
    return rc;
}

static int run_find(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Case"), "number", CELL_TEXT},
                                            {N_("Opened"), "opened_us", CELL_INSTANT},
                                            {N_("Topic"), "topic", CELL_TEXT},
                                            {N_("Consultant"), "owner_id", CELL_NUMBER},
                                            {N_("Again on"), "follow_up_day", CELL_DAY},
                                            {N_("Entries"), "entries", CELL_NUMBER},
                                            {N_("Minutes"), "minutes", CELL_NUMBER},
                                            {N_("Closed"), "is_closed", CELL_MARK},
                                            {NULL, NULL, CELL_TEXT}};
    Mdg__ConsultationFind find = MDG__CONSULTATION_FIND__INIT;
    json_t *document = json_pack("{s:[]}", "cases");
    int rc = ctl_open(ctl, 0);
    if (ctl->options.operand) find.text = (char *)ctl->options.operand;
    find.with_closed = option_is_set(&ctl->options, "closed");
    if (rc == 0) rc = account_option(ctl, "owner", &find.owner_id);
    if (rc == 0) rc = day_option(ctl, "from", &find.from_day);
    if (rc == 0) rc = day_option(ctl, "to", &find.to_day);
    if (rc == 0) rc = find_all(ctl, &find, json_object_get(document, "cases"));
    if (rc == 0) return output_table(ctl, document, "cases", COLUMNS);
    json_decref(document);
    return rc;
}

static int text_take(struct ctl *ctl, const Mdg__ConsultationText *text, json_t *document)
{
    json_t *entries = json_object_get(document, "entries");
    json_object_set_new(document, "case", consultation_head_json(text->head));
    for (size_t i = 0; i < text->n_entries; i++)
        json_array_append_new(entries, consultation_entry_json(text->entries[i]));
    if (!ctl->options.is_json) consultation_text_print(text);
    return 0;
}

static int read_all(struct ctl *ctl, Mdg__ConsultationRead *read, json_t *document)
{
    bool has_more = true;
    int rc = 0;
    while (rc == 0 && has_more) {
        Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
        Mdg__Response *response = NULL;
        consultations.of_case = MDG__CONSULTATIONS__OF_READ;
        consultations.read = read;
        has_more = false;
        rc = consultations_call(ctl, &consultations, CTL_READ, &response);
        if (rc != 0) break;
        if (response->body && response->body->domain_case == MDG__BODY__DOMAIN_CONSULTATIONS &&
            response->body->consultations->of_case == MDG__CONSULTATIONS__OF_TEXT &&
            response->body->consultations->text->head) {
            const Mdg__ConsultationText *text = response->body->consultations->text;
            rc = text_take(ctl, text, document);
            has_more = text->has_more && text->n_entries > 0;
            if (has_more) read->after_entry_id = text->entries[text->n_entries - 1]->id;
        }
        mdg__response__free_unpacked(response, NULL);
    }
    return rc;
}

static int run_read(struct ctl *ctl)
{
    Mdg__ConsultationRead read = MDG__CONSULTATION_READ__INIT;
    struct consultation_case found;
    json_t *document = json_pack("{s:[]}", "entries");
    const char *reason = option_text(&ctl->options, "reason");
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = consultation_case_find(ctl, ctl->options.operand, &found);
    if (rc == 0) {
        read.case_id = found.id;
        if (reason) read.reason = (char *)reason;
        rc = read_all(ctl, &read, document);
    }
    if (rc == 0)
        return output_done(ctl, document, _("Case %d-%d. That you read it was recorded."), found.fiscal_year,
                           found.number);
    json_decref(document);
    return rc;
}

/* --- what becomes of it ------------------------------------------------------------------------------- */

static int change(struct ctl *ctl, Mdg__Consultations *consultations, const struct consultation_case *found,
                  const char *sentence)
{
    int rc = consultations_call(ctl, consultations, CTL_WRITE, NULL);
    if (rc != 0) return rc;
    return output_done(ctl, json_pack("{s:I}", "id", (json_int_t)found->id), "%s", sentence);
}

static int run_follow_up(struct ctl *ctl)
{
    Mdg__ConsultationFollowUp follow_up = MDG__CONSULTATION_FOLLOW_UP__INIT;
    Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
    struct consultation_case found;
    consultations.of_case = MDG__CONSULTATIONS__OF_FOLLOW_UP;
    consultations.follow_up = &follow_up;
    if (option_is_set(&ctl->options, "none") == option_is_set(&ctl->options, "on"))
        return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give either --on or --none."));
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = consultation_case_find(ctl, ctl->options.operand, &found);
    if (rc == 0) rc = day_option(ctl, "on", &follow_up.day);
    if (rc == 0) rc = account_option(ctl, "owner", &follow_up.owner_id);
    if (rc != 0) return rc;
    follow_up.case_id = found.id;
    follow_up.rev = found.rev;
    return change(ctl, &consultations, &found, _("The follow-up is noted."));
}

static int run_close(struct ctl *ctl)
{
    Mdg__ConsultationClose close = MDG__CONSULTATION_CLOSE__INIT;
    Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
    struct consultation_case found;
    const char *referral = option_text(&ctl->options, "referral");
    consultations.of_case = MDG__CONSULTATIONS__OF_CLOSE;
    consultations.close = &close;
    close.outcome = (Mdg__ConsultationOutcome)consultation_outcome_of(option_text(&ctl->options, "outcome"));
    if (referral) close.referral = (char *)referral;
    if (close.outcome == 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--outcome: please give solved, referred or ended."));
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = consultation_case_find(ctl, ctl->options.operand, &found);
    if (rc != 0) return rc;
    close.case_id = found.id;
    close.rev = found.rev;
    return change(ctl, &consultations, &found, _("The case is closed. Its text is kept for three years."));
}

static int run_assign(struct ctl *ctl)
{
    Mdg__ConsultationAssign assign = MDG__CONSULTATION_ASSIGN__INIT;
    Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
    struct consultation_case found;
    consultations.of_case = MDG__CONSULTATIONS__OF_ASSIGN;
    consultations.assign = &assign;
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = consultation_case_find(ctl, ctl->options.operand, &found);
    if (rc == 0) rc = account_option(ctl, "owner", &assign.owner_id);
    if (rc != 0) return rc;
    assign.case_id = found.id;
    assign.rev = found.rev;
    return change(ctl, &consultations, &found, _("The case has its consultant."));
}

#define OPTION_CONTACT                                                                           \
    {                                                                                            \
        "contact", NULL, N_("the first line of the input is name and how to reach"), false, NULL \
    }
#define OPTION_NOW                                                    \
    {                                                                 \
        "now", NULL, N_("insist on the server's answer"), false, NULL \
    }
#define OPTION_AT                                                                 \
    {                                                                             \
        "at", "TIME", N_("when, as 13:00 or 2026-11-24 13:00 (now)"), false, NULL \
    }

const struct ctl_command CONSULTATION_COMMANDS[] = {
    {"consultation intake",
     NULL,
     N_("Open a case. The text is read from the input; without the server it waits, sealed."),
     run_intake,
     {{"channel", "WORD", N_("visit, phone or mail"), true, "visit phone mail"},
      {"client", "WORD", N_("person, group, company or government"), true, "person group company government"},
      {"topic", "TEXT", N_("what it is about, for the statistics; no names"), true, NULL},
      {"group", "NUMBER", N_("the group that asks"), false, NULL},
      {"people", "N", N_("how many came"), false, NULL},
      {"minutes", "N", N_("how long it took"), false, NULL},
      {"owner", "ACCOUNT", N_("the consultant who gets it, by the number of the account"), false, NULL},
      {"follow-up", "DAY", N_("when to look at it again"), false, NULL},
      OPTION_AT,
      OPTION_CONTACT,
      OPTION_NOW}},
    {"consultation add",
     "CASE",
     N_("Add an entry to an open case, without reading it. The text is read from the input."),
     run_add,
     {{"minutes", "N", N_("how long it took"), false, NULL}, OPTION_AT, OPTION_CONTACT, OPTION_NOW}},
    {"consultation find",
     "[TEXT]",
     N_("Find cases by number, group or topic, never by their text."),
     run_find,
     {{"owner", "ACCOUNT", N_("of this consultant"), false, NULL},
      {"from", "DAY", N_("opened from this day on"), false, NULL},
      {"to", "DAY", N_("opened until this day"), false, NULL},
      {"closed", NULL, N_("closed ones too"), false, NULL}}},
    {"consultation read",
     "CASE",
     N_("Read a case. Every reading is recorded."),
     run_read,
     {{"reason", "TEXT", N_("why, if it is another's case; office and consultant are told"), false, NULL}}},
    {"consultation follow-up",
     "CASE",
     N_("Set when to look at a case again, and who does."),
     run_follow_up,
     {{"on", "DAY", N_("the day"), false, NULL},
      {"none", NULL, N_("not any more"), false, NULL},
      {"owner", "ACCOUNT", N_("hand it to this consultant"), false, NULL}}},
    {"consultation close",
     "CASE",
     N_("Close a case with its outcome."),
     run_close,
     {{"outcome", "WORD", N_("solved, referred or ended"), true, "solved referred ended"},
      {"referral", "TEXT", N_("referred to whom; no names of persons"), false, NULL}}},
    {"consultation assign",
     "CASE",
     N_("Give a case to a consultant."),
     run_assign,
     {{"owner", "ACCOUNT", N_("the consultant, by the number of the account"), true, NULL}}},
    {0},
};
