#include "server/audit/audit_head_store.h"

#include <string.h>

#include "common/error.h"
#include "server/store/db.h"

static const char SQL_HEAD[] = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";

int audit_head_read(struct db *db, struct audit_head *head)
{
    struct db_stmt *newest = db_stmt(db, SQL_HEAD);
    *head = (struct audit_head){0};
    int rc = db_step(newest);
    if (rc == DB_ROW) {
        size_t length = 0;
        const void *hash = db_col_bytes(newest, 1, &length);
        head->seq = db_col_i64(newest, 0);
        rc = length == sizeof head->hash ? 0 : MDG_ERR_CORRUPT;
        if (rc == 0) memcpy(head->hash, hash, sizeof head->hash);
    }
    db_reset(newest);
    return rc;
}
