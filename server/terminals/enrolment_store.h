/* server/terminals/enrolment_store.h - enrolments: at most one is open at a time. Reading on any thread, writing on the
 * writer thread. Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_TERMINALS_ENROLMENT_STORE_H
#define MADOGUCHI_TERMINALS_ENROLMENT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/enrolment.h"
#include "server/keys/authority.h"
#include "server/keys/keys.h"
#include "server/store/db.h"

#define ENROLMENT_LIFE_US (INT64_C(10) * 60 * 1000000)
#define ENROLMENT_TRIES 5
#define ENROLMENT_EXPORTER_BYTES 32
#define ENROLMENT_KEY_SEALED_BYTES (ENROLMENT_KEY_BYTES + SEAL_OVERHEAD_BYTES)

/* proto EnrolmentSeen.Step
 *   WAITING ─right code─► PROVED ─request─► COMPARE ─same─► ISSUED
 *      └──── expired, cancelled, wrong codes: from any of the three ────► ENDED */
enum enrolment_step {
    ENROLMENT_NONE,
    ENROLMENT_WAITING,
    ENROLMENT_PROVED,
    ENROLMENT_COMPARE,
    ENROLMENT_ISSUED,
    ENROLMENT_ENDED
};

struct enrolment {
    int64_t id, terminal_id, generation;
    enum enrolment_step step;
    uint8_t salt[ENROLMENT_SALT_BYTES];
    bool has_key; /* key_sealed holds something: until a right code, or the end */
    uint8_t key_sealed[ENROLMENT_KEY_SEALED_BYTES];
    int64_t until_us;
    int tries_left;
    bool is_proved; /* by the connection with this exporter */
    uint8_t exporter[ENROLMENT_EXPORTER_BYTES];
    struct der request; /* length 0: none yet */
    char check_number[7];
    char serial[CERTIFICATE_SERIAL_HEX_BYTES]; /* of the certificate issued */
};

static inline bool enrolment_is_open(const struct enrolment *enrolment, int64_t now_us)
{
    return enrolment->step >= ENROLMENT_WAITING && enrolment->step <= ENROLMENT_COMPARE && enrolment->until_us > now_us;
}

/* The key is bound to its salt, which no two enrolments share. */
int enrolment_key_seal(const struct keys *keys, const uint8_t salt[ENROLMENT_SALT_BYTES],
                       const uint8_t key[ENROLMENT_KEY_BYTES], uint8_t sealed[ENROLMENT_KEY_SEALED_BYTES]);
int enrolment_key_unseal(const struct keys *keys, const struct enrolment *enrolment, uint8_t key[ENROLMENT_KEY_BYTES]);

/* The newest enrolment, whatever became of it; step NONE when there was never one. */
int enrolment_newest(struct db *db, struct enrolment *enrolment);
/* The newest that a connection with this exporter has proved. MDG_ERR_NOT_FOUND. */
int enrolment_of_exporter(struct db *db, const uint8_t exporter[ENROLMENT_EXPORTER_BYTES], struct enrolment *enrolment);
/* MDG_ERR_CONFLICT: one is open. */
int enrolment_insert(struct db *db, const struct enrolment *enrolment);
/* All that may change; a key that is no longer there, or no longer wanted, is erased. */
int enrolment_update(struct db *db, const struct enrolment *enrolment);
/* Erases its key, too. */
int enrolment_end(struct db *db, struct enrolment *enrolment);

/* Something has to be ended by terminals.enrolment_expire: an open enrolment is past its time. */
int enrolment_is_due(struct db *db, int64_t now_us, bool *is_due);

#endif
