/* server/keys/secret.c - Argon2id over HMAC-SHA-256(pepper, NFKC secret): whoever has the database alone cannot
 * even begin to guess. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/text.h"
#include "server/keys/keys_internal.h"

#define SECRET_PASSES 3u
#define SECRET_MEMORY_BYTES (64u * 1024 * 1024)
#define PEPPERED_BYTES (2 * KEY_BYTES + 1)

_Static_assert(crypto_pwhash_STRBYTES <= SECRET_HASH_BYTES_MAX, "libsodium's text form fits");

/* Hexadecimal: crypto_pwhash_str works on text. */
static int pepper_secret(const struct keys *keys, const char *secret, char peppered[PEPPERED_BYTES])
{
    uint8_t mac[KEY_BYTES];
    if (strlen(secret) > SECRET_BYTES_MAX) return MDG_ERR_INVALID;
    char *normal = text_nfkc(secret);
    if (!normal) return MDG_ERR_INVALID;
    size_t length = strlen(normal);
    keys_hmac(keys->pepper, normal, length, mac);
    sodium_memzero(normal, length);
    free(normal);
    bytes_to_hex(mac, sizeof mac, peppered);
    sodium_memzero(mac, sizeof mac);
    return 0;
}

int secret_hash(const struct keys *keys, const char *secret, char hash[SECRET_HASH_BYTES_MAX])
{
    char peppered[PEPPERED_BYTES];
    int rc = pepper_secret(keys, secret, peppered);
    if (rc != 0) return rc;
    if (crypto_pwhash_str(hash, peppered, PEPPERED_BYTES - 1, SECRET_PASSES, SECRET_MEMORY_BYTES) != 0)
        rc = MDG_ERR_MEMORY;
    sodium_memzero(peppered, sizeof peppered);
    return rc;
}

bool secret_verify(const struct keys *keys, const char *secret, const char *hash)
{
    char peppered[PEPPERED_BYTES] = "", padded[crypto_pwhash_STRBYTES] = "";
    bool is_text = pepper_secret(keys, secret, peppered) == 0;
    bool is_right = false;
    if (hash && is_text && strlen(hash) < sizeof padded) {
        memcpy(padded, hash, strlen(hash)); /* libsodium reads the whole array */
        is_right = crypto_pwhash_str_verify(padded, peppered, PEPPERED_BYTES - 1) == 0;
    } else {
        /* The same work for an account that is not there: its time must not tell. */
        int spent = crypto_pwhash_str(padded, peppered, strlen(peppered), SECRET_PASSES, SECRET_MEMORY_BYTES);
        (void)spent;
    }
    sodium_memzero(peppered, sizeof peppered);
    return is_right;
}

bool secret_hash_is_weak(const char *hash)
{
    return crypto_pwhash_str_needs_rehash(hash, SECRET_PASSES, SECRET_MEMORY_BYTES) != 0;
}
