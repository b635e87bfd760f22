#include "server/keys/intake_key.h"

#include <sodium.h>

#include "server/keys/keys_internal.h"

_Static_assert(KEY_BYTES == INTAKE_KEY_BYTES, "a derived key is a seed");

int intake_key_of(const struct keys *keys, struct intake_key *key)
{
    static const char LABEL[] = "consultation intake 1";
    uint8_t seed[KEY_BYTES];
    int rc = keys_mac(keys, "intake key", LABEL, sizeof LABEL - 1, seed);
    if (rc == 0) rc = intake_key_from_seed(seed, key);
    sodium_memzero(seed, sizeof seed);
    return rc;
}

const uint8_t *intake_key_public(const struct keys *keys)
{
    return keys->intake_public;
}
