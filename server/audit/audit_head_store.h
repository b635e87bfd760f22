/* server/audit/audit_head_store.h - the newest row of the audit chain. Any thread with its own connection. */
#ifndef MADOGUCHI_AUDIT_AUDIT_HEAD_STORE_H
#define MADOGUCHI_AUDIT_AUDIT_HEAD_STORE_H

#include <stdint.h>

#include "server/store/turn.h"

struct audit_head {
    int64_t seq; /* 0: no row yet */
    uint8_t hash[AUDIT_HASH_BYTES];
};
/* 0 or MDG_ERR_*; MDG_ERR_CORRUPT: the hash is no hash. */
int audit_head_read(struct db *db, struct audit_head *head);

#endif
