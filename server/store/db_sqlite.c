#include "server/store/db.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "common/error.h"
#include "common/log.h"

#define BUSY_TIMEOUT_MS 5000
/* Larger than SQLite's 1000: a checkpoint in the middle of a busy minute is what the slowest requests wait for. */
#define CHECKPOINT_PAGES 8000

struct db_stmt {
    struct db *db;
    const char *sql;        /* the key: the text's address */
    sqlite3_stmt *prepared; /* NULL: did not prepare, see error */
    int error;              /* the first failure since the last reset */
};

struct db {
    sqlite3 *handle;
    struct db_stmt **slots; /* open addressing by the text's address */
    size_t slots_size, slots_used;
    struct db_stmt broken; /* given out when memory for a statement is lacking */
    int failure;           /* db_failure() */
};

/* --- errors ------------------------------------------------------------------------------------------- */

static int fail(struct db *db, int rc)
{
    if (db->failure == 0) db->failure = rc;
    return rc;
}

static int translate(struct db *db, int code, const char *sql)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
        return 0;
    case SQLITE_ROW:
        return DB_ROW;
    case SQLITE_CONSTRAINT:
        return MDG_ERR_CONFLICT;
    case SQLITE_FULL:
        return fail(db, MDG_ERR_DISK_FULL);
    case SQLITE_NOMEM:
        return MDG_ERR_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MDG_ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        log_error("db.corrupt", "what=\"%s\" sql=\"%s\"", sqlite3_errmsg(db->handle), sql ? sql : "");
        return fail(db, MDG_ERR_CORRUPT);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        log_error("db.io", "what=\"%s\" code=%d sql=\"%s\"", sqlite3_errmsg(db->handle), code, sql ? sql : "");
        return fail(db, MDG_ERR_IO);
    default:
        log_error("db.misuse", "what=\"%s\" code=%d sql=\"%s\"", sqlite3_errmsg(db->handle), code, sql ? sql : "");
        return MDG_ERR_INTERNAL;
    }
}

/* --- opening ------------------------------------------------------------------------------------------ */

static int open_handle(const char *path, int flags, const char *pragmas, struct db **out)
{
    struct db *db = calloc(1, sizeof *db);
    if (!db) return MDG_ERR_MEMORY;
    db->broken = (struct db_stmt){.db = db, .sql = "", .error = MDG_ERR_MEMORY};

    /* One thread at a time owns a connection, so SQLite's own mutex is not needed. */
    int rc = translate(db, sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL), path);
    if (rc == 0) {
        sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
        sqlite3_extended_result_codes(db->handle, 1);
        rc = db_exec(db, pragmas);
    }
    if (rc != 0) {
        db_close(db);
        return rc;
    }
    *out = db;
    return 0;
}

static const char WRITE_PRAGMAS[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                                    " PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
                                    " PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 8000;";
static const char READ_PRAGMAS[] = "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;";

void db_engine_start(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
}

int db_open(const char *path, enum db_mode mode, struct db **out)
{
    struct stat about;
    if (stat(path, &about) != 0) return MDG_ERR_CONFIG;
    /* A reader writes too: the shared-memory index of the write-ahead log. */
    return open_handle(path, SQLITE_OPEN_READWRITE, mode == DB_WRITE ? WRITE_PRAGMAS : READ_PRAGMAS, out);
}

int db_create(const char *path, struct db **out)
{
    struct stat about;
    if (strcmp(path, ":memory:") != 0 && stat(path, &about) == 0) return MDG_ERR_CONFLICT;
    return open_handle(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, WRITE_PRAGMAS, out);
}

void db_close(struct db *db)
{
    if (!db) return;
    for (size_t i = 0; i < db->slots_size; i++) {
        if (!db->slots[i]) continue;
        sqlite3_finalize(db->slots[i]->prepared);
        free(db->slots[i]);
    }
    free(db->slots);
    sqlite3_close(db->handle);
    free(db);
}

/* --- statements --------------------------------------------------------------------------------------- */

static size_t slot_of(const struct db *db, const char *sql)
{
    size_t at = ((uintptr_t)sql >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    at &= db->slots_size - 1;
    while (db->slots[at] && db->slots[at]->sql != sql) at = (at + 1) & (db->slots_size - 1);
    return at;
}

static bool slots_grow(struct db *db)
{
    size_t old_size = db->slots_size;
    struct db_stmt **old = db->slots;
    size_t size = old_size ? old_size * 2 : 64;
    struct db_stmt **slots = calloc(size, sizeof *slots);
    if (!slots) return false;
    db->slots = slots;
    db->slots_size = size;
    for (size_t i = 0; i < old_size; i++)
        if (old[i]) db->slots[slot_of(db, old[i]->sql)] = old[i];
    free(old);
    return true;
}

struct db_stmt *db_stmt(struct db *db, const char *sql)
{
    if (db->slots_used * 2 >= db->slots_size && !slots_grow(db)) return &db->broken;
    size_t at = slot_of(db, sql);
    if (db->slots[at] && db->slots[at]->prepared) return db->slots[at];

    struct db_stmt *stmt = db->slots[at];
    if (!stmt) {
        stmt = calloc(1, sizeof *stmt);
        if (!stmt) return &db->broken;
        *stmt = (struct db_stmt){.db = db, .sql = sql};
        db->slots[at] = stmt;
        db->slots_used++;
    }
    /* One that did not prepare is tried again: the reason may have been the disk. */
    stmt->error =
        translate(db, sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->prepared, NULL), sql);
    return stmt;
}

int db_exec(struct db *db, const char *sql)
{
    return translate(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL), sql);
}

static void remember(struct db_stmt *stmt, int code)
{
    if (code != SQLITE_OK && stmt->error == 0) stmt->error = translate(stmt->db, code, stmt->sql);
}

void db_bind_i64(struct db_stmt *stmt, int index, int64_t value)
{
    if (stmt->prepared) remember(stmt, sqlite3_bind_int64(stmt->prepared, index, value));
}

void db_bind_text(struct db_stmt *stmt, int index, const char *text)
{
    if (stmt->prepared) remember(stmt, sqlite3_bind_text(stmt->prepared, index, text, -1, SQLITE_STATIC));
}

void db_bind_bytes(struct db_stmt *stmt, int index, const void *bytes, size_t length)
{
    if (!stmt->prepared) return;
    if (bytes)
        remember(stmt, sqlite3_bind_blob64(stmt->prepared, index, bytes, length, SQLITE_STATIC));
    else
        remember(stmt, sqlite3_bind_null(stmt->prepared, index));
}

void db_bind_null(struct db_stmt *stmt, int index)
{
    if (stmt->prepared) remember(stmt, sqlite3_bind_null(stmt->prepared, index));
}

int db_step(struct db_stmt *stmt)
{
    if (stmt->error != 0) return stmt->error;
    return translate(stmt->db, sqlite3_step(stmt->prepared), stmt->sql);
}

int db_run(struct db_stmt *stmt)
{
    int rc = db_step(stmt);
    db_reset(stmt);
    return rc == DB_ROW ? 0 : rc;
}

void db_reset(struct db_stmt *stmt)
{
    if (!stmt->prepared) return;
    sqlite3_reset(stmt->prepared);
    sqlite3_clear_bindings(stmt->prepared);
    stmt->error = 0;
}

int64_t db_col_i64(struct db_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->prepared, column);
}

const char *db_col_text(struct db_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt->prepared, column);
    return text ? text : "";
}

const void *db_col_bytes(struct db_stmt *stmt, int column, size_t *length)
{
    const void *bytes = sqlite3_column_blob(stmt->prepared, column);
    *length = bytes ? (size_t)sqlite3_column_bytes(stmt->prepared, column) : 0;
    return bytes;
}

bool db_col_is_null(struct db_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt->prepared, column) == SQLITE_NULL;
}

/* --- transactions ------------------------------------------------------------------------------------- */

static const char SQL_BEGIN_WRITE[] = "BEGIN IMMEDIATE";
static const char SQL_BEGIN_READ[] = "BEGIN";
static const char SQL_COMMIT[] = "COMMIT";
static const char SQL_ROLLBACK[] = "ROLLBACK";
static const char SQL_SAVEPOINT[] = "SAVEPOINT request";
static const char SQL_RELEASE[] = "RELEASE request";
static const char SQL_ROLLBACK_TO[] = "ROLLBACK TO request";

int db_failure(const struct db *db)
{
    return db->failure;
}

int db_begin_write(struct db *db)
{
    db->failure = 0;
    return db_run(db_stmt(db, SQL_BEGIN_WRITE));
}

int db_begin_read(struct db *db)
{
    db->failure = 0;
    return db_run(db_stmt(db, SQL_BEGIN_READ));
}

int db_commit(struct db *db)
{
    return db_run(db_stmt(db, SQL_COMMIT));
}

void db_rollback(struct db *db)
{
    /* After a full disk or an I/O error SQLite may have rolled back by itself. */
    if (!sqlite3_get_autocommit(db->handle)) db_run(db_stmt(db, SQL_ROLLBACK));
}

int db_savepoint(struct db *db)
{
    return db_run(db_stmt(db, SQL_SAVEPOINT));
}

int db_savepoint_release(struct db *db)
{
    return db_run(db_stmt(db, SQL_RELEASE));
}

int db_savepoint_rollback(struct db *db)
{
    int rc = db_run(db_stmt(db, SQL_ROLLBACK_TO));
    return rc == 0 ? db_savepoint_release(db) : rc;
}

int db_checkpoint(struct db *db)
{
    return translate(db, sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                     "checkpoint");
}

/* --- checks and copies -------------------------------------------------------------------------------- */

static int append_line(char **text, const char *line)
{
    size_t old = *text ? strlen(*text) : 0;
    char *longer = realloc(*text, old + strlen(line) + 2);
    if (!longer) return MDG_ERR_MEMORY;
    memcpy(longer + old, line, strlen(line));
    memcpy(longer + old + strlen(line), "\n", 2);
    *text = longer;
    return 0;
}

static int check_with(struct db *db, const char *sql, bool is_integrity, char **complaints)
{
    struct db_stmt *stmt = db_stmt(db, sql);
    int rc, found = 0;
    while ((rc = db_step(stmt)) == DB_ROW) {
        if (is_integrity && strcmp(db_col_text(stmt, 0), "ok") == 0) continue;
        rc = append_line(complaints, db_col_text(stmt, 0));
        if (rc != 0) break;
        found++;
    }
    db_reset(stmt);
    if (rc == 0 && found > 0) rc = MDG_ERR_CORRUPT;
    return rc;
}

int db_check(struct db *db, char **complaints)
{
    static const char SQL_INTEGRITY[] = "PRAGMA integrity_check(20)";
    static const char SQL_FOREIGN_KEYS[] = "PRAGMA foreign_key_check";
    *complaints = NULL;
    int rc = check_with(db, SQL_INTEGRITY, true, complaints);
    if (rc == 0) rc = check_with(db, SQL_FOREIGN_KEYS, false, complaints);
    return rc;
}

int db_copy(struct db *db, const char *path)
{
    static const char SQL_COPY[] = "VACUUM INTO ?1"; /* a snapshot in one file, without the log beside it */
    struct stat about;
    if (stat(path, &about) == 0) return MDG_ERR_CONFLICT;
    struct db_stmt *stmt = db_stmt(db, SQL_COPY);
    db_bind_text(stmt, 1, path);
    int rc = db_run(stmt);
    if (rc != 0) return rc;

    /* VACUUM INTO leaves the syncing to the system; going through WAL mode once syncs file and header. */
    struct db *copy = NULL;
    rc = db_open(path, DB_WRITE, &copy);
    if (rc == 0)
        rc = translate(copy, sqlite3_wal_checkpoint_v2(copy->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
                       path);
    db_close(copy);
    return rc;
}
