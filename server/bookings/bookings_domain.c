#include "server/bookings/bookings_domain.h"

#include "server/bookings/booking_handlers.h"

/* --- what is fed -------------------------------------------------------------------------------------- */

#define KIND_BOOKING FEED_KIND(MDG__BODY__DOMAIN_BOOKINGS, MDG__BOOKINGS__OF_BOOKING_ROW)
#define KIND_LIMITS FEED_KIND(MDG__BODY__DOMAIN_BOOKINGS, MDG__BOOKINGS__OF_LIMITS_ROW)

struct collect {
    const struct feed_query *query;
    struct feed_rows *rows;
    enum booking_sight sight;
    int64_t room_id; /* a door's own; 0: all */
};

static int collect_booking(void *arg, const struct booking *b)
{
    const struct collect *collect = arg;
    const int32_t last_day = booking_last_day(b->end_us);
    void *body;
    if (collect->room_id != 0 && b->room_id != collect->room_id) /* it went to another room */
        return row_feed(collect->rows, KIND_BOOKING, b->id, b->rev, last_day, NULL);
    Mdg__Row *row = row_new(collect->query->arena, KIND_BOOKING, &body);
    int rc = row ? booking_to_wire(collect->query->arena, b, collect->sight, body) : MDG_ERR_MEMORY;
    return rc == 0 ? row_feed(collect->rows, KIND_BOOKING, b->id, b->rev, last_day, row) : rc;
}

static enum booking_sight sight_of_view(uint32_t view)
{
    if (view & (VIEW_DESK | VIEW_OFFICE)) return SIGHT_ALL;
    return view & VIEW_DOOR ? SIGHT_TITLE : SIGHT_PUBLIC;
}

static int feed_bookings(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows, sight_of_view(query->view.name), query->view.scope};
    return booking_each_changed(db, query->from_day, query->since_rev, collect.room_id, query->limit, collect_booking,
                                &collect);
}

static int feed_limits(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct booking_limits limits;
    void *body;
    int rc = booking_limits_read(db, &limits);
    if (rc != 0 || limits.rev <= query->since_rev) return rc;
    Mdg__Row *row = row_new(query->arena, KIND_LIMITS, &body);
    if (!row) return MDG_ERR_MEMORY;
    Mdg__BookingLimits *to = body;
    to->longest_minutes = limits.longest_minutes;
    to->ahead_days = limits.ahead_days;
    to->hold_days = limits.hold_days;
    return row_feed(rows, KIND_LIMITS, 1, limits.rev, 0, row);
}

static const struct feed_source SOURCES[] = {
    {KIND_BOOKING, VIEW_DESK | VIEW_OFFICE | VIEW_PUBLIC | VIEW_DOOR, booking_horizon, feed_bookings},
    {KIND_LIMITS, VIEW_DESK | VIEW_OFFICE | VIEW_PUBLIC, NULL, feed_limits},
};

/* --- calls -------------------------------------------------------------------------------------------- */

#define ALL_STAFF (ROLE_BIT_DESK | ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION)
#define GRANTING (ROLE_BIT_DESK | ROLE_BIT_OFFICE)
#define AT_COUNTER_AND_LOUNGE (KINDS_STAFF | KIND_BIT(KIND_LOUNGE))
#define AT_COUNTER_AND_DOOR (KINDS_STAFF | KIND_BIT(KIND_DOOR))
#define WRITES .access = ROUTE_WRITE, .audit = AUDIT_CHANGE
#define READS .access = ROUTE_READ, .audit = AUDIT_NONE

static const struct route ROUTES[] = {
    {.name = "bookings.request",
     .op = MDG__BOOKINGS__OF_REQUEST,
     .roles = ALL_STAFF | ROLE_BIT_GROUP,
     .kinds = AT_COUNTER_AND_LOUNGE,
     .scope = SCOPE_OWN_GROUP,
     WRITES,
     .flags = ROUTE_MAY_WAIT,
     .handle = handle_booking_request},
    {.name = "bookings.confirm",
     .op = MDG__BOOKINGS__OF_CONFIRM,
     .roles = GRANTING,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_booking_confirm},
    {.name = "bookings.reject",
     .op = MDG__BOOKINGS__OF_REJECT,
     .roles = GRANTING,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_booking_reject},
    {.name = "bookings.change",
     .op = MDG__BOOKINGS__OF_CHANGE,
     .roles = ALL_STAFF | ROLE_BIT_GROUP,
     .kinds = AT_COUNTER_AND_LOUNGE,
     .scope = SCOPE_OWN_GROUP,
     WRITES,
     .flags = ROUTE_MAY_WAIT,
     .handle = handle_booking_change},
    {.name = "bookings.cancel",
     .op = MDG__BOOKINGS__OF_CANCEL,
     .roles = ALL_STAFF | ROLE_BIT_GROUP,
     .kinds = AT_COUNTER_AND_LOUNGE,
     .scope = SCOPE_OWN_GROUP,
     WRITES,
     .flags = ROUTE_MAY_WAIT,
     .handle = handle_booking_cancel},
    {.name = "bookings.start",
     .op = MDG__BOOKINGS__OF_START,
     .roles = GRANTING | ROLE_BIT_DOOR,
     .kinds = AT_COUNTER_AND_DOOR,
     .scope = SCOPE_OWN_ROOM,
     WRITES,
     .handle = handle_booking_start},
    {.name = "bookings.end",
     .op = MDG__BOOKINGS__OF_END,
     .roles = GRANTING | ROLE_BIT_DOOR,
     .kinds = AT_COUNTER_AND_DOOR,
     .scope = SCOPE_OWN_ROOM,
     WRITES,
     .handle = handle_booking_end},
    {.name = "bookings.no_show",
     .op = MDG__BOOKINGS__OF_NO_SHOW,
     .roles = GRANTING,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_booking_no_show},
    {.name = "bookings.record",
     .op = MDG__BOOKINGS__OF_RECORD,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .flags = ROUTE_MAY_WAIT,
     .handle = handle_booking_record},
    {.name = "bookings.list",
     .op = MDG__BOOKINGS__OF_LIST,
     .roles = ALL_STAFF | ROLE_BIT_GROUP,
     .kinds = AT_COUNTER_AND_LOUNGE,
     .scope = SCOPE_OWN_GROUP,
     READS,
     .handle = handle_booking_list},
    {.name = "bookings.get",
     .op = MDG__BOOKINGS__OF_GET,
     .roles = ALL_STAFF | ROLE_BIT_GROUP,
     .kinds = AT_COUNTER_AND_LOUNGE,
     .scope = SCOPE_OWN_GROUP,
     READS,
     .handle = handle_booking_get},
    {.name = "bookings.limits_save",
     .op = MDG__BOOKINGS__OF_LIMITS_SAVE,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_booking_limits_save},
    {.name = "bookings.lapse",
     .op = MDG__BOOKINGS__OF_LAPSE,
     .roles = ROLE_BIT_CLOCK,
     .kinds = KIND_BIT(KIND_CLOCK),
     .scope = SCOPE_CENTRE,
     WRITES,
     .prepare = prepare_bookings_lapse,
     .handle = handle_bookings_lapse},
};

/* 9999-12-31: what a local day can still be made of. */
#define LAST_US INT64_C(253370764800000000)
#define TITLE 1, BOOKING_TITLE_BYTES_MAX, false
#define REASON 1, BOOKING_REASON_BYTES_MAX, false
#define AN_ID 1, INT64_MAX, false
#define AN_ID_OR_NONE 0, INT64_MAX, false
#define AN_INSTANT 1, LAST_US, false

static const struct field_limit LIMITS[] = {
    {&mdg__booking_request__descriptor, 1, AN_ID},                                 /* room_id */
    {&mdg__booking_request__descriptor, 2, AN_ID_OR_NONE},                         /* group_id */
    {&mdg__booking_request__descriptor, 3, 0, BOOKING_APPLICANT_BYTES_MAX, false}, /* applicant */
    {&mdg__booking_request__descriptor, 4, TITLE},
    {&mdg__booking_request__descriptor, 5, AN_INSTANT},                   /* start_us */
    {&mdg__booking_request__descriptor, 6, AN_INSTANT},                   /* end_us */
    {&mdg__booking_request__descriptor, 7, 0, BOOKING_PEOPLE_MAX, false}, /* people */
    {&mdg__booking_request__descriptor, 9, 0, 99991231, false},           /* lapse_day */
    {&mdg__booking_confirm__descriptor, 1, AN_ID},                        /* booking_id */
    {&mdg__booking_confirm__descriptor, 2, AN_ID_OR_NONE},                /* rev */
    {&mdg__booking_reject__descriptor, 1, AN_ID},                         /* booking_id */
    {&mdg__booking_reject__descriptor, 2, REASON},
    {&mdg__booking_reject__descriptor, 3, AN_ID_OR_NONE}, /* rev */
    {&mdg__booking_change__descriptor, 1, AN_ID},         /* booking_id */
    {&mdg__booking_change__descriptor, 2, AN_ID_OR_NONE}, /* rev */
    {&mdg__booking_change__descriptor, 3, AN_ID},         /* room_id */
    {&mdg__booking_change__descriptor, 4, AN_INSTANT},    /* start_us */
    {&mdg__booking_change__descriptor, 5, AN_INSTANT},    /* end_us */
    {&mdg__booking_change__descriptor, 6, TITLE},
    {&mdg__booking_change__descriptor, 7, 0, BOOKING_PEOPLE_MAX, false}, /* people */
    {&mdg__booking_cancel__descriptor, 1, AN_ID},                        /* booking_id */
    {&mdg__booking_cancel__descriptor, 2, REASON},
    {&mdg__booking_cancel__descriptor, 3, AN_ID_OR_NONE},                         /* rev */
    {&mdg__booking_start__descriptor, 1, AN_ID},                                  /* booking_id */
    {&mdg__booking_start__descriptor, 2, AN_ID_OR_NONE},                          /* rev */
    {&mdg__booking_end__descriptor, 1, AN_ID},                                    /* booking_id */
    {&mdg__booking_end__descriptor, 2, AN_ID_OR_NONE},                            /* rev */
    {&mdg__booking_no_show__descriptor, 1, AN_ID},                                /* booking_id */
    {&mdg__booking_no_show__descriptor, 2, AN_ID_OR_NONE},                        /* rev */
    {&mdg__booking_record__descriptor, 1, AN_ID},                                 /* room_id */
    {&mdg__booking_record__descriptor, 2, AN_ID_OR_NONE},                         /* group_id */
    {&mdg__booking_record__descriptor, 3, 0, BOOKING_APPLICANT_BYTES_MAX, false}, /* applicant */
    {&mdg__booking_record__descriptor, 4, TITLE},
    {&mdg__booking_record__descriptor, 5, AN_INSTANT},                   /* start_us */
    {&mdg__booking_record__descriptor, 6, AN_INSTANT},                   /* end_us */
    {&mdg__booking_record__descriptor, 7, 0, BOOKING_PEOPLE_MAX, false}, /* people */
    {&mdg__booking_list__descriptor, 1, 0, LAST_US, false},              /* from_us */
    {&mdg__booking_list__descriptor, 2, 0, LAST_US, false},              /* to_us */
    {&mdg__booking_list__descriptor, 3, AN_ID_OR_NONE},                  /* room_id */
    {&mdg__booking_list__descriptor, 4, AN_ID_OR_NONE},                  /* group_id */
    {&mdg__booking_list__descriptor, 6, 0, LAST_US, false},              /* after_us */
    {&mdg__booking_list__descriptor, 7, AN_ID_OR_NONE},                  /* after_id */
    {&mdg__booking_get__descriptor, 1, AN_ID},                           /* booking_id */
    {&mdg__booking_limits_save__descriptor, 1, 1, BOOKING_LONGEST_MINUTES_MAX, false},
    {&mdg__booking_limits_save__descriptor, 2, 0, BOOKING_AHEAD_DAYS_MAX, false},
    {&mdg__booking_limits_save__descriptor, 3, 0, BOOKING_HOLD_DAYS_MAX, false},
    {&mdg__booking_limits_save__descriptor, 4, AN_ID_OR_NONE}, /* rev */
};

const struct domain BOOKINGS_DOMAIN = {
    .name = "bookings",
    .arm = MDG__BODY__DOMAIN_BOOKINGS,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
    .sources = SOURCES,
    .sources_count = sizeof SOURCES / sizeof SOURCES[0],
    .verify = booking_verify,
};
