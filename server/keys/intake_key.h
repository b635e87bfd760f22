/* server/keys/intake_key.h - the pair of keys for what waits of a consultation. It is derived from the master
 * key, so it rests nowhere and is the same after a restore. Any thread. */
#ifndef MADOGUCHI_KEYS_INTAKE_KEY_H
#define MADOGUCHI_KEYS_INTAKE_KEY_H

#include "common/intake_box.h"
#include "server/keys/keys.h"

/* The caller wipes *key. MDG_ERR_CRYPTO. */
int intake_key_of(const struct keys *keys, struct intake_key *key);
/* Its public half, INTAKE_KEY_BYTES; every hello tells it, so it was worked out when the keys were opened. */
const uint8_t *intake_key_public(const struct keys *keys);

#endif
