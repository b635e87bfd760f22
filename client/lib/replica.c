#include "client/lib/replica.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/local_db.h"
#include "common/error.h"

static const struct local_db_form FORM = {
    .version = 1,
    .pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
    .schema = "CREATE TABLE row (kind INTEGER NOT NULL, id INTEGER NOT NULL, rev INTEGER NOT NULL,"
              " day INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;"
              "CREATE INDEX row_day ON row (kind, day) WHERE day > 0;"
              "CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), epoch BLOB NOT NULL, view TEXT NOT NULL,"
              " rev INTEGER NOT NULL) STRICT;"
              "INSERT INTO meta VALUES (1, x'', '', 0);",
};

enum statement { PUT, REMOVE, LEAVE, WIPE, MOVE, STATEMENTS };
static const char *const SQL[STATEMENTS] = {
    [PUT] = "INSERT INTO row (kind, id, rev, day, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (kind, id)"
            " DO UPDATE SET rev = excluded.rev, day = excluded.day, body = excluded.body",
    [REMOVE] = "DELETE FROM row WHERE kind = ?1 AND id = ?2",
    [LEAVE] = "DELETE FROM row WHERE kind = ?1 AND day > 0 AND day < ?2 RETURNING id",
    [WIPE] = "DELETE FROM row",
    [MOVE] = "UPDATE meta SET rev = ?1, epoch = ?2, view = ?3",
};
static const char SQL_META[] = "SELECT rev, epoch, view FROM meta";
static const char SQL_EACH[] = "SELECT kind, id, rev, day, body FROM row ORDER BY kind, id";
static const char SQL_EACH_OF[] = "SELECT kind, id, rev, day, body FROM row WHERE kind = ?1 ORDER BY id";
static const char SQL_GET[] = "SELECT kind, id, rev, day, body FROM row WHERE kind = ?1 AND id = ?2";

struct replica {
    char *path; /* owned; NULL: in memory */
    enum replica_use use;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct replica_position at;   /* as stored */
    struct replica_position next; /* source of the next fresh start */
};

/* --- opening ---------------------------------------------------------------------------------------------- */

static void shut(struct replica *replica)
{
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(replica->statements[i]);
        replica->statements[i] = NULL;
    }
    sqlite3_close(replica->db);
    replica->db = NULL;
}

static int read_position(struct replica *replica)
{
    sqlite3_stmt *stmt = NULL;
    int rc = local_db_prepare(replica->db, SQL_META, &stmt);
    if (rc != 0) return rc;
    rc = sqlite3_step(stmt) == SQLITE_ROW ? 0 : MDG_ERR_CORRUPT;
    size_t length = rc == 0 ? (size_t)sqlite3_column_bytes(stmt, 1) : 0;
    const char *view = rc == 0 ? (const char *)sqlite3_column_text(stmt, 2) : NULL;
    if (rc == 0 && (!view || length > REPLICA_EPOCH_BYTES_MAX || strlen(view) > REPLICA_VIEW_BYTES_MAX)) {
        rc = MDG_ERR_CORRUPT;
    }
    if (rc == 0) {
        replica->at = (struct replica_position){.epoch_length = length, .rev = sqlite3_column_int64(stmt, 0)};
        if (length > 0) memcpy(replica->at.epoch, sqlite3_column_blob(stmt, 1), length);
        memcpy(replica->at.view, view, strlen(view) + 1);
        replica->next = replica->at;
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int open_at(struct replica *replica, const char *path)
{
    int rc = local_db_open(path, &FORM, &replica->db);
    for (int i = 0; rc == 0 && i < STATEMENTS; i++) {
        rc = local_db_prepare(replica->db, SQL[i], &replica->statements[i]);
    }
    if (rc == 0) rc = read_position(replica);
    if (rc != 0) shut(replica);
    return rc;
}

static void copy_file(struct replica *replica)
{
    sqlite3 *file = NULL;
    if (local_db_open(replica->path, &FORM, &file) != 0) return;
    sqlite3_backup *copying = sqlite3_backup_init(replica->db, "main", file, "main");
    if (copying) sqlite3_backup_step(copying, -1);
    if (copying && sqlite3_backup_finish(copying) == SQLITE_OK) read_position(replica);
    sqlite3_close(file);
}

/* A file that opens, a new file, or memory, whichever comes first. */
static int open_somehow(struct replica *replica)
{
    int rc = MDG_ERR_IO;
    bool is_there = replica->path && access(replica->path, R_OK) == 0;
    if (replica->path && (replica->use == REPLICA_OWN || (replica->use == REPLICA_LOOK && is_there))) {
        rc = open_at(replica, replica->path);
        if (rc != 0 && replica->use == REPLICA_OWN && rc != MDG_ERR_IN_USE) {
            local_db_delete(replica->path);
            rc = open_at(replica, replica->path);
        }
    }
    if (rc == 0) return 0;
    rc = open_at(replica, ":memory:");
    if (rc == 0 && is_there && replica->use == REPLICA_COPY) copy_file(replica);
    return rc;
}

int replica_open(const char *path, enum replica_use use, struct replica **out)
{
    struct replica *replica = calloc(1, sizeof *replica);
    int rc = replica ? 0 : MDG_ERR_MEMORY;
    if (rc == 0) replica->use = use;
    if (rc == 0 && path && !(replica->path = strdup(path))) rc = MDG_ERR_MEMORY;
    if (rc == 0) rc = open_somehow(replica);
    if (rc == 0) {
        *out = replica;
    } else {
        replica_close(replica);
    }
    return rc;
}

void replica_close(struct replica *replica)
{
    if (!replica) return;
    shut(replica);
    free(replica->path);
    free(replica);
}

int replica_remake(struct replica *replica)
{
    struct replica_position source = replica->next;
    shut(replica);
    if (replica->use == REPLICA_COPY) { /* it has served */
        free(replica->path);
        replica->path = NULL;
    }
    if (replica->path && replica->use == REPLICA_OWN) local_db_delete(replica->path);
    replica->at = (struct replica_position){0};
    int rc = open_somehow(replica);
    replica->next = source;
    return rc;
}

const struct replica_position *replica_position(const struct replica *replica)
{
    return &replica->at;
}

int replica_set_source(struct replica *replica, const uint8_t *epoch, size_t epoch_length, const char *view)
{
    if (epoch_length > REPLICA_EPOCH_BYTES_MAX || strlen(view) > REPLICA_VIEW_BYTES_MAX) return MDG_ERR_INVALID;
    replica->next = (struct replica_position){.epoch_length = epoch_length};
    if (epoch_length > 0) memcpy(replica->next.epoch, epoch, epoch_length);
    memcpy(replica->next.view, view, strlen(view) + 1);
    return 0;
}

/* --- taking in a part ------------------------------------------------------------------------------------- */

struct left_row {
    uint32_t kind;
    int64_t id;
};

struct left_rows {
    struct left_row *rows; /* owned */
    size_t count, room;
};

static int left_rows_add(struct left_rows *left, uint32_t kind, int64_t id)
{
    if (left->count == left->room) {
        size_t room = left->room ? 2 * left->room : 64;
        struct left_row *rows = realloc(left->rows, room * sizeof *rows);
        if (!rows) return MDG_ERR_MEMORY;
        left->rows = rows;
        left->room = room;
    }
    left->rows[left->count++] = (struct left_row){kind, id};
    return 0;
}

static int put(struct replica *replica, const Mdg__Row *row)
{
    sqlite3_stmt *stmt = replica->statements[PUT];
    size_t size = mdg__body__get_packed_size(row->body);
    uint8_t *packed = malloc(size ? size : 1);
    if (!packed) return MDG_ERR_MEMORY;
    mdg__body__pack(row->body, packed);
    sqlite3_bind_int64(stmt, 1, row->kind);
    sqlite3_bind_int64(stmt, 2, row->id);
    sqlite3_bind_int64(stmt, 3, row->rev);
    sqlite3_bind_int64(stmt, 4, row->day);
    sqlite3_bind_blob64(stmt, 5, packed, size, SQLITE_STATIC);
    int rc = local_db_run(stmt);
    sqlite3_clear_bindings(stmt);
    free(packed);
    return rc;
}

static int take_row(struct replica *replica, const Mdg__Row *row)
{
    if (!row->is_removed && row->body) return put(replica, row);
    sqlite3_bind_int64(replica->statements[REMOVE], 1, row->kind);
    sqlite3_bind_int64(replica->statements[REMOVE], 2, row->id);
    return local_db_run(replica->statements[REMOVE]);
}

static int take_horizon(struct replica *replica, const Mdg__Horizon *horizon, struct left_rows *left)
{
    sqlite3_stmt *stmt = replica->statements[LEAVE];
    int rc = 0, code;
    sqlite3_bind_int64(stmt, 1, horizon->kind);
    sqlite3_bind_int64(stmt, 2, horizon->from_day);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && rc == 0) {
        rc = left_rows_add(left, horizon->kind, sqlite3_column_int64(stmt, 0));
    }
    sqlite3_reset(stmt);
    return rc == 0 ? local_db_error(code) : rc;
}

static int move_to(struct replica *replica, const struct replica_position *to)
{
    sqlite3_stmt *stmt = replica->statements[MOVE];
    sqlite3_bind_int64(stmt, 1, to->rev);
    sqlite3_bind_blob(stmt, 2, to->epoch_length ? to->epoch : (const uint8_t *)"", (int)to->epoch_length,
                      SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, to->view, -1, SQLITE_STATIC);
    int rc = local_db_run(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

static int store_part(struct replica *replica, const Mdg__Part *part, struct left_rows *left)
{
    struct replica_position to = part->from_rev == 0 ? replica->next : replica->at;
    to.rev = part->to_rev;
    int rc = local_db_exec(replica->db, "BEGIN IMMEDIATE");
    if (rc != 0) return rc;
    if (part->from_rev == 0) rc = local_db_run(replica->statements[WIPE]);
    for (size_t i = 0; rc == 0 && i < part->n_rows; i++) rc = take_row(replica, part->rows[i]);
    for (size_t i = 0; rc == 0 && i < part->n_horizons; i++) rc = take_horizon(replica, part->horizons[i], left);
    if (rc == 0) rc = move_to(replica, &to);
    if (rc == 0) rc = local_db_exec(replica->db, "COMMIT");
    if (rc != 0) {
        sqlite3_exec(replica->db, "ROLLBACK", NULL, NULL, NULL);
        return rc;
    }
    replica->at = to;
    return 0;
}

static void tell(const struct replica_events *events, const Mdg__Part *part, const struct left_rows *left)
{
    if (part->from_rev == 0 && events->on_reset) events->on_reset(events->arg);
    if (!events->on_row) return;
    for (size_t i = 0; i < part->n_rows; i++) events->on_row(events->arg, part->rows[i]);
    for (size_t i = 0; i < left->count; i++) {
        Mdg__Row row = MDG__ROW__INIT;
        row.kind = left->rows[i].kind;
        row.id = left->rows[i].id;
        row.is_removed = true;
        events->on_row(events->arg, &row);
    }
}

int replica_apply(struct replica *replica, const Mdg__Part *part, const struct replica_events *events)
{
    struct left_rows left = {0};
    if (part->to_rev < part->from_rev || part->from_rev < 0) return MDG_ERR_MALFORMED;
    if (part->from_rev != 0 && part->from_rev != replica->at.rev) return MDG_ERR_STALE;
    int rc = store_part(replica, part, &left);
    if (rc == 0) tell(events, part, &left);
    free(left.rows);
    return rc;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

static int row_read(sqlite3_stmt *stmt, Mdg__Row *row)
{
    const uint8_t *body = sqlite3_column_blob(stmt, 4);
    mdg__row__init(row);
    row->kind = (uint32_t)sqlite3_column_int64(stmt, 0);
    row->id = sqlite3_column_int64(stmt, 1);
    row->rev = sqlite3_column_int64(stmt, 2);
    row->day = sqlite3_column_int(stmt, 3);
    row->body = mdg__body__unpack(NULL, (size_t)sqlite3_column_bytes(stmt, 4), body ? body : (const uint8_t *)"");
    return row->body ? 0 : MDG_ERR_CORRUPT;
}

int replica_each(struct replica *replica, uint32_t kind, void (*each)(const Mdg__Row *row, void *arg), void *arg)
{
    sqlite3_stmt *stmt = NULL; /* its own, since each may ask again */
    int rc = local_db_prepare(replica->db, kind ? SQL_EACH_OF : SQL_EACH, &stmt);
    if (rc != 0) return rc;
    if (kind) sqlite3_bind_int64(stmt, 1, kind);
    int code = SQLITE_ROW;
    while (rc == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        Mdg__Row row;
        rc = row_read(stmt, &row);
        if (rc == 0) each(&row, arg);
        mdg__body__free_unpacked(row.body, NULL);
    }
    sqlite3_finalize(stmt);
    return rc == 0 ? local_db_error(code) : rc;
}

int replica_get(struct replica *replica, uint32_t kind, int64_t id, Mdg__Row **out)
{
    sqlite3_stmt *stmt = NULL;
    Mdg__Row *row = NULL;
    int rc = local_db_prepare(replica->db, SQL_GET, &stmt);
    if (rc != 0) return rc;
    sqlite3_bind_int64(stmt, 1, kind);
    sqlite3_bind_int64(stmt, 2, id);
    int code = sqlite3_step(stmt);
    if (code != SQLITE_ROW) rc = code == SQLITE_DONE ? MDG_ERR_NOT_FOUND : local_db_error(code);
    if (rc == 0 && !(row = malloc(sizeof *row))) rc = MDG_ERR_MEMORY;
    if (rc == 0) rc = row_read(stmt, row);
    sqlite3_finalize(stmt);
    if (rc != 0) {
        free(row);
        return rc;
    }
    *out = row;
    return 0;
}
