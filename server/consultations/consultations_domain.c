#include "server/consultations/consultations_domain.h"

#include "common/day.h"
#include "server/consultations/consultation_handlers.h"
#include "server/consultations/consultation_wire.h"

/* --- what is fed -------------------------------------------------------------------------------------- */

#define KIND_HEAD FEED_KIND(MDG__BODY__DOMAIN_CONSULTATIONS, MDG__CONSULTATIONS__OF_HEAD_ROW)
#define KIND_NOTICE FEED_KIND(MDG__BODY__DOMAIN_CONSULTATIONS, MDG__CONSULTATIONS__OF_NOTICE_ROW)
#define NOTICE_DAYS 31

struct collect {
    const struct feed_query *query;
    struct feed_rows *rows;
};

/* The views hold the open cases. */
static int collect_head(void *arg, const struct consultation *c)
{
    const struct collect *collect = arg;
    if (c->closed_us != 0) return row_feed(collect->rows, KIND_HEAD, c->id, c->rev, 0, NULL);
    void *body;
    Mdg__Row *row = row_new(collect->query->arena, KIND_HEAD, &body);
    int rc = row ? consultation_to_wire(collect->query->arena, c, body) : MDG_ERR_MEMORY;
    return rc == 0 ? row_feed(collect->rows, KIND_HEAD, c->id, c->rev, 0, row) : rc;
}

static int feed_heads(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return consultation_each_changed(db, query->since_rev, query->limit, collect_head, &collect);
}

static int collect_notice(void *arg, const struct consultation_notice *notice)
{
    const struct collect *collect = arg;
    void *body;
    Mdg__Row *row = row_new(collect->query->arena, KIND_NOTICE, &body);
    bool is_office = collect->query->view.name == VIEW_OFFICE;
    int rc = row ? consultation_notice_to_wire(collect->query->arena, notice, is_office, body) : MDG_ERR_MEMORY;
    return rc == 0 ? row_feed(collect->rows, KIND_NOTICE, notice->id, notice->rev, notice->day, row) : rc;
}

static int feed_notices(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return consultation_notice_each_changed(db, query->from_day, query->since_rev, query->limit, collect_notice,
                                            &collect);
}

static int32_t horizon_notices(int32_t today)
{
    return day_add(today, -NOTICE_DAYS);
}

static const struct feed_source SOURCES[] = {
    {KIND_HEAD, VIEW_DESK | VIEW_OFFICE, NULL, feed_heads},
    {KIND_NOTICE, VIEW_DESK | VIEW_OFFICE, horizon_notices, feed_notices},
};

/* --- calls -------------------------------------------------------------------------------------------- */

#define DESK_AND_CONSULTANTS (ROLE_BIT_DESK | ROLE_BIT_CONSULTATION)
#define OFFICE_AND_CONSULTANTS (ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION)
#define WRITES .access = ROUTE_WRITE, .audit = AUDIT_CHANGE

static const struct route ROUTES[] = {
    {.name = "consultations.intake",
     .op = MDG__CONSULTATIONS__OF_INTAKE,
     .roles = DESK_AND_CONSULTANTS,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .flags = ROUTE_MAY_WAIT | ROUTE_PERSONAL,
     .handle = handle_consultation_intake},
    {.name = "consultations.add",
     .op = MDG__CONSULTATIONS__OF_ADD,
     .roles = DESK_AND_CONSULTANTS,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .flags = ROUTE_MAY_WAIT | ROUTE_PERSONAL,
     .handle = handle_consultation_add},
    {.name = "consultations.follow_up",
     .op = MDG__CONSULTATIONS__OF_FOLLOW_UP,
     .roles = ROLE_BIT_CONSULTATION,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_OWN_PERSON,
     WRITES,
     .handle = handle_consultation_follow_up},
    {.name = "consultations.close",
     .op = MDG__CONSULTATIONS__OF_CLOSE,
     .roles = OFFICE_AND_CONSULTANTS,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_OWN_PERSON,
     WRITES,
     .handle = handle_consultation_close},
    {.name = "consultations.find",
     .op = MDG__CONSULTATIONS__OF_FIND,
     .roles = DESK_AND_CONSULTANTS | OFFICE_AND_CONSULTANTS,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     .access = ROUTE_READ,
     .audit = AUDIT_NONE,
     .handle = handle_consultation_find},
    {.name = "consultations.read",
     .op = MDG__CONSULTATIONS__OF_READ,
     .roles = ROLE_BIT_CONSULTATION,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_OWN_PERSON,
     .access = ROUTE_READ,
     .audit = AUDIT_READ,
     .handle = handle_consultation_read},
    {.name = "consultations.assign",
     .op = MDG__CONSULTATIONS__OF_ASSIGN,
     .roles = OFFICE_AND_CONSULTANTS,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_OWN_PERSON,
     WRITES,
     .handle = handle_consultation_assign},
    {.name = "consultations.erase_due",
     .op = MDG__CONSULTATIONS__OF_ERASE_DUE,
     .roles = ROLE_BIT_CLOCK,
     .kinds = KIND_BIT(KIND_CLOCK),
     .scope = SCOPE_CENTRE,
     WRITES,
     .prepare = prepare_consultation_erase_due,
     .handle = handle_consultation_erase_due},
};

/* 9999-12-31: what a local day can still be made of. */
#define LAST_US INT64_C(253370764800000000)
#define LAST_DAY 99991231

static const struct field_limit LIMITS[] = {
    {&mdg__consultation_intake__descriptor, 1, 1, LAST_US, false},                      /* at_us */
    {&mdg__consultation_intake__descriptor, 4, 0, INT64_MAX, false},                    /* group_id */
    {&mdg__consultation_intake__descriptor, 5, 1, CONSULTATION_TOPIC_BYTES_MAX, false}, /* topic */
    {&mdg__consultation_intake__descriptor, 6, 0, CONSULTATION_MINUTES_MAX, false},     /* minutes */
    {&mdg__consultation_intake__descriptor, 7, 0, CONSULTATION_PEOPLE_MAX, false},      /* people */
    {&mdg__consultation_intake__descriptor, 8, 0, INT64_MAX, false},                    /* owner_id */
    {&mdg__consultation_intake__descriptor, 9, 0, LAST_DAY, false},                     /* follow_up_day */
    {&mdg__consultation_intake__descriptor, 11, INTAKE_BOX_OVERHEAD_BYTES, INTAKE_BOX_BYTES_MAX, false}, /* sealed */
    {&mdg__consultation_content__descriptor, 1, 1, INTAKE_TEXT_BYTES_MAX, true},                         /* text */
    {&mdg__consultation_content__descriptor, 2, 0, INTAKE_CONTACT_BYTES_MAX, true},                      /* contact */
    {&mdg__consultation_add__descriptor, 1, 1, INT64_MAX, false},                                        /* case_id */
    {&mdg__consultation_add__descriptor, 2, 1, LAST_US, false},                                          /* at_us */
    {&mdg__consultation_add__descriptor, 3, 0, CONSULTATION_MINUTES_MAX, false},                         /* minutes */
    {&mdg__consultation_add__descriptor, 5, INTAKE_BOX_OVERHEAD_BYTES, INTAKE_BOX_BYTES_MAX, false},     /* sealed */
    {&mdg__consultation_follow_up__descriptor, 1, 1, INT64_MAX, false},                                  /* case_id */
    {&mdg__consultation_follow_up__descriptor, 2, 0, LAST_DAY, false},                                   /* day */
    {&mdg__consultation_follow_up__descriptor, 3, 0, INT64_MAX, false},                                  /* owner_id */
    {&mdg__consultation_follow_up__descriptor, 4, 1, INT64_MAX, false},                                  /* rev */
    {&mdg__consultation_close__descriptor, 1, 1, INT64_MAX, false},                                      /* case_id */
    {&mdg__consultation_close__descriptor, 3, 0, CONSULTATION_REFERRAL_BYTES_MAX, false},                /* referral */
    {&mdg__consultation_close__descriptor, 4, 1, INT64_MAX, false},                                      /* rev */
    {&mdg__consultation_find__descriptor, 1, 0, 200, false},                                             /* text */
    {&mdg__consultation_find__descriptor, 3, 0, INT64_MAX, false},                                       /* after_id */
    {&mdg__consultation_find__descriptor, 4, 0, INT64_MAX, false},                                       /* owner_id */
    {&mdg__consultation_find__descriptor, 5, 0, LAST_DAY, false},                                        /* from_day */
    {&mdg__consultation_find__descriptor, 6, 0, LAST_DAY, false},                                        /* to_day */
    {&mdg__consultation_read__descriptor, 1, 1, INT64_MAX, false},                                       /* case_id */
    {&mdg__consultation_read__descriptor, 2, 0, CONSULTATION_REASON_BYTES_MAX, false},                   /* reason */
    {&mdg__consultation_read__descriptor, 3, 0, INT64_MAX, false},   /* after_entry_id */
    {&mdg__consultation_assign__descriptor, 1, 1, INT64_MAX, false}, /* case_id */
    {&mdg__consultation_assign__descriptor, 2, 1, INT64_MAX, false}, /* owner_id */
    {&mdg__consultation_assign__descriptor, 3, 1, INT64_MAX, false}, /* rev */
};

const struct domain CONSULTATIONS_DOMAIN = {
    .name = "consultations",
    .arm = MDG__BODY__DOMAIN_CONSULTATIONS,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
    .sources = SOURCES,
    .sources_count = sizeof SOURCES / sizeof SOURCES[0],
    .verify = consultation_verify,
};
