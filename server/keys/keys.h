/* server/keys/keys.h - the pepper and the master key, and what is derived from them. Read once at start from
 * files of mode 0600 outside the database; constant afterwards, so any thread may use it.
 * The data keys (data_keys.h) hang on them. */
#ifndef MADOGUCHI_KEYS_KEYS_H
#define MADOGUCHI_KEYS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES 32
#define SEAL_OVERHEAD_BYTES (1 + 12 + 16) /* version, nonce, tag */
#define SECRET_HASH_BYTES_MAX 160
#define SECRET_BYTES_MAX 128

struct keys;

/* Makes both files, and that of the data keys, in dir (0700); MDG_ERR_CONFLICT if one is there. */
int keys_create(const char *dir);
/* MDG_ERR_CONFIG: missing, wrong size, or readable by others (logged with the path and what to do). */
int keys_open(const char *dir, struct keys **out);
void keys_close(struct keys *keys); /* wiped; NULL is allowed */

/* AES-256-GCM under the master key: version ‖ nonce ‖ ciphertext ‖ tag, bound to where (table, column, row).
 * sealed must hold length + SEAL_OVERHEAD_BYTES. MDG_ERR_CRYPTO. */
int keys_seal(const struct keys *keys, const char *where, int64_t row_id, const void *plain, size_t length,
              uint8_t *sealed);
/* MDG_ERR_CORRUPT: not sealed here, or altered. plain must hold length - SEAL_OVERHEAD_BYTES. */
int keys_unseal(const struct keys *keys, const char *where, int64_t row_id, const uint8_t *sealed, size_t length,
                void *plain);

/* HMAC-SHA-256 under a key derived from the master key for this purpose, e.g. "request digest". */
int keys_mac(const struct keys *keys, const char *purpose, const void *bytes, size_t length, uint8_t mac[KEY_BYTES]);

/* Secrets of people: Argon2id (64 MiB, t = 3, p = 1) over HMAC-SHA-256(pepper, NFKC secret). A tenth of a
 * second of CPU: worker threads only. hash is text with its parameters inside. MDG_ERR_INVALID: not UTF-8 or
 * over SECRET_BYTES_MAX. */
int secret_hash(const struct keys *keys, const char *secret, char hash[SECRET_HASH_BYTES_MAX]);
/* hash NULL: an unknown account, costs the same time and is false. */
bool secret_verify(const struct keys *keys, const char *secret, const char *hash);
bool secret_hash_is_weak(const char *hash); /* made with lower parameters than now: hash again at sign-in */

#endif
