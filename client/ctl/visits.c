/* client/ctl/visits.c - counting visitors: the main job. A count is kept in the outbox first, so it is never lost; when
 * the server is there, its answer is waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/moment.h"
#include "client/ctl/output.h"
#include "client/ctl/sending.h"
#include "client/ctl/visit_names.h"
#include "common/bytes.h"
#include "common/day.h"
#include "common/locale.h"

#define FEED_MS_MAX 2000 /* a change follows its answer within moments */
#define FEED_STEP_MS 10
#define PEOPLE_MAX 9999

/* A write by way of the outbox; --now insists on the server. */
static int visits_submit(struct ctl *ctl, Mdg__Visits *visits, struct sending *sending)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    body.visits = visits;
    return sending_submit(ctl, &body, option_is_set(&ctl->options, "now"), sending);
}

static int visits_call(struct ctl *ctl, Mdg__Visits *visits, enum ctl_access access, const uint8_t *key,
                       Mdg__Response **out)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    body.visits = visits;
    return ctl_call(ctl, &body, access, key, out);
}

/* --- count, undo, correct ----------------------------------------------------------------------------- */

static int count_fill(struct ctl *ctl, const struct visit_names *names, Mdg__VisitCount *count)
{
    const struct ctl_options *options = &ctl->options;
    const char *people = option_text(options, "people"), *at = option_text(options, "at");
    bool is_nobody = option_is_set(options, "nobody");
    int64_t number = 1;
    if (is_nobody && (people || option_is_set(options, "purpose") || option_is_set(options, "estimate")))
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--nobody goes without --people, --purpose and --estimate."));
    if (people && number_parse(people, 1, PEOPLE_MAX, &number) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--people: please give a number from 1 to %d."), PEOPLE_MAX);
    count->people = is_nobody ? 0 : (int32_t)number;
    count->at_us = mdg_client_now_us(ctl->client);
    if (at && moment_parse(at, count->at_us, &count->at_us) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--at: please give a time such as 13:00 or 2026-11-24 13:00."));
    count->is_estimate = option_is_set(options, "estimate");
    int rc = visit_place_find(ctl, names, option_text(options, "place"), &count->place_id);
    if (rc != 0 || is_nobody) return rc;
    return visit_purpose_find(ctl, names, count->place_id, option_text(options, "purpose"), &count->purpose_id);
}

struct key_look {
    const uint8_t *key;
    bool is_there;
};

static void on_key_row(const Mdg__Row *row, void *arg)
{
    struct key_look *look = arg;
    const ProtobufCBinaryData *key = &row->body->visits->visit_row->count_key;
    if (key->len == MDG_KEY_BYTES && memcmp(key->data, look->key, MDG_KEY_BYTES) == 0) look->is_there = true;
}

/* The server's answer overtakes the change itself. An undo without the network looks into the replica, so the replica
 * must know what was answered before this program ends. */
static void count_await(struct ctl *ctl, const struct sending *sending, const uint8_t key[MDG_KEY_BYTES], bool is_there)
{
    struct key_look look = {.key = key};
    for (unsigned waited_ms = 0; !sending->is_waiting && waited_ms < FEED_MS_MAX; waited_ms += FEED_STEP_MS) {
        look.is_there = false;
        if (mdg_replica_each(ctl->client, ROW_VISIT, on_key_row, &look) != 0 || look.is_there == is_there) return;
        ctl_wait(ctl, FEED_STEP_MS);
    }
}

static int run_count(struct ctl *ctl)
{
    Mdg__VisitCount count = MDG__VISIT_COUNT__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    struct visit_names names = {0};
    struct sending sending;
    bool is_now = option_is_set(&ctl->options, "now");
    visits.of_case = MDG__VISITS__OF_COUNT;
    visits.count = &count;
    int rc = ctl_open(ctl, CTL_FEED | (is_now ? 0 : CTL_OUTBOX | CTL_MAY_OFFLINE));
    if (rc == 0) rc = visit_names_load(ctl, &names);
    if (rc == 0) rc = count_fill(ctl, &names, &count);
    if (rc == 0) rc = visits_submit(ctl, &visits, &sending);
    if (rc == 0 && !option_text(&ctl->options, "at")) count_await(ctl, &sending, sending.key, true);
    if (rc == 0) {
        char sentence[400];
        const char *place = visit_place_name(&names, count.place_id);
        if (count.people == 0)
            snprintf(sentence, sizeof sentence, _("%s: looked, nobody there."), place);
        else
            snprintf(sentence, sizeof sentence,
                     ngettext("%s, %s: %d person counted.", "%s, %s: %d people counted.", (unsigned)count.people),
                     place, visit_purpose_name(&names, count.purpose_id), (int)count.people);
        json_t *document = json_pack("{s:I, s:I, s:i, s:I, s:b}", "place_id", (json_int_t)count.place_id, "purpose_id",
                                     (json_int_t)count.purpose_id, "people", (int)count.people, "at_us",
                                     (json_int_t)count.at_us, "is_estimate", count.is_estimate);
        rc = sending_done(ctl, &sending, document, sentence);
    }
    visit_names_fini(&names);
    return rc;
}

struct last_count {
    int64_t terminal_id;
    int32_t today;
    int64_t id;
    json_t *undone; /* keys in hex of the counts for which an undo waits */
    bool has_key;
    uint8_t key[MDG_KEY_BYTES];
};

/* The call of a waiting item, if it is that one. */
static const Mdg__Visits *waiting_visits(const struct mdg_outbox_item *item, Mdg__Visits__OfCase call)
{
    const Mdg__Body *body = item->body;
    if (item->state != MDG_OUTBOX_UNSENT || !body || body->domain_case != MDG__BODY__DOMAIN_VISITS) return NULL;
    return body->visits->of_case == call ? body->visits : NULL;
}

static void on_waiting_undo(const struct mdg_outbox_item *item, void *arg)
{
    struct last_count *last = arg;
    char hex[2 * MDG_KEY_BYTES + 1];
    const Mdg__Visits *visits = waiting_visits(item, MDG__VISITS__OF_UNDO);
    if (!visits || visits->undo->count_key.len != MDG_KEY_BYTES) return;
    bytes_to_hex(visits->undo->count_key.data, MDG_KEY_BYTES, hex);
    json_object_set_new(last->undone, hex, json_true());
}

/* Takes the count as the last one, unless it is of another day or being taken back already. */
static bool last_count_take(struct last_count *last, const uint8_t key[MDG_KEY_BYTES], int64_t at_us)
{
    char hex[2 * MDG_KEY_BYTES + 1];
    bytes_to_hex(key, MDG_KEY_BYTES, hex);
    if (day_of_us(at_us) != last->today || json_object_get(last->undone, hex)) return false;
    memcpy(last->key, key, MDG_KEY_BYTES);
    last->has_key = true;
    return true;
}

static void on_waiting_count(const struct mdg_outbox_item *item, void *arg)
{
    const Mdg__Visits *visits = waiting_visits(item, MDG__VISITS__OF_COUNT);
    if (visits) last_count_take(arg, item->key, visits->count->at_us);
}

static void on_visit_row(const Mdg__Row *row, void *arg)
{
    struct last_count *last = arg;
    if (!row->body || row->body->domain_case != MDG__BODY__DOMAIN_VISITS ||
        row->body->visits->of_case != MDG__VISITS__OF_VISIT_ROW)
        return;
    const Mdg__Visit *visit = row->body->visits->visit_row;
    if (visit->terminal_id != last->terminal_id || visit->corrects_id != 0 || visit->id <= last->id ||
        visit->count_key.len != MDG_KEY_BYTES)
        return;
    if (last_count_take(last, visit->count_key.data, visit->at_us)) last->id = visit->id;
}

/* What waits was made last, so it goes first; else the newest of today that this terminal made. */
static int last_count_find(struct ctl *ctl, uint8_t key[MDG_KEY_BYTES])
{
    struct mdg_centre centre;
    struct last_count last = {.undone = json_object()};
    mdg_client_centre(ctl->client, &centre);
    last.terminal_id = centre.terminal_id;
    last.today = day_of_us(mdg_client_now_us(ctl->client));
    int rc = mdg_outbox_each(ctl->client, on_waiting_undo, &last);
    if (rc == 0) rc = mdg_outbox_each(ctl->client, on_waiting_count, &last);
    if (rc == MDG_ERR_FORBIDDEN) rc = 0; /* a terminal without an outbox */
    if (rc == 0 && !last.has_key) rc = mdg_replica_each(ctl->client, ROW_VISIT, on_visit_row, &last);
    json_decref(last.undone);
    if (rc != 0) return rc;
    if (!last.has_key)
        return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("This terminal has counted nothing today that could be taken back."));
    memcpy(key, last.key, MDG_KEY_BYTES);
    return 0;
}

static int key_parse(const char *text, uint8_t key[MDG_KEY_BYTES])
{
    if (strlen(text) != 2 * MDG_KEY_BYTES || strspn(text, "0123456789abcdefABCDEF") != 2 * MDG_KEY_BYTES)
        return MDG_ERR_INVALID;
    for (size_t i = 0; i < MDG_KEY_BYTES; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        key[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return 0;
}

static int run_undo(struct ctl *ctl)
{
    Mdg__VisitUndo undo = MDG__VISIT_UNDO__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    struct sending sending;
    uint8_t count_key[MDG_KEY_BYTES];
    char hex[2 * MDG_KEY_BYTES + 1];
    const char *given = option_text(&ctl->options, "key");
    bool is_now = option_is_set(&ctl->options, "now");
    if (given && key_parse(given, count_key) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--key: please give the key that “visit count --json” told."));
    int rc = ctl_open(ctl, CTL_FEED | (is_now ? 0 : CTL_OUTBOX | CTL_MAY_OFFLINE));
    if (rc == 0 && !given) rc = last_count_find(ctl, count_key);
    if (rc != 0) return rc;
    undo.count_key.data = count_key;
    undo.count_key.len = MDG_KEY_BYTES;
    visits.of_case = MDG__VISITS__OF_UNDO;
    visits.undo = &undo;
    rc = visits_submit(ctl, &visits, &sending);
    if (rc != 0) return rc;
    count_await(ctl, &sending, count_key, false);
    bytes_to_hex(count_key, MDG_KEY_BYTES, hex);
    return sending_done(ctl, &sending, json_pack("{s:s}", "undone_key", hex), _("The count was taken back."));
}

static int run_correct(struct ctl *ctl)
{
    Mdg__VisitCorrect correct = MDG__VISIT_CORRECT__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    Mdg__Response *response = NULL;
    int64_t people;
    if (number_parse(ctl->options.operand, 1, INT64_MAX, &correct.visit_id) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give the number of the count; “visit list” shows it."));
    if (number_parse(option_text(&ctl->options, "people"), 0, PEOPLE_MAX, &people) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--people: please give a number from 0 to %d."), PEOPLE_MAX);
    correct.people = (int32_t)people;
    correct.reason = (char *)option_text(&ctl->options, "reason");
    visits.of_case = MDG__VISITS__OF_CORRECT;
    visits.correct = &correct;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = visits_call(ctl, &visits, CTL_WRITE, NULL, &response);
    if (rc != 0) return rc;
    json_t *document = json_pack("{s:I, s:I, s:i}", "visit_id", (json_int_t)correct.visit_id, "correction_id",
                                 (json_int_t)response->object_id, "people", (int)people);
    mdg__response__free_unpacked(response, NULL);
    return output_done(ctl, document, _("The count was corrected."));
}

/* --- reading back ------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    Mdg__VisitStep step;
} STEPS[] = {{"month", MDG__VISIT_STEP__VISIT_STEP_MONTH},
             {"day", MDG__VISIT_STEP__VISIT_STEP_DAY},
             {"hour", MDG__VISIT_STEP__VISIT_STEP_HOUR},
             {"half-hour", MDG__VISIT_STEP__VISIT_STEP_HALF_HOUR}};

/* --from and --to, today where they are not given. */
static int span_parse(struct ctl *ctl, int32_t *from_day, int32_t *to_day)
{
    const char *from = option_text(&ctl->options, "from"), *to = option_text(&ctl->options, "to");
    int64_t now_us = mdg_client_now_us(ctl->client);
    if (moment_day_parse(from ? from : "today", now_us, from_day) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--from: please give a day such as 2026-11-24."));
    *to_day = from ? *from_day : day_of_us(now_us);
    if (to && moment_day_parse(to, now_us, to_day) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--to: please give a day such as 2026-11-24."));
    if (*to_day < *from_day) return ctl_fail(ctl, MDG_ERR_INVALID, _("--to lies before --from. Please check both."));
    return 0;
}

static json_t *total_json(const struct ctl *ctl, const struct visit_names *names, const Mdg__VisitTotal *total)
{
    const char *nobody = ctl->options.is_json ? "" : _("(nobody there)"); /* JSON is the same in every language */
    const char *purpose = total->purpose_id != 0 ? visit_purpose_name(names, total->purpose_id) : nobody;
    return json_pack("{s:i, s:i, s:I, s:s, s:I, s:s, s:I, s:I, s:I}", "day", (int)total->day, "slot", (int)total->slot,
                     "place_id", (json_int_t)total->place_id, "place", visit_place_name(names, total->place_id),
                     "purpose_id", (json_int_t)total->purpose_id, "purpose", purpose, "people",
                     (json_int_t)total->people, "lines", (json_int_t)total->lines, "estimated",
                     (json_int_t)total->estimated);
}

static int totals_all(struct ctl *ctl, const struct visit_names *names, Mdg__VisitTotals *totals, json_t *document)
{
    json_t *rows = json_object_get(document, "totals");
    char *cursor = NULL;
    int rc = 0;
    do {
        Mdg__Visits visits = MDG__VISITS__INIT;
        Mdg__Response *response = NULL;
        totals->cursor = cursor ? cursor : (char *)"";
        visits.of_case = MDG__VISITS__OF_TOTALS;
        visits.totals = totals;
        rc = visits_call(ctl, &visits, CTL_READ, NULL, &response);
        free(cursor);
        cursor = NULL;
        if (rc != 0) break;
        if (response->body && response->body->domain_case == MDG__BODY__DOMAIN_VISITS &&
            response->body->visits->of_case == MDG__VISITS__OF_TOTALS_LISTED) {
            const Mdg__VisitTotalsListed *listed = response->body->visits->totals_listed;
            for (size_t i = 0; i < listed->n_totals; i++)
                json_array_append_new(rows, total_json(ctl, names, listed->totals[i]));
            json_object_set_new(document, "as_of_day", json_integer(listed->as_of_day));
            if (listed->next_cursor[0]) cursor = strdup(listed->next_cursor);
        }
        mdg__response__free_unpacked(response, NULL);
    } while (cursor);
    return rc;
}

#define TOTAL_COLUMNS                                                                                                \
    {N_("Place"), "place", CELL_TEXT}, {N_("Purpose"), "purpose", CELL_TEXT}, {N_("People"), "people", CELL_NUMBER}, \
        {N_("Counts"), "lines", CELL_NUMBER}, {N_("Estimated"), "estimated", CELL_NUMBER},                           \
    {                                                                                                                \
        NULL, NULL, CELL_TEXT                                                                                        \
    }

static const struct column *total_columns(Mdg__VisitStep step)
{
    static const struct column MONTHS[] = {{N_("Month"), "day", CELL_MONTH}, TOTAL_COLUMNS};
    static const struct column DAYS[] = {{N_("Day"), "day", CELL_DAY}, TOTAL_COLUMNS};
    static const struct column SLOTS[] = {{N_("Day"), "day", CELL_DAY}, {N_("From"), "slot", CELL_SLOT}, TOTAL_COLUMNS};
    if (step == MDG__VISIT_STEP__VISIT_STEP_MONTH) return MONTHS;
    return step == MDG__VISIT_STEP__VISIT_STEP_DAY ? DAYS : SLOTS;
}

static int run_totals(struct ctl *ctl)
{
    Mdg__VisitTotals totals = MDG__VISIT_TOTALS__INIT;
    struct visit_names names = {0};
    const char *by = option_text(&ctl->options, "by");
    totals.step = MDG__VISIT_STEP__VISIT_STEP_NONE;
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        if (strcmp(STEPS[i].word, by ? by : "day") == 0) totals.step = STEPS[i].step;
    }
    if (totals.step == MDG__VISIT_STEP__VISIT_STEP_NONE)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--by: please give month, day, hour or half-hour."));
    json_t *document = json_pack("{s:s, s:[]}", "by", by ? by : "day", "totals");
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = span_parse(ctl, &totals.from_day, &totals.to_day);
    if (rc == 0) rc = visit_names_load(ctl, &names);
    if (rc == 0) rc = totals_all(ctl, &names, &totals, document);
    visit_names_fini(&names);
    if (rc == 0) return output_table(ctl, document, "totals", total_columns(totals.step));
    json_decref(document);
    return rc;
}

static int visits_all(struct ctl *ctl, const struct visit_names *names, Mdg__VisitList *list, json_t *rows)
{
    bool has_more = true;
    int rc = 0;
    while (rc == 0 && has_more) {
        Mdg__Visits visits = MDG__VISITS__INIT;
        Mdg__Response *response = NULL;
        visits.of_case = MDG__VISITS__OF_LIST;
        visits.list = list;
        has_more = false;
        rc = visits_call(ctl, &visits, CTL_READ, NULL, &response);
        if (rc != 0) break;
        if (response->body && response->body->domain_case == MDG__BODY__DOMAIN_VISITS &&
            response->body->visits->of_case == MDG__VISITS__OF_LISTED) {
            const Mdg__VisitListed *listed = response->body->visits->listed;
            for (size_t i = 0; i < listed->n_visits; i++) {
                json_array_append_new(rows, visit_json(names, listed->visits[i]));
                list->after_id = listed->visits[i]->id;
                list->after_us = listed->visits[i]->at_us;
            }
            has_more = listed->has_more && listed->n_visits > 0;
        }
        mdg__response__free_unpacked(response, NULL);
    }
    return rc;
}

static int run_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {
        {N_("Number"), "id", CELL_NUMBER},     {N_("Time"), "at_us", CELL_INSTANT},
        {N_("Place"), "place", CELL_TEXT},     {N_("Purpose"), "purpose", CELL_TEXT},
        {N_("People"), "people", CELL_NUMBER}, {N_("Estimate"), "is_estimate", CELL_MARK},
        {N_("Reason"), "reason", CELL_TEXT},   {NULL, NULL, CELL_TEXT}};
    Mdg__VisitList list = MDG__VISIT_LIST__INIT;
    struct visit_names names = {0};
    int32_t from_day = 0, to_day = 0;
    json_t *document = json_pack("{s:[]}", "visits");
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = span_parse(ctl, &from_day, &to_day);
    if (rc == 0) rc = visit_names_load(ctl, &names);
    if (rc == 0) {
        list.from_us = day_to_us(from_day, 0);
        list.to_us = day_to_us(day_add(to_day, 1), 0);
        rc = visits_all(ctl, &names, &list, json_object_get(document, "visits"));
    }
    visit_names_fini(&names);
    if (rc == 0) return output_table(ctl, document, "visits", COLUMNS);
    json_decref(document);
    return rc;
}

const struct ctl_command VISIT_COMMANDS[] = {
    {"visit count",
     NULL,
     N_("Count visitors. Without the server the count is kept and sent later."),
     run_count,
     {{"place", "PLACE", N_("where, by name or number; may be left out when there is only one"), false, NULL},
      {"purpose", "PURPOSE", N_("what for, by name or number; may be left out when there is only one"), false, NULL},
      {"people", "N", N_("how many at once (1)"), false, NULL},
      {"at", "TIME", N_("when, as 13:00 or 2026-11-24 13:00 (now)"), false, NULL},
      {"estimate", NULL, N_("a hand estimate, marked wherever it is shown"), false, NULL},
      {"nobody", NULL, N_("looked, nobody there"), false, NULL},
      {"now", NULL, N_("insist on the server's answer"), false, NULL}}},
    {"visit undo",
     NULL,
     N_("Take back a count of this terminal and day, the last one unless --key names it."),
     run_undo,
     {{"key", "KEY", N_("the key of the count"), false, NULL},
      {"now", NULL, N_("insist on the server's answer"), false, NULL}}},
    {"visit correct",
     "ID",
     N_("Correct a count by a new line with the reason."),
     run_correct,
     {{"people", "N", N_("what it should have been"), true, NULL},
      {"reason", "TEXT", N_("why, in your own words"), true, NULL}}},
    {"visit totals",
     NULL,
     N_("Show totals by place and purpose."),
     run_totals,
     {{"from", "DAY", N_("first day (today)"), false, NULL},
      {"to", "DAY", N_("last day (the first one)"), false, NULL},
      {"by", "STEP", N_("month, day, hour or half-hour (day)"), false, "month day hour half-hour"}}},
    {"visit list",
     NULL,
     N_("Show the single counts."),
     run_list,
     {{"from", "DAY", N_("first day (today)"), false, NULL},
      {"to", "DAY", N_("last day (the first one)"), false, NULL}}},
    {0},
};
