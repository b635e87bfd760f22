/* client/lib/local_db.h - what replica and outbox share of SQLite: opening a file of a known version, errors of ours.
 * Both are read by their own process only, but two processes of one terminal may have the same file open. */
#ifndef MADOGUCHI_CLIENT_LIB_LOCAL_DB_H
#define MADOGUCHI_CLIENT_LIB_LOCAL_DB_H

#include <sqlite3.h>

struct local_db_form {
    const char *schema; /* run once, in a transaction */
    const char *pragmas;
    int version;
};

/* path ":memory:" is allowed. Checks the whole file: MDG_ERR_CORRUPT. MDG_ERR_NEWER: of a newer program.
 * MDG_ERR_DISK_FULL, MDG_ERR_IO, MDG_ERR_MEMORY. The caller closes *out with sqlite3_close(). */
int local_db_open(const char *path, const struct local_db_form *form, sqlite3 **out);
/* Deletes the file and what SQLite keeps beside it. */
void local_db_delete(const char *path);

int local_db_error(int sqlite_code);
int local_db_exec(sqlite3 *db, const char *sql);
int local_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);
/* Runs a statement that gives no rows, and resets it. */
int local_db_run(sqlite3_stmt *stmt);

#endif
