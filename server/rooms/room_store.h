/* server/rooms/room_store.h - what can be booked, in the shared database. Writing on the writer thread only.
 * Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_ROOMS_ROOM_STORE_H
#define MADOGUCHI_ROOMS_ROOM_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/store/turn.h"

struct db;

#define ROOM_NAME_BYTES_MAX 200
#define ROOM_NOTE_BYTES_MAX 1000

enum room_kind { ROOM_ROOM = 1, ROOM_LOBBY, ROOM_PANEL }; /* proto RoomKind */

struct room {
    int64_t id;
    char name[ROOM_NAME_BYTES_MAX + 1];
    int kind;
    int32_t capacity; /* people; 0: not said */
    int32_t position;
    char note[ROOM_NOTE_BYTES_MAX + 1];
    bool is_always_open; /* bookable without regard to the opening hours */
    bool is_retired;
    int64_t rev;
};

/* MDG_ERR_NOT_FOUND. */
int room_get(struct db *db, int64_t id, struct room *room);
/* New when is_new. MDG_ERR_CONFLICT: the name is taken. */
int room_put(struct turn *turn, const struct room *room, bool is_new);

/* Not 0: stops, and is returned. */
typedef int room_each_cb(void *arg, const struct room *room);
/* By position, then id; retired ones too. */
int room_each(struct db *db, room_each_cb *cb, void *arg);
/* Rooms in use of the same kind that hold as many people, the nearest in position first; not *room itself. */
int room_each_near(struct db *db, const struct room *room, int32_t people, int limit, room_each_cb *cb, void *arg);
/* rev > since_rev in rising rev. */
int room_each_changed(struct db *db, int64_t since_rev, int limit, room_each_cb *cb, void *arg);

#endif
