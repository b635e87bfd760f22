/* tests/server/feed_store_test.c - the change feed: whoever takes its parts in, from wherever, holds the view. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "common/day.h"
#include "tests/support/centre_fixture.h"

/* --- two kinds of row that are followed ------------------------------------------------------------------------ */

#define KIND_THING 1u /* in both views, for ever */
#define KIND_DAY 2u   /* in the wide view, from today on */
#define VIEW_NARROW 1u
#define VIEW_WIDE 2u
#define IDS 700

static const char SQL_THINGS[] = "SELECT id, rev, day, is_removed, value, weight FROM row WHERE kind = 1 AND rev > ?1"
                                 " ORDER BY rev LIMIT ?2";
static const char SQL_DAYS[] = "SELECT id, rev, day, is_removed, value, weight FROM row WHERE kind = 2 AND rev > ?1"
                               " AND day >= ?3 ORDER BY rev LIMIT ?2";

static int add_rows(struct db_stmt *stmt, uint32_t kind, const struct feed_query *query, struct feed_rows *rows)
{
    int rc;
    db_bind_i64(stmt, 1, query->since_rev);
    db_bind_i64(stmt, 2, query->limit);
    while ((rc = db_step(stmt)) == DB_ROW) {
        int64_t value = db_col_i64(stmt, 4);
        struct feed_row row = {.kind = kind,
                               .id = db_col_i64(stmt, 0),
                               .rev = db_col_i64(stmt, 1),
                               .day = (int32_t)db_col_i64(stmt, 2),
                               .is_removed = db_col_i64(stmt, 3) != 0,
                               .bytes = (size_t)db_col_i64(stmt, 5)};
        if (!row.is_removed) row.message = arena_copy(query->arena, &value, sizeof value);
        rc = feed_rows_add(rows, &row);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

static int things(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    return add_rows(db_stmt(db, SQL_THINGS), KIND_THING, query, rows);
}

static int days(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct db_stmt *stmt = db_stmt(db, SQL_DAYS);
    db_bind_i64(stmt, 3, query->from_day);
    return add_rows(stmt, KIND_DAY, query, rows);
}

static int32_t from_today(int32_t today)
{
    return today;
}

static const struct feed_source THINGS = {KIND_THING, VIEW_NARROW | VIEW_WIDE, NULL, things};
static const struct feed_source DAYS = {KIND_DAY, VIEW_WIDE, from_today, days};
static const struct feed_source *const SOURCES[] = {&THINGS, &DAYS};

/* What encode() puts into part->bytes. */
struct packed {
    size_t rows_count, horizons_count;
    struct packed_row {
        uint32_t kind;
        int64_t id, rev, value;
        int32_t day;
        bool is_removed;
    } rows[FEED_PART_ROWS_MAX];
    struct feed_horizon horizons[4];
};

static void pack(struct packed *packed, const struct feed_row *const *rows, size_t count)
{
    packed->rows_count = count;
    for (size_t i = 0; i < count; i++) {
        struct packed_row *to = &packed->rows[i];
        *to = (struct packed_row){.kind = rows[i]->kind,
                                  .id = rows[i]->id,
                                  .rev = rows[i]->rev,
                                  .day = rows[i]->day,
                                  .is_removed = rows[i]->is_removed};
        if (rows[i]->message) memcpy(&to->value, rows[i]->message, sizeof to->value);
    }
}

static int encode(struct feed_part *part, const struct feed_row *const *rows, size_t count,
                  const struct feed_horizon *horizons, size_t horizons_count)
{
    struct packed *packed = calloc(1, sizeof *packed);
    if (!packed || count > FEED_PART_ROWS_MAX || horizons_count > 4) abort();
    pack(packed, rows, count);
    packed->horizons_count = horizons_count;
    memcpy(packed->horizons, horizons, horizons_count * sizeof *horizons);
    part->bytes = (uint8_t *)packed;
    part->length = sizeof *packed;
    return 0;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

struct world {
    struct centre_fixture *centre;
    struct db *reader;
    uint64_t seed;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    void *centre;
    if (!world || centre_setup(&centre) != 0) return -1;
    world->centre = centre;
    world->seed = 20250616;
    centre_must(db_exec(world->centre->db,
                        "CREATE TABLE row (kind INTEGER, id INTEGER, rev INTEGER, day INTEGER, is_removed"
                        " INTEGER, value INTEGER, weight INTEGER, PRIMARY KEY (kind, id)) STRICT;"
                        " CREATE INDEX row_by_rev ON row (kind, rev)"),
                "schema");
    centre_must(db_open(world->centre->path, DB_READ, &world->reader), "reader");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    void *centre = world->centre;
    db_close(world->reader);
    free(world);
    return centre_teardown(&centre);
}

static uint32_t chance(struct world *world, uint32_t below)
{
    world->seed = world->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(world->seed >> 33) % below;
}

static const char SQL_PUT[] =
    "INSERT INTO row (kind, id, rev, day, is_removed, value, weight) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (kind, id) DO UPDATE SET rev = excluded.rev, is_removed = excluded.is_removed,"
    " value = excluded.value";

static void put(struct turn *turn, uint32_t kind, int64_t id, int32_t day, bool is_removed, int64_t value,
                int64_t weight)
{
    struct db_stmt *stmt = db_stmt(turn->db, SQL_PUT);
    db_bind_i64(stmt, 1, kind);
    db_bind_i64(stmt, 2, id);
    db_bind_i64(stmt, 3, turn_next_rev(turn));
    db_bind_i64(stmt, 4, day);
    db_bind_i64(stmt, 5, is_removed);
    db_bind_i64(stmt, 6, value);
    db_bind_i64(stmt, 7, weight);
    centre_must(db_run(stmt), "put");
}

/* The day of a row is its own for ever: from two days before the 16th to five after. */
static int32_t day_of_id(int64_t id)
{
    return day_add(20250616, (int)(id % 8) - 2);
}

static void write_batch(struct world *world, uint32_t rows)
{
    struct turn turn;
    bool is_outside_narrow = chance(world, 4) == 0;
    centre_must(turn_begin(&turn, world->centre->db), "turn_begin");
    for (uint32_t i = 0; i < rows; i++) {
        int64_t id = 1 + chance(world, IDS);
        uint32_t kind = is_outside_narrow || chance(world, 3) == 0 ? KIND_DAY : KIND_THING;
        put(&turn, kind, id, kind == KIND_DAY ? day_of_id(id) : 0, chance(world, 5) == 0, chance(world, 1000000), 40);
        if (chance(world, 4) == 0) turn_next_rev(&turn); /* a change of something that nobody follows */
    }
    centre_must(turn_commit(&turn), "turn_commit");
}

/* --- replicas ------------------------------------------------------------------------------------------------------
 */

struct replica {
    struct feed_view view;
    int64_t rev;
    struct {
        bool is_here;
        int64_t rev, value;
        int32_t day;
    } rows[3][IDS + 1];
};

static void replica_take(struct replica *replica, const struct feed_part *part, const struct packed *packed)
{
    if (part->from_rev != replica->rev)
        fail_msg("a part from %lld came to %lld", (long long)part->from_rev, (long long)replica->rev);
    if (part->to_rev < part->from_rev) fail_msg("to_rev fell to %lld", (long long)part->to_rev);
    if (part->from_rev == 0) memset(replica->rows, 0, sizeof replica->rows);
    int64_t before = part->from_rev;
    for (size_t i = 0; i < packed->rows_count; i++) {
        const struct packed_row *row = &packed->rows[i];
        if (row->rev <= before || row->rev > part->to_rev) fail_msg("rev %lld is out of its part", (long long)row->rev);
        before = row->rev;
        replica->rows[row->kind][row->id].is_here = !row->is_removed;
        replica->rows[row->kind][row->id].rev = row->rev;
        replica->rows[row->kind][row->id].value = row->value;
        replica->rows[row->kind][row->id].day = row->day;
    }
    for (size_t i = 0; i < packed->horizons_count; i++)
        for (int64_t id = 1; id <= IDS; id++)
            if (replica->rows[packed->horizons[i].kind][id].day < packed->horizons[i].from_day)
                replica->rows[packed->horizons[i].kind][id].is_here = false;
    replica->rev = part->to_rev;
}

/* The first difference to the view as it is now in the database, 0 if there is none: kind * 1000 + id. */
static int64_t difference(struct db *db, const struct replica *replica, int32_t today)
{
    static const char SQL_VIEW[] =
        "SELECT kind, id, rev, value FROM row WHERE is_removed = 0 AND (kind = 1 OR day >= ?1)";
    bool seen[3][IDS + 1];
    memset(seen, 0, sizeof seen);
    struct db_stmt *view = db_stmt(db, SQL_VIEW);
    int64_t found = 0;
    int rc;
    db_bind_i64(view, 1, today);
    while ((rc = db_step(view)) == DB_ROW && found == 0) {
        int64_t kind = db_col_i64(view, 0), id = db_col_i64(view, 1);
        if (kind == KIND_DAY && replica->view.name == VIEW_NARROW) continue;
        seen[kind][id] = true;
        if (!replica->rows[kind][id].is_here || replica->rows[kind][id].rev != db_col_i64(view, 2) ||
            replica->rows[kind][id].value != db_col_i64(view, 3))
            found = kind * 1000 + id;
    }
    db_reset(view);
    for (int64_t kind = 1; found == 0 && kind <= 2; kind++)
        for (int64_t id = 1; id <= IDS; id++)
            if (replica->rows[kind][id].is_here && !seen[kind][id]) found = kind * 1000 + id;
    return found;
}

/* --- parts in the calling thread
 * --------------------------------------------------------------------------------------- */

struct collected {
    struct feed_part part;
    struct packed packed;
};

static const struct feed_options OPTIONS = {.sources = SOURCES, .sources_count = 2};

static void collect(struct world *world, struct feed_view view, int64_t from_rev, int64_t now_us, struct collected *to)
{
    struct arena arena;
    const struct feed_row *const *rows;
    size_t count;
    arena_init(&arena, 64u * 1024u * 1024u);
    memset(to, 0, sizeof *to);
    centre_must(db_begin_read(world->reader), "snapshot");
    centre_must(feed_collect(world->reader, &OPTIONS, view, from_rev, now_us, &arena, &to->part, &rows, &count),
                "collect");
    db_rollback(world->reader);
    pack(&to->packed, rows, count);
    if (view.name == VIEW_WIDE)
        to->packed.horizons[to->packed.horizons_count++] = (struct feed_horizon){KIND_DAY, day_of_us(now_us)};
    arena_fini(&arena);
}

/* Writes and catch-ups of many replicas in an order made by chance; each join must be without a hole. */
static void test_parts_join_under_random_writes(void **state)
{
    enum { REPLICAS = 6, STEPS = 600 };
    struct world *world = *state;
    struct replica *replicas = calloc(REPLICAS, sizeof *replicas);
    struct collected *collected = malloc(sizeof *collected);
    int parts = 0;
    assert_non_null(replicas);
    for (int i = 0; i < REPLICAS; i++) replicas[i].view.name = i % 2 ? VIEW_WIDE : VIEW_NARROW;
    for (int step = 0; step < STEPS; step++) {
        int32_t today = day_add(20250616, step * 4 / STEPS);
        int64_t now_us = day_to_us(today, 600);
        if (chance(world, 2) == 0) write_batch(world, 1 + chance(world, chance(world, 20) == 0 ? 900 : 20));
        struct replica *replica = &replicas[chance(world, REPLICAS)];
        if (chance(world, 50) == 0) replica->rev = 0; /* its disk was lost */
        collect(world, replica->view, replica->rev, now_us, collected);
        replica_take(replica, &collected->part, &collected->packed);
        parts++;
        if (!collected->part.is_caught_up) continue;
        int64_t wrong = difference(world->reader, replica, today);
        if (wrong) fail_msg("step %d: row %lld differs", step, (long long)wrong);
    }
    assert_int_equal(parts, STEPS);
    free(collected);
    free(replicas);
}

static void fill(struct world *world, int rows, int64_t weight)
{
    struct turn turn;
    centre_must(turn_begin(&turn, world->centre->db), "turn_begin");
    for (int i = 1; i <= rows; i++) {
        uint32_t kind = i % 3 == 0 ? KIND_DAY : KIND_THING;
        put(&turn, kind, i, kind == KIND_DAY ? 20250616 : 0, false, i, weight);
    }
    centre_must(turn_commit(&turn), "turn_commit");
}

static void test_parts_are_cut(void **state)
{
    static const struct {
        const char *name;
        int rows;
        int64_t weight;
        size_t sizes[4]; /* of the parts, in order */
    } CASES[] = {
        {"nothing", 0, 10, {0}},
        {"as many rows as go in", 500, 10, {500}},
        {"one more", 501, 10, {500, 1}},
        {"twice as many", 1000 - 300, 10, {500, 200}},
        {"as many bytes as go in", 4, FEED_PART_BYTES_MAX / 4 - 32, {4}},
        {"one byte more in each", 4, FEED_PART_BYTES_MAX / 4 - 31, {3, 1}},
        {"a row that is too large goes alone", 3, FEED_PART_BYTES_MAX + 1, {1, 1, 1}},
    };
    struct world *world = *state;
    struct collected *collected = malloc(sizeof *collected);
    static const struct feed_view WIDE = {VIEW_WIDE, 0};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct turn turn;
        centre_must(db_exec(world->centre->db, "DELETE FROM row"), "delete");
        centre_must(turn_begin(&turn, world->centre->db), "turn");
        int64_t from_rev = turn.rev;
        turn_abort(&turn);
        fill(world, CASES[i].rows, CASES[i].weight);
        int64_t end = from_rev + CASES[i].rows;
        for (int part = 0;; part++) {
            collect(world, WIDE, from_rev, CENTRE_T0, collected);
            if (part > 3 || collected->packed.rows_count != CASES[i].sizes[part])
                fail_msg("%s: part %d has %zu rows", CASES[i].name, part, collected->packed.rows_count);
            from_rev = collected->part.to_rev;
            bool is_last = part == 3 || CASES[i].sizes[part + 1] == 0;
            if (collected->part.is_caught_up != is_last) fail_msg("%s: part %d", CASES[i].name, part);
            if (is_last) break;
            assert_int_equal(from_rev, collected->packed.rows[collected->packed.rows_count - 1].rev);
        }
        assert_int_equal(from_rev, end);
    }
    free(collected);
}

/* --- the feed's own thread
 * ------------------------------------------------------------------------------------------------ */

#define FOLLOWERS 8

/* A connection as net/ has them: it asks for parts until one is caught up, and from then on takes the live ones. */
struct follower {
    struct replica replica;
    bool is_there, is_live;
    uint64_t tag; /* that it waits for; 0: none */
    int live_parts, caught_up;
};

struct stage {
    struct world *world;
    struct feed *feed;
    uv_mutex_t mutex; /* guards what follows: parts come on the feed's thread */
    uv_cond_t wake;
    struct feed_part *parts, **last;
    struct follower followers[FOLLOWERS];
    uint64_t last_tag;
    int horizon_parts; /* that told of nothing but a new day */
};

static void on_parts(void *arg, struct feed_part *parts)
{
    struct stage *stage = arg;
    uv_mutex_lock(&stage->mutex);
    *stage->last = parts;
    while (*stage->last) stage->last = &(*stage->last)->next;
    uv_cond_signal(&stage->wake);
    uv_mutex_unlock(&stage->mutex);
}

static void ask(struct stage *stage, struct follower *follower)
{
    follower->tag = ++stage->last_tag;
    follower->is_live = false;
    feed_catch_up(stage->feed, follower->replica.view, follower->replica.rev, follower->tag);
}

static bool same_view(struct feed_view a, struct feed_view b)
{
    return a.name == b.name && a.scope == b.scope;
}

static void give(struct stage *stage, struct follower *follower, const struct feed_part *part)
{
    const struct packed *packed = (const struct packed *)part->bytes;
    if (!follower->is_there) return;
    if (part->tag == 0) {
        if (!follower->is_live || !same_view(part->view, follower->replica.view)) return;
        replica_take(&follower->replica, part, packed);
        follower->live_parts++;
    } else if (part->tag == follower->tag) {
        centre_must(part->rc, "catch-up");
        replica_take(&follower->replica, part, packed);
        follower->tag = 0;
        if (part->is_caught_up) {
            follower->is_live = true;
            follower->caught_up++;
        } else {
            ask(stage, follower);
        }
    }
}

/* Hands out what has come. True: something had. */
static bool hand_out(struct stage *stage)
{
    uv_mutex_lock(&stage->mutex);
    struct feed_part *parts = stage->parts;
    stage->parts = NULL;
    stage->last = &stage->parts;
    uv_mutex_unlock(&stage->mutex);
    bool has_come = parts != NULL;
    while (parts) {
        struct feed_part *next = parts->next;
        if (parts->tag == 0 && parts->from_rev == parts->to_rev) stage->horizon_parts++;
        for (int i = 0; i < FOLLOWERS; i++) give(stage, &stage->followers[i], parts);
        feed_part_free(parts);
        parts = next;
    }
    return has_come;
}

static void stage_open(struct stage *stage, struct world *world, int64_t now_us)
{
    stage->world = world;
    stage->last = &stage->parts;
    uv_mutex_init(&stage->mutex);
    uv_cond_init(&stage->wake);
    struct feed_options options = {.path = world->centre->path,
                                   .sources = SOURCES,
                                   .sources_count = 2,
                                   .encode = encode,
                                   .on_parts = on_parts,
                                   .arg = stage};
    centre_must(feed_new(&options, &stage->feed), "feed_new");
    feed_wake(stage->feed, now_us);
}

static void stage_close(struct stage *stage)
{
    feed_stop(stage->feed);
    hand_out(stage);
    feed_free(stage->feed);
    uv_cond_destroy(&stage->wake);
    uv_mutex_destroy(&stage->mutex);
    free(stage);
}

static void come(struct stage *stage, struct follower *follower, uint32_t view)
{
    follower->is_there = true;
    if (follower->replica.view.name != view) memset(&follower->replica, 0, sizeof follower->replica);
    follower->replica.view.name = view;
    feed_watch(stage->feed, follower->replica.view);
    ask(stage, follower);
}

static void go(struct stage *stage, struct follower *follower)
{
    feed_unwatch(stage->feed, follower->replica.view);
    follower->is_there = follower->is_live = false;
    follower->tag = 0;
}

/* Until every follower that is there holds its view of today. */
static void settle(struct stage *stage, int32_t today)
{
    for (int tries = 0; tries < 2000; tries++) {
        int64_t wrong = 0;
        for (int i = 0; i < FOLLOWERS; i++)
            if (stage->followers[i].is_there && wrong == 0)
                wrong = stage->followers[i].is_live
                            ? difference(stage->world->reader, &stage->followers[i].replica, today)
                            : -1;
        if (wrong == 0) return;
        if (hand_out(stage)) continue;
        uv_mutex_lock(&stage->mutex);
        if (!stage->parts) uv_cond_timedwait(&stage->wake, &stage->mutex, 10u * 1000u * 1000u);
        uv_mutex_unlock(&stage->mutex);
    }
    fail_msg("the followers do not come to hold their views");
}

/* Writes, catch-ups, connections that come and go, and days that pass, all at once. Meanwhile the feed's thread works.
 */
static void test_catching_up_meets_the_live_parts(void **state)
{
    enum { STEPS = 1500 };
    struct world *world = *state;
    struct stage *stage = calloc(1, sizeof *stage);
    int32_t today = 20250616;
    int live = 0, caught_up = 0;
    assert_non_null(stage);
    stage_open(stage, world, day_to_us(today, 600));
    for (int step = 0; step < STEPS; step++) {
        struct follower *follower = &stage->followers[chance(world, FOLLOWERS)];
        if (chance(world, 3) == 0) write_batch(world, 1 + chance(world, chance(world, 40) == 0 ? 1200 : 12));
        if (step % (STEPS / 4) == STEPS / 4 - 1) today = day_add(today, 1);
        feed_wake(stage->feed, day_to_us(today, 600));
        if (!follower->is_there && chance(world, 3) == 0) {
            come(stage, follower, chance(world, 3) ? VIEW_WIDE : VIEW_NARROW);
        } else if (follower->is_there && chance(world, 12) == 0) {
            go(stage, follower);
            if (chance(world, 4) == 0) follower->replica.rev = 0;
        }
        if (chance(world, 3) == 0) hand_out(stage);
        if (chance(world, 100) == 0) settle(stage, today);
    }
    for (int i = 0; i < FOLLOWERS; i++)
        if (!stage->followers[i].is_there) come(stage, &stage->followers[i], i % 2 ? VIEW_WIDE : VIEW_NARROW);
    settle(stage, today);
    write_batch(world, 50);
    feed_wake(stage->feed, day_to_us(today, 601));
    settle(stage, today);
    for (int i = 0; i < FOLLOWERS; i++) {
        live += stage->followers[i].live_parts;
        caught_up += stage->followers[i].caught_up;
    }
    if (live < 50 || caught_up < 50)
        fail_msg("only %d live parts and %d catch-ups: nothing was shown", live, caught_up);
    stage_close(stage);
}

/* Nothing is written, midnight passes: who watches is told of the new horizon, and by no more than that. */
static void test_a_new_day_by_itself(void **state)
{
    struct world *world = *state;
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    write_batch(world, 300);
    stage_open(stage, world, day_to_us(20250616, 1439));
    come(stage, &stage->followers[0], VIEW_WIDE);
    come(stage, &stage->followers[1], VIEW_NARROW);
    settle(stage, 20250616);
    int64_t rev = stage->followers[0].replica.rev;
    feed_wake(stage->feed, day_to_us(20250617, 0));
    settle(stage, 20250617);
    assert_true(stage->horizon_parts > 0);
    assert_int_equal(stage->followers[0].replica.rev, rev);
    stage_close(stage);
}

/* A change outside the view makes no part of it; somebody who comes at that rev is taken in all the same. */
static void test_changes_that_the_view_does_not_hold(void **state)
{
    struct world *world = *state;
    struct stage *stage = calloc(1, sizeof *stage);
    struct turn turn;
    assert_non_null(stage);
    write_batch(world, 20);
    stage_open(stage, world, CENTRE_T0);
    come(stage, &stage->followers[0], VIEW_NARROW);
    settle(stage, 20250616);
    int64_t rev = stage->followers[0].replica.rev;
    centre_must(turn_begin(&turn, world->centre->db), "turn");
    put(&turn, KIND_DAY, 5, day_of_id(5), false, 1, 40);
    centre_must(turn_commit(&turn), "commit");
    feed_wake(stage->feed, CENTRE_T0);

    /* One that begins afresh is taken to where the live parts stand, not to the newest rev. */
    come(stage, &stage->followers[2], VIEW_NARROW);
    settle(stage, 20250616);
    assert_int_equal(stage->followers[2].replica.rev, rev);

    /* The second one has seen everything up to now elsewhere. */
    stage->followers[1].replica = stage->followers[0].replica;
    stage->followers[1].replica.rev = turn.rev;
    come(stage, &stage->followers[1], VIEW_NARROW);
    settle(stage, 20250616);
    assert_int_equal(stage->followers[0].replica.rev, rev + 1);
    assert_int_equal(stage->followers[1].replica.rev, rev + 1);
    write_batch(world, 20);
    feed_wake(stage->feed, CENTRE_T0);
    settle(stage, 20250616);
    for (int i = 1; i < 3; i++) assert_int_equal(stage->followers[0].replica.rev, stage->followers[i].replica.rev);
    stage_close(stage);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_parts_join_under_random_writes),      TEST(test_parts_are_cut),
        TEST(test_catching_up_meets_the_live_parts),    TEST(test_a_new_day_by_itself),
        TEST(test_changes_that_the_view_does_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
