/* What all calls about bookings have in common: whose they are, what may be seen, which version was seen. */
#include "server/bookings/booking_handlers.h"
#include "server/groups/group_store.h"

int booking_scope_of(struct request *rq, struct booking_scope *scope)
{
    struct group group;
    *scope = (struct booking_scope){0};
    if (rq->caller.roles & BOOKING_STAFF) return 0;
    if (rq->caller.kind == KIND_DOOR) {
        scope->room_id = rq->caller.room_id;
        return 0;
    }
    int rc = group_of_person(rq->db, rq->caller.person_id, &group);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, MDG_ERR_FORBIDDEN, NULL, "no_group");
    if (rc == 0) scope->group_id = group.id;
    return rc;
}

enum booking_sight booking_sight_of(const struct request *rq, const struct booking_scope *scope,
                                    const struct booking *b)
{
    if (rq->caller.roles & BOOKING_STAFF) return SIGHT_ALL;
    if (rq->caller.kind == KIND_DOOR) return b->room_id == scope->room_id ? SIGHT_TITLE : SIGHT_TIMES;
    return scope->group_id != 0 && b->group_id == scope->group_id ? SIGHT_ALL : SIGHT_TIMES;
}

Mdg__BookingAnswer *booking_answer(struct request *rq, const struct booking *b)
{
    struct booking_scope scope;
    Mdg__BookingAnswer *answer = answer_new(rq);
    if (!answer || booking_scope_of(rq, &scope) != 0) return NULL;
    answer->booking = arena_alloc(&rq->arena, sizeof *answer->booking);
    if (!answer->booking) return NULL;
    mdg__booking__init(answer->booking);
    return booking_to_wire(&rq->arena, b, booking_sight_of(rq, &scope, b), answer->booking) == 0 ? answer : NULL;
}

static int refuse_stale(struct request *rq, const struct booking *now)
{
    if (!booking_answer(rq, now)) return MDG_ERR_MEMORY;
    refuse(rq, MDG_ERR_STALE, "rev", "changed");
    rq->refusal.object_id = now->id;
    rq->refusal.has_answer = true;
    return MDG_ERR_STALE;
}

static const char *state_name(enum booking_state state)
{
    static const char *const NAMES[BOOKING_STATES] = {
        [BOOKING_TENTATIVE] = "tentative", [BOOKING_CONFIRMED] = "confirmed", [BOOKING_IN_USE] = "in_use",
        [BOOKING_ENDED] = "ended",         [BOOKING_REJECTED] = "rejected",   [BOOKING_CANCELLED] = "cancelled",
        [BOOKING_NO_SHOW] = "no_show",     [BOOKING_LAPSED] = "lapsed",
    };
    return NAMES[state] ? NAMES[state] : "none";
}

int booking_for_step(struct request *rq, int64_t id, int64_t rev, enum booking_step step, struct booking *b)
{
    struct booking_scope scope;
    int rc = booking_scope_of(rq, &scope);
    if (rc == 0) rc = booking_get(rq->db, id, &scope, b);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "booking_id", "booking");
    if (rc != 0) return rc;
    if (b->rev != rev) return refuse_stale(rq, b);
    if (booking_state_after(b->state, step) == 0) {
        refuse(rq, MDG_ERR_STATE, "booking_id", "booking_state");
        return refuse_arg(rq, "state", "%s", state_name(b->state));
    }
    return 0;
}

int booking_changed(struct request *rq, struct booking *b)
{
    b->rev = change_record(rq, b->id);
    b->person_id = rq->caller.person_id;
    b->changed_us = rq->now_us;
    int rc = booking_update(rq->turn, b);
    return rc != 0 || booking_answer(rq, b) ? rc : MDG_ERR_MEMORY;
}
