#include "server/store/writer.h"

#include <stdbool.h>
#include <stdlib.h>

#include <uv.h>

#include "common/error.h"
#include "common/log.h"
#include "server/store/db.h"

struct writer {
    struct db *db; /* the writer thread's after the start */
    struct writer_events events;
    uv_thread_t thread;
    bool has_thread;
    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t wake;
    struct writer_job *first, **last;
    bool is_stopping, is_dead;
    int64_t batches, rows;
};

/* --- one batch ---------------------------------------------------------------------------------------- */

static int run_job(struct writer_job *job, struct turn *turn)
{
    struct turn mark;
    int rc = turn_mark(turn, &mark);
    if (rc != 0) return rc;
    job->rc = job->run(job, turn);
    if (db_failure(turn->db) != 0) return db_failure(turn->db);
    rc = job->rc == 0 ? turn_release(turn) : turn_rewind(turn, &mark);
    if (rc == 0) rc = job->settle(job, turn, job->rc);
    return rc;
}

static int run_jobs(struct writer *writer, struct writer_job *jobs, struct turn *turn)
{
    int rc = turn_begin(turn, writer->db);
    for (struct writer_job *job = jobs; rc == 0 && job; job = job->next) rc = run_job(job, turn);
    if (rc == 0) rc = turn_commit(turn);
    return rc;
}

/* Whether it may be stored although the commit reported an error: then nothing can be promised to anybody. */
static bool is_outcome_unknown(int rc)
{
    return rc == MDG_ERR_IO || rc == MDG_ERR_CORRUPT || rc == MDG_ERR_INTERNAL;
}

static bool batch_run(struct writer *writer, struct writer_job *jobs, int count)
{
    struct turn turn;
    int rc = run_jobs(writer, jobs, &turn);
    if (rc != 0) {
        turn_abort(&turn);
        log_error("writer.batch", "jobs=%d rc=%s", count, mdg_error_name(rc));
        if (is_outcome_unknown(rc)) {
            writer->events.on_fatal(writer->events.arg, rc);
            return false;
        }
        for (struct writer_job *job = jobs; job; job = job->next) job->rc = rc;
    }
    uv_mutex_lock(&writer->mutex);
    writer->batches++;
    if (rc == 0) writer->rows += count;
    uv_mutex_unlock(&writer->mutex);
    writer->events.on_batch(writer->events.arg, jobs, rc == 0 ? turn.rev : 0);
    return true;
}

/* --- the thread --------------------------------------------------------------------------------------- */

/* Takes up to WRITER_BATCH_MAX jobs off the queue; the mutex is held. */
static struct writer_job *batch_take(struct writer *writer, int *count)
{
    struct writer_job *jobs = writer->first, **end = &writer->first;
    for (*count = 0; *end && *count < WRITER_BATCH_MAX; ++*count) end = &(*end)->next;
    writer->first = *end;
    *end = NULL;
    if (!writer->first) writer->last = &writer->first;
    return jobs;
}

static void writer_main(void *arg)
{
    struct writer *writer = arg;
    uv_mutex_lock(&writer->mutex);
    for (;;) {
        while (!writer->first && !writer->is_stopping) uv_cond_wait(&writer->wake, &writer->mutex);
        if (!writer->first) break;
        int count;
        struct writer_job *jobs = batch_take(writer, &count);
        uv_mutex_unlock(&writer->mutex);
        bool goes_on = batch_run(writer, jobs, count);
        uv_mutex_lock(&writer->mutex);
        if (!goes_on) {
            writer->is_dead = true; /* the process is ending: what is queued is never answered */
            break;
        }
    }
    uv_mutex_unlock(&writer->mutex);
}

int writer_new(const char *path, const struct writer_events *events, struct writer **out)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer) return MDG_ERR_MEMORY;
    writer->events = *events;
    writer->last = &writer->first;
    uv_mutex_init(&writer->mutex);
    uv_cond_init(&writer->wake);
    int rc = db_open(path, DB_WRITE, &writer->db);
    if (rc == 0) rc = uv_thread_create(&writer->thread, writer_main, writer);
    if (rc != 0) {
        writer_free(writer);
        return rc;
    }
    writer->has_thread = true;
    *out = writer;
    return 0;
}

void writer_submit(struct writer *writer, struct writer_job *job)
{
    job->next = NULL;
    job->rc = 0;
    uv_mutex_lock(&writer->mutex);
    bool is_taken = !writer->is_stopping;
    if (is_taken) {
        *writer->last = job;
        writer->last = &job->next;
        uv_cond_signal(&writer->wake);
    }
    uv_mutex_unlock(&writer->mutex);
    if (is_taken) return;
    job->rc = MDG_ERR_SHUTTING_DOWN;
    writer->events.on_batch(writer->events.arg, job, 0);
}

void writer_stop(struct writer *writer)
{
    uv_mutex_lock(&writer->mutex);
    writer->is_stopping = true;
    uv_cond_signal(&writer->wake);
    uv_mutex_unlock(&writer->mutex);
    if (writer->has_thread) uv_thread_join(&writer->thread);
    writer->has_thread = false;
}

void writer_free(struct writer *writer)
{
    if (!writer) return;
    db_close(writer->db);
    uv_cond_destroy(&writer->wake);
    uv_mutex_destroy(&writer->mutex);
    free(writer);
}

void writer_counters(struct writer *writer, int64_t *batches, int64_t *rows)
{
    uv_mutex_lock(&writer->mutex);
    *batches = writer->batches;
    *rows = writer->rows;
    uv_mutex_unlock(&writer->mutex);
}
