/* server/rooms/free_spans.h - what is left of open hours when what is taken is cut out. Pure. Spans are half-open
 * [from_us, to_us), in rising order, and do not touch the one before unless said. */
#ifndef MADOGUCHI_ROOMS_FREE_SPANS_H
#define MADOGUCHI_ROOMS_FREE_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    int64_t from_us, to_us;
};

struct spans {
    struct span *at; /* the caller's memory */
    size_t count, most;
};

/* Adds at the end; one that begins where the last one ends makes it longer, an empty one is left out. False: no room.
 */
bool spans_add(struct spans *spans, int64_t from_us, int64_t to_us);
/* open without taken, within [from_us, to_us), into *out (emptied first). False: no room. */
bool spans_free(const struct spans *open, const struct spans *taken, int64_t from_us, int64_t to_us, struct spans *out);
/* [from_us, to_us) lies within one of them. */
bool spans_hold(const struct spans *spans, int64_t from_us, int64_t to_us);
/* Of all places of that length, the one whose beginning is nearest to wanted_us; of two as near, the later one. */
bool spans_nearest(const struct spans *spans, int64_t wanted_us, int64_t length_us, int64_t *start_us);

#endif
