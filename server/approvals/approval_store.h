/* server/approvals/approval_store.h - calls that wait for a second person. Functions return 0 or a negative
 * MDG_ERR_* code. */
#ifndef MADOGUCHI_APPROVALS_APPROVAL_STORE_H
#define MADOGUCHI_APPROVALS_APPROVAL_STORE_H

#include "server/request/request.h"

#define APPROVAL_LIFE_US (INT64_C(24) * 3600 * 1000000)
#define APPROVAL_BODY_BYTES_MAX 4096

struct approval {
    int64_t id;
    const char *operation; /* texts in the arena, or borrowed in approval_each_open() */
    int64_t object_id;     /* what it would change */
    const uint8_t *body;   /* the packed call */
    size_t body_length;
    int64_t asked_by, asked_us, until_us;
    const char *asked_by_name;
};

/* Keeps the call of rq (its body, who asks and where) instead of carrying it out: rq->object_id, until now what the
 * call would change, becomes the approval's id. MDG_ERR_STATE: the same call waits already. */
int approval_store(struct request *rq);

/* An open one. MDG_ERR_NOT_FOUND: none, decided, or its time is over. */
int approval_get(struct db *db, int64_t id, int64_t now_us, struct arena *arena, struct approval *approval);
int approval_decide(struct turn *turn, int64_t id, int64_t person_id, bool is_approved, int64_t now_us, int64_t rev);
typedef int approval_each_cb(void *arg, const struct approval *approval);
int approval_each_open(struct db *db, int64_t now_us, int limit, approval_each_cb *cb, void *arg);

#endif
