/* client/ctl/watch_bookings.h - a booking as a line of "watch"; names from the replica. */
#ifndef MADOGUCHI_CLIENT_CTL_WATCH_BOOKINGS_H
#define MADOGUCHI_CLIENT_CTL_WATCH_BOOKINGS_H

#include <stddef.h>

#include <jansson.h>

#include "client/ctl/ctl.h"

/* NULL when the row is none. */
const Mdg__Booking *watch_booking_of(const Mdg__Row *row);
/* Room, time, state and, where this terminal may see them, who comes and what for. */
void watch_booking_text(struct ctl *ctl, const Mdg__Booking *booking, char *out, size_t size);
json_t *watch_booking_json(struct ctl *ctl, const Mdg__Booking *booking);

#endif
