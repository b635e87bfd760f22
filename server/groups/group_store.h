/* server/groups/group_store.h - registered groups. Reading on any connection, changing on the writer thread only.
 * Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_GROUPS_GROUP_STORE_H
#define MADOGUCHI_GROUPS_GROUP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROUP_NUMBER_MAX 999999
#define GROUP_NAME_BYTES_MAX 300
#define GROUP_FIELD_BYTES_MAX 100
#define GROUP_NOTE_BYTES_MAX 1000

struct db;
struct name_query;

struct group {
    int64_t id;
    int32_t number; /* unique, also among ended ones */
    char name[GROUP_NAME_BYTES_MAX + 1];
    char reading[GROUP_NAME_BYTES_MAX + 1]; /* in kana; may be empty */
    char field[GROUP_FIELD_BYTES_MAX + 1];
    int32_t from_day, to_day; /* both included; 0: drafted at the desk, not registered yet */
    bool is_ended;
    char note[GROUP_NOTE_BYTES_MAX + 1];
    int64_t person_id; /* its account at the lounge, once a PIN was issued; else 0 */
    int64_t created_us, rev;
};

/* MDG_ERR_NOT_FOUND. */
int group_get(struct db *db, int64_t id, struct group *group);
int group_by_number(struct db *db, int32_t number, struct group *group);
/* The group that signs in with this account. */
int group_of_person(struct db *db, int64_t person_id, struct group *group);
/* One above the highest; MDG_ERR_CONFLICT: there is none left. */
int group_next_number(struct db *db, int32_t *number);
int group_count(struct db *db, int64_t *count);

/* With its keys for searching. MDG_ERR_CONFLICT: the number is taken. */
int group_insert(struct db *db, const struct group *group);
/* All but contact, account and end_reason. MDG_ERR_CONFLICT: the number is taken. */
int group_update(struct db *db, const struct group *group);
int group_set_person(struct db *db, int64_t id, int64_t person_id, int64_t rev);
int group_set_end_reason(struct db *db, int64_t id, const char *reason); /* NULL: none */

/* What is kept of the contact, as sealed; length 0: nothing. sealed must hold size bytes. MDG_ERR_TOO_LARGE. */
int group_contact_get(struct db *db, int64_t id, uint8_t *sealed, size_t size, size_t *length);
/* length 0: nothing is kept any more. */
int group_contact_set(struct db *db, int64_t id, const uint8_t *sealed, size_t length, int64_t rev);

/* Not 0: stop, and give it back. */
typedef int group_each_cb(void *arg, const struct group *group);
/* In rising rev, at most limit. */
int group_each_changed(struct db *db, int64_t since_rev, int limit, group_each_cb *cb, void *arg);
int group_each(struct db *db, group_each_cb *cb, void *arg); /* by number */

/* What a search reads of a group, folded (common/name_search.h): borrowed until the next one. */
struct group_key {
    int64_t id;
    const char *loose, *name, *reading, *order;
};
typedef int group_key_cb(void *arg, const struct group_key *key);
/* Those that the query may mean. */
int group_each_key(struct db *db, const struct name_query *query, bool with_ended, group_key_cb *cb, void *arg);

/* That the keys for searching are those of the names. MDG_ERR_CORRUPT with a complaint (allocated). */
int group_verify(struct db *db, char **complaint);

#endif
