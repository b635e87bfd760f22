#include "server/store/turn.h"

#include <string.h>

#include "common/error.h"
#include "server/store/db.h"

/* The statement that takes the centre's turn: on an engine with many writers it locks the row. */
static const char SQL_TAKE[] = "UPDATE feed SET rev = rev WHERE only_row = 1 RETURNING rev, last_id";
static const char SQL_GIVE[] = "UPDATE feed SET rev = ?1, last_id = ?2 WHERE only_row = 1";
static const char SQL_HEAD[] = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";

static int read_feed(struct turn *turn)
{
    struct db_stmt *take = db_stmt(turn->db, SQL_TAKE);
    int rc = db_step(take);
    if (rc == DB_ROW) {
        turn->rev = db_col_i64(take, 0);
        turn->last_id = db_col_i64(take, 1);
        rc = db_step(take); /* the change is made when the statement has run to its end */
    } else if (rc == 0) {
        rc = MDG_ERR_CORRUPT; /* no feed row: not a database of ours */
    }
    db_reset(take);
    return rc;
}

static int read_audit_head(struct turn *turn)
{
    struct db_stmt *head = db_stmt(turn->db, SQL_HEAD);
    int rc = db_step(head);
    if (rc == DB_ROW) {
        size_t length;
        const void *hash = db_col_bytes(head, 1, &length);
        turn->audit_seq = db_col_i64(head, 0);
        if (length == sizeof turn->audit_hash) {
            memcpy(turn->audit_hash, hash, length);
            rc = 0;
        } else {
            rc = MDG_ERR_CORRUPT;
        }
    }
    db_reset(head);
    return rc;
}

int turn_begin(struct turn *turn, struct db *db)
{
    *turn = (struct turn){.db = db};
    int rc = db_begin_write(db);
    if (rc == 0) rc = read_feed(turn);
    if (rc == 0) rc = read_audit_head(turn);
    return rc;
}

int turn_commit(struct turn *turn)
{
    struct db_stmt *give = db_stmt(turn->db, SQL_GIVE);
    db_bind_i64(give, 1, turn->rev);
    db_bind_i64(give, 2, turn->last_id);
    int rc = db_run(give);
    if (rc == 0) rc = db_commit(turn->db);
    return rc;
}

void turn_abort(struct turn *turn)
{
    db_rollback(turn->db);
}

int turn_mark(const struct turn *turn, struct turn *mark)
{
    *mark = *turn;
    return db_savepoint(turn->db);
}

int turn_release(struct turn *turn)
{
    return db_savepoint_release(turn->db);
}

int turn_rewind(struct turn *turn, const struct turn *mark)
{
    *turn = *mark;
    return db_savepoint_rollback(turn->db);
}

int64_t turn_next_rev(struct turn *turn)
{
    return ++turn->rev;
}

int64_t turn_next_id(struct turn *turn)
{
    return ++turn->last_id;
}
