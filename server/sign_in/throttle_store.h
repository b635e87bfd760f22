/* server/sign_in/throttle_store.h - what throttle.h reckons with, kept in the database. A name is known here by
 * a keyed hash of its key, so names that are no account are counted like the others. Reading on any
 * connection, changing on the writer thread only. */
#ifndef MADOGUCHI_SIGN_IN_THROTTLE_STORE_H
#define MADOGUCHI_SIGN_IN_THROTTLE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/keys/keys.h"
#include "server/request/roles.h"
#include "server/sign_in/throttle.h"

struct db;

/* The three states that bear on one try. */
struct throttle_try {
    uint8_t name_hash[KEY_BYTES];
    int64_t terminal_id;
    bool is_public; /* a terminal of the public: the name is not counted beyond it */
    struct throttle_state pair, name, terminal;
};

enum throttle_cause {
    THROTTLE_CAUSE_NONE,
    THROTTLE_CAUSE_WAIT,    /* until_us */
    THROTTLE_CAUSE_NAME,    /* the office unlocks the account */
    THROTTLE_CAUSE_TERMINAL /* the office unlocks the terminal */
};

int throttle_name_hash(const struct keys *keys, const char *name_key, uint8_t name_hash[KEY_BYTES]);

int throttle_load(struct db *db, const uint8_t name_hash[KEY_BYTES], int64_t terminal_id, enum terminal_kind kind,
                  struct throttle_try *out);
enum throttle_cause throttle_judge(const struct throttle_try *at, int64_t now_us, int64_t *until_us);
/* Count and store. */
int throttle_count_failure(struct db *db, struct throttle_try *at, int64_t now_us);
int throttle_count_success(struct db *db, struct throttle_try *at, int64_t now_us);

/* The office opens what was shut. */
int throttle_open_name(struct db *db, const uint8_t name_hash[KEY_BYTES]);
int throttle_open_terminal(struct db *db, int64_t terminal_id);
int throttle_open_terminals(struct db *db);
/* Whether the name waits for the office, at all staff terminals or at one of the public. */
int throttle_name_is_shut(struct db *db, const uint8_t name_hash[KEY_BYTES], bool *is_shut);

#endif
