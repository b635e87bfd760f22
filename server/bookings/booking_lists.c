/* Reading. The scope stands in the SQL: what is not the caller's is not there. */
#include "common/day.h"
#include "server/bookings/booking_handlers.h"

#define PAGE_BOOKINGS 200
#define LIST_DAYS_MAX 400

struct list_page {
    struct request *rq;
    struct booking_scope scope;
    Mdg__BookingListed *listed;
};

static int add_booking(void *arg, const struct booking *b)
{
    struct list_page *page = arg;
    struct arena *arena = &page->rq->arena;
    Mdg__Booking *to =
        repeated_add(arena, &page->listed->n_bookings, &page->listed->bookings, &mdg__booking__descriptor);
    return to ? booking_to_wire(arena, b, booking_sight_of(page->rq, &page->scope, b), to) : MDG_ERR_MEMORY;
}

int handle_booking_list(struct request *rq)
{
    const Mdg__BookingList *op = rq->op;
    struct list_page page = {.rq = rq};
    bool more = false;
    if (op->to_us <= op->from_us) return refuse(rq, MDG_ERR_INVALID, "to_us", "before_from");
    if (op->to_us - op->from_us > LIST_DAYS_MAX * US_PER_DAY) {
        refuse(rq, MDG_ERR_INVALID, "to_us", "too_wide");
        return refuse_arg(rq, "days", "%d", LIST_DAYS_MAX);
    }
    int rc = booking_scope_of(rq, &page.scope);
    if (rc != 0) return rc;
    struct booking_page query = {.from_us = op->from_us,
                                 .to_us = op->to_us,
                                 .scope = {page.scope.group_id ? page.scope.group_id : op->group_id, op->room_id},
                                 .with_ended = op->with_ended,
                                 .after_us = op->after_us,
                                 .after_id = op->after_id,
                                 .limit = PAGE_BOOKINGS};
    page.listed = answer_new(rq);
    if (!page.listed) return MDG_ERR_MEMORY;
    rc = booking_each_page(rq->db, &query, add_booking, &page, &more);
    page.listed->has_more = more;
    return rc;
}

int handle_booking_get(struct request *rq)
{
    const Mdg__BookingGet *op = rq->op;
    struct booking_scope scope;
    struct booking b;
    int rc = booking_scope_of(rq, &scope);
    if (rc == 0) rc = booking_get(rq->db, op->booking_id, &scope, &b);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "booking_id", "booking");
    return rc != 0 || booking_answer(rq, &b) ? rc : MDG_ERR_MEMORY;
}
