#include "server/hours/hours_domain.h"

#include "server/hours/hours_handlers.h"
#include "server/hours/hours_rules.h"
#include "server/hours/hours_wire.h"

/* --- what is fed -------------------------------------------------------------------------------------- */

#define KIND_OPENING_HOURS FEED_KIND(MDG__BODY__DOMAIN_HOURS, MDG__HOURS__OF_OPENING_HOURS_ROW)
#define KIND_CLOSED_DAY FEED_KIND(MDG__BODY__DOMAIN_HOURS, MDG__HOURS__OF_CLOSED_DAY_ROW)
#define KIND_HOLIDAY FEED_KIND(MDG__BODY__DOMAIN_HOURS, MDG__HOURS__OF_HOLIDAY_ROW)

struct collect {
    const struct feed_query *query;
    struct feed_rows *rows;
};

static int collect_hours(void *arg, const struct opening_hours *hours)
{
    const struct collect *collect = arg;
    void *body;
    if (hours->is_removed) return row_feed(collect->rows, KIND_OPENING_HOURS, hours->id, hours->rev, 0, NULL);
    Mdg__Row *row = row_new(collect->query->arena, KIND_OPENING_HOURS, &body);
    int rc = row ? opening_hours_to_wire(collect->query->arena, hours, body) : MDG_ERR_MEMORY;
    return rc == 0 ? row_feed(collect->rows, KIND_OPENING_HOURS, hours->id, hours->rev, 0, row) : rc;
}

static int collect_closed(void *arg, const struct closed_day *closed)
{
    const struct collect *collect = arg;
    void *body;
    if (closed->is_removed)
        return row_feed(collect->rows, KIND_CLOSED_DAY, closed->id, closed->rev, closed->to_day, NULL);
    Mdg__Row *row = row_new(collect->query->arena, KIND_CLOSED_DAY, &body);
    int rc = row ? closed_day_to_wire(collect->query->arena, closed, body) : MDG_ERR_MEMORY;
    return rc == 0 ? row_feed(collect->rows, KIND_CLOSED_DAY, closed->id, closed->rev, closed->to_day, row) : rc;
}

/* A day is its own number. */
static int collect_holiday(void *arg, const struct holiday *holiday)
{
    const struct collect *collect = arg;
    void *body;
    if (holiday->is_removed)
        return row_feed(collect->rows, KIND_HOLIDAY, holiday->day, holiday->rev, holiday->day, NULL);
    Mdg__Row *row = row_new(collect->query->arena, KIND_HOLIDAY, &body);
    int rc = row ? holiday_to_wire(collect->query->arena, holiday, body) : MDG_ERR_MEMORY;
    return rc == 0 ? row_feed(collect->rows, KIND_HOLIDAY, holiday->day, holiday->rev, holiday->day, row) : rc;
}

static int feed_hours(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return opening_hours_changed(db, query->since_rev, query->limit, collect_hours, &collect);
}

static int feed_closed(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return closed_day_changed(db, query->from_day, query->since_rev, query->limit, collect_closed, &collect);
}

static int feed_holidays(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return holiday_changed(db, query->from_day, query->since_rev, query->limit, collect_holiday, &collect);
}

static const struct feed_source SOURCES[] = {
    {KIND_OPENING_HOURS, VIEW_EVERY, NULL, feed_hours},
    {KIND_CLOSED_DAY, VIEW_EVERY, hours_horizon, feed_closed},
    {KIND_HOLIDAY, VIEW_EVERY, hours_horizon, feed_holidays},
};

/* --- calls -------------------------------------------------------------------------------------------- */

#define OFFICE_WRITES \
    .roles = ROLE_BIT_OFFICE, .kinds = KINDS_STAFF, .scope = SCOPE_CENTRE, .access = ROUTE_WRITE, .audit = AUDIT_CHANGE

static const struct route ROUTES[] = {
    {.name = "hours.save", .op = MDG__HOURS__OF_SAVE, OFFICE_WRITES, .handle = handle_opening_hours_save},
    {.name = "hours.remove", .op = MDG__HOURS__OF_REMOVE, OFFICE_WRITES, .handle = handle_opening_hours_remove},
    {.name = "hours.closed_save", .op = MDG__HOURS__OF_CLOSED_SAVE, OFFICE_WRITES, .handle = handle_closed_day_save},
    {.name = "hours.closed_remove",
     .op = MDG__HOURS__OF_CLOSED_REMOVE,
     OFFICE_WRITES,
     .handle = handle_closed_day_remove},
    {.name = "hours.calendar",
     .op = MDG__HOURS__OF_CALENDAR,
     .roles = ROLE_BIT_TERMINAL,
     .kinds = KINDS_ENROLLED,
     .scope = SCOPE_CENTRE,
     .access = ROUTE_READ,
     .audit = AUDIT_NONE,
     .handle = handle_calendar},
};

static const struct field_limit LIMITS[] = {
    {&mdg__opening_hours_save__descriptor, 1, 0, INT64_MAX, false},            /* id */
    {&mdg__opening_hours_save__descriptor, 2, 19700101, 99991231, false},      /* from_day */
    {&mdg__opening_hours_save__descriptor, 3, 0, OPEN_SPANS_MAX, false},       /* spans */
    {&mdg__opening_hours_save__descriptor, 4, 0, INT64_MAX, false},            /* rev */
    {&mdg__open_span__descriptor, 1, 1, OPEN_DAYS_ALL, false},                 /* days */
    {&mdg__open_span__descriptor, 2, 0, MINUTES_OF_DAY - 1, false},            /* open_minute */
    {&mdg__open_span__descriptor, 3, 1, MINUTES_OF_DAY, false},                /* close_minute */
    {&mdg__opening_hours_remove__descriptor, 1, 1, INT64_MAX, false},          /* id */
    {&mdg__opening_hours_remove__descriptor, 2, 0, INT64_MAX, false},          /* rev */
    {&mdg__closed_day_save__descriptor, 1, 0, INT64_MAX, false},               /* id */
    {&mdg__closed_day_save__descriptor, 2, 19700101, 99991231, false},         /* from_day */
    {&mdg__closed_day_save__descriptor, 3, 19700101, 99991231, false},         /* to_day */
    {&mdg__closed_day_save__descriptor, 4, 1, CLOSED_REASON_BYTES_MAX, false}, /* reason */
    {&mdg__closed_day_save__descriptor, 5, 0, INT64_MAX, false},               /* rev */
    {&mdg__closed_day_remove__descriptor, 1, 1, INT64_MAX, false},             /* id */
    {&mdg__closed_day_remove__descriptor, 2, 0, INT64_MAX, false},             /* rev */
    {&mdg__calendar_query__descriptor, 1, 18730101, 99991231, false},          /* from_day */
    {&mdg__calendar_query__descriptor, 2, 18730101, 99991231, false},          /* to_day */
};

const struct domain HOURS_DOMAIN = {
    .name = "hours",
    .arm = MDG__BODY__DOMAIN_HOURS,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
    .sources = SOURCES,
    .sources_count = sizeof SOURCES / sizeof SOURCES[0],
};
