/* server/rooms/room_hours.h - when a room can be had: opening hours, and what bookings leave of them. */
#ifndef MADOGUCHI_ROOMS_ROOM_HOURS_H
#define MADOGUCHI_ROOMS_ROOM_HOURS_H

#include "server/rooms/free_spans.h"
#include "server/rooms/room_store.h"

/* The centre's open hours within [from_us, to_us) into *out (emptied first), hours that go on over midnight as one.
 * MDG_ERR_TOO_LARGE: more than *out holds. */
int centre_open_spans(struct db *db, int64_t from_us, int64_t to_us, struct spans *out);
/* The room's own: all of it when it is always open. */
int room_open_spans(struct db *db, const struct room *room, int64_t from_us, int64_t to_us, struct spans *out);
/* Live bookings of the room that touch [from_us, to_us), into *out (emptied first). MDG_ERR_TOO_LARGE. */
int room_taken_spans(struct db *db, int64_t room_id, int64_t from_us, int64_t to_us, struct spans *out);

#endif
