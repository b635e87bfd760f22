/* server/bookings/booking_alternatives.h - where a booking that clashes could go instead. Bounded work: two weeks of
 * its room, and the nearest rooms of the same kind at the same time. */
#ifndef MADOGUCHI_BOOKINGS_BOOKING_ALTERNATIVES_H
#define MADOGUCHI_BOOKINGS_BOOKING_ALTERNATIVES_H

#include "common/arena.h"
#include "server/bookings/booking_store.h"
#include "server/rooms/room_store.h"

#define BOOKING_ALTERNATIVES_MAX 3

struct booking_alternative {
    int64_t room_id, start_us, end_us;
};

/* In this order, as far as there are any: the same room at the nearest time from now_us on, the nearest room at the
 * same time, the same room at the same time of the next day that has it free. wanted: as asked for; its id, when it is
 * there already, does not stand in its own way. */
int booking_alternatives(struct db *db, struct arena *arena, const struct room *room, const struct booking *wanted,
                         int64_t now_us, struct booking_alternative out[BOOKING_ALTERNATIVES_MAX], size_t *count);

#endif
