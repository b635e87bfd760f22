#include "server/dispatch/call.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "server/sign_in/sign_in_store.h"
#include "server/terminals/terminal_store.h"

struct chore {
    struct writer_job job;
    int (*write)(struct db *db, const struct chore *chore);
    int64_t at_us;
    size_t count;
    int64_t ids[];
};

static int chore_run(struct writer_job *job, struct turn *turn)
{
    const struct chore *chore = (const struct chore *)job;
    return chore->write(turn->db, chore);
}

static int chore_settle(struct writer_job *job, struct turn *turn, int rc)
{
    (void)job;
    (void)turn;
    (void)rc;
    return 0;
}

bool chore_job_done(struct writer_job *job)
{
    if (job->run != chore_run) return false;
    if (job->rc != 0) log_warn("dispatch.chore", "rc=%s", mdg_error_name(job->rc));
    free(job);
    return true;
}

static void chore_submit(struct writer *writer, int (*write)(struct db *db, const struct chore *chore),
                         const int64_t *ids, size_t count, int64_t at_us)
{
    struct chore *chore = calloc(1, sizeof *chore + count * sizeof chore->ids[0]);
    if (!chore) return; /* the next minute does it again */
    chore->job.run = chore_run;
    chore->job.settle = chore_settle;
    chore->write = write;
    chore->at_us = at_us;
    chore->count = count;
    memcpy(chore->ids, ids, count * sizeof chore->ids[0]);
    writer_submit(writer, &chore->job);
}

static int write_sign_in_touch(struct db *db, const struct chore *chore)
{
    return sign_in_touch(db, chore->ids[0], chore->at_us);
}

void chore_sign_in_touch(struct writer *writer, int64_t sign_in_id, int64_t last_call_us)
{
    chore_submit(writer, write_sign_in_touch, &sign_in_id, 1, last_call_us);
}

static int write_terminals_seen(struct db *db, const struct chore *chore)
{
    return terminals_seen(db, chore->ids, chore->count, chore->at_us);
}

void chore_terminals_seen(struct writer *writer, const int64_t *ids, size_t count, int64_t now_us)
{
    chore_submit(writer, write_terminals_seen, ids, count, now_us);
}
