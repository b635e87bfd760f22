#include "server/feed/feed_domain.h"

#include <string.h>

#include "server/centre/centre_store.h"

/* --- views -------------------------------------------------------------------------------------------- */

/* Which view rests on a terminal depends on its kind, and at a door on its room. */
static const struct {
    enum terminal_kind kind;
    enum view_name view;
} VIEW_OF_KIND[] = {
    {KIND_COUNTER, VIEW_DESK},  {KIND_OFFICE, VIEW_OFFICE}, {KIND_COUNCIL, VIEW_COUNCIL},
    {KIND_LOUNGE, VIEW_PUBLIC}, {KIND_DOOR, VIEW_DOOR},     {KIND_DISPLAY, VIEW_PUBLIC},
};

/* A door that was moved to another room has another view, and its terminal begins afresh. */
static const char *view_text(struct request *rq, struct feed_view view)
{
    switch (view.name) {
    case VIEW_DESK:
        return "desk";
    case VIEW_OFFICE:
        return "office";
    case VIEW_COUNCIL:
        return "council";
    case VIEW_DOOR:
        return arena_printf(&rq->arena, "door %lld", (long long)view.scope);
    default:
        return "public";
    }
}

static struct feed_view view_of(const struct caller *caller)
{
    struct feed_view view = {VIEW_PUBLIC, 0};
    for (size_t i = 0; i < sizeof VIEW_OF_KIND / sizeof VIEW_OF_KIND[0]; i++)
        if (VIEW_OF_KIND[i].kind == caller->kind) view.name = VIEW_OF_KIND[i].view;
    if (view.name == VIEW_DOOR) view.scope = caller->room_id;
    return view;
}

static int handle_subscribe(struct request *rq)
{
    const Mdg__Subscribe *subscribe = rq->op;
    struct feed_view view = view_of(&rq->caller);
    struct centre centre;
    const char *name = view_text(rq, view);
    if (!name) return MDG_ERR_MEMORY;
    if (subscribe->view[0] && strcmp(subscribe->view, name) != 0)
        return refuse(rq, MDG_ERR_FORBIDDEN, "view", "terminal_kind");

    int rc = centre_read(rq->db, &rq->arena, &centre);
    if (rc != 0) return rc;
    Mdg__Subscribed *subscribed = answer_new(rq);
    if (!subscribed) return MDG_ERR_MEMORY;
    bool is_same_database =
        subscribe->epoch.len == EPOCH_BYTES && memcmp(subscribe->epoch.data, centre.epoch, EPOCH_BYTES) == 0;
    bool can_go_on =
        is_same_database && subscribe->since_rev <= centre.rev && subscribe->since_rev >= centre.oldest_rev;
    subscribed->since_rev = can_go_on ? subscribe->since_rev : 0;
    subscribed->view = (char *)name;
    subscribed->epoch.data = arena_copy(&rq->arena, centre.epoch, EPOCH_BYTES);
    subscribed->epoch.len = EPOCH_BYTES;
    if (!subscribed->epoch.data) return MDG_ERR_MEMORY;
    return effect_add(rq, &(struct effect){.kind = EFFECT_SUBSCRIBED, .view = view, .rev = subscribed->since_rev});
}

static int handle_unsubscribe(struct request *rq)
{
    return effect_add(rq, &(struct effect){.kind = EFFECT_UNSUBSCRIBED});
}

/* --- tables ------------------------------------------------------------------------------------------- */

static const struct route ROUTES[] = {
    {.name = "feed.subscribe",
     .op = MDG__FEED__OF_SUBSCRIBE,
     .roles = ROLE_BIT_TERMINAL,
     .kinds = KINDS_ENROLLED,
     .scope = SCOPE_OWN_TERMINAL,
     .access = ROUTE_READ,
     .audit = AUDIT_NONE,
     .handle = handle_subscribe},
    {.name = "feed.unsubscribe",
     .op = MDG__FEED__OF_UNSUBSCRIBE,
     .roles = ROLE_BIT_TERMINAL,
     .kinds = KINDS_ENROLLED,
     .scope = SCOPE_OWN_TERMINAL,
     .access = ROUTE_READ,
     .audit = AUDIT_NONE,
     .handle = handle_unsubscribe},
};

static const struct field_limit LIMITS[] = {
    {&mdg__subscribe__descriptor, 1, 1, 1, false},           /* subscription: the terminal's view */
    {&mdg__subscribe__descriptor, 2, 0, 32, false},          /* view */
    {&mdg__subscribe__descriptor, 3, 0, EPOCH_BYTES, false}, /* epoch */
    {&mdg__subscribe__descriptor, 4, 0, INT64_MAX, false},   /* since_rev */
    {&mdg__unsubscribe__descriptor, 1, 1, 1, false},         /* subscription */
};

const struct domain FEED_DOMAIN = {
    .name = "feed",
    .arm = MDG__BODY__DOMAIN_FEED,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
};
