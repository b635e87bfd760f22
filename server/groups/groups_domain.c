#include "server/groups/groups_domain.h"

#include "server/groups/group_handlers.h"

/* --- feed --------------------------------------------------------------------------------------------- */

#define KIND_GROUP FEED_KIND(MDG__BODY__DOMAIN_GROUPS, MDG__GROUPS__OF_GROUP_ROW)

struct collect {
    const struct feed_query *query;
    struct feed_rows *rows;
};

/* Without the contact: that is asked for by call, and the call is audited. */
static int collect_group(void *arg, const struct group *group)
{
    struct collect *collect = arg;
    void *body;
    Mdg__Row *row = row_new(collect->query->arena, KIND_GROUP, &body);
    int rc = row ? group_to_wire(collect->query->arena, group, body) : MDG_ERR_MEMORY;
    if (rc != 0) return rc;
    return row_feed(collect->rows, KIND_GROUP, group->id, group->rev, 0, row);
}

static int feed_groups(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return group_each_changed(db, query->since_rev, query->limit, collect_group, &collect);
}

static const struct feed_source SOURCES[] = {
    {KIND_GROUP, VIEW_DESK | VIEW_OFFICE, NULL, feed_groups},
};

/* --- calls -------------------------------------------------------------------------------------------- */

#define WITH_GROUP (KINDS_STAFF | KIND_BIT(KIND_LOUNGE))
#define WRITES .access = ROUTE_WRITE, .audit = AUDIT_CHANGE
#define READS .access = ROUTE_READ, .audit = AUDIT_NONE

static const struct route ROUTES[] = {
    {.name = "groups.save",
     .op = MDG__GROUPS__OF_SAVE,
     .roles = ROLE_BIT_DESK | ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_group_save},
    {.name = "groups.renew",
     .op = MDG__GROUPS__OF_RENEW,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_group_renew},
    {.name = "groups.end",
     .op = MDG__GROUPS__OF_END,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .handle = handle_group_end},
    {.name = "groups.pin_issue",
     .op = MDG__GROUPS__OF_PIN_ISSUE,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     WRITES,
     .prepare = prepare_group_pin,
     .work = work_group_pin,
     .handle = handle_group_pin},
    {.name = "groups.search",
     .op = MDG__GROUPS__OF_SEARCH,
     .roles = GROUP_STAFF,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     READS,
     .handle = handle_group_search},
    {.name = "groups.get",
     .op = MDG__GROUPS__OF_GET,
     .roles = GROUP_STAFF | ROLE_BIT_GROUP,
     .kinds = WITH_GROUP,
     .scope = SCOPE_OWN_PERSON,
     READS,
     .handle = handle_group_get},
    {.name = "groups.contact_get",
     .op = MDG__GROUPS__OF_CONTACT_GET,
     .roles = GROUP_STAFF | ROLE_BIT_GROUP,
     .kinds = WITH_GROUP,
     .scope = SCOPE_OWN_PERSON,
     .access = ROUTE_READ,
     .audit = AUDIT_READ,
     .handle = handle_group_contact_get},
    {.name = "groups.contact_set",
     .op = MDG__GROUPS__OF_CONTACT_SET,
     .roles = ROLE_BIT_DESK | ROLE_BIT_OFFICE | ROLE_BIT_GROUP,
     .kinds = WITH_GROUP,
     .scope = SCOPE_OWN_PERSON,
     WRITES,
     .flags = ROUTE_PERSONAL,
     .handle = handle_group_contact_set},
};

static const struct field_limit LIMITS[] = {
    {&mdg__group_save__descriptor, 1, 0, INT64_MAX, false},             /* id */
    {&mdg__group_save__descriptor, 2, 0, GROUP_NUMBER_MAX, false},      /* number */
    {&mdg__group_save__descriptor, 3, 1, GROUP_NAME_BYTES_MAX, false},  /* name */
    {&mdg__group_save__descriptor, 4, 0, GROUP_NAME_BYTES_MAX, false},  /* reading */
    {&mdg__group_save__descriptor, 5, 0, GROUP_FIELD_BYTES_MAX, false}, /* field */
    {&mdg__group_save__descriptor, 6, 0, 99991231, false},              /* from_day */
    {&mdg__group_save__descriptor, 7, 0, 99991231, false},              /* to_day */
    {&mdg__group_save__descriptor, 8, 0, GROUP_NOTE_BYTES_MAX, true},   /* note */
    {&mdg__group_save__descriptor, 9, 0, INT64_MAX, false},             /* rev */
    {&mdg__group_renew__descriptor, 1, 1, INT64_MAX, false},            /* id */
    {&mdg__group_renew__descriptor, 2, 19700101, 99991231, false},      /* to_day */
    {&mdg__group_renew__descriptor, 3, 0, INT64_MAX, false},            /* rev */
    {&mdg__group_end__descriptor, 1, 1, INT64_MAX, false},              /* id */
    {&mdg__group_end__descriptor, 2, 19700101, 99991231, false},        /* last_day */
    {&mdg__group_end__descriptor, 3, 1, 500, false},                    /* reason */
    {&mdg__group_end__descriptor, 4, 0, INT64_MAX, false},              /* rev */
    {&mdg__group_pin_issue__descriptor, 1, 1, INT64_MAX, false},        /* id */
    {&mdg__group_search__descriptor, 1, 1, 200, false},                 /* text */
    {&mdg__group_search__descriptor, 2, 1, 100, false},                 /* limit */
    {&mdg__group_get__descriptor, 1, 0, INT64_MAX, false},              /* id */
    {&mdg__group_contact_get__descriptor, 1, 0, INT64_MAX, false},      /* id */
    {&mdg__group_contact_set__descriptor, 1, 0, INT64_MAX, false},      /* id */
    {&mdg__group_contact__descriptor, 1, 0, 200, false},                /* representative */
    {&mdg__group_contact__descriptor, 2, 0, 100, false},                /* phone */
    {&mdg__group_contact__descriptor, 3, 0, 254, false},                /* mail */
    {&mdg__group_contact__descriptor, 4, 0, 500, false},                /* address */
};

const struct domain GROUPS_DOMAIN = {
    .name = "groups",
    .arm = MDG__BODY__DOMAIN_GROUPS,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
    .sources = SOURCES,
    .sources_count = sizeof SOURCES / sizeof SOURCES[0],
    .verify = group_verify,
};
