/* server/store/writer.h - the one thread that writes. It takes what queued while the last commit ran (up to
 * WRITER_BATCH_MAX, no added delay), runs each job in its own savepoint, commits once, then reports. */
#ifndef MADOGUCHI_STORE_WRITER_H
#define MADOGUCHI_STORE_WRITER_H

#include <stdint.h>

#include "server/store/turn.h"

#define WRITER_BATCH_MAX 256

struct writer;

/* Embedded in what the caller queues; the writer owns it from submit until it is handed to on_batch. */
struct writer_job {
    struct writer_job *next;
    /* In the job's savepoint: not 0 rolls it back. */
    int (*run)(struct writer_job *job, struct turn *turn);
    /* After the savepoint was released or rolled back (rc), still in the transaction: the audit row.
     * Not 0 ends the whole batch as a disk error would. */
    int (*settle)(struct writer_job *job, struct turn *turn, int rc);
    int rc; /* the result: run's, or what became of the batch (MDG_ERR_DISK_FULL, MDG_ERR_IO) */
};

struct writer_events {
    /* A batch is committed, or refused as a whole: jobs in order, the list is the callee's. Writer thread.
     * rev: the newest change now. */
    void (*on_batch)(void *arg, struct writer_job *jobs, int64_t rev);
    /* The disk failed while committing: the outcome is unknown, the process must end with an error, and no
     * reply may leave. Writer thread; the writer takes no more jobs. */
    void (*on_fatal)(void *arg, int rc);
    void *arg;
};

/* Opens its own connection to path. */
int writer_new(const char *path, const struct writer_events *events, struct writer **out);
/* Any thread. After writer_stop() the job is handed back with MDG_ERR_SHUTTING_DOWN through on_batch. */
void writer_submit(struct writer *writer, struct writer_job *job);
/* Finishes what is queued, then joins the thread. */
void writer_stop(struct writer *writer);
void writer_free(struct writer *writer); /* NULL is allowed; stopped first */

/* For the console's status: batches and rows committed so far. Any thread. */
void writer_counters(struct writer *writer, int64_t *batches, int64_t *rows);

#endif
