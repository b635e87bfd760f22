#include "server/store/readers.h"

#include <stdbool.h>
#include <stdlib.h>

#include <uv.h>

#include "common/error.h"
#include "common/log.h"
#include "server/store/db.h"

struct reader {
    struct readers *pool;
    struct db *db;
    uv_thread_t thread;
    bool has_thread;
};

struct readers {
    uv_mutex_t mutex;
    uv_cond_t wake;
    struct reader_job *first, **last; /* guarded by the mutex */
    bool is_stopping;
    int count;
    struct reader reader[];
};

static void reader_run(struct reader *reader, struct reader_job *job)
{
    int rc = db_begin_read(reader->db);
    if (rc != 0) log_error("reader.begin", "rc=%s", mdg_error_name(rc));
    job->run(job, reader->db); /* without a snapshot each statement still reads a consistent state */
    db_rollback(reader->db);
    job->done(job);
}

static void reader_main(void *arg)
{
    struct reader *reader = arg;
    struct readers *pool = reader->pool;
    uv_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->first && !pool->is_stopping) uv_cond_wait(&pool->wake, &pool->mutex);
        struct reader_job *job = pool->first;
        if (!job) break;
        pool->first = job->next;
        if (!pool->first) pool->last = &pool->first;
        uv_mutex_unlock(&pool->mutex);
        reader_run(reader, job);
        uv_mutex_lock(&pool->mutex);
    }
    uv_mutex_unlock(&pool->mutex);
}

int readers_new(const char *path, int threads, struct readers **out)
{
    struct readers *pool = calloc(1, sizeof *pool + (size_t)threads * sizeof pool->reader[0]);
    if (!pool) return MDG_ERR_MEMORY;
    pool->last = &pool->first;
    uv_mutex_init(&pool->mutex);
    uv_cond_init(&pool->wake);
    int rc = 0;
    for (; rc == 0 && pool->count < threads; pool->count++) {
        struct reader *reader = &pool->reader[pool->count];
        reader->pool = pool;
        rc = db_open(path, DB_READ, &reader->db);
        if (rc == 0) rc = uv_thread_create(&reader->thread, reader_main, reader);
        reader->has_thread = rc == 0;
    }
    if (rc != 0) {
        readers_stop(pool);
        readers_free(pool);
        return rc;
    }
    *out = pool;
    return 0;
}

void readers_submit(struct readers *pool, struct reader_job *job)
{
    job->next = NULL;
    uv_mutex_lock(&pool->mutex);
    *pool->last = job;
    pool->last = &job->next;
    uv_cond_signal(&pool->wake);
    uv_mutex_unlock(&pool->mutex);
}

void readers_stop(struct readers *pool)
{
    uv_mutex_lock(&pool->mutex);
    pool->is_stopping = true;
    uv_cond_broadcast(&pool->wake);
    uv_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->count; i++) {
        if (pool->reader[i].has_thread) uv_thread_join(&pool->reader[i].thread);
        pool->reader[i].has_thread = false;
    }
}

void readers_free(struct readers *pool)
{
    if (!pool) return;
    for (int i = 0; i < pool->count; i++) db_close(pool->reader[i].db);
    uv_cond_destroy(&pool->wake);
    uv_mutex_destroy(&pool->mutex);
    free(pool);
}
