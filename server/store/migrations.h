/* server/store/migrations.h - the numbered migrations, embedded at build time from server/<domain>/migrations/.
 * A version is the number of the last migration applied. */
#ifndef MADOGUCHI_STORE_MIGRATIONS_H
#define MADOGUCHI_STORE_MIGRATIONS_H

#include <stddef.h>

struct db;

struct migration {
    int number;
    const char *name; /* e.g. 0004_visits */
    const char *sql;
};

extern const struct migration MIGRATIONS[]; /* generated; rising numbers without a gap */
extern const size_t MIGRATIONS_COUNT;

/* MDG_ERR_NEWER: the database was made by a newer program. */
int migrations_version(struct db *db, int *version);
/* Applies what is missing in one transaction, after a backup copy beside path ("<path>.before-NNNN") when there
 * is something to lose. */
int migrations_apply(struct db *db, const char *path);

#endif
