/* client/ctl/group_book.h - the registered groups as the replica has them: found by number or name, searched without
 * the server. */
#ifndef MADOGUCHI_CLIENT_CTL_GROUP_BOOK_H
#define MADOGUCHI_CLIENT_CTL_GROUP_BOOK_H

#include <stdint.h>

#include "client/ctl/ctl.h"

#define ROW_GROUP 10201u

struct group_book {
    json_t *groups; /* objects as of group_json(), by reading; owned */
};

json_t *group_json(const Mdg__Group *group, int64_t rev);

int group_book_load(struct ctl *ctl, struct group_book *book);
void group_book_fini(struct group_book *book);

/* By number or whole name. MDG_ERR_NOT_FOUND with a sentence. *group is borrowed from the book. */
int group_book_find(struct ctl *ctl, const struct group_book *book, const char *wanted, const json_t **group);
/* As the server does it. *out: an array that the caller owns, best first; *total: all that there are. */
int group_book_search(const struct group_book *book, const char *text, bool with_ended, int limit, json_t **out,
                      int64_t *total);

#endif
