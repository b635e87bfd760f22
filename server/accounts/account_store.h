/* server/accounts/account_store.h - accounts of people and their one-day codes. Reading on any connection,
 * changing on the writer thread only. Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_ACCOUNTS_ACCOUNT_STORE_H
#define MADOGUCHI_ACCOUNTS_ACCOUNT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/code.h"
#include "common/day.h"
#include "server/keys/keys.h"

#define ACCOUNT_NAME_BYTES_MAX 100
#define ACCOUNT_CODE_BYTES (CODE_CHARACTERS + 3) /* as shown, with hyphens and a NUL */
#define ACCOUNT_CODE_LIFE_US US_PER_DAY
#define ACCOUNT_CODE_TRIES_MAX 5
#define ACCOUNT_USABLE_OFFICES 2 /* from so many on, roles need a second person */

struct arena;
struct db;
struct turn;

struct account {
    int64_t id;
    const char *name, *name_key, *reading; /* in the arena */
    uint32_t roles;
    bool is_disabled;
    bool has_secret;
    bool secret_is_long;                     /* long enough for the office and for consultation */
    char secret_hash[SECRET_HASH_BYTES_MAX]; /* "" without one */
    int64_t last_sign_in_us;                 /* 0: never */
    int64_t created_us, rev;
};

struct account_code {
    char hash[SECRET_HASH_BYTES_MAX];
    int64_t until_us;
    int wrong_tries;
};

/* text_name_key() in the arena. MDG_ERR_INVALID: nothing is left of the name. */
int account_name_key(struct arena *arena, const char *name, const char **name_key);

/* MDG_ERR_NOT_FOUND. */
int account_by_id(struct db *db, struct arena *arena, int64_t id, struct account *account);
/* name_key: text_name_key() of the name. */
int account_by_name_key(struct db *db, struct arena *arena, const char *name_key, struct account *account);
/* At most most accounts with an id above after_id, by id. */
int account_page(struct db *db, struct arena *arena, int64_t after_id, int most, struct account *accounts, int *count);

/* Roles now; MDG_ERR_FORBIDDEN when the account is disabled or absent. */
int account_roles_now(struct db *db, int64_t person_id, uint32_t *roles);
/* Office accounts that are not disabled and have a secret, without this one (0: all of them). */
int account_usable_offices(struct db *db, int64_t except_id, int *count);

/* MDG_ERR_CONFLICT: the name is taken. */
int account_insert(struct db *db, const struct account *account);
int account_set_roles(struct db *db, int64_t id, uint32_t roles, int64_t rev);
int account_set_disabled(struct db *db, int64_t id, bool is_disabled, int64_t rev);
int account_set_rev(struct db *db, int64_t id, int64_t rev);
int account_set_secret(struct db *db, int64_t id, const char *hash, bool is_long);
int account_signed_in(struct db *db, int64_t id, int64_t now_us);

/* MDG_ERR_NOT_FOUND: none was issued, or it was used or cancelled. */
int account_code_by_id(struct db *db, int64_t person_id, struct account_code *code);
bool account_code_is_usable(const struct account_code *code, int64_t now_us);
/* Takes the place of an earlier one. */
int account_code_put(struct db *db, int64_t person_id, const char *hash, int64_t until_us);
/* Counts a wrong try; the last one cancels the code. */
int account_code_wrong(struct db *db, int64_t person_id);
int account_code_drop(struct db *db, int64_t person_id);

/* For the installation: the first account, with the office role and a one-day code (ACCOUNT_CODE_BYTES, as
 * shown). Hashes, which takes a tenth of a second. MDG_ERR_INVALID: no usable name. MDG_ERR_CONFLICT: taken. */
int account_create_first(struct turn *turn, const struct keys *keys, const char *name, int64_t now_us, char code[]);

#endif
