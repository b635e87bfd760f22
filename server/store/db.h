/* server/store/db.h - the seam behind which the engine stands: about a dozen verbs, one file per engine
 * (db_sqlite.c). One struct db is one connection and belongs to one thread at a time. SQL is written in the
 * dialect that both engines serve: parameters ?1…?n, explicit UPSERT targets, no engine functions.
 * Functions return 0 (or DB_ROW) or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_STORE_DB_H
#define MADOGUCHI_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DB_ROW 1

struct db;
struct db_stmt;

enum db_mode {
    DB_WRITE, /* the one writing connection: WAL, synchronous=FULL, foreign keys */
    DB_READ
};

/* Once in a program, before the first connection: the engine keeps no statistics of memory, which cost a lock each. */
void db_engine_start(void);

/* Opens an existing database. MDG_ERR_CONFIG: not there. MDG_ERR_CORRUPT, MDG_ERR_IO. */
int db_open(const char *path, enum db_mode mode, struct db **out);
/* Makes a new, empty one; MDG_ERR_CONFLICT if the file exists. ":memory:" is for tests. */
int db_create(const char *path, struct db **out);
void db_close(struct db *db); /* NULL is allowed */

/* The statement of this text on this connection: prepared once, found again by the text's address, which must
 * therefore be that of a constant (static const char SQL_…[]). Never NULL: a text that does not prepare gives
 * a statement whose db_step() reports the error. */
struct db_stmt *db_stmt(struct db *db, const char *sql);
/* Several statements at once, for migrations and pragmas; no parameters, no rows. */
int db_exec(struct db *db, const char *sql);

/* Parameters from 1. A failed bind is remembered and reported by the next db_step(). Text and bytes are
 * borrowed until db_reset(). */
void db_bind_i64(struct db_stmt *stmt, int index, int64_t value);
void db_bind_text(struct db_stmt *stmt, int index, const char *text);                  /* NULL binds NULL */
void db_bind_bytes(struct db_stmt *stmt, int index, const void *bytes, size_t length); /* NULL binds NULL */
void db_bind_null(struct db_stmt *stmt, int index);

/* DB_ROW: a row stands ready. 0: done. MDG_ERR_CONFLICT: a constraint (unique, check, trigger, foreign key)
 * refused. MDG_ERR_DISK_FULL, MDG_ERR_IO, MDG_ERR_CORRUPT. */
int db_step(struct db_stmt *stmt);
/* Steps a statement that yields no row, and resets it. */
int db_run(struct db_stmt *stmt);
/* Ends reading and forgets the bindings. Until then the statement holds its lock. */
void db_reset(struct db_stmt *stmt);

/* Columns from 0, of the present row. Text and bytes are borrowed until the next step or reset.
 * NULL columns: 0, "" and length 0. */
int64_t db_col_i64(struct db_stmt *stmt, int column);
const char *db_col_text(struct db_stmt *stmt, int column);
const void *db_col_bytes(struct db_stmt *stmt, int column, size_t *length);
bool db_col_is_null(struct db_stmt *stmt, int column);

/* The first failure of the disk or the file (MDG_ERR_DISK_FULL, MDG_ERR_IO, MDG_ERR_CORRUPT) since the last begin,
 * whether the caller passed it on or not; 0: none. What a handler calls corrupt by itself, a sealed field say, is none.
 */
int db_failure(const struct db *db);

int db_begin_write(struct db *db); /* takes the write lock at once */
int db_begin_read(struct db *db);  /* a snapshot from the first read on */
int db_commit(struct db *db);
void db_rollback(struct db *db); /* also when there is nothing to roll back */
int db_savepoint(struct db *db);
int db_savepoint_release(struct db *db);
int db_savepoint_rollback(struct db *db); /* undoes and releases */

/* Lets the engine tidy up when nobody waits: a passive checkpoint of the write-ahead log. */
int db_checkpoint(struct db *db);
/* The engine's own check: MDG_ERR_CORRUPT, and the first complaints in text (allocated, the caller frees). */
int db_check(struct db *db, char **complaints);
/* A consistent copy of the live database into a new file, synced to the disk. */
int db_copy(struct db *db, const char *path);

#endif
