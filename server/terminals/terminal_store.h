/* server/terminals/terminal_store.h - terminals and their certificates. Reading on any thread, writing on the writer
 * thread. Functions return 0 or a negative MDG_ERR_* code; texts lie in the arena given. */
#ifndef MADOGUCHI_TERMINALS_TERMINAL_STORE_H
#define MADOGUCHI_TERMINALS_TERMINAL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "server/keys/authority.h"
#include "server/request/request.h"
#include "server/store/db.h"

#define TERMINAL_NAME_BYTES_MAX 100

struct terminal {
    int64_t id;
    const char *name;
    enum terminal_kind kind;
    int64_t room_id; /* doors only */
    bool is_private, is_revoked;
    int64_t certificate_until_us; /* 0: never had one */
    int64_t last_seen_us;
    int64_t rev;
};

struct certificate {
    char serial[CERTIFICATE_SERIAL_HEX_BYTES];
    int64_t terminal_id, generation;
    uint8_t key_fingerprint[FINGERPRINT_BYTES];
    struct der der;
    int64_t issued_us, until_us;
    bool is_revoked;
};

/* May whoever holds this certificate come in now? 0 or MDG_ERR_REVOKED; fills kind, is_private, room_id and
 * terminal_id of *caller. */
int terminal_admit(struct db *db, int64_t terminal_id, const char *serial, int64_t now_us, struct caller *caller);
/* Those terminals are connected; a job of each minute, without rev and audit. */
int terminals_seen(struct db *db, const int64_t *ids, size_t count, int64_t now_us);

/* MDG_ERR_NOT_FOUND. */
int terminal_get(struct db *db, int64_t id, struct arena *arena, struct terminal *terminal);
/* MDG_ERR_NOT_FOUND. */
int terminal_find(struct db *db, const char *name_key, struct arena *arena, struct terminal *terminal);
/* MDG_ERR_CONFLICT: the name is another's. */
int terminal_insert(struct db *db, const struct terminal *terminal, const char *name_key);
/* All but id and last_seen_us. MDG_ERR_CONFLICT as above. */
int terminal_update(struct db *db, const struct terminal *terminal, const char *name_key);
int terminal_put_state(struct db *db, int64_t id, bool is_revoked, int64_t certificate_until_us, int64_t rev);
/* Arrays in the arena, at most limit: by id after after_id; by rev after since_rev. */
int terminal_page(struct db *db, int64_t after_id, int limit, struct arena *arena, struct terminal **list,
                  size_t *count);
int terminal_changes(struct db *db, int64_t since_rev, int limit, struct arena *arena, struct terminal **list,
                     size_t *count);

int certificate_insert(struct db *db, const struct certificate *certificate);
/* MDG_ERR_NOT_FOUND. */
int certificate_get(struct db *db, const char *serial, struct certificate *certificate);
int certificate_of_key(struct db *db, const uint8_t key_fingerprint[FINGERPRINT_BYTES],
                       struct certificate *certificate);
int certificates_revoke(struct db *db, int64_t terminal_id);
/* All of the terminal but this one end at until_us at the latest. */
int certificates_shorten(struct db *db, int64_t terminal_id, const char *but_serial, int64_t until_us);
int certificates_live(struct db *db, int64_t terminal_id, int64_t now_us, int64_t *count);
/* Those that its terminal was given after this one. */
int certificates_later(struct db *db, const struct certificate *than, int64_t *count);

/* Terminals whose newest living certificate is of this generation. */
int terminals_of_generation(struct db *db, int64_t generation, int64_t now_us, int64_t *count);
/* Not revoked and with a certificate; of those, seen after since_us. */
int terminals_enrolled(struct db *db, int64_t since_us, int64_t *count, int64_t *seen);

#endif
