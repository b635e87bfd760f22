#include "server/store/migrations.h"

#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "server/store/db.h"

/* Kept by hand, not in user_version: the second engine has none. */
static const char SQL_TABLE[] = "CREATE TABLE IF NOT EXISTS migration (number INTEGER NOT NULL PRIMARY KEY,"
                                " name TEXT NOT NULL) STRICT";
static const char SQL_VERSION[] = "SELECT COALESCE(MAX(number), 0) FROM migration";
static const char SQL_ADD[] = "INSERT INTO migration (number, name) VALUES (?1, ?2)";

int migrations_version(struct db *db, int *version)
{
    struct db_stmt *stmt = db_stmt(db, SQL_VERSION);
    int rc = db_step(stmt);
    if (rc == DB_ROW) {
        *version = (int)db_col_i64(stmt, 0);
        rc = (size_t)*version > MIGRATIONS_COUNT ? MDG_ERR_NEWER : 0;
    }
    db_reset(stmt);
    return rc;
}

static int back_up(struct db *db, const char *path, int version)
{
    if (strcmp(path, ":memory:") == 0) return 0;
    char copy[4096];
    int length = snprintf(copy, sizeof copy, "%s.before-%04d", path, version + 1);
    if (length < 0 || (size_t)length >= sizeof copy) return MDG_ERR_CONFIG;
    int rc = db_copy(db, copy);
    if (rc == MDG_ERR_CONFLICT) rc = 0; /* from a try that did not end; the database is still the same */
    return rc;
}

static int apply_one(struct db *db, const struct migration *migration)
{
    int rc = db_exec(db, migration->sql);
    struct db_stmt *add = db_stmt(db, SQL_ADD);
    db_bind_i64(add, 1, migration->number);
    db_bind_text(add, 2, migration->name);
    if (rc == 0) rc = db_run(add);
    if (rc != 0) log_error("store.migration", "name=%s rc=%s", migration->name, mdg_error_name(rc));
    return rc;
}

int migrations_apply(struct db *db, const char *path)
{
    int version = 0;
    int rc = db_exec(db, SQL_TABLE);
    if (rc == 0) rc = migrations_version(db, &version);
    if (rc != 0 || (size_t)version == MIGRATIONS_COUNT) return rc;
    if (version > 0) rc = back_up(db, path, version);

    if (rc == 0) rc = db_begin_write(db);
    for (size_t i = (size_t)version; rc == 0 && i < MIGRATIONS_COUNT; i++) rc = apply_one(db, &MIGRATIONS[i]);
    if (rc == 0) rc = db_commit(db);
    if (rc != 0) db_rollback(db);
    return rc;
}
