#include "server/rooms/rooms_domain.h"

#include "server/rooms/room_handlers.h"

/* --- what is fed -------------------------------------------------------------------------------------- */

#define KIND_ROOM FEED_KIND(MDG__BODY__DOMAIN_ROOMS, MDG__ROOMS__OF_ROOM_ROW)

struct collect {
    const struct feed_query *query;
    struct feed_rows *rows;
};

static int collect_room(void *arg, const struct room *room)
{
    const struct collect *collect = arg;
    void *body;
    Mdg__Row *row = row_new(collect->query->arena, KIND_ROOM, &body);
    int rc = row ? room_to_wire(collect->query->arena, room, body) : MDG_ERR_MEMORY;
    if (rc != 0) return rc;
    return row_feed(collect->rows, KIND_ROOM, room->id, room->rev, 0, row);
}

static int feed_rooms(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct collect collect = {query, rows};
    return room_each_changed(db, query->since_rev, query->limit, collect_room, &collect);
}

static const struct feed_source SOURCES[] = {
    {KIND_ROOM, VIEW_EVERY, NULL, feed_rooms},
};

/* --- calls -------------------------------------------------------------------------------------------- */

static const struct route ROUTES[] = {
    {.name = "rooms.save",
     .op = MDG__ROOMS__OF_SAVE,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     .access = ROUTE_WRITE,
     .audit = AUDIT_CHANGE,
     .handle = handle_room_save},
    /* What hangs on the wall anyway: nobody need be signed in. The council's screens have no part in it. */
    {.name = "rooms.availability",
     .op = MDG__ROOMS__OF_AVAILABILITY,
     .roles = ROLE_BIT_TERMINAL,
     .kinds = KINDS_ENROLLED & ~KIND_BIT(KIND_COUNCIL),
     .scope = SCOPE_CENTRE,
     .access = ROUTE_READ,
     .audit = AUDIT_NONE,
     .handle = handle_availability},
};

/* 9999-12-31: what a local day can still be made of. */
#define LAST_US INT64_C(253370764800000000)

static const struct field_limit LIMITS[] = {
    {&mdg__room_save__descriptor, 1, 0, INT64_MAX, false},           /* id */
    {&mdg__room_save__descriptor, 2, 1, ROOM_NAME_BYTES_MAX, false}, /* name */
    {&mdg__room_save__descriptor, 4, 0, 99999, false},               /* capacity */
    {&mdg__room_save__descriptor, 5, 0, 9999, false},                /* position */
    {&mdg__room_save__descriptor, 6, 0, ROOM_NOTE_BYTES_MAX, true},  /* note */
    {&mdg__room_save__descriptor, 9, 0, INT64_MAX, false},           /* rev */
    {&mdg__availability__descriptor, 1, 0, LAST_US, false},          /* from_us */
    {&mdg__availability__descriptor, 2, 0, LAST_US, false},          /* to_us */
    {&mdg__availability__descriptor, 3, 0, INT64_MAX, false},        /* room_id */
    {&mdg__availability__descriptor, 4, 0, 99999, false},            /* people */
};

const struct domain ROOMS_DOMAIN = {
    .name = "rooms",
    .arm = MDG__BODY__DOMAIN_ROOMS,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
    .sources = SOURCES,
    .sources_count = sizeof SOURCES / sizeof SOURCES[0],
};
