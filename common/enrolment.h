/* common/enrolment.h - what both sides of an enrolment compute (proto/README.md 3). The code never travels: each
 * side proves that it knows it, bound to the very TLS connection and to the authority that is being trusted. */
#ifndef MADOGUCHI_COMMON_ENROLMENT_H
#define MADOGUCHI_COMMON_ENROLMENT_H

#include <stddef.h>
#include <stdint.h>

#include "common/code.h"

#define ENROLMENT_SALT_BYTES 16
#define ENROLMENT_KEY_BYTES 32
#define ENROLMENT_PROOF_BYTES 32
#define ENROLMENT_MEMORY_KIB 65536u
#define ENROLMENT_PASSES 3u
#define FINGERPRINT_BYTES 32
#define DER_BYTES_MAX 2048

/* A certificate, request or private key in DER. Private keys are wiped with OPENSSL_cleanse() by their owner. */
struct der {
    size_t length;
    uint8_t bytes[DER_BYTES_MAX];
};

/* Argon2id(normalised code, salt), a tenth of a second of CPU. Parameters as the server offers them; the client
 * refuses weaker ones than above. MDG_ERR_CRYPTO, MDG_ERR_MEMORY. */
int enrolment_key(const char code[CODE_CHARACTERS + 1], const uint8_t salt[ENROLMENT_SALT_BYTES], uint32_t memory_kib,
                  uint32_t passes, uint8_t key[ENROLMENT_KEY_BYTES]);

enum enrolment_side { ENROLMENT_TERMINAL, ENROLMENT_SERVER };
/* HMAC-SHA-256(key, "madoguchi enrolment terminal" or "… server" ‖ exporter ‖ SHA-256(CA certificate)). */
int enrolment_proof(const uint8_t key[ENROLMENT_KEY_BYTES], enum enrolment_side side, const uint8_t exporter[32],
                    const uint8_t ca_fingerprint[FINGERPRINT_BYTES], uint8_t proof[ENROLMENT_PROOF_BYTES]);

/* Six digits that both screens show: the first 8 bytes of SHA-256("madoguchi check number" ‖ exporter ‖ CA
 * fingerprint ‖ PKCS #10 request), big-endian, modulo 1,000,000. */
int enrolment_check_number(const uint8_t exporter[32], const uint8_t ca_fingerprint[FINGERPRINT_BYTES],
                           const uint8_t *request, size_t length, char number[7]);

/* The terminal's side: a fresh ECDSA P-256 key (PKCS #8) and a PKCS #10 request for it. */
int enrolment_request_new(struct der *request, struct der *key);
/* Another request for a key that was made before. */
int enrolment_request_again(const struct der *key, struct der *request);

int certificate_fingerprint(const uint8_t *der, size_t length, uint8_t sha256[FINGERPRINT_BYTES]);

#endif
