/* tests/server/writer_store_test.c - the one thread that writes: batches, refusals, a full disk, a failed one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "server/store/audit.h"
#include "server/store/writer.h"
#include "tests/support/centre_fixture.h"

#define JOBS_MAX 1200

enum what { WRITE, REFUSE, FILL, SHRINK_DISK, GROW_DISK, FAIL_IO, SAYS_CORRUPT, SETTLE_FAILS, WAIT };

struct test_job {
    struct writer_job job;
    struct bench *bench;
    enum what what;
    int64_t number;
    int64_t rev, id; /* as given out */
    bool is_done;
};

/* What the writer's thread reports, guarded by the mutex. */
struct bench {
    struct centre_fixture *centre;
    struct writer *writer;
    uv_mutex_t mutex;
    uv_cond_t wake;
    struct test_job jobs[JOBS_MAX];
    int64_t order[JOBS_MAX]; /* numbers as they came back */
    int submitted, done, batches;
    int64_t last_rev;
    int fatal;
    bool is_gate_open;
};

static const char SQL_ADD[] = "INSERT INTO t (id, rev, number) VALUES (?1, ?2, ?3)";
static const char SQL_FILL[] = "INSERT INTO t (id, rev, number, b) VALUES (?1, ?2, ?3, zeroblob(2000000))";

static int write_row(struct test_job *job, struct turn *turn, const char *sql)
{
    struct db_stmt *add = db_stmt(turn->db, sql);
    job->id = turn_next_id(turn);
    job->rev = turn_next_rev(turn);
    db_bind_i64(add, 1, job->id);
    db_bind_i64(add, 2, job->rev);
    db_bind_i64(add, 3, job->number);
    return db_run(add);
}

static int run(struct writer_job *base, struct turn *turn)
{
    struct test_job *job = (struct test_job *)base;
    int rc = 0;
    switch (job->what) {
    case WRITE:
    case SETTLE_FAILS:
        return write_row(job, turn, SQL_ADD);
    case REFUSE:
        rc = write_row(job, turn, SQL_ADD);
        return rc == 0 ? MDG_ERR_STATE : rc;
    case FILL:
        return write_row(job, turn, SQL_FILL);
    case SHRINK_DISK:
        return db_exec(turn->db, "PRAGMA max_page_count = 100");
    case GROW_DISK:
        return db_exec(turn->db, "PRAGMA max_page_count = 1000000");
    case SAYS_CORRUPT: /* of a record it read: the disk is sound */
        return MDG_ERR_CORRUPT;
    case FAIL_IO:
        return write_row(job, turn, SQL_ADD);
    case WAIT: /* holds the batch until the test has queued the next ones */
        uv_mutex_lock(&job->bench->mutex);
        while (!job->bench->is_gate_open) uv_cond_wait(&job->bench->wake, &job->bench->mutex);
        uv_mutex_unlock(&job->bench->mutex);
        return 0;
    }
    return MDG_ERR_INTERNAL;
}

static int settle(struct writer_job *base, struct turn *turn, int rc)
{
    struct test_job *job = (struct test_job *)base;
    struct audit_entry entry = {.operation = "test.write", .outcome = rc, .object_id = job->number, .count = 1};
    if (job->what == SETTLE_FAILS) return MDG_ERR_DISK_FULL;
    if (job->what == FAIL_IO) return MDG_ERR_IO;
    return audit_append(turn, &entry);
}

static void on_batch(void *arg, struct writer_job *jobs, int64_t rev)
{
    struct bench *bench = arg;
    uv_mutex_lock(&bench->mutex);
    bench->batches++;
    if (rev > 0) bench->last_rev = rev;
    while (jobs) {
        struct writer_job *next = jobs->next;
        struct test_job *job = (struct test_job *)jobs;
        job->is_done = true;
        bench->order[bench->done++] = job->number;
        jobs = next;
    }
    uv_cond_broadcast(&bench->wake);
    uv_mutex_unlock(&bench->mutex);
}

static void on_fatal(void *arg, int rc)
{
    struct bench *bench = arg;
    uv_mutex_lock(&bench->mutex);
    bench->fatal = rc;
    uv_cond_broadcast(&bench->wake);
    uv_mutex_unlock(&bench->mutex);
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    void *centre;
    if (!bench || centre_setup(&centre) != 0) return -1;
    bench->centre = centre;
    centre_must(db_exec(bench->centre->db, "CREATE TABLE t (id INTEGER PRIMARY KEY, rev INTEGER UNIQUE, number INTEGER,"
                                           " b BLOB) STRICT"),
                "schema");
    uv_mutex_init(&bench->mutex);
    uv_cond_init(&bench->wake);
    struct writer_events events = {on_batch, on_fatal, bench};
    centre_must(writer_new(bench->centre->path, &events, &bench->writer), "writer_new");
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    void *centre = bench->centre;
    if (bench->writer) writer_stop(bench->writer);
    writer_free(bench->writer);
    uv_cond_destroy(&bench->wake);
    uv_mutex_destroy(&bench->mutex);
    free(bench);
    return centre_teardown(&centre);
}

static struct test_job *submit(struct bench *bench, enum what what)
{
    struct test_job *job = &bench->jobs[bench->submitted];
    *job = (struct test_job){
        .job = {.run = run, .settle = settle}, .bench = bench, .what = what, .number = bench->submitted};
    bench->submitted++;
    writer_submit(bench->writer, &job->job);
    return job;
}

static void await(struct bench *bench)
{
    uv_mutex_lock(&bench->mutex);
    while (bench->done < bench->submitted && bench->fatal == 0) uv_cond_wait(&bench->wake, &bench->mutex);
    uv_mutex_unlock(&bench->mutex);
}

static void open_gate(struct bench *bench)
{
    uv_mutex_lock(&bench->mutex);
    bench->is_gate_open = true;
    uv_cond_broadcast(&bench->wake);
    uv_mutex_unlock(&bench->mutex);
}

static const char SQL_ROWS[] = "SELECT COUNT(*) FROM t";
static const char SQL_REV[] = "SELECT rev FROM feed";
static const char SQL_REFUSED[] = "SELECT COUNT(*) FROM audit WHERE outcome = -10046";

static void test_jobs_keep_their_order(void **state)
{
    static const char SQL_DISORDER[] = "SELECT COUNT(*) FROM t a JOIN t b ON a.number < b.number AND a.rev > b.rev";
    struct bench *bench = *state;
    int64_t batches, rows;
    submit(bench, WAIT);
    for (int i = 0; i < 1000; i++) submit(bench, WRITE);
    open_gate(bench);
    await(bench);
    for (int i = 0; i < 1001; i++)
        if (bench->order[i] != i) fail_msg("job %lld came back as number %d", (long long)bench->order[i], i);
    assert_int_equal(centre_number(bench->centre->db, SQL_ROWS), 1000);
    assert_int_equal(centre_number(bench->centre->db, SQL_DISORDER), 0);
    writer_counters(bench->writer, &batches, &rows);
    assert_int_equal(rows, 1001);
    assert_int_equal(batches, bench->batches);
    /* What queued behind the first went in batches of at most WRITER_BATCH_MAX, and of no less than was there: the
     * first one may have begun before the others were queued. */
    assert_in_range(batches, 1000 / WRITER_BATCH_MAX + 1, 1000 / WRITER_BATCH_MAX + 2);
}

static void test_a_refused_job_leaves_no_hole(void **state)
{
    static const char SQL_HOLES[] = "SELECT MAX(rev) - MIN(rev) + 1 - COUNT(*) FROM t";
    static const char SQL_ID_HOLES[] = "SELECT MAX(id) - MIN(id) + 1 - COUNT(*) FROM t";
    static const char SQL_LAST_ID[] = "SELECT last_id - (SELECT MAX(id) FROM t) FROM feed";
    struct bench *bench = *state;
    submit(bench, WAIT);
    for (int i = 0; i < 100; i++) submit(bench, i % 3 == 1 ? REFUSE : WRITE);
    open_gate(bench);
    await(bench);
    for (int i = 1; i <= 100; i++) {
        int expected = (i - 1) % 3 == 1 ? MDG_ERR_STATE : 0;
        if (bench->jobs[i].job.rc != expected) fail_msg("job %d: %s", i, mdg_error_name(bench->jobs[i].job.rc));
    }
    struct db *db = bench->centre->db;
    assert_int_equal(centre_number(db, SQL_ROWS), 67);
    assert_int_equal(centre_number(db, SQL_HOLES), 0);
    assert_int_equal(centre_number(db, SQL_ID_HOLES), 0);
    assert_int_equal(centre_number(db, SQL_LAST_ID), 0);
    assert_int_equal(centre_number(db, SQL_REV), bench->last_rev);
    assert_int_equal(bench->last_rev, 1 + 67); /* a new centre stands at 1 */
    /* Refused ones are settled all the same: their audit rows stand. */
    assert_int_equal(centre_number(db, SQL_REFUSED), 33);
}

static void test_a_full_disk_refuses_the_batch_and_recovers(void **state)
{
    struct bench *bench = *state;
    struct db *db = bench->centre->db;
    submit(bench, WRITE);
    submit(bench, SHRINK_DISK);
    await(bench);
    int64_t rev = centre_number(db, SQL_REV);

    submit(bench, WAIT);
    struct test_job *before = submit(bench, WRITE), *refused = submit(bench, REFUSE), *fill = submit(bench, FILL);
    struct test_job *after = submit(bench, WRITE);
    open_gate(bench);
    await(bench);
    assert_int_equal(bench->fatal, 0);
    assert_int_equal(fill->job.rc, MDG_ERR_DISK_FULL);
    /* The first may have been in an earlier batch with the gate; whoever shared the full one's batch shares its fate.
     */
    assert_int_equal(after->job.rc == 0 || after->job.rc == MDG_ERR_DISK_FULL, true);
    assert_true(before->job.rc == refused->job.rc || before->job.rc == 0);
    int64_t stored = 1 + (before->job.rc == 0) + (after->job.rc == 0);
    assert_int_equal(centre_number(db, SQL_ROWS), stored);
    assert_int_equal(centre_number(db, SQL_REV), rev + stored - 1);

    submit(bench, GROW_DISK);
    struct test_job *again = submit(bench, FILL);
    await(bench);
    assert_int_equal(again->job.rc, 0);
    assert_int_equal(again->rev, rev + stored);
    assert_int_equal(centre_number(db, SQL_ROWS), stored + 1);
    int64_t rows, bad;
    uint8_t head[AUDIT_HASH_BYTES];
    assert_int_equal(audit_verify(db, &rows, head, &bad), 0);
}

/* The gate job, two good ones and the one that fails share a batch or not; nothing of a refused batch is stored. */
static void test_a_failing_settle_refuses_the_batch(void **state)
{
    struct bench *bench = *state;
    struct test_job *job = submit(bench, SETTLE_FAILS);
    await(bench);
    assert_int_equal(job->job.rc, MDG_ERR_DISK_FULL);
    assert_int_equal(centre_number(bench->centre->db, SQL_ROWS), 0);
    struct test_job *next = submit(bench, WRITE);
    await(bench);
    assert_int_equal(next->job.rc, 0);
    assert_int_equal(next->rev, 2);
}

static void test_a_damaged_record_is_refused_alone(void **state)
{
    struct bench *bench = *state;
    struct test_job *damaged = submit(bench, SAYS_CORRUPT);
    struct test_job *sound = submit(bench, WRITE);
    await(bench);
    assert_int_equal(damaged->job.rc, MDG_ERR_CORRUPT);
    assert_int_equal(sound->job.rc, 0);
    assert_int_equal(bench->fatal, 0);
}

static void test_a_failed_disk_is_fatal(void **state)
{
    struct bench *bench = *state;
    struct db *db = bench->centre->db;
    submit(bench, WRITE);
    await(bench);
    struct test_job *failing = submit(bench, FAIL_IO);
    await(bench);
    assert_int_equal(bench->fatal, MDG_ERR_IO);
    assert_false(failing->is_done); /* nobody is answered: the outcome is unknown */
    assert_int_equal(centre_number(db, SQL_ROWS), 1);
    /* The writer takes no more. */
    struct test_job *late = submit(bench, WRITE);
    writer_stop(bench->writer);
    assert_false(late->is_done);
    assert_int_equal(centre_number(db, SQL_ROWS), 1);
}

static void test_a_damaged_file_is_fatal(void **state)
{
    struct bench *bench = *state;
    struct centre_fixture *centre = bench->centre;
    for (int i = 0; i < 300; i++) submit(bench, WRITE);
    await(bench);
    static const char SQL_PAGE[] = "SELECT rootpage FROM sqlite_master WHERE name = 't'";
    long at = 4096 * (long)(centre_number(centre->db, SQL_PAGE) - 1);
    /* Closing takes everything from the log into the file; then the table's first page is overwritten. */
    writer_stop(bench->writer);
    writer_free(bench->writer);
    bench->writer = NULL;
    db_close(centre->db);
    centre->db = NULL;
    FILE *file = fopen(centre->path, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    for (int i = 0; i < 4096; i++) fputc(0xee, file);
    fclose(file);
    assert_int_equal(db_open(centre->path, DB_READ, &centre->db), 0);
    struct writer_events events = {on_batch, on_fatal, bench};
    assert_int_equal(writer_new(centre->path, &events, &bench->writer), 0);
    struct test_job *job = submit(bench, WRITE);
    await(bench);
    assert_int_equal(bench->fatal, MDG_ERR_CORRUPT);
    assert_false(job->is_done);
}

static void test_stopping(void **state)
{
    struct bench *bench = *state;
    submit(bench, WAIT);
    for (int i = 0; i < 400; i++) submit(bench, WRITE);
    open_gate(bench);
    writer_stop(bench->writer); /* what is queued is finished */
    assert_int_equal(bench->done, 401);
    assert_int_equal(centre_number(bench->centre->db, SQL_ROWS), 400);
    for (int i = 0; i < bench->submitted; i++) assert_int_equal(bench->jobs[i].job.rc, 0);

    struct test_job *late = submit(bench, WRITE);
    assert_true(late->is_done);
    assert_int_equal(late->job.rc, MDG_ERR_SHUTTING_DOWN);
    assert_int_equal(centre_number(bench->centre->db, SQL_ROWS), 400);
}

static void test_no_database(void **state)
{
    struct bench *bench = *state;
    struct writer *writer = NULL;
    struct writer_events events = {on_batch, on_fatal, bench};
    assert_int_equal(writer_new("/tmp/madoguchi-there-is-none.db", &events, &writer), MDG_ERR_CONFIG);
    assert_null(writer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_jobs_keep_their_order),
        TEST(test_a_refused_job_leaves_no_hole),
        TEST(test_a_full_disk_refuses_the_batch_and_recovers),
        TEST(test_a_failing_settle_refuses_the_batch),
        TEST(test_a_damaged_record_is_refused_alone),
        TEST(test_a_failed_disk_is_fatal),
        TEST(test_a_damaged_file_is_fatal),
        TEST(test_stopping),
        TEST(test_no_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
