/* server/store/audit.h - the chained record of who did what, which is at once the memory of request_key.
 * hash = SHA-256(hash of the row before ‖ canonical bytes of this row), see audit.c for the bytes. */
#ifndef MADOGUCHI_STORE_AUDIT_H
#define MADOGUCHI_STORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/turn.h"

#define REQUEST_KEY_BYTES 16
#define REQUEST_DIGEST_BYTES 16
#define REQUEST_KEY_DAYS 400 /* how long a key is remembered */
#define AUDIT_OPERATION_BYTES_MAX 64
#define AUDIT_REASON_BYTES_MAX 200

struct audit_entry {
    int64_t at_us;
    int64_t person_id;             /* 0: nobody signed in, or the clock */
    int64_t terminal_id;           /* 0: the console, the clock, or a machine not enrolled */
    const char *operation;         /* route name, e.g. visits.count */
    const uint8_t *request_key;    /* REQUEST_KEY_BYTES, or NULL */
    const uint8_t *request_digest; /* REQUEST_DIGEST_BYTES of the content, or NULL */
    int outcome;                   /* 0 or MDG_ERR_* */
    int64_t object_id;
    int64_t rev;
    const char *field, *rule; /* of a refusal, or NULL */
    const char *reason;       /* as given by the person, or NULL; never citizens' data */
    bool is_deferred;         /* it waited in an outbox */
    int64_t count;            /* equal refusals that this row stands for; otherwise 1 */
};

/* Appends and moves the turn's head. */
int audit_append(struct turn *turn, const struct audit_entry *entry);

/* What was answered to this key before. The texts are borrowed until the statement is reset by audit_seen_done(). */
struct audit_seen {
    uint8_t digest[REQUEST_DIGEST_BYTES];
    int outcome;
    int64_t object_id, rev;
    const char *field, *rule;
};
/* DB_ROW: seen. 0: not seen. */
int audit_seen(struct db *db, const uint8_t key[REQUEST_KEY_BYTES], struct audit_seen *seen);
void audit_seen_done(struct db *db);

/* Walks the whole chain. MDG_ERR_CORRUPT: *bad_seq is the first row that does not fit. */
int audit_verify(struct db *db, int64_t *rows, uint8_t head[AUDIT_HASH_BYTES], int64_t *bad_seq);

#endif
