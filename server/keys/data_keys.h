/* server/keys/data_keys.h - the keys under which fields of persons rest in the database: one for contacts
 * ("contact"), one for open cases ("open"), one a retention month ("2029-04"). They stand in a small file of mode
 * 0600 beside the master key, outside the database and its backups, each sealed by the master key; so destroying
 * one makes what it sealed unreadable everywhere, in old backups too.
 *
 * Reached through struct keys, from any thread. What is unwrapped lives for one call and is wiped. */
#ifndef MADOGUCHI_KEYS_DATA_KEYS_H
#define MADOGUCHI_KEYS_DATA_KEYS_H

#include <stddef.h>
#include <stdint.h>

#define DATA_KEY_NAME_BYTES_MAX 31
#define DATA_KEY_OVERHEAD_BYTES (4 + 12 + 16) /* key id, nonce, tag */

struct data_keys;
struct keys;

/* Makes the file, without a key yet. MDG_ERR_CONFLICT: it is there. */
int data_keys_create(const char *dir);
/* Reads it. An absent file is no error: the log says that what was sealed stays closed, and a new file is made
 * with the first key. keys: the master key's, borrowed. MDG_ERR_CONFIG: unreadable, or open to others. */
int data_keys_open(const char *dir, const struct keys *keys, struct data_keys **out);
void data_keys_close(struct data_keys *data_keys); /* NULL is allowed */

/* AES-256-GCM under the key of this name, which is made, and durable, before it is first used: key id ‖ nonce ‖
 * ciphertext ‖ tag. Bound to centre, table, column, row and key id. sealed must hold length +
 * DATA_KEY_OVERHEAD_BYTES. MDG_ERR_DISK_FULL, MDG_ERR_IO, MDG_ERR_CRYPTO. */
int data_key_seal(const struct keys *keys, const char *name, const char *table, const char *column, int64_t row_id,
                  const void *plain, size_t length, uint8_t *sealed);
/* plain must hold length - DATA_KEY_OVERHEAD_BYTES. MDG_ERR_NOT_FOUND: its key was destroyed, or is missing here.
 * MDG_ERR_CORRUPT: not sealed for this place, or altered. */
int data_key_unseal(const struct keys *keys, const char *table, const char *column, int64_t row_id,
                    const uint8_t *sealed, size_t length, void *plain);
/* Overwrites the key in the file; durable when it returns 0. A name used again later has another key.
 * MDG_ERR_NOT_FOUND: no key of this name. */
int data_key_destroy(const struct keys *keys, const char *name);

#endif
