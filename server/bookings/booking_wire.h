/* server/bookings/booking_wire.h - a booking as it travels, with as much of it as the caller may see. */
#ifndef MADOGUCHI_BOOKINGS_BOOKING_WIRE_H
#define MADOGUCHI_BOOKINGS_BOOKING_WIRE_H

#include "server/bookings/booking_store.h"
#include "server/request/request.h"

enum booking_sight {
    SIGHT_ALL,    /* staff; a group its own */
    SIGHT_TITLE,  /* a door its own room's */
    SIGHT_PUBLIC, /* room, time, state; the title where it is public */
    SIGHT_TIMES   /* a group others' */
};

/* Fills an initialised message; texts in the arena. MDG_ERR_MEMORY. */
int booking_to_wire(struct arena *arena, const struct booking *b, enum booking_sight sight, Mdg__Booking *to);

#endif
