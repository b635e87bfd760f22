#include "server/rooms/room_handlers.h"

#include <stdio.h>

#include "common/day.h"
#include "server/rooms/room_hours.h"

int room_to_wire(struct arena *arena, const struct room *room, Mdg__Room *to)
{
    to->id = room->id;
    to->name = arena_strdup(arena, room->name);
    to->kind = (Mdg__RoomKind)room->kind;
    to->capacity = room->capacity;
    to->position = room->position;
    if (room->note[0]) to->note = arena_strdup(arena, room->note);
    to->is_always_open = room->is_always_open;
    to->is_retired = room->is_retired;
    return to->name && to->note ? 0 : MDG_ERR_MEMORY;
}

/* --- saving ------------------------------------------------------------------------------------------- */

/* Both versions are the caller's to compare: what was asked for, and what stands there. */
static int refuse_stale(struct request *rq, const struct room *now)
{
    Mdg__RoomSaved *saved = answer_new(rq);
    if (!saved) return MDG_ERR_MEMORY;
    saved->room = arena_alloc(&rq->arena, sizeof *saved->room);
    if (!saved->room) return MDG_ERR_MEMORY;
    mdg__room__init(saved->room);
    saved->rev = now->rev;
    int rc = room_to_wire(&rq->arena, now, saved->room);
    if (rc != 0) return rc;
    refuse(rq, MDG_ERR_STALE, "rev", "changed");
    rq->refusal.object_id = now->id;
    rq->refusal.has_answer = true;
    return MDG_ERR_STALE;
}

int handle_room_save(struct request *rq)
{
    const Mdg__RoomSave *save = rq->op;
    bool is_new = save->id == 0;
    struct room was, room = {.id = save->id,
                             .kind = (int)save->kind,
                             .capacity = save->capacity,
                             .position = save->position,
                             .is_always_open = save->is_always_open,
                             .is_retired = save->is_retired};
    if (room.kind == 0) return refuse(rq, MDG_ERR_INVALID, "kind", "required");
    snprintf(room.name, sizeof room.name, "%s", save->name);
    snprintf(room.note, sizeof room.note, "%s", save->note);
    if (is_new) {
        room.id = turn_next_id(rq->turn);
    } else {
        int rc = room_get(rq->db, save->id, &was);
        if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "id", "room");
        if (rc != 0) return rc;
        if (was.rev != save->rev) return refuse_stale(rq, &was);
    }
    room.rev = change_record(rq, room.id);
    int rc = room_put(rq->turn, &room, is_new);
    return rc == MDG_ERR_CONFLICT ? refuse(rq, rc, "name", "taken") : rc;
}

/* --- what is free ------------------------------------------------------------------------------------- */

#define AVAILABILITY_US_MAX (31 * US_PER_DAY + US_PER_HOUR) /* a clock may be set back within them */
#define AVAILABLE_SPANS_MAX 500
#define OPEN_SPANS_OF_CALL 40
#define TAKEN_SPANS_MAX 4096

struct availability {
    struct request *rq;
    const Mdg__Availability *ask;
    Mdg__Available *available;
    struct spans open, always, taken, left;
};

static bool is_wanted(const struct availability *of, const struct room *room)
{
    const struct caller *caller = &of->rq->caller;
    if (room->is_retired || (of->ask->room_id != 0 && of->ask->room_id != room->id)) return false;
    if (caller->kind == KIND_DOOR && caller->room_id != room->id) return false;
    return of->ask->people == 0 || room->capacity == 0 || room->capacity >= of->ask->people;
}

static int add_room(void *arg, const struct room *room)
{
    struct availability *of = arg;
    if (of->available->has_more || !is_wanted(of, room)) return 0;
    int rc = room_taken_spans(of->rq->db, room->id, of->ask->from_us, of->ask->to_us, &of->taken);
    if (rc == MDG_ERR_TOO_LARGE) {
        of->available->has_more = true;
        return 0;
    }
    if (rc != 0) return rc;
    const struct spans *open = room->is_always_open ? &of->always : &of->open;
    if (!spans_free(open, &of->taken, of->ask->from_us, of->ask->to_us, &of->left)) of->available->has_more = true;
    for (size_t i = 0; i < of->left.count; i++) {
        if (of->available->n_spans == AVAILABLE_SPANS_MAX) {
            of->available->has_more = true;
            break;
        }
        Mdg__FreeSpan *span =
            repeated_add(&of->rq->arena, &of->available->n_spans, &of->available->spans, &mdg__free_span__descriptor);
        if (!span) return MDG_ERR_MEMORY;
        span->room_id = room->id;
        span->from_us = of->left.at[i].from_us;
        span->to_us = of->left.at[i].to_us;
    }
    return 0;
}

static bool spans_make(struct arena *arena, struct spans *spans, size_t most)
{
    *spans = (struct spans){.at = arena_alloc(arena, most * sizeof *spans->at), .most = most};
    return spans->at != NULL;
}

/* Absent, retired and another door's room are the same to whoever asks for one. */
static int check_room(struct request *rq, const struct availability *of, struct room *room)
{
    int rc = room_get(rq->db, of->ask->room_id, room);
    if (rc == MDG_ERR_NOT_FOUND || (rc == 0 && room->is_retired) ||
        (rc == 0 && rq->caller.kind == KIND_DOOR && rq->caller.room_id != room->id))
        return refuse(rq, MDG_ERR_NOT_FOUND, "room_id", "room");
    return rc;
}

int handle_availability(struct request *rq)
{
    struct availability of = {.rq = rq, .ask = rq->op};
    struct room room;
    if (of.ask->to_us <= of.ask->from_us) return refuse(rq, MDG_ERR_INVALID, "to_us", "before_from");
    if (of.ask->to_us - of.ask->from_us > AVAILABILITY_US_MAX) {
        refuse(rq, MDG_ERR_INVALID, "to_us", "too_wide");
        return refuse_arg(rq, "days", "31");
    }
    int rc = of.ask->room_id != 0 ? check_room(rq, &of, &room) : 0;
    if (rc != 0) return rc;
    of.available = answer_new(rq);
    if (!of.available || !spans_make(&rq->arena, &of.open, OPEN_SPANS_OF_CALL) ||
        !spans_make(&rq->arena, &of.always, 1) || !spans_make(&rq->arena, &of.taken, TAKEN_SPANS_MAX) ||
        !spans_make(&rq->arena, &of.left, TAKEN_SPANS_MAX + OPEN_SPANS_OF_CALL))
        return MDG_ERR_MEMORY;
    spans_add(&of.always, of.ask->from_us, of.ask->to_us);
    rc = centre_open_spans(rq->db, of.ask->from_us, of.ask->to_us, &of.open);
    if (rc == 0) rc = of.ask->room_id != 0 ? add_room(&of, &room) : room_each(rq->db, add_room, &of);
    return rc;
}
