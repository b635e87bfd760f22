/* From one state to the next. What leads where stands in booking_rules.c. */
#include <stdio.h>

#include "common/day.h"
#include "server/bookings/booking_handlers.h"

#define LAPSES_AT_ONCE 200

static int step(struct request *rq, struct booking *b, enum booking_step step, const char *reason)
{
    b->state = booking_state_after(b->state, step);
    snprintf(b->reason, sizeof b->reason, "%s", reason);
    if (reason[0]) rq->reason = reason;
    return booking_changed(rq, b);
}

int handle_booking_confirm(struct request *rq)
{
    const Mdg__BookingConfirm *op = rq->op;
    struct booking b;
    int rc = booking_for_step(rq, op->booking_id, op->rev, BOOKING_CONFIRM, &b);
    return rc == 0 ? step(rq, &b, BOOKING_CONFIRM, "") : rc;
}

int handle_booking_reject(struct request *rq)
{
    const Mdg__BookingReject *op = rq->op;
    struct booking b;
    int rc = booking_for_step(rq, op->booking_id, op->rev, BOOKING_REJECT, &b);
    return rc == 0 ? step(rq, &b, BOOKING_REJECT, op->reason) : rc;
}

int handle_booking_cancel(struct request *rq)
{
    const Mdg__BookingCancel *op = rq->op;
    struct booking b;
    int rc = booking_for_step(rq, op->booking_id, op->rev, BOOKING_CANCEL, &b);
    if (rc == 0 && !(rq->caller.roles & BOOKING_STAFF) && b.start_us <= rq->now_us)
        rc = refuse(rq, MDG_ERR_STATE, "booking_id", "has_begun");
    return rc == 0 ? step(rq, &b, BOOKING_CANCEL, op->reason) : rc;
}

int handle_booking_start(struct request *rq)
{
    const Mdg__BookingStart *op = rq->op;
    struct booking b;
    int rc = booking_for_step(rq, op->booking_id, op->rev, BOOKING_START, &b);
    if (rc != 0) return rc;
    const char *rule = booking_rules_start(b.start_us, b.end_us, rq->now_us);
    if (rule) {
        refuse(rq, MDG_ERR_STATE, "booking_id", rule);
        return refuse_arg(rq, "minutes", "%d", BOOKING_EARLY_MINUTES);
    }
    return step(rq, &b, BOOKING_START, "");
}

int handle_booking_end(struct request *rq)
{
    const Mdg__BookingEnd *op = rq->op;
    struct booking b;
    int rc = booking_for_step(rq, op->booking_id, op->rev, BOOKING_END, &b);
    if (rc != 0) return rc;
    b.end_us = booking_rules_end(b.start_us, b.end_us, rq->now_us);
    return step(rq, &b, BOOKING_END, "");
}

int handle_booking_no_show(struct request *rq)
{
    const Mdg__BookingNoShow *op = rq->op;
    struct booking b;
    int rc = booking_for_step(rq, op->booking_id, op->rev, BOOKING_MISS, &b);
    if (rc == 0 && rq->now_us < b.start_us) rc = refuse(rq, MDG_ERR_STATE, "booking_id", "not_begun");
    return rc == 0 ? step(rq, &b, BOOKING_MISS, "") : rc;
}

/* --- by the clock ------------------------------------------------------------------------------------- */

static int note_due(void *arg, const struct booking *b)
{
    *(int64_t *)arg = b->id;
    return 0;
}

int prepare_bookings_lapse(struct request *rq)
{
    int64_t id = 0;
    int rc = booking_each_due(rq->db, day_of_us(rq->now_us), 1, note_due, &id);
    return rc == 0 && id == 0 ? refuse(rq, MDG_ERR_STATE, NULL, "nothing_due") : rc;
}

struct due {
    int64_t ids[LAPSES_AT_ONCE];
    size_t count;
};

static int collect_due(void *arg, const struct booking *b)
{
    struct due *due = arg;
    due->ids[due->count++] = b->id;
    return 0;
}

/* What is more than that falls due again at the next tick. */
int handle_bookings_lapse(struct request *rq)
{
    static const struct booking_scope ALL = {0};
    struct due due = {.count = 0};
    int rc = booking_each_due(rq->db, day_of_us(rq->now_us), LAPSES_AT_ONCE, collect_due, &due);
    for (size_t i = 0; rc == 0 && i < due.count; i++) {
        struct booking b;
        rc = booking_get(rq->db, due.ids[i], &ALL, &b);
        if (rc != 0) break;
        b.state = booking_state_after(b.state, BOOKING_LAPSE);
        b.rev = change_record(rq, b.id);
        b.person_id = 0;
        b.changed_us = rq->now_us;
        rc = booking_update(rq->turn, &b);
    }
    return rc;
}
