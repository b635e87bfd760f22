/* server/bookings/booking_handlers.h - the handlers that bookings_domain.c lists, and what they share. */
#ifndef MADOGUCHI_BOOKINGS_BOOKING_HANDLERS_H
#define MADOGUCHI_BOOKINGS_BOOKING_HANDLERS_H

#include "server/bookings/booking_store.h"
#include "server/bookings/booking_wire.h"
#include "server/request/request.h"

/* booking_handlers.c: what takes a room. */
int handle_booking_request(struct request *rq);
int handle_booking_change(struct request *rq);
int handle_booking_record(struct request *rq);
int handle_booking_limits_save(struct request *rq);

/* booking_steps.c: from one state to the next. */
int handle_booking_confirm(struct request *rq);
int handle_booking_reject(struct request *rq);
int handle_booking_cancel(struct request *rq);
int handle_booking_start(struct request *rq);
int handle_booking_end(struct request *rq);
int handle_booking_no_show(struct request *rq);
int prepare_bookings_lapse(struct request *rq);
int handle_bookings_lapse(struct request *rq);

/* booking_lists.c: reading. */
int handle_booking_list(struct request *rq);
int handle_booking_get(struct request *rq);

/* --- shared: booking_callers.c -------------------------------------------------------------------------- */

#define BOOKING_STAFF (ROLE_BIT_DESK | ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION)

/* Whose bookings this caller means: staff all, a group its own, a door its room's. MDG_ERR_FORBIDDEN: an account that
 * is no group's. */
int booking_scope_of(struct request *rq, struct booking_scope *scope);
/* What this caller may see of b. */
enum booking_sight booking_sight_of(const struct request *rq, const struct booking_scope *scope,
                                    const struct booking *b);

/* The booking with this id in the caller's scope, seen at this rev, from whose state the step leads on. Refuses with
 * NOT_FOUND, STALE (and the booking as it stands) or STATE. */
int booking_for_step(struct request *rq, int64_t id, int64_t rev, enum booking_step step, struct booking *b);
/* Stores b as changed by the caller now: rev, person, time, answer. */
int booking_changed(struct request *rq, struct booking *b);
/* The answer of the call with b in it, as the caller may see it; NULL: out of memory. */
Mdg__BookingAnswer *booking_answer(struct request *rq, const struct booking *b);

#endif
