/* server/rooms/room_handlers.h - the handlers that rooms_domain.c lists; one for each call of proto/rooms.proto. */
#ifndef MADOGUCHI_ROOMS_ROOM_HANDLERS_H
#define MADOGUCHI_ROOMS_ROOM_HANDLERS_H

#include "server/request/request.h"
#include "server/rooms/room_store.h"

int handle_room_save(struct request *rq);
int handle_availability(struct request *rq);

/* Fills an initialised message; texts in the arena. MDG_ERR_MEMORY. */
int room_to_wire(struct arena *arena, const struct room *room, Mdg__Room *to);

#endif
