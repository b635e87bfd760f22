/* server/visits/visit_wire.h - a visit as it travels, in lists and in the feed alike. */
#ifndef MADOGUCHI_VISITS_VISIT_WIRE_H
#define MADOGUCHI_VISITS_VISIT_WIRE_H

#include "server/request/request.h"
#include "server/visits/visit_store.h"

/* Fills an initialised message; texts and bytes in the arena. MDG_ERR_MEMORY. */
int visit_to_wire(struct arena *arena, const struct visit *v, Mdg__Visit *to);

#endif
