#include "client/lib/local_db.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"

#define BUSY_MS 2000

int local_db_error(int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return MDG_ERR_DISK_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MDG_ERR_CORRUPT;
    case SQLITE_NOMEM:
        return MDG_ERR_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MDG_ERR_IN_USE;
    case SQLITE_CONSTRAINT:
        return MDG_ERR_CONFLICT;
    default:
        return MDG_ERR_IO;
    }
}

int local_db_exec(sqlite3 *db, const char *sql)
{
    return local_db_error(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int local_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    return local_db_error(sqlite3_prepare_v2(db, sql, -1, out, NULL));
}

int local_db_run(sqlite3_stmt *stmt)
{
    int code = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return local_db_error(code);
}

static int read_version(sqlite3 *db, int *version)
{
    sqlite3_stmt *stmt = NULL;
    int rc = local_db_prepare(db, "PRAGMA user_version", &stmt);
    if (rc != 0) return rc;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) *version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return local_db_error(code);
}

static int check_whole(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    int rc = local_db_prepare(db, "PRAGMA quick_check(1)", &stmt);
    if (rc != 0) return rc;
    int code = sqlite3_step(stmt);
    rc = local_db_error(code);
    if (code == SQLITE_ROW) {
        const char *verdict = (const char *)sqlite3_column_text(stmt, 0);
        if (!verdict || strcmp(verdict, "ok") != 0) rc = MDG_ERR_CORRUPT;
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int create(sqlite3 *db, const struct local_db_form *form)
{
    int version = 0;
    char set_version[64];
    snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", form->version);

    int rc = local_db_exec(db, "BEGIN IMMEDIATE");
    if (rc != 0) return rc;
    rc = read_version(db, &version); /* another process may have been quicker */
    if (rc == 0 && version == 0) rc = local_db_exec(db, form->schema);
    if (rc == 0 && version == 0) rc = local_db_exec(db, set_version);
    if (rc == 0) rc = local_db_exec(db, "COMMIT");
    if (rc != 0) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* Made here rather than by SQLite, which gives what the umask leaves; its own files take the mode of this one. One that
 * is there is not opened: closing it again would let go of SQLite's locks. */
static void make_private(const char *path)
{
    int fd = strcmp(path, ":memory:") == 0 ? -1 : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
}

int local_db_open(const char *path, const struct local_db_form *form, sqlite3 **out)
{
    sqlite3 *db = NULL;
    int version = 0;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE;
    make_private(path);
    int rc = local_db_error(sqlite3_open_v2(path, &db, flags, NULL));
    if (rc != 0) goto fail;
    sqlite3_busy_timeout(db, BUSY_MS);
    rc = read_version(db, &version);
    if (rc == 0 && version > form->version) rc = MDG_ERR_NEWER;
    if (rc == 0) rc = local_db_exec(db, form->pragmas);
    if (rc == 0 && version == 0) rc = create(db, form);
    if (rc == 0 && version != 0) rc = check_whole(db);
    if (rc != 0) goto fail;
    *out = db;
    return 0;
fail:
    sqlite3_close(db);
    return rc;
}

void local_db_delete(const char *path)
{
    static const char *const ENDINGS[] = {"", "-wal", "-shm", "-journal"};
    char name[4096];
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        int length = snprintf(name, sizeof name, "%s%s", path, ENDINGS[i]);
        if (length > 0 && (size_t)length < sizeof name) unlink(name);
    }
}
