#include "server/rooms/room_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/text.h"
#include "server/store/db.h"

#define ROOM_COLUMNS "id, name, kind, capacity, position, note, is_always_open, is_retired, rev"

static void room_read(struct db_stmt *stmt, struct room *room)
{
    *room = (struct room){.id = db_col_i64(stmt, 0),
                          .kind = (int)db_col_i64(stmt, 2),
                          .capacity = (int32_t)db_col_i64(stmt, 3),
                          .position = (int32_t)db_col_i64(stmt, 4),
                          .is_always_open = db_col_i64(stmt, 6) != 0,
                          .is_retired = db_col_i64(stmt, 7) != 0,
                          .rev = db_col_i64(stmt, 8)};
    snprintf(room->name, sizeof room->name, "%s", db_col_text(stmt, 1));
    snprintf(room->note, sizeof room->note, "%s", db_col_text(stmt, 5));
}

static const char SQL_GET[] = "SELECT " ROOM_COLUMNS " FROM room WHERE id = ?1";

int room_get(struct db *db, int64_t id, struct room *room)
{
    struct db_stmt *get = db_stmt(db, SQL_GET);
    db_bind_i64(get, 1, id);
    int rc = db_step(get);
    if (rc == DB_ROW) room_read(get, room);
    db_reset(get);
    return rc == DB_ROW ? 0 : rc == 0 ? MDG_ERR_NOT_FOUND : rc;
}

static const char SQL_NEW[] =
    "INSERT INTO room (id, name, name_key, kind, capacity, position, note, is_always_open, is_retired, rev)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
static const char SQL_SET[] = "UPDATE room SET name = ?2, name_key = ?3, kind = ?4, capacity = ?5, position = ?6,"
                              " note = ?7, is_always_open = ?8, is_retired = ?9, rev = ?10 WHERE id = ?1";

int room_put(struct turn *turn, const struct room *room, bool is_new)
{
    char *key = text_name_key(room->name);
    if (!key) return MDG_ERR_MEMORY;
    struct db_stmt *put = db_stmt(turn->db, is_new ? SQL_NEW : SQL_SET);
    db_bind_i64(put, 1, room->id);
    db_bind_text(put, 2, room->name);
    db_bind_text(put, 3, key);
    db_bind_i64(put, 4, room->kind);
    db_bind_i64(put, 5, room->capacity);
    db_bind_i64(put, 6, room->position);
    db_bind_text(put, 7, room->note);
    db_bind_i64(put, 8, room->is_always_open);
    db_bind_i64(put, 9, room->is_retired);
    db_bind_i64(put, 10, room->rev);
    int rc = db_run(put);
    free(key);
    return rc;
}

static int each_room(struct db_stmt *stmt, room_each_cb *cb, void *arg)
{
    int rc;
    while ((rc = db_step(stmt)) == DB_ROW) {
        struct room room;
        room_read(stmt, &room);
        rc = cb(arg, &room);
        if (rc != 0) break;
    }
    db_reset(stmt);
    return rc;
}

static const char SQL_EACH[] = "SELECT " ROOM_COLUMNS " FROM room ORDER BY position, id";

int room_each(struct db *db, room_each_cb *cb, void *arg)
{
    return each_room(db_stmt(db, SQL_EACH), cb, arg);
}

static const char SQL_NEAR[] =
    "SELECT " ROOM_COLUMNS " FROM room WHERE is_retired = 0 AND kind = ?1 AND id <> ?2"
    " AND (?3 = 0 OR capacity = 0 OR capacity >= ?3) ORDER BY (position - ?4) * (position - ?4), position, id LIMIT ?5";

int room_each_near(struct db *db, const struct room *room, int32_t people, int limit, room_each_cb *cb, void *arg)
{
    struct db_stmt *near = db_stmt(db, SQL_NEAR);
    db_bind_i64(near, 1, room->kind);
    db_bind_i64(near, 2, room->id);
    db_bind_i64(near, 3, people);
    db_bind_i64(near, 4, room->position);
    db_bind_i64(near, 5, limit);
    return each_room(near, cb, arg);
}

static const char SQL_CHANGED[] = "SELECT " ROOM_COLUMNS " FROM room WHERE rev > ?1 ORDER BY rev LIMIT ?2";

int room_each_changed(struct db *db, int64_t since_rev, int limit, room_each_cb *cb, void *arg)
{
    struct db_stmt *changed = db_stmt(db, SQL_CHANGED);
    db_bind_i64(changed, 1, since_rev);
    db_bind_i64(changed, 2, limit);
    return each_room(changed, cb, arg);
}
