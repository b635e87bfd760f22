/* server/centre/centre_store.h - the centre's one row of facts, and the database's identity. */
#ifndef MADOGUCHI_CENTRE_CENTRE_STORE_H
#define MADOGUCHI_CENTRE_CENTRE_STORE_H

#include <stdint.h>

#include "common/arena.h"
#include "server/store/turn.h"

#define CENTRE_NAME_BYTES_MAX 200
#define CENTRE_ZONE_BYTES_MAX 64

struct db;

struct centre {
    const char *name; /* in the arena */
    const char *zone;
    int fiscal_year_first_month;
    uint8_t epoch[EPOCH_BYTES];
    int64_t rev, oldest_rev;
};

/* The first rows of a new database, in a transaction of the caller: the centre and the feed's row. */
int centre_create(struct db *db, const char *name, const char *zone, int64_t now_us);
/* MDG_ERR_CORRUPT: the rows are missing. */
int centre_read(struct db *db, struct arena *arena, struct centre *centre);
/* After a restore: every terminal starts afresh. */
int centre_renew_epoch(struct db *db);

#endif
