#include "server/dispatch/call.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* Equal refusals within a minute are one row with their number: a flood cannot fill the audit trail, and
 * nothing is dropped. The first of a kind is written at once. */

struct note_job {
    struct writer_job job;
    struct audit_entry entry;
};

static int note_run(struct writer_job *job, struct turn *turn)
{
    (void)job;
    (void)turn;
    return 0;
}

static int note_settle(struct writer_job *job, struct turn *turn, int rc)
{
    (void)rc;
    return audit_append(turn, &((struct note_job *)job)->entry);
}

void audit_note(struct writer *writer, const struct audit_entry *entry)
{
    struct note_job *job = calloc(1, sizeof *job);
    if (!job) {
        log_error("audit.note", "operation=%s count=%lld rc=MDG_ERR_MEMORY", entry->operation, (long long)entry->count);
        return;
    }
    job->job.run = note_run;
    job->job.settle = note_settle;
    job->entry = *entry;
    writer_submit(writer, &job->job);
}

static void refusal_write(struct writer *writer, const struct refusal_count *of, int64_t count, int64_t now_us)
{
    audit_note(writer, &(struct audit_entry){.at_us = now_us,
                                             .person_id = of->person_id,
                                             .terminal_id = of->terminal_id,
                                             .operation = of->operation,
                                             .outcome = of->code,
                                             .rule = "door",
                                             .count = count});
}

bool note_job_done(struct writer_job *job)
{
    if (job->run != note_run) return false;
    if (job->rc != 0) log_error("audit.note", "rc=%s", mdg_error_name(job->rc));
    free(job);
    return true;
}

static struct refusal_count *count_of(struct refusals *refusals, const struct refusal_count *key)
{
    struct refusal_count *empty = NULL;
    for (int i = 0; i < REFUSALS_MAX; i++) {
        struct refusal_count *at = &refusals->counts[i];
        if (!at->is_used) {
            if (!empty) empty = at;
            continue;
        }
        if (at->terminal_id == key->terminal_id && at->person_id == key->person_id && at->code == key->code &&
            strcmp(at->operation, key->operation) == 0)
            return at;
    }
    return empty;
}

void refusals_count(struct refusals *refusals, struct writer *writer, const struct caller *caller,
                    const char *operation, int code, int64_t now_us)
{
    struct refusal_count key = {caller->terminal_id, caller->person_id, operation, code, 0, true};
    struct refusal_count *at = count_of(refusals, &key);
    if (!at) { /* more kinds of refusal in a minute than places: begin the minute anew */
        refusals_flush(refusals, writer, now_us);
        at = &refusals->counts[0];
    }
    if (!at->is_used) {
        *at = key;
        refusal_write(writer, at, 1, now_us);
    } else {
        at->count++;
    }
}

void refusals_flush(struct refusals *refusals, struct writer *writer, int64_t now_us)
{
    for (int i = 0; i < REFUSALS_MAX; i++) {
        struct refusal_count *at = &refusals->counts[i];
        if (at->is_used && at->count > 0) refusal_write(writer, at, at->count, now_us);
        *at = (struct refusal_count){.is_used = false};
    }
}
