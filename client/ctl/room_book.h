/* client/ctl/room_book.h - the centre's rooms as the replica has them, found by name or number. */
#ifndef MADOGUCHI_CLIENT_CTL_ROOM_BOOK_H
#define MADOGUCHI_CLIENT_CTL_ROOM_BOOK_H

#include <stdint.h>

#include "client/ctl/ctl.h"

struct room_book {
    json_t *rooms; /* objects: id, name, kind, capacity, position, note, is_always_open, is_retired, rev; by position;
                      owned */
};

int room_book_load(struct ctl *ctl, struct room_book *book);
void room_book_fini(struct room_book *book);

/* By name or number; wanted NULL: the only one in use. MDG_ERR_INVALID or MDG_ERR_NOT_FOUND with a sentence that lists
 * what there is. *room is borrowed from the book. */
int room_book_find(struct ctl *ctl, const struct room_book *book, const char *wanted, const json_t **room);
/* Borrowed; "" when the replica does not know it. */
const char *room_book_name(const struct room_book *book, int64_t id);
int64_t room_id_of(const json_t *room);

#endif
