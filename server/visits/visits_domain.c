#include "server/visits/visits_domain.h"

#include "server/visits/visit_handlers.h"
#include "server/visits/visit_rules.h"
#include "server/visits/visit_wire.h"

/* --- what is fed -------------------------------------------------------------------------------------- */

#define KIND_VISIT FEED_KIND(MDG__BODY__DOMAIN_VISITS, MDG__VISITS__OF_VISIT_ROW)
#define KIND_VISIT_DAY FEED_KIND(MDG__BODY__DOMAIN_VISITS, MDG__VISITS__OF_VISIT_DAY_ROW)
#define KIND_VISIT_PLACE FEED_KIND(MDG__BODY__DOMAIN_VISITS, MDG__VISITS__OF_VISIT_PLACE_ROW)
#define KIND_VISIT_PURPOSE FEED_KIND(MDG__BODY__DOMAIN_VISITS, MDG__VISITS__OF_VISIT_PURPOSE_ROW)

struct collect {
    const struct feed_query *query;
    struct feed_rows *rows;
};

static int collect_visit(void *arg, const struct visit *v)
{
    const struct collect *collect = arg;
    if (v->is_undone) return row_feed(collect->rows, KIND_VISIT, v->id, v->rev, v->day, NULL);
    void *body;
    Mdg__Row *row = row_new(collect->query->arena, KIND_VISIT, &body);
    int rc = row ? visit_to_wire(collect->query->arena, v, body) : MDG_ERR_MEMORY;
    return rc == 0 ? row_feed(collect->rows, KIND_VISIT, v->id, v->rev, v->day, row) : rc;
}

static int feed_visits(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return visit_each_changed(db, query->today, query->since_rev, query->limit, collect_visit, &collect);
}

static int collect_day(void *arg, const struct visit_total *total)
{
    const struct collect *collect = arg;
    void *body;
    /* All of the day was taken back: nobody looked. */
    if (total->lines == 0 && total->people == 0)
        return row_feed(collect->rows, KIND_VISIT_DAY, total->id, total->rev, total->day, NULL);
    Mdg__Row *row = row_new(collect->query->arena, KIND_VISIT_DAY, &body);
    if (!row) return MDG_ERR_MEMORY;
    Mdg__VisitDay *day = body;
    day->day = total->day;
    day->place_id = total->place_id;
    day->purpose_id = total->purpose_id;
    day->people = total->people;
    day->lines = total->lines;
    day->estimated = total->estimated;
    return row_feed(collect->rows, KIND_VISIT_DAY, total->id, total->rev, total->day, row);
}

static int feed_days(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return visit_days_changed(db, query->from_day, query->since_rev, query->limit, collect_day, &collect);
}

static int collect_place(void *arg, const struct visit_place *place)
{
    const struct collect *collect = arg;
    void *body;
    Mdg__Row *row = row_new(collect->query->arena, KIND_VISIT_PLACE, &body);
    if (!row) return MDG_ERR_MEMORY;
    Mdg__VisitPlace *to = body;
    to->id = place->id;
    to->name = arena_strdup(collect->query->arena, place->name);
    to->position = place->position;
    to->is_retired = place->is_retired;
    return to->name ? row_feed(collect->rows, KIND_VISIT_PLACE, place->id, place->rev, 0, row) : MDG_ERR_MEMORY;
}

static int collect_purpose(void *arg, const struct visit_place *purpose)
{
    const struct collect *collect = arg;
    void *body;
    Mdg__Row *row = row_new(collect->query->arena, KIND_VISIT_PURPOSE, &body);
    if (!row) return MDG_ERR_MEMORY;
    Mdg__VisitPurpose *to = body;
    to->id = purpose->id;
    to->place_id = purpose->place_id;
    to->name = arena_strdup(collect->query->arena, purpose->name);
    to->position = purpose->position;
    to->is_retired = purpose->is_retired;
    return to->name ? row_feed(collect->rows, KIND_VISIT_PURPOSE, purpose->id, purpose->rev, 0, row) : MDG_ERR_MEMORY;
}

static int feed_places(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return visit_places_changed(db, false, query->since_rev, query->limit, collect_place, &collect);
}

static int feed_purposes(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return visit_places_changed(db, true, query->since_rev, query->limit, collect_purpose, &collect);
}

static int32_t horizon_lines(int32_t today)
{
    return today;
}

static const struct feed_source SOURCES[] = {
    {KIND_VISIT, VIEW_DESK | VIEW_OFFICE, horizon_lines, feed_visits},
    {KIND_VISIT_DAY, VIEW_DESK | VIEW_OFFICE, visit_totals_horizon, feed_days},
    {KIND_VISIT_PLACE, VIEW_EVERY, NULL, feed_places},
    {KIND_VISIT_PURPOSE, VIEW_EVERY, NULL, feed_purposes},
};

/* --- calls -------------------------------------------------------------------------------------------- */

#define STAFF (ROLE_BIT_DESK | ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION)
#define WRITES .access = ROUTE_WRITE, .audit = AUDIT_CHANGE
#define READS .access = ROUTE_READ, .audit = AUDIT_NONE

static const struct route ROUTES[] = {
    {.name = "visits.count",
     .op = MDG__VISITS__OF_COUNT,
     .roles = STAFF | ROLE_BIT_COUNTER_ALONE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .flags = ROUTE_MAY_WAIT | ROUTE_TERMINAL_SUFFICES,
     .handle = handle_visit_count},
    {.name = "visits.undo",
     .op = MDG__VISITS__OF_UNDO,
     .roles = STAFF | ROLE_BIT_COUNTER_ALONE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_OWN_TERMINAL,
     WRITES,
     .flags = ROUTE_MAY_WAIT | ROUTE_TERMINAL_SUFFICES,
     .handle = handle_visit_undo},
    {.name = "visits.correct",
     .op = MDG__VISITS__OF_CORRECT,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .flags = ROUTE_MAY_WAIT,
     .handle = handle_visit_correct},
    {.name = "visits.totals",
     .op = MDG__VISITS__OF_TOTALS,
     .roles = STAFF | ROLE_BIT_COUNCIL | ROLE_BIT_CHAIR | ROLE_BIT_DISPLAY,
     .kinds = KINDS_STAFF | KIND_BIT(KIND_COUNCIL) | KIND_BIT(KIND_LOUNGE) | KIND_BIT(KIND_DISPLAY),
     .scope = SCOPE_TOTALS,
     READS,
     .handle = handle_visit_totals},
    {.name = "visits.list",
     .op = MDG__VISITS__OF_LIST,
     .roles = STAFF,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     READS,
     .handle = handle_visit_list},
    {.name = "visits.place_save",
     .op = MDG__VISITS__OF_PLACE_SAVE,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_visit_place_save},
    {.name = "visits.purpose_save",
     .op = MDG__VISITS__OF_PURPOSE_SAVE,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_visit_purpose_save},
    {.name = "visits.period_close",
     .op = MDG__VISITS__OF_PERIOD_CLOSE,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_period_close},
    {.name = "visits.period_reopen",
     .op = MDG__VISITS__OF_PERIOD_REOPEN,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .flags = ROUTE_APPROVAL,
     .prepare = prepare_period_reopen,
     .handle = handle_period_reopen},
};

/* 9999-12-31: what a local day can still be made of. */
#define LAST_US INT64_C(253370764800000000)

static const struct field_limit LIMITS[] = {
    {&mdg__visit_count__descriptor, 1, 1, INT64_MAX, false},                        /* place_id */
    {&mdg__visit_count__descriptor, 2, 0, INT64_MAX, false},                        /* purpose_id */
    {&mdg__visit_count__descriptor, 3, 0, VISIT_PEOPLE_MAX, false},                 /* people */
    {&mdg__visit_count__descriptor, 4, 1, LAST_US, false},                          /* at_us */
    {&mdg__visit_undo__descriptor, 1, REQUEST_KEY_BYTES, REQUEST_KEY_BYTES, false}, /* count_key */
    {&mdg__visit_correct__descriptor, 1, 1, INT64_MAX, false},                      /* visit_id */
    {&mdg__visit_correct__descriptor, 2, 0, VISIT_PEOPLE_MAX, false},               /* people */
    {&mdg__visit_correct__descriptor, 3, 1, VISIT_REASON_BYTES_MAX, false},         /* reason */
    {&mdg__visit_totals__descriptor, 1, 19700101, 99991231, false},                 /* from_day */
    {&mdg__visit_totals__descriptor, 2, 19700101, 99991231, false},                 /* to_day */
    {&mdg__visit_totals__descriptor, 4, 0, 80, false},                              /* cursor */
    {&mdg__visit_list__descriptor, 1, 0, LAST_US, false},                           /* from_us */
    {&mdg__visit_list__descriptor, 2, 0, LAST_US, false},                           /* to_us */
    {&mdg__visit_list__descriptor, 3, 0, INT64_MAX, false},                         /* after_id */
    {&mdg__visit_list__descriptor, 4, 0, LAST_US, false},                           /* after_us */
    {&mdg__visit_place_save__descriptor, 1, 0, INT64_MAX, false},                   /* id */
    {&mdg__visit_place_save__descriptor, 2, 1, 100, false},                         /* name */
    {&mdg__visit_place_save__descriptor, 3, 0, 999, false},                         /* position */
    {&mdg__visit_purpose_save__descriptor, 1, 0, INT64_MAX, false},                 /* id */
    {&mdg__visit_purpose_save__descriptor, 2, 1, INT64_MAX, false},                 /* place_id */
    {&mdg__visit_purpose_save__descriptor, 3, 1, 100, false},                       /* name */
    {&mdg__visit_purpose_save__descriptor, 4, 0, 999, false},                       /* position */
    {&mdg__period_close__descriptor, 1, 197001, 999912, false},                     /* month */
    {&mdg__period_reopen__descriptor, 1, 197001, 999912, false},                    /* month */
    {&mdg__period_reopen__descriptor, 2, 1, VISIT_REASON_BYTES_MAX, false},         /* reason */
};

const struct domain VISITS_DOMAIN = {
    .name = "visits",
    .arm = MDG__BODY__DOMAIN_VISITS,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
    .sources = SOURCES,
    .sources_count = sizeof SOURCES / sizeof SOURCES[0],
    .verify = visit_verify,
};
