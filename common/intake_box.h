/* common/intake_box.h - what waits of a consultation lies on a terminal's disk only as a box that the server alone can
 * open: crypto_box_seal (X25519, XSalsa20-Poly1305) of a packed ConsultationContent. Pure; any thread. */
#ifndef MADOGUCHI_COMMON_INTAKE_BOX_H
#define MADOGUCHI_COMMON_INTAKE_BOX_H

#include <stddef.h>
#include <stdint.h>

#include "consultations.pb-c.h"

#define INTAKE_KEY_BYTES 32
#define INTAKE_BOX_OVERHEAD_BYTES 48
#define INTAKE_TEXT_BYTES_MAX 20000
#define INTAKE_CONTACT_BYTES_MAX 1000
/* Both texts at their longest, and what protobuf puts around them. */
#define INTAKE_CONTENT_BYTES_MAX (INTAKE_TEXT_BYTES_MAX + INTAKE_CONTACT_BYTES_MAX + 16)
#define INTAKE_BOX_BYTES_MAX (INTAKE_CONTENT_BYTES_MAX + INTAKE_BOX_OVERHEAD_BYTES)

struct arena;

struct intake_key {
    uint8_t public_half[INTAKE_KEY_BYTES];
    uint8_t private_half[INTAKE_KEY_BYTES];
};

/* The pair that belongs to this seed; the caller wipes both. MDG_ERR_CRYPTO. */
int intake_key_from_seed(const uint8_t seed[INTAKE_KEY_BYTES], struct intake_key *key);

/* *box is allocated and the caller's to free. MDG_ERR_MEMORY, MDG_ERR_CRYPTO: that is no public half. */
int intake_box_seal(const uint8_t public_half[INTAKE_KEY_BYTES], const Mdg__ConsultationContent *content, uint8_t **box,
                    size_t *length);
/* *content lives in the arena. MDG_ERR_CORRUPT: not sealed to this key, altered, or something else inside. */
int intake_box_open(const struct intake_key *key, const uint8_t *box, size_t length, struct arena *arena,
                    Mdg__ConsultationContent **content);

#endif
