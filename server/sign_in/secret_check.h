/* server/sign_in/secret_check.h - one try of a secret, in the three stages of a route: what is stored is looked up
 * on a reader thread, Argon2id runs on a worker thread, and the writer counts and decides. Whether the account
 * exists, is disabled or may sign in here changes neither the cost nor the answer. */
#ifndef MADOGUCHI_SIGN_IN_SECRET_CHECK_H
#define MADOGUCHI_SIGN_IN_SECRET_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "server/accounts/account_store.h"
#include "server/keys/keys.h"
#include "server/sign_in/sign_in_store.h"

struct request;

/* rq->work of these routes. */
struct secret_check {
    const char *name_key; /* in the arena */
    const char *secret;   /* what is tried: borrowed from the call, or a code in its plain form; NULL: hopeless */
    bool is_code;
    char hash[SECRET_HASH_BYTES_MAX]; /* as stored when it was looked up; "": none */
    bool is_right;

    const char *new_secret;               /* to be hashed when the try is right */
    char new_hash[SECRET_HASH_BYTES_MAX]; /* "": none */
    int rc;                               /* of making new_hash */
    uint8_t token[SIGN_IN_TOKEN_BYTES];
};

/* text_name_key() in the arena. MDG_ERR_INVALID through refuse(): nothing is left of the name. */
int secret_check_name_key(struct request *rq, const char *name, const char **name_key);

/* Reader thread. MDG_ERR_LOCKED through refuse(). */
int secret_check_prepare(struct request *rq, const char *name_key, const char *secret, bool is_code);
/* Worker thread: verifies, and hashes new_secret when that is right. */
void secret_check_work(struct request *rq);

/* Writer thread. Judges and counts the try; may_pass says whether the right secret is enough (the account is not
 * disabled, and so on). 0 with *is_passed: go on, account is filled. 0 without: counted and refused, the handler
 * returns 0. Negative: refused, nothing is kept. */
int secret_check_settle(struct request *rq, struct account *account,
                        bool (*may_pass)(const struct request *rq, const struct account *account), bool *is_passed);

#endif
