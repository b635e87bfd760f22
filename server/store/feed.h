/* server/store/feed.h - the change feed: turns what was committed into parts, one code path for live changes
 * and for catching up. A thread of its own with a read connection; it wakes after each commit.
 *
 * A part of a view covers (from_rev, to_rev]. Every change of a synced row takes a new rev, so a part is
 * "the rows of each kind with rev > from_rev, merged by rev": nobody keeps a list of changes, and a row that
 * changed ten times travels once. Live parts of a watched view follow each other without a hole; catch-up
 * parts are cut at the same snapshots, so they meet the live ones. */
#ifndef MADOGUCHI_STORE_FEED_H
#define MADOGUCHI_STORE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_PART_ROWS_MAX 500
#define FEED_PART_BYTES_MAX (240u * 1024u) /* leaves room for the frame around it */
#define FEED_CATCH_UP_ROWS 4096u /* read at once for one that is behind: many small readings cost more than one */

struct arena;
struct db;
struct feed;
struct feed_rows; /* grows in the arena */

/* What a subscriber may see. name is one bit of a set kept by the request layer; scope a person, group or
 * room where the view depends on one, else 0. */
struct feed_view {
    uint32_t name;
    int64_t scope;
};

struct feed_row {
    uint32_t kind;
    int64_t id, rev;
    int32_t day;
    bool is_removed;
    void *message; /* the row for the wire, in the arena; NULL when removed */
    size_t bytes;  /* its packed size */
};

struct feed_query {
    struct feed_view view;
    int64_t since_rev;
    int32_t today;    /* local day of the centre */
    int32_t from_day; /* this source's horizon for today, 0: none */
    int limit;        /* most rows wanted */
    struct arena *arena;
};

/* One kind of row that can be followed. Constant tables of the domains. */
struct feed_source {
    uint32_t kind;
    uint32_t views; /* set of view names in which it stands */
    /* First day that the view still holds, for a local day today; NULL: everything. */
    int32_t (*horizon)(int32_t today);
    /* Adds rows with rev > since_rev in rising rev by feed_rows_add, at most limit. 0 or an error. */
    int (*rows)(struct db *db, const struct feed_query *query, struct feed_rows *rows);
};

/* MDG_ERR_MEMORY. */
int feed_rows_add(struct feed_rows *rows, const struct feed_row *row);

struct feed_horizon {
    uint32_t kind;
    int32_t from_day;
};

struct feed_part {
    struct feed_part *next;
    struct feed_view view;
    int64_t from_rev, to_rev;
    bool is_caught_up;
    uint64_t tag; /* 0: live, for everybody; else the catch-up that asked */
    int rc;       /* not 0: a catch-up that failed; no bytes */
    size_t length;
    uint8_t *bytes; /* owned by the part: an encoded frame with its head */
};
void feed_part_free(struct feed_part *part);

struct feed_options {
    const char *path;
    const struct feed_source *const *sources;
    size_t sources_count;
    /* Encodes a part whose rows are given into part->bytes (malloc). Feed thread. */
    int (*encode)(struct feed_part *part, const struct feed_row *const *rows, size_t count,
                  const struct feed_horizon *horizons, size_t horizons_count);
    /* A list of parts in order, the callee's to free. Feed thread. */
    void (*on_parts)(void *arg, struct feed_part *parts);
    void *arg;
};

int feed_new(const struct feed_options *options, struct feed **out);
void feed_stop(struct feed *feed);
void feed_free(struct feed *feed);

/* Any thread. Something was committed, or the clock moved on (now_us sets the day). */
void feed_wake(struct feed *feed, int64_t now_us);
/* Any thread. From now on live parts of this view are made; counted, so that watch and unwatch pair. */
void feed_watch(struct feed *feed, struct feed_view view);
void feed_unwatch(struct feed *feed, struct feed_view view);
/* Any thread. Parts after from_rev come with this tag (not 0), each beginning where the one before ended: until caught
 * up, or FEED_CATCH_UP_ROWS rows. MDG_ERR_MEMORY: nothing will come. */
int feed_catch_up(struct feed *feed, struct feed_view view, int64_t from_rev, uint64_t tag);

/* The same in the calling thread, for tests and verify: one part's rows at the snapshot of db. */
int feed_collect(struct db *db, const struct feed_options *options, struct feed_view view, int64_t from_rev,
                 int64_t now_us, struct arena *arena, struct feed_part *part, const struct feed_row *const **rows,
                 size_t *count);

#endif
