#include "server/store/feed.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "common/arena.h"
#include "common/day.h"
#include "common/error.h"
#include "common/log.h"
#include "server/store/db.h"

#define ARENA_BYTES_MAX (64u * 1024u * 1024u)
#define UNKNOWN_REV (-1)

struct feed_rows {
    struct feed_row *rows; /* in the arena */
    size_t count, size;
    struct arena *arena;
};

struct watched {
    struct watched *next;
    struct feed_view view;
    unsigned watchers;
    int64_t rev;   /* where the next live part begins; UNKNOWN_REV until the first look */
    int32_t today; /* of the last live part: its horizons hold until the day changes */
};

struct catch_up {
    struct catch_up *next;
    struct feed_view view;
    int64_t from_rev;
    uint64_t tag;
};

struct feed {
    struct feed_options options;
    struct db *db; /* the feed thread's after the start */
    uv_thread_t thread;
    bool has_thread;
    uv_mutex_t mutex; /* guards what follows; rev and today of watched are the feed thread's own */
    uv_cond_t wake;
    struct watched *watched;
    struct catch_up *first, **last;
    int64_t now_us;
    bool is_dirty, is_stopping;
};

/* --- the rows of one part ----------------------------------------------------------------------------- */

int feed_rows_add(struct feed_rows *rows, const struct feed_row *row)
{
    if (rows->count == rows->size) {
        size_t size = rows->size ? rows->size * 2 : 32;
        struct feed_row *grown = arena_alloc(rows->arena, size * sizeof *grown);
        if (!grown) return MDG_ERR_MEMORY;
        if (rows->count > 0) memcpy(grown, rows->rows, rows->count * sizeof *grown);
        rows->rows = grown;
        rows->size = size;
    }
    rows->rows[rows->count++] = *row;
    return 0;
}

static int by_rev(const void *a, const void *b)
{
    const struct feed_row *const *left = a, *const *right = b;
    return ((*left)->rev > (*right)->rev) - ((*left)->rev < (*right)->rev);
}

static const char SQL_REV[] = "SELECT rev FROM feed WHERE only_row = 1";

static int snapshot_rev(struct db *db, int64_t *rev)
{
    struct db_stmt *stmt = db_stmt(db, SQL_REV);
    int rc = db_step(stmt);
    if (rc == DB_ROW) {
        *rev = db_col_i64(stmt, 0);
        rc = 0;
    } else if (rc == 0) {
        rc = MDG_ERR_CORRUPT;
    }
    db_reset(stmt);
    return rc;
}

/* The rows of a view after a rev, in rising rev: whole up to count, for a source that has more was cut further on. */
struct harvest {
    const struct feed_row **rows; /* in the arena */
    size_t count;
    bool is_all; /* nothing comes after them */
    int64_t rev; /* of the snapshot */
};

static int harvest(struct db *db, const struct feed_options *options, struct feed_view view, int64_t from_rev,
                   int64_t now_us, size_t limit, struct arena *arena, struct harvest *out)
{
    struct feed_rows rows = {.arena = arena};
    struct feed_query query = {.view = view,
                               .since_rev = from_rev,
                               .today = day_of_us(now_us),
                               .limit = (int)limit + 1, /* one more tells that there is more */
                               .arena = arena};
    int rc = snapshot_rev(db, &out->rev);
    for (size_t i = 0; rc == 0 && i < options->sources_count; i++) {
        const struct feed_source *source = options->sources[i];
        if (!(source->views & view.name)) continue;
        query.from_day = source->horizon ? source->horizon(query.today) : 0;
        rc = source->rows(db, &query, &rows);
    }
    if (rc != 0) return rc;

    out->rows = arena_alloc(arena, (rows.count + 1) * sizeof *out->rows);
    if (!out->rows) return MDG_ERR_MEMORY;
    for (size_t i = 0; i < rows.count; i++) out->rows[i] = &rows.rows[i];
    qsort(out->rows, rows.count, sizeof *out->rows, by_rev);
    out->is_all = rows.count <= limit;
    out->count = out->is_all ? rows.count : limit;
    return 0;
}

/* How many of the rows from `at` on go into one part. */
static size_t slice(const struct harvest *harvest, size_t at)
{
    size_t count = 0, bytes = 0;
    while (at + count < harvest->count && count < FEED_PART_ROWS_MAX) {
        bytes += harvest->rows[at + count]->bytes + 32; /* id, rev, day and the tags around */
        if (count > 0 && bytes > FEED_PART_BYTES_MAX) break;
        count++;
    }
    return count;
}

/* Says of a part what it covers: count rows from `at` on. */
static void part_cover(struct feed_part *part, const struct harvest *harvest, size_t at, size_t count)
{
    part->is_caught_up = harvest->is_all && at + count == harvest->count;
    part->to_rev = part->is_caught_up ? harvest->rev : harvest->rows[at + count - 1]->rev;
}

int feed_collect(struct db *db, const struct feed_options *options, struct feed_view view, int64_t from_rev,
                 int64_t now_us, struct arena *arena, struct feed_part *part, const struct feed_row *const **out,
                 size_t *out_count)
{
    struct harvest all;
    int rc = harvest(db, options, view, from_rev, now_us, FEED_PART_ROWS_MAX, arena, &all);
    if (rc != 0) return rc;
    part->view = view;
    part->from_rev = from_rev;
    *out = all.rows;
    *out_count = slice(&all, 0);
    part_cover(part, &all, 0, *out_count);
    return 0;
}

void feed_part_free(struct feed_part *part)
{
    if (!part) return;
    free(part->bytes);
    free(part);
}

/* --- making parts -------------------------------------------------------------------------------------- */

struct parts {
    struct feed_part *first, **last;
};

static void parts_add(struct parts *parts, struct feed_part *part)
{
    part->next = NULL;
    *parts->last = part;
    parts->last = &part->next;
}

static size_t horizons_of(const struct feed_options *options, uint32_t view, int32_t today, struct arena *arena,
                          struct feed_horizon **out)
{
    size_t count = 0;
    struct feed_horizon *horizons = arena_alloc(arena, (options->sources_count + 1) * sizeof *horizons);
    for (size_t i = 0; horizons && i < options->sources_count; i++) {
        const struct feed_source *source = options->sources[i];
        if ((source->views & view) && source->horizon)
            horizons[count++] = (struct feed_horizon){source->kind, source->horizon(today)};
    }
    *out = horizons;
    return count;
}

struct part_order {
    struct feed_view view;
    int64_t from_rev;
    int64_t at_rev; /* where a part that holds all there is ends, so that catch-up and live parts meet; UNKNOWN_REV: at
                       the snapshot */
    int64_t now_us;
    uint64_t tag;
    size_t limit;    /* rows read at once: many small readings cost more than one */
    bool skip_empty; /* no part when there is nothing to tell */
};

static int part_make(struct feed *feed, const struct part_order *order, const struct harvest *all, size_t at,
                     size_t count, struct arena *arena, struct feed_part **out)
{
    struct feed_horizon *horizons;
    struct feed_part *part = calloc(1, sizeof *part);
    if (!part) return MDG_ERR_MEMORY;
    part->view = order->view;
    part->tag = order->tag;
    part->from_rev = at == 0 ? order->from_rev : all->rows[at - 1]->rev;
    part_cover(part, all, at, count);
    if (part->is_caught_up && order->at_rev != UNKNOWN_REV) part->to_rev = order->at_rev;
    size_t horizons_count = horizons_of(&feed->options, order->view.name, day_of_us(order->now_us), arena, &horizons);
    int rc = feed->options.encode(part, all->rows + at, count, horizons, horizons_count);
    if (rc != 0) {
        feed_part_free(part);
        return rc;
    }
    *out = part;
    return 0;
}

/* Parts from order->from_rev on, of what one reading brings. *last: the last of them; NULL: none. What was made before
 * an error stays good. */
static int parts_make(struct feed *feed, const struct part_order *order, struct parts *parts, struct feed_part **last)
{
    struct arena arena;
    struct harvest all;
    *last = NULL;
    arena_init(&arena, ARENA_BYTES_MAX);
    int rc = harvest(feed->db, &feed->options, order->view, order->from_rev, order->now_us, order->limit, &arena, &all);
    size_t at = 0;
    bool is_done = rc != 0 || (order->skip_empty && all.count == 0);
    while (!is_done) {
        size_t count = slice(&all, at);
        rc = part_make(feed, order, &all, at, count, &arena, last);
        if (rc != 0) break;
        parts_add(parts, *last);
        at += count;
        is_done = at >= all.count;
    }
    arena_fini(&arena);
    return rc;
}

/* Live parts of one view up to the snapshot. must_move: also when nothing in it changed. */
static int live_parts(struct feed *feed, struct watched *watched, int64_t rev, int64_t now_us, bool must_move,
                      struct parts *parts)
{
    int32_t today = day_of_us(now_us);
    if (watched->rev == UNKNOWN_REV) {
        watched->rev = rev;
        watched->today = today;
    }
    bool is_caught_up = watched->rev == rev && watched->today == today;
    while (!is_caught_up) {
        struct feed_part *last;
        const struct part_order order = {.view = watched->view,
                                         .from_rev = watched->rev,
                                         .at_rev = UNKNOWN_REV,
                                         .now_us = now_us,
                                         .limit = FEED_PART_ROWS_MAX,
                                         .skip_empty = watched->today == today && !must_move};
        int rc = parts_make(feed, &order, parts, &last);
        if (last) {
            watched->rev = last->to_rev;
            watched->today = today;
            is_caught_up = last->is_caught_up;
        }
        if (rc != 0) return rc;
        if (!last) break; /* nothing for this view: its next part will reach back to here */
    }
    return 0;
}

static struct watched *watched_find(struct feed *feed, struct feed_view view)
{
    for (struct watched *w = feed->watched; w; w = w->next)
        if (w->view.name == view.name && w->view.scope == view.scope) return w;
    return NULL;
}

/* rc: what became of the snapshot. */
static void catch_up_parts(struct feed *feed, const struct catch_up *asked, int64_t rev, int64_t now_us, int rc,
                           struct parts *parts)
{
    uv_mutex_lock(&feed->mutex);
    struct watched *watched = watched_find(feed, asked->view);
    uv_mutex_unlock(&feed->mutex);

    if (rc == 0 && watched && asked->from_rev > watched->rev) rc = live_parts(feed, watched, rev, now_us, true, parts);
    const struct part_order order = {.view = asked->view,
                                     .from_rev = asked->from_rev,
                                     .at_rev = watched ? watched->rev : UNKNOWN_REV,
                                     .now_us = now_us,
                                     .tag = asked->tag,
                                     .limit = FEED_CATCH_UP_ROWS};
    struct feed_part *last;
    if (rc == 0) rc = parts_make(feed, &order, parts, &last);
    if (rc != 0) { /* tells that it failed */
        struct feed_part *failed = calloc(1, sizeof *failed);
        if (!failed) return;
        failed->view = asked->view;
        failed->tag = asked->tag;
        failed->rc = rc;
        parts_add(parts, failed);
    }
    if (rc != 0) log_error("feed.catch_up", "from=%lld rc=%s", (long long)asked->from_rev, mdg_error_name(rc));
}

/* --- the thread ---------------------------------------------------------------------------------------- */

static void watched_sweep(struct feed *feed)
{
    for (struct watched **at = &feed->watched; *at;) {
        struct watched *watched = *at;
        if (watched->watchers > 0) {
            at = &watched->next;
            continue;
        }
        *at = watched->next;
        free(watched);
    }
}

/* Only the feed thread takes entries off the list, so it may walk it without the mutex once it has looked. */
static void feed_turn(struct feed *feed, struct watched *watched, struct catch_up *asked, int64_t now_us)
{
    struct parts parts = {NULL, &parts.first};
    int64_t rev = 0;
    int rc = db_begin_read(feed->db);
    if (rc == 0) rc = snapshot_rev(feed->db, &rev);
    for (struct watched *w = watched; rc == 0 && w; w = w->next) rc = live_parts(feed, w, rev, now_us, false, &parts);
    if (rc != 0) log_error("feed.live", "rc=%s", mdg_error_name(rc));
    for (struct catch_up *c = asked; c; c = c->next) catch_up_parts(feed, c, rev, now_us, rc, &parts);
    db_rollback(feed->db);
    if (parts.first) feed->options.on_parts(feed->options.arg, parts.first);
}

static void feed_main(void *arg)
{
    struct feed *feed = arg;
    uv_mutex_lock(&feed->mutex);
    for (;;) {
        while (!feed->is_dirty && !feed->first && !feed->is_stopping) uv_cond_wait(&feed->wake, &feed->mutex);
        if (feed->is_stopping) break;
        watched_sweep(feed);
        struct watched *watched = feed->watched;
        struct catch_up *asked = feed->first;
        int64_t now_us = feed->now_us;
        feed->first = NULL;
        feed->last = &feed->first;
        feed->is_dirty = false;
        uv_mutex_unlock(&feed->mutex);

        feed_turn(feed, watched, asked, now_us);
        while (asked) {
            struct catch_up *next = asked->next;
            free(asked);
            asked = next;
        }
        uv_mutex_lock(&feed->mutex);
    }
    uv_mutex_unlock(&feed->mutex);
}

int feed_new(const struct feed_options *options, struct feed **out)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed) return MDG_ERR_MEMORY;
    feed->options = *options;
    feed->last = &feed->first;
    feed->now_us = clock_now_us();
    uv_mutex_init(&feed->mutex);
    uv_cond_init(&feed->wake);
    int rc = db_open(options->path, DB_READ, &feed->db);
    if (rc == 0) rc = uv_thread_create(&feed->thread, feed_main, feed);
    if (rc != 0) {
        feed_free(feed);
        return rc;
    }
    feed->has_thread = true;
    *out = feed;
    return 0;
}

void feed_stop(struct feed *feed)
{
    uv_mutex_lock(&feed->mutex);
    feed->is_stopping = true;
    uv_cond_signal(&feed->wake);
    uv_mutex_unlock(&feed->mutex);
    if (feed->has_thread) uv_thread_join(&feed->thread);
    feed->has_thread = false;
}

void feed_free(struct feed *feed)
{
    if (!feed) return;
    while (feed->first) {
        struct catch_up *next = feed->first->next;
        free(feed->first);
        feed->first = next;
    }
    for (struct watched *w = feed->watched; w; w = w->next) w->watchers = 0;
    watched_sweep(feed);
    db_close(feed->db);
    uv_cond_destroy(&feed->wake);
    uv_mutex_destroy(&feed->mutex);
    free(feed);
}

/* --- asking, from any thread --------------------------------------------------------------------------- */

void feed_wake(struct feed *feed, int64_t now_us)
{
    uv_mutex_lock(&feed->mutex);
    feed->now_us = now_us;
    feed->is_dirty = true;
    if (feed->watched) uv_cond_signal(&feed->wake); /* nobody looks: not worth a thread's turn */
    uv_mutex_unlock(&feed->mutex);
}

void feed_watch(struct feed *feed, struct feed_view view)
{
    uv_mutex_lock(&feed->mutex);
    struct watched *watched = watched_find(feed, view);
    if (!watched) {
        watched = calloc(1, sizeof *watched);
        if (watched) {
            *watched = (struct watched){.next = feed->watched, .view = view, .rev = UNKNOWN_REV};
            feed->watched = watched;
        }
    }
    if (watched) watched->watchers++;
    feed->is_dirty = true;
    uv_cond_signal(&feed->wake);
    uv_mutex_unlock(&feed->mutex);
}

void feed_unwatch(struct feed *feed, struct feed_view view)
{
    uv_mutex_lock(&feed->mutex);
    struct watched *watched = watched_find(feed, view);
    if (watched && watched->watchers > 0) watched->watchers--;
    uv_mutex_unlock(&feed->mutex);
}

int feed_catch_up(struct feed *feed, struct feed_view view, int64_t from_rev, uint64_t tag)
{
    struct catch_up *asked = calloc(1, sizeof *asked);
    if (!asked) return MDG_ERR_MEMORY;
    *asked = (struct catch_up){.view = view, .from_rev = from_rev, .tag = tag};
    uv_mutex_lock(&feed->mutex);
    *feed->last = asked;
    feed->last = &asked->next;
    uv_cond_signal(&feed->wake);
    uv_mutex_unlock(&feed->mutex);
    return 0;
}
