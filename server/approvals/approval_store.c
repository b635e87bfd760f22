#include "server/approvals/approval_store.h"

#include "server/request/domain.h"

static const char SQL_SAME[] = "SELECT 1 FROM approval WHERE decided_us IS NULL AND until_us > ?1 AND operation = ?2"
                               " AND object_id = ?3 AND body = ?4";
static const char SQL_INSERT[] =
    "INSERT INTO approval (id, operation, object_id, body, asked_by, asked_us, until_us, terminal_id, rev)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

static int is_waiting(struct request *rq, int64_t object_id, const uint8_t *body, size_t length)
{
    struct db_stmt *same = db_stmt(rq->db, SQL_SAME);
    db_bind_i64(same, 1, rq->now_us);
    db_bind_text(same, 2, rq->route->name);
    db_bind_i64(same, 3, object_id);
    db_bind_bytes(same, 4, body, length);
    int rc = db_step(same);
    db_reset(same);
    return rc;
}

int approval_store(struct request *rq)
{
    int64_t object_id = rq->object_id; /* set by the route's prepare: what it would change */
    size_t length = mdg__body__get_packed_size(rq->msg->body);
    uint8_t *body = arena_alloc(&rq->arena, length + 1);
    if (!body) return MDG_ERR_MEMORY;
    if (length > APPROVAL_BODY_BYTES_MAX) return refuse(rq, MDG_ERR_TOO_LARGE, NULL, "approval_body");
    mdg__body__pack(rq->msg->body, body);
    int rc = is_waiting(rq, object_id, body, length);
    if (rc == DB_ROW) return refuse(rq, MDG_ERR_STATE, NULL, "asked_already");
    if (rc != 0) return rc;

    int64_t id = turn_next_id(rq->turn);
    rq->object_id = 0;
    int64_t rev = change_record(rq, id);
    struct db_stmt *insert = db_stmt(rq->db, SQL_INSERT);
    db_bind_i64(insert, 1, id);
    db_bind_text(insert, 2, rq->route->name);
    db_bind_i64(insert, 3, object_id);
    db_bind_bytes(insert, 4, body, length);
    db_bind_i64(insert, 5, rq->caller.person_id);
    db_bind_i64(insert, 6, rq->now_us);
    db_bind_i64(insert, 7, rq->now_us + APPROVAL_LIFE_US);
    db_bind_i64(insert, 8, rq->caller.terminal_id);
    db_bind_i64(insert, 9, rev);
    return db_run(insert);
}

int approval_get(struct db *db, int64_t id, int64_t now_us, struct arena *arena, struct approval *approval)
{
    static const char SQL_GET[] = "SELECT operation, object_id, body, asked_by, asked_us, until_us FROM approval"
                                  " WHERE id = ?1 AND decided_us IS NULL AND until_us > ?2";
    struct db_stmt *get = db_stmt(db, SQL_GET);
    db_bind_i64(get, 1, id);
    db_bind_i64(get, 2, now_us);
    int rc = db_step(get);
    if (rc == DB_ROW) {
        size_t length;
        const void *body = db_col_bytes(get, 2, &length);
        *approval = (struct approval){.id = id,
                                      .operation = arena_strdup(arena, db_col_text(get, 0)),
                                      .object_id = db_col_i64(get, 1),
                                      .body = arena_copy(arena, body, length),
                                      .body_length = length,
                                      .asked_by = db_col_i64(get, 3),
                                      .asked_us = db_col_i64(get, 4),
                                      .until_us = db_col_i64(get, 5)};
        rc = approval->operation && approval->body ? 0 : MDG_ERR_MEMORY;
    } else if (rc == 0) {
        rc = MDG_ERR_NOT_FOUND;
    }
    db_reset(get);
    return rc;
}

int approval_decide(struct turn *turn, int64_t id, int64_t person_id, bool is_approved, int64_t now_us, int64_t rev)
{
    static const char SQL_DECIDE[] =
        "UPDATE approval SET decided_us = ?2, decided_by = ?3, is_approved = ?4, rev = ?5 WHERE id = ?1";
    struct db_stmt *decide = db_stmt(turn->db, SQL_DECIDE);
    db_bind_i64(decide, 1, id);
    db_bind_i64(decide, 2, now_us);
    db_bind_i64(decide, 3, person_id);
    db_bind_i64(decide, 4, is_approved);
    db_bind_i64(decide, 5, rev);
    return db_run(decide);
}

int approval_each_open(struct db *db, int64_t now_us, int limit, approval_each_cb *cb, void *arg)
{
    static const char SQL_OPEN[] = "SELECT a.id, a.operation, a.object_id, a.asked_by, a.asked_us, a.until_us, "
                                   "COALESCE(p.name, '') FROM approval a"
                                   " LEFT JOIN person p ON p.id = a.asked_by WHERE a.decided_us IS NULL AND a.until_us "
                                   "> ?1 ORDER BY a.id LIMIT ?2";
    struct db_stmt *open = db_stmt(db, SQL_OPEN);
    db_bind_i64(open, 1, now_us);
    db_bind_i64(open, 2, limit);
    int rc;
    while ((rc = db_step(open)) == DB_ROW) {
        struct approval approval = {.id = db_col_i64(open, 0),
                                    .operation = db_col_text(open, 1),
                                    .object_id = db_col_i64(open, 2),
                                    .asked_by = db_col_i64(open, 3),
                                    .asked_us = db_col_i64(open, 4),
                                    .until_us = db_col_i64(open, 5),
                                    .asked_by_name = db_col_text(open, 6)};
        rc = cb(arg, &approval);
        if (rc != 0) break;
    }
    db_reset(open);
    return rc;
}
