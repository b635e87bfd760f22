/* server/dispatch/call.h - one request on its way through the threads. Private to dispatch/.
 *
 *   loop ─► [reader: prepare] ─► [worker: work] ─► writer: run, settle ─► loop: finish
 *   loop ─► reader: handle ─► loop: finish
 */
#ifndef MADOGUCHI_DISPATCH_CALL_H
#define MADOGUCHI_DISPATCH_CALL_H

#include <uv.h>

#include "server/dispatch/dispatch.h"
#include "server/store/readers.h"
#include "server/store/writer.h"

/* What comes back to the loop thread, in order. */
struct done {
    struct done *next;
    void (*finish)(struct done *done);
};

struct call {
    struct done done; /* first: finish() gets it back as the call */
    struct dispatch *dispatch;
    uint64_t conn_id; /* 0: nobody waits for the answer (the clock) */
    struct writer_job writer_job;
    struct reader_job reader_job;
    uv_work_t work;
    struct call *next_waiting; /* in the queue for a worker */
    struct request rq;
    uint8_t digest[REQUEST_DIGEST_BYTES];
    bool is_repeat;   /* its key was seen before: answered as then */
    bool is_asked;    /* stored as an approval, not carried out */
    bool was_counted; /* in the session's in_flight */
    size_t counted_bytes;
    int rc;            /* of the last stage */
    uint8_t *response; /* packed on a reader thread; NULL: packed by finish */
    size_t response_length;
};

/* The writer thread's part (write.c). */
int call_run(struct writer_job *job, struct turn *turn);
int call_settle(struct writer_job *job, struct turn *turn, int rc);

/* Whether its key is known; any connection to the database. */
bool call_was_answered(struct call *call);

/* Packs the response of a finished call. NULL: out of memory. */
uint8_t *call_pack(const struct call *call, size_t *length);

/* The feed's encoder (respond.c): a part's rows into part->bytes. */
int part_encode(struct feed_part *part, const struct feed_row *const *rows, size_t count,
                const struct feed_horizon *horizons, size_t horizons_count);

/* The rights check (rights.c). 0 or a refusal's code, put into rq->refusal. is_door: a write that waited is judged
 * by its token later, on the writer thread. */
int rights_check(struct request *rq, bool is_door);

/* Any thread: hands a list of dones back to the loop. */
void dispatch_push(struct dispatch *dispatch, struct done *first, struct done *last);

/* At most two secrets are hashed at once, 16 calls wait (work.c). Loop thread. */
#define WORK_AT_ONCE 2
#define WORK_WAITING_MAX 16
struct work_queue {
    struct call *first, **last;
    int running, waiting;
};
void work_queue_init(struct work_queue *queue);
/* then: called on the loop thread when rq.work has been done. MDG_ERR_BUSY: too many wait. */
int work_queue_add(struct work_queue *queue, uv_loop_t *loop, struct call *call);
/* In dispatch.c: the worker is done with it. */
void dispatch_work_done(struct call *call);
struct work_queue *dispatch_work_queue(struct dispatch *dispatch);

/* Door refusals, counted a minute (refusals.c). Loop thread. */
#define REFUSALS_MAX 64
struct refusals {
    struct refusal_count {
        int64_t terminal_id, person_id;
        const char *operation; /* a constant */
        int code;
        int64_t count; /* since the last row was written */
        bool is_used;
    } counts[REFUSALS_MAX];
};
void refusals_count(struct refusals *refusals, struct writer *writer, const struct caller *caller,
                    const char *operation, int code, int64_t now_us);
/* Writes what was counted beyond the first ones and forgets all. */
void refusals_flush(struct refusals *refusals, struct writer *writer, int64_t now_us);
/* An audit row alone, of something that is no call. Texts of the entry must be constants. */
void audit_note(struct writer *writer, const struct audit_entry *entry);
/* A job that carries such a row only: true, and frees it. */
bool note_job_done(struct writer_job *job);

/* Small writes of the server itself that leave no trace in audit or feed (chores.c). Any thread. */
void chore_sign_in_touch(struct writer *writer, int64_t sign_in_id, int64_t last_call_us);
void chore_terminals_seen(struct writer *writer, const int64_t *ids, size_t count, int64_t now_us);
/* As note_job_done(). */
bool chore_job_done(struct writer_job *job);

#endif
