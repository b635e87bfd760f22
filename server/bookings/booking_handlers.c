/* The calls that take a room: they keep the rules, and say who was there first. */
#include "server/bookings/booking_handlers.h"

#include <stdio.h>

#include "common/day.h"
#include "server/bookings/booking_alternatives.h"
#include "server/groups/group_store.h"
#include "server/hours/hours_store.h"
#include "server/rooms/room_hours.h"

/* When it was asked for: a waiting one's own time, else now. */
static int64_t made_us_of(const struct request *rq)
{
    return rq->is_deferred ? rq->made_us : rq->now_us;
}

/* --- the clash ---------------------------------------------------------------------------------------- */

static int add_alternatives(struct request *rq, const struct room *room, const struct booking *b,
                            Mdg__BookingAnswer *answer)
{
    struct booking_alternative found[BOOKING_ALTERNATIVES_MAX];
    size_t count = 0;
    if (b->end_us <= rq->now_us) return 0; /* what is over needs no other place */
    int rc = booking_alternatives(rq->db, &rq->arena, room, b, rq->now_us, found, &count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        Mdg__BookingAlternative *to = repeated_add(&rq->arena, &answer->n_alternatives, &answer->alternatives,
                                                   &mdg__booking_alternative__descriptor);
        if (!to) return MDG_ERR_MEMORY;
        to->room_id = found[i].room_id;
        to->start_us = found[i].start_us;
        to->end_us = found[i].end_us;
    }
    return rc;
}

static int refuse_clash(struct request *rq, const struct room *room, const struct booking *b,
                        const struct booking *clash)
{
    struct booking_scope scope;
    Mdg__BookingAnswer *answer = answer_new(rq);
    if (!answer) return MDG_ERR_MEMORY;
    int rc = booking_scope_of(rq, &scope);
    answer->clash = arena_alloc(&rq->arena, sizeof *answer->clash);
    if (rc == 0 && !answer->clash) rc = MDG_ERR_MEMORY;
    if (rc != 0) return rc;
    mdg__booking__init(answer->clash);
    rc = booking_to_wire(&rq->arena, clash, booking_sight_of(rq, &scope, clash), answer->clash);
    if (rc == 0) rc = add_alternatives(rq, room, b, answer);
    if (rc != 0) return rc;
    refuse(rq, MDG_ERR_CONFLICT, "start_us", "clash");
    rq->refusal.object_id = clash->id;
    rq->refusal.has_answer = true;
    return MDG_ERR_CONFLICT;
}

/* One probe; the schema would refuse all the same, but could not say by whom. */
static int check_clash(struct request *rq, const struct room *room, const struct booking *b)
{
    struct booking clash;
    int rc = booking_clash(rq->db, b->room_id, b->start_us, b->end_us, b->id, &clash);
    if (rc == MDG_ERR_NOT_FOUND) return 0;
    return rc == 0 ? refuse_clash(rq, room, b, &clash) : rc;
}

/* --- rules -------------------------------------------------------------------------------------------- */

static int check_room(struct request *rq, int64_t room_id, struct room *room)
{
    int rc = room_get(rq->db, room_id, room);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "room_id", "room");
    return rc == 0 && room->is_retired ? refuse(rq, MDG_ERR_STATE, "room_id", "room_retired") : rc;
}

static int check_span(struct request *rq, const struct booking *b, struct booking_limits *limits)
{
    const char *field;
    int rc = booking_limits_read(rq->db, limits);
    if (rc != 0) return rc;
    const char *rule = booking_rules_span(limits, b->start_us, b->end_us, made_us_of(rq), b->is_record, &field);
    if (!rule) return 0;
    refuse(rq, MDG_ERR_INVALID, field, rule);
    refuse_arg(rq, "minutes", "%d", (int)limits->longest_minutes);
    return refuse_arg(rq, "days", "%d", (int)limits->ahead_days);
}

/* The longest booking bounds the days that are looked at. */
static int check_hours(struct request *rq, const struct room *room, const struct booking *b)
{
    if (room->is_always_open) return 0;
    size_t most = (size_t)((b->end_us - b->start_us) / US_PER_DAY) + 3; /* days that it can touch */
    struct spans open = {.at = arena_alloc(&rq->arena, most * sizeof *open.at), .most = most};
    if (!open.at) return MDG_ERR_MEMORY;
    int rc = centre_open_spans(rq->db, b->start_us, b->end_us, &open);
    if (rc != 0 || spans_hold(&open, b->start_us, b->end_us)) return rc;
    struct hours_day hours;
    int32_t day = day_of_us(b->start_us);
    rc = hours_of_day(rq->db, day, &hours);
    if (rc != 0) return rc;
    refuse(rq, MDG_ERR_INVALID, "start_us", hours.is_open ? "opening_hours" : "closed");
    return refuse_arg(rq, "day", "%d", (int)day);
}

static int check_lapse(struct request *rq, int32_t asked_day, const struct booking_limits *limits, struct booking *b)
{
    const char *rule = booking_rules_lapse(asked_day, b->start_us, made_us_of(rq));
    if (rule) return refuse(rq, MDG_ERR_INVALID, "lapse_day", rule);
    b->lapse_day = booking_rules_lapse_day(limits, asked_day, b->start_us, made_us_of(rq));
    return 0;
}

static int check_group(struct request *rq, struct booking *b)
{
    struct group group;
    if (b->group_id == 0) return b->applicant[0] ? 0 : refuse(rq, MDG_ERR_INVALID, "applicant", "required");
    int rc = group_get(rq->db, b->group_id, &group);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "group_id", "group");
    if (rc != 0 || b->is_record) return rc;
    bool is_over = group.is_ended || (group.to_day != 0 && group.to_day < day_of_us(made_us_of(rq)));
    return is_over ? refuse(rq, MDG_ERR_STATE, "group_id", "group_ended") : 0;
}

/* --- request ------------------------------------------------------------------------------------------ */

/* A group asks for itself, and does not grant it. */
static int set_applicant(struct request *rq, const Mdg__BookingRequest *op, struct booking *b)
{
    struct booking_scope scope;
    int rc = booking_scope_of(rq, &scope);
    if (rc != 0) return rc;
    b->group_id = op->group_id;
    snprintf(b->applicant, sizeof b->applicant, "%s", op->applicant);
    bool may_confirm = rq->caller.roles & (ROLE_BIT_DESK | ROLE_BIT_OFFICE);
    if (op->is_confirmed && !may_confirm) return refuse(rq, MDG_ERR_FORBIDDEN, "is_confirmed", "desk_only");
    b->state = op->is_confirmed ? BOOKING_CONFIRMED : BOOKING_TENTATIVE;
    if (scope.group_id == 0) return check_group(rq, b);
    /* Another group and none at all are the same answer. */
    if (op->group_id != 0 && op->group_id != scope.group_id) return refuse(rq, MDG_ERR_NOT_FOUND, "group_id", "group");
    b->group_id = scope.group_id;
    return check_group(rq, b);
}

static int store_new(struct request *rq, const struct room *room, struct booking *b)
{
    b->id = turn_next_id(rq->turn);
    b->rev = change_record(rq, b->id);
    b->person_id = rq->caller.person_id;
    b->changed_us = rq->now_us;
    int rc = booking_insert(rq->turn, b);
    if (rc != 0) return rc;
    Mdg__BookingAnswer *answer = booking_answer(rq, b);
    if (!answer) return MDG_ERR_MEMORY;
    answer->is_over_capacity = room->capacity > 0 && b->people > room->capacity;
    return 0;
}

int handle_booking_request(struct request *rq)
{
    const Mdg__BookingRequest *op = rq->op;
    struct room room;
    struct booking_limits limits;
    struct booking b = {.room_id = op->room_id,
                        .start_us = op->start_us,
                        .end_us = op->end_us,
                        .people = op->people,
                        .is_public = op->is_public};
    snprintf(b.title, sizeof b.title, "%s", op->title);
    int rc = set_applicant(rq, op, &b);
    if (rc == 0) rc = check_room(rq, b.room_id, &room);
    if (rc == 0) rc = check_span(rq, &b, &limits);
    if (rc == 0) rc = check_hours(rq, &room, &b);
    if (rc == 0) rc = check_lapse(rq, op->lapse_day, &limits, &b);
    if (rc == 0) rc = check_clash(rq, &room, &b);
    return rc == 0 ? store_new(rq, &room, &b) : rc;
}

/* --- change ------------------------------------------------------------------------------------------- */

static int check_moved(struct request *rq, const struct room *room, const struct booking *was, struct booking *b)
{
    struct booking_limits limits;
    int rc = check_span(rq, b, &limits);
    if (rc == 0) rc = check_hours(rq, room, b);
    if (rc == 0) rc = check_clash(rq, room, b);
    if (rc != 0) return rc;
    if (b->room_id != was->room_id) b->has_moved = true;
    /* Whoever may not grant a booking asks again when it is to be another one. */
    if (!(rq->caller.roles & (ROLE_BIT_DESK | ROLE_BIT_OFFICE)) && b->state == BOOKING_CONFIRMED) {
        b->state = BOOKING_TENTATIVE;
        b->lapse_day = 0;
    }
    b->lapse_day = booking_rules_lapse_day(&limits, b->lapse_day, b->start_us, made_us_of(rq));
    return 0;
}

int handle_booking_change(struct request *rq)
{
    const Mdg__BookingChange *op = rq->op;
    struct room room;
    struct booking was, b;
    int rc = booking_for_step(rq, op->booking_id, op->rev, BOOKING_CHANGE, &was);
    if (rc == 0 && !(rq->caller.roles & BOOKING_STAFF) && was.start_us <= rq->now_us)
        rc = refuse(rq, MDG_ERR_STATE, "booking_id", "has_begun");
    if (rc != 0) return rc;
    b = was;
    b.room_id = op->room_id;
    b.start_us = op->start_us;
    b.end_us = op->end_us;
    b.people = op->people;
    b.is_public = op->is_public;
    snprintf(b.title, sizeof b.title, "%s", op->title);
    bool has_moved = b.room_id != was.room_id || b.start_us != was.start_us || b.end_us != was.end_us;
    rc = room_get(rq->db, b.room_id, &room);
    if (rc == MDG_ERR_NOT_FOUND || has_moved) rc = check_room(rq, b.room_id, &room);
    if (rc == 0 && has_moved) rc = check_moved(rq, &room, &was, &b);
    if (rc == 0) rc = booking_changed(rq, &b);
    if (rc == 0) rq->answer->bookings->changed->is_over_capacity = room.capacity > 0 && b.people > room.capacity;
    return rc;
}

/* --- record ------------------------------------------------------------------------------------------- */

int handle_booking_record(struct request *rq)
{
    const Mdg__BookingRecord *op = rq->op;
    struct room room;
    struct booking_limits limits;
    struct booking b = {.room_id = op->room_id,
                        .group_id = op->group_id,
                        .start_us = op->start_us,
                        .end_us = op->end_us,
                        .people = op->people,
                        .is_record = true};
    snprintf(b.title, sizeof b.title, "%s", op->title);
    snprintf(b.applicant, sizeof b.applicant, "%s", op->applicant);
    b.state = b.end_us <= rq->now_us ? BOOKING_ENDED : BOOKING_CONFIRMED;
    b.lapse_day = day_of_us(b.start_us);
    int rc = room_get(rq->db, b.room_id, &room); /* a retired one, too: what happened, happened */
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "room_id", "room");
    if (rc == 0) rc = check_group(rq, &b);
    if (rc == 0) rc = check_span(rq, &b, &limits);
    if (rc == 0) rc = check_clash(rq, &room, &b);
    return rc == 0 ? store_new(rq, &room, &b) : rc;
}

/* --- what the centre decides -------------------------------------------------------------------------- */

static int refuse_stale_limits(struct request *rq, const struct booking_limits *now)
{
    Mdg__BookingLimitsSaved *saved = answer_new(rq);
    if (!saved) return MDG_ERR_MEMORY;
    saved->limits = arena_alloc(&rq->arena, sizeof *saved->limits);
    if (!saved->limits) return MDG_ERR_MEMORY;
    mdg__booking_limits__init(saved->limits);
    saved->limits->longest_minutes = now->longest_minutes;
    saved->limits->ahead_days = now->ahead_days;
    saved->limits->hold_days = now->hold_days;
    saved->rev = now->rev;
    refuse(rq, MDG_ERR_STALE, "rev", "changed");
    rq->refusal.has_answer = true;
    return MDG_ERR_STALE;
}

int handle_booking_limits_save(struct request *rq)
{
    const Mdg__BookingLimitsSave *op = rq->op;
    struct booking_limits was;
    int rc = booking_limits_read(rq->db, &was);
    if (rc != 0) return rc;
    if (was.rev != op->rev) return refuse_stale_limits(rq, &was);
    struct booking_limits limits = {.longest_minutes = op->longest_minutes,
                                    .ahead_days = op->ahead_days,
                                    .hold_days = op->hold_days,
                                    .rev = change_record(rq, 1)};
    return booking_limits_put(rq->turn, &limits);
}
