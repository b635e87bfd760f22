/* server/hours/hours_wire.h - rows of hours as they travel, in refusals and in the feed alike. Each fills an
 * initialised message, with texts and elements in the arena. MDG_ERR_MEMORY. */
#ifndef MADOGUCHI_HOURS_HOURS_WIRE_H
#define MADOGUCHI_HOURS_HOURS_WIRE_H

#include "server/hours/hours_store.h"
#include "server/request/request.h"

int opening_hours_to_wire(struct arena *arena, const struct opening_hours *hours, Mdg__OpeningHours *to);
int closed_day_to_wire(struct arena *arena, const struct closed_day *closed, Mdg__ClosedDay *to);
int holiday_to_wire(struct arena *arena, const struct holiday *holiday, Mdg__Holiday *to);

#endif
