#include "server/dispatch/call.h"

#include "common/day.h"

/* Roles that the machine has by itself, without a person. */
#define ROLES_OF_MACHINES (~(uint32_t)ROLE_BITS_OF_PERSONS)

int rights_check(struct request *rq, bool is_door)
{
    const struct route *route = rq->route;
    const struct caller *caller = &rq->caller;
    if (!(route->kinds & KIND_BIT(caller->kind))) return refuse(rq, MDG_ERR_FORBIDDEN, NULL, "terminal_kind");
    if (is_door && rq->is_deferred) return 0;

    uint32_t granted = route->roles & caller->roles;
    if (!granted) {
        /* Whoever could sign in here and then may is told so; nobody else learns more than "no". */
        uint32_t possible = roles_effective(caller->kind, caller->is_private, ROLE_BITS_OF_PERSONS);
        if (caller->person_id == 0 && (route->roles & possible))
            return refuse(rq, MDG_ERR_SIGN_IN_NEEDED, NULL, "person");
        return refuse(rq, MDG_ERR_FORBIDDEN, NULL, "role");
    }
    bool is_person = !(granted & ROLES_OF_MACHINES);
    if ((route->flags & ROUTE_CONFIRM) && is_person && !rq->is_deferred && caller->confirmed_until_us < rq->now_us)
        return refuse(rq, MDG_ERR_CONFIRM_NEEDED, NULL, "secret");
    return 0;
}
