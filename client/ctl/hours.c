/* client/ctl/hours.c - when the centre is open: opening hours from a day on, closed days, and what comes of them. */
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/hours_text.h"
#include "client/ctl/moment.h"
#include "client/ctl/output.h"
#include "common/locale.h"

#define ROW_OPENING_HOURS 8201u
#define ROW_CLOSED_DAY 8202u
#define SPANS_MAX 8

static int hours_call(struct ctl *ctl, Mdg__Hours *hours, enum ctl_access access, Mdg__Response **out)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_HOURS;
    body.hours = hours;
    return ctl_call(ctl, &body, access, NULL, out);
}

static int hours_write(struct ctl *ctl, Mdg__Hours *hours, int64_t *id)
{
    Mdg__Response *response = NULL;
    int rc = hours_call(ctl, hours, CTL_WRITE, &response);
    if (rc != 0) return rc;
    *id = response->object_id;
    mdg__response__free_unpacked(response, NULL);
    return 0;
}

static int day_option(struct ctl *ctl, const char *name, int32_t *day)
{
    const char *text = option_text(&ctl->options, name);
    int64_t now_us = ctl->client ? mdg_client_now_us(ctl->client) : 0;
    if (text && moment_day_parse(text, now_us, day) == 0) return 0;
    return ctl_fail(ctl, MDG_ERR_INVALID, _("--%s: please give a day such as 2026-11-24."), name);
}

static int operand_id(struct ctl *ctl, int64_t *id)
{
    if (number_parse(ctl->options.operand, 1, INT64_MAX, id) == 0) return 0;
    return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give the number; the list shows it."));
}

/* --- opening hours ------------------------------------------------------------------------------------ */

static json_t *span_json(const Mdg__OpenSpan *span)
{
    static const char *const DAYS[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", "holidays"};
    json_t *days = json_array();
    for (int i = 0; i < 8; i++)
        if (span->days & (UINT32_C(1) << i)) json_array_append_new(days, json_string(DAYS[i]));
    return json_pack("{s:o, s:i, s:i}", "days", days, "open_minute", (int)span->open_minute, "close_minute",
                     (int)span->close_minute);
}

static void on_hours(const Mdg__Row *row, void *arg)
{
    char text[400] = "";
    if (!row->body || row->body->domain_case != MDG__BODY__DOMAIN_HOURS ||
        row->body->hours->of_case != MDG__HOURS__OF_OPENING_HOURS_ROW)
        return;
    const Mdg__OpeningHours *hours = row->body->hours->opening_hours_row;
    json_t *spans = json_array();
    for (size_t i = 0; i < hours->n_spans; i++) {
        char span[120];
        size_t length = strlen(text);
        hours_span_text(hours->spans[i]->days, hours->spans[i]->open_minute, hours->spans[i]->close_minute, span,
                        sizeof span);
        snprintf(text + length, sizeof text - length, "%s%s", i > 0 ? "; " : "", span);
        json_array_append_new(spans, span_json(hours->spans[i]));
    }
    json_array_append_new(arg, json_pack("{s:I, s:i, s:I, s:o, s:s}", "id", (json_int_t)hours->id, "from_day",
                                         (int)hours->from_day, "rev", (json_int_t)row->rev, "spans", spans, "text",
                                         text[0] ? text : _("closed")));
}

static int by_from_day(const json_t *a, const json_t *b)
{
    json_int_t left = json_integer_value(json_object_get(a, "from_day"));
    json_int_t right = json_integer_value(json_object_get(b, "from_day"));
    return (left > right) - (left < right);
}

/* A few rows at most: put where they belong one by one. */
static json_t *rows_sorted(json_t *rows)
{
    json_t *sorted = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        size_t at = json_array_size(sorted);
        while (at > 0 && by_from_day(row, json_array_get(sorted, at - 1)) < 0) at--;
        json_array_insert(sorted, at, row);
    }
    json_decref(rows);
    return sorted;
}

static int rows_load(struct ctl *ctl, uint32_t kind, void (*each)(const Mdg__Row *row, void *arg), json_t **rows)
{
    json_t *found = json_array();
    int rc = mdg_replica_each(ctl->client, kind, each, found);
    *rows = rows_sorted(found);
    return rc;
}

/* The row of that number or of that first day; NULL. */
static const json_t *row_of(const json_t *rows, const char *key, int64_t value)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (json_integer_value(json_object_get(row, key)) == value) return row;
    }
    return NULL;
}

static int64_t number_of(const json_t *row, const char *key)
{
    return row ? json_integer_value(json_object_get(row, key)) : 0;
}

static int run_hours_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Number"), "id", CELL_NUMBER},
                                            {N_("From"), "from_day", CELL_DAY},
                                            {N_("Opening hours"), "text", CELL_TEXT},
                                            {NULL, NULL, CELL_TEXT}};
    json_t *rows = NULL;
    int rc = ctl_open(ctl, CTL_FEED | CTL_MAY_OFFLINE);
    if (rc == 0) rc = rows_load(ctl, ROW_OPENING_HOURS, on_hours, &rows);
    if (rc == 0) return output_table(ctl, json_pack("{s:o}", "hours", rows), "hours", COLUMNS);
    json_decref(rows);
    return rc;
}

static int spans_of_options(struct ctl *ctl, Mdg__OpenSpan *spans, Mdg__OpenSpan **pointers, size_t *count)
{
    const char *text;
    for (int i = 0; (text = option_nth(&ctl->options, "open", i)); i++) {
        if (*count == SPANS_MAX) return ctl_fail(ctl, MDG_ERR_INVALID, _("--open: these are too many."));
        Mdg__OpenSpan *span = &spans[*count];
        int open_minute, close_minute;
        mdg__open_span__init(span);
        if (hours_span_parse(text, &span->days, &open_minute, &close_minute) != 0)
            return ctl_fail(ctl, MDG_ERR_INVALID,
                            _("--open: please give days and hours such as weekdays=10:00-17:15."));
        span->open_minute = open_minute;
        span->close_minute = close_minute;
        pointers[(*count)++] = span;
    }
    return 0;
}

/* A set that begins on that day is changed, else a new one made. */
static int run_hours_set(struct ctl *ctl)
{
    Mdg__OpeningHoursSave save = MDG__OPENING_HOURS_SAVE__INIT;
    Mdg__Hours hours = MDG__HOURS__INIT;
    Mdg__OpenSpan spans[SPANS_MAX], *pointers[SPANS_MAX];
    json_t *rows = NULL;
    int64_t id = 0;
    hours.of_case = MDG__HOURS__OF_SAVE;
    hours.save = &save;
    save.spans = pointers;
    int rc = spans_of_options(ctl, spans, pointers, &save.n_spans);
    if (rc == 0) rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = day_option(ctl, "from", &save.from_day);
    if (rc == 0) rc = rows_load(ctl, ROW_OPENING_HOURS, on_hours, &rows);
    const json_t *row = rc == 0 ? row_of(rows, "from_day", save.from_day) : NULL;
    save.id = number_of(row, "id");
    save.rev = number_of(row, "rev");
    if (rc == 0) rc = hours_write(ctl, &hours, &id);
    if (rc == 0)
        rc = output_done(ctl, json_pack("{s:I, s:i}", "id", (json_int_t)id, "from_day", (int)save.from_day),
                         _("The opening hours have number %lld."), (long long)id);
    json_decref(rows);
    return rc;
}

static int run_hours_remove(struct ctl *ctl)
{
    Mdg__OpeningHoursRemove removal = MDG__OPENING_HOURS_REMOVE__INIT;
    Mdg__Hours hours = MDG__HOURS__INIT;
    json_t *rows = NULL;
    int64_t id = 0;
    hours.of_case = MDG__HOURS__OF_REMOVE;
    hours.remove = &removal;
    int rc = operand_id(ctl, &removal.id);
    if (rc == 0) rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = rows_load(ctl, ROW_OPENING_HOURS, on_hours, &rows);
    removal.rev = number_of(row_of(rows, "id", removal.id), "rev");
    if (rc == 0) rc = hours_write(ctl, &hours, &id);
    if (rc == 0)
        rc = output_done(ctl, json_pack("{s:I}", "id", (json_int_t)id), "%s", _("The opening hours are taken back."));
    json_decref(rows);
    return rc;
}

/* --- closed days -------------------------------------------------------------------------------------- */

static void on_closed(const Mdg__Row *row, void *arg)
{
    if (!row->body || row->body->domain_case != MDG__BODY__DOMAIN_HOURS ||
        row->body->hours->of_case != MDG__HOURS__OF_CLOSED_DAY_ROW)
        return;
    const Mdg__ClosedDay *closed = row->body->hours->closed_day_row;
    json_array_append_new(arg, json_pack("{s:I, s:i, s:i, s:s, s:I}", "id", (json_int_t)closed->id, "from_day",
                                         (int)closed->from_day, "to_day", (int)closed->to_day, "reason", closed->reason,
                                         "rev", (json_int_t)row->rev));
}

static int run_closed_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Number"), "id", CELL_NUMBER},
                                            {N_("First day"), "from_day", CELL_DAY},
                                            {N_("Last day"), "to_day", CELL_DAY},
                                            {N_("Reason"), "reason", CELL_TEXT},
                                            {NULL, NULL, CELL_TEXT}};
    json_t *rows = NULL;
    int rc = ctl_open(ctl, CTL_FEED | CTL_MAY_OFFLINE);
    if (rc == 0) rc = rows_load(ctl, ROW_CLOSED_DAY, on_closed, &rows);
    if (rc == 0) return output_table(ctl, json_pack("{s:o}", "closed", rows), "closed", COLUMNS);
    json_decref(rows);
    return rc;
}

/* What is not given stays as it is; a new one ends on its first day unless --to says more. */
static int closed_fill(struct ctl *ctl, const json_t *row, Mdg__ClosedDaySave *save)
{
    const char *reason = option_text(&ctl->options, "reason");
    save->rev = number_of(row, "rev");
    save->from_day = (int32_t)number_of(row, "from_day");
    save->to_day = (int32_t)number_of(row, "to_day");
    int rc = option_is_set(&ctl->options, "from") || !row ? day_option(ctl, "from", &save->from_day) : 0;
    if (rc == 0 && option_is_set(&ctl->options, "to"))
        rc = day_option(ctl, "to", &save->to_day);
    else if (rc == 0 && !row)
        save->to_day = save->from_day;
    if (rc == 0 && !row && !reason) rc = ctl_fail(ctl, MDG_ERR_INVALID, _("Please give --reason."));
    save->reason = (char *)(reason || !row ? reason : json_string_value(json_object_get(row, "reason")));
    return rc;
}

static int run_closed_add(struct ctl *ctl)
{
    Mdg__ClosedDaySave save = MDG__CLOSED_DAY_SAVE__INIT;
    Mdg__Hours hours = MDG__HOURS__INIT;
    json_t *rows = NULL;
    int64_t id = 0;
    hours.of_case = MDG__HOURS__OF_CLOSED_SAVE;
    hours.closed_save = &save;
    int rc = ctl->options.operand ? operand_id(ctl, &save.id) : 0;
    if (rc == 0) rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = rows_load(ctl, ROW_CLOSED_DAY, on_closed, &rows);
    const json_t *row = rc == 0 && save.id ? row_of(rows, "id", save.id) : NULL;
    if (rc == 0 && save.id && !row) rc = ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("There is no closed day of that number."));
    if (rc == 0) rc = closed_fill(ctl, row, &save);
    if (rc == 0) rc = hours_write(ctl, &hours, &id);
    if (rc == 0)
        rc = output_done(ctl,
                         json_pack("{s:I, s:i, s:i}", "id", (json_int_t)id, "from_day", (int)save.from_day, "to_day",
                                   (int)save.to_day),
                         _("The closed days have number %lld."), (long long)id);
    json_decref(rows);
    return rc;
}

static int run_closed_remove(struct ctl *ctl)
{
    Mdg__ClosedDayRemove removal = MDG__CLOSED_DAY_REMOVE__INIT;
    Mdg__Hours hours = MDG__HOURS__INIT;
    json_t *rows = NULL;
    int64_t id = 0;
    hours.of_case = MDG__HOURS__OF_CLOSED_REMOVE;
    hours.closed_remove = &removal;
    int rc = operand_id(ctl, &removal.id);
    if (rc == 0) rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = rows_load(ctl, ROW_CLOSED_DAY, on_closed, &rows);
    removal.rev = number_of(row_of(rows, "id", removal.id), "rev");
    if (rc == 0) rc = hours_write(ctl, &hours, &id);
    if (rc == 0)
        rc = output_done(ctl, json_pack("{s:I}", "id", (json_int_t)id), "%s", _("The closed days are taken back."));
    json_decref(rows);
    return rc;
}

/* --- the calendar ------------------------------------------------------------------------------------- */

static json_t *calendar_day_json(const Mdg__CalendarDay *day)
{
    char hours[40];
    bool is_open = day->close_minute > day->open_minute;
    if (is_open)
        snprintf(hours, sizeof hours, "%02d:%02d–%02d:%02d", (int)(day->open_minute / 60), (int)(day->open_minute % 60),
                 (int)(day->close_minute / 60), (int)(day->close_minute % 60));
    else
        snprintf(hours, sizeof hours, "%s", _("closed"));
    return json_pack("{s:i, s:b, s:i, s:i, s:s, s:s, s:s, s:s}", "day", (int)day->day, "is_open", is_open,
                     "open_minute", (int)day->open_minute, "close_minute", (int)day->close_minute, "holiday",
                     day->holiday, "closed_reason", day->closed_reason, "era_date", day->era_date, "text", hours);
}

static int run_calendar(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Day"), "day", CELL_DAY},
                                            {N_("Opening hours"), "text", CELL_TEXT},
                                            {N_("Holiday"), "holiday", CELL_TEXT},
                                            {N_("Closed for"), "closed_reason", CELL_TEXT},
                                            {NULL, NULL, CELL_TEXT}};
    static const struct column ERA_COLUMNS[] = {{N_("Day"), "era_date", CELL_TEXT},
                                                {N_("Opening hours"), "text", CELL_TEXT},
                                                {N_("Holiday"), "holiday", CELL_TEXT},
                                                {N_("Closed for"), "closed_reason", CELL_TEXT},
                                                {NULL, NULL, CELL_TEXT}};
    Mdg__CalendarQuery query = MDG__CALENDAR_QUERY__INIT;
    Mdg__Hours hours = MDG__HOURS__INIT;
    Mdg__Response *response = NULL;
    hours.of_case = MDG__HOURS__OF_CALENDAR;
    hours.calendar = &query;
    int rc = ctl_open(ctl, 0);
    if (rc == 0) rc = day_option(ctl, "from", &query.from_day);
    query.to_day = query.from_day;
    if (rc == 0 && option_is_set(&ctl->options, "to")) rc = day_option(ctl, "to", &query.to_day);
    if (rc == 0) rc = hours_call(ctl, &hours, CTL_READ, &response);
    if (rc != 0) return rc;
    json_t *days = json_array();
    if (response->body && response->body->domain_case == MDG__BODY__DOMAIN_HOURS &&
        response->body->hours->of_case == MDG__HOURS__OF_CALENDAR_LISTED) {
        const Mdg__CalendarListed *listed = response->body->hours->calendar_listed;
        for (size_t i = 0; i < listed->n_days; i++) json_array_append_new(days, calendar_day_json(listed->days[i]));
    }
    mdg__response__free_unpacked(response, NULL);
    bool is_era = option_is_set(&ctl->options, "era");
    return output_table(ctl, json_pack("{s:o}", "days", days), "days", is_era ? ERA_COLUMNS : COLUMNS);
}

const struct ctl_command HOURS_COMMANDS[] = {
    {"hours list", NULL, N_("Show the opening hours and from when they hold."), run_hours_list, {{0}}},
    {"hours set",
     NULL,
     N_("Set the opening hours from a day on; days that are not named are closed."),
     run_hours_set,
     {{"from", "DAY", N_("the first day; today or later"), true, NULL},
      {"open", "DAYS=HOURS", N_("e.g. weekdays=10:00-17:15 or sat,sun,holidays=13:00-17:15; may be repeated"), false,
       NULL}}},
    {"hours remove", "ID", N_("Take back opening hours that have not begun."), run_hours_remove, {{0}}},
    {"closed list", NULL, N_("Show the centre's closed days."), run_closed_list, {{0}}},
    {"closed add",
     "[ID]",
     N_("Close the centre for some days, or change the closed days of that number."),
     run_closed_add,
     {{"from", "DAY", N_("the first day; today or later"), false, NULL},
      {"to", "DAY", N_("the last day (the first)"), false, NULL},
      {"reason", "TEXT", N_("why, as visitors may read it"), false, NULL}}},
    {"closed remove", "ID", N_("Take back closed days that have not begun."), run_closed_remove, {{0}}},
    {"calendar",
     NULL,
     N_("Show for each day when the centre is open, holidays and closed days."),
     run_calendar,
     {{"from", "DAY", N_("the first day"), true, NULL},
      {"to", "DAY", N_("the last day (the first)"), false, NULL},
      {"era", NULL, N_("days in Japanese eras"), false, NULL}}},
    {0},
};
