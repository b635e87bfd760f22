#include "common/intake_box.h"

#include <stdlib.h>

#include <sodium.h>

#include "common/arena.h"
#include "common/error.h"

_Static_assert(crypto_box_PUBLICKEYBYTES == INTAKE_KEY_BYTES && crypto_box_SECRETKEYBYTES == INTAKE_KEY_BYTES &&
                   crypto_box_SEEDBYTES == INTAKE_KEY_BYTES && crypto_box_SEALBYTES == INTAKE_BOX_OVERHEAD_BYTES,
               "libsodium's sizes");

int intake_key_from_seed(const uint8_t seed[INTAKE_KEY_BYTES], struct intake_key *key)
{
    if (sodium_init() < 0) return MDG_ERR_CRYPTO;
    return crypto_box_seed_keypair(key->public_half, key->private_half, seed) == 0 ? 0 : MDG_ERR_CRYPTO;
}

int intake_box_seal(const uint8_t public_half[INTAKE_KEY_BYTES], const Mdg__ConsultationContent *content, uint8_t **box,
                    size_t *length)
{
    if (sodium_init() < 0) return MDG_ERR_CRYPTO;
    size_t plain_length = mdg__consultation_content__get_packed_size(content);
    uint8_t *plain = malloc(plain_length + 1), *sealed = malloc(plain_length + INTAKE_BOX_OVERHEAD_BYTES);
    int rc = plain && sealed ? 0 : MDG_ERR_MEMORY;
    if (rc == 0) {
        mdg__consultation_content__pack(content, plain);
        if (crypto_box_seal(sealed, plain, plain_length, public_half) != 0) rc = MDG_ERR_CRYPTO;
        sodium_memzero(plain, plain_length);
    }
    free(plain);
    if (rc != 0) {
        free(sealed);
        return rc;
    }
    *box = sealed;
    *length = plain_length + INTAKE_BOX_OVERHEAD_BYTES;
    return 0;
}

int intake_box_open(const struct intake_key *key, const uint8_t *box, size_t length, struct arena *arena,
                    Mdg__ConsultationContent **content)
{
    *content = NULL;
    if (length < INTAKE_BOX_OVERHEAD_BYTES) return MDG_ERR_CORRUPT;
    size_t plain_length = length - INTAKE_BOX_OVERHEAD_BYTES;
    uint8_t *plain = arena_alloc(arena, plain_length + 1);
    if (!plain) return MDG_ERR_MEMORY;
    if (crypto_box_seal_open(plain, box, length, key->public_half, key->private_half) != 0) return MDG_ERR_CORRUPT;
    ProtobufCAllocator allocator = arena_allocator(arena);
    *content = mdg__consultation_content__unpack(&allocator, plain_length, plain);
    sodium_memzero(plain, plain_length);
    return *content ? 0 : MDG_ERR_CORRUPT;
}
