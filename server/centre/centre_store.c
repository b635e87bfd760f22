#include "server/centre/centre_store.h"

#include <string.h>

#include <openssl/rand.h>

#include "common/error.h"
#include "server/store/db.h"

/* The centre's number stands in the high bits of every id, so that centres can be merged; 40 bits are below. */
#define CENTRE_NUMBER INT64_C(1)
#define CENTRE_NUMBER_SHIFT 40
#define FISCAL_YEAR_FIRST_MONTH 4

static const char SQL_CENTRE[] = "INSERT INTO centre (only_row, name, zone, fiscal_year_first_month, made_us)"
                                 " VALUES (1, ?1, ?2, ?3, ?4)";
static const char SQL_FEED[] = "INSERT INTO feed (only_row, rev, last_id, epoch, oldest_rev) VALUES (1, 1, ?1, ?2, 0)";

int centre_create(struct db *db, const char *name, const char *zone, int64_t now_us)
{
    uint8_t epoch[EPOCH_BYTES];
    if (RAND_bytes(epoch, sizeof epoch) != 1) return MDG_ERR_CRYPTO;
    struct db_stmt *centre = db_stmt(db, SQL_CENTRE);
    db_bind_text(centre, 1, name);
    db_bind_text(centre, 2, zone);
    db_bind_i64(centre, 3, FISCAL_YEAR_FIRST_MONTH);
    db_bind_i64(centre, 4, now_us);
    struct db_stmt *feed = db_stmt(db, SQL_FEED);
    db_bind_i64(feed, 1, CENTRE_NUMBER << CENTRE_NUMBER_SHIFT);
    db_bind_bytes(feed, 2, epoch, sizeof epoch);
    int rc = db_run(centre);
    if (rc == 0) rc = db_run(feed);
    return rc;
}

static const char SQL_READ[] = "SELECT c.name, c.zone, c.fiscal_year_first_month, f.epoch, f.rev, f.oldest_rev"
                               " FROM centre c JOIN feed f ON f.only_row = c.only_row";

int centre_read(struct db *db, struct arena *arena, struct centre *centre)
{
    struct db_stmt *read = db_stmt(db, SQL_READ);
    int rc = db_step(read);
    if (rc == 0) rc = MDG_ERR_CORRUPT;
    if (rc == DB_ROW) {
        size_t length;
        const void *epoch = db_col_bytes(read, 3, &length);
        *centre = (struct centre){.name = arena_strdup(arena, db_col_text(read, 0)),
                                  .zone = arena_strdup(arena, db_col_text(read, 1)),
                                  .fiscal_year_first_month = (int)db_col_i64(read, 2),
                                  .rev = db_col_i64(read, 4),
                                  .oldest_rev = db_col_i64(read, 5)};
        rc = length == EPOCH_BYTES ? 0 : MDG_ERR_CORRUPT;
        if (rc == 0) memcpy(centre->epoch, epoch, length);
        if (!centre->name || !centre->zone) rc = MDG_ERR_MEMORY;
    }
    db_reset(read);
    return rc;
}

static const char SQL_EPOCH[] = "UPDATE feed SET epoch = ?1 WHERE only_row = 1";

int centre_renew_epoch(struct db *db)
{
    uint8_t epoch[EPOCH_BYTES];
    if (RAND_bytes(epoch, sizeof epoch) != 1) return MDG_ERR_CRYPTO;
    struct db_stmt *renew = db_stmt(db, SQL_EPOCH);
    db_bind_bytes(renew, 1, epoch, sizeof epoch);
    return db_run(renew);
}
