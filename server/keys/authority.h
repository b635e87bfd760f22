/* server/keys/authority.h - the centre's certificate authority: ECDSA P-256, TLS server and client certificates.
 * Certificates and keys are DER byte strings; private keys are handled in memory only and wiped by the caller
 * with OPENSSL_cleanse(). Pure functions of their arguments and the random source. All return MDG_ERR_CRYPTO
 * on failure. */
#ifndef MADOGUCHI_KEYS_AUTHORITY_H
#define MADOGUCHI_KEYS_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "common/enrolment.h"

#define AUTHORITY_LIFE_US (INT64_C(10) * 365 * 86400 * 1000000)
#define SERVER_LIFE_US (INT64_C(365) * 86400 * 1000000)
#define TERMINAL_LIFE_US (INT64_C(90) * 86400 * 1000000)
#define CERTIFICATE_SERIAL_HEX_BYTES 33 /* 16 bytes in hex and a NUL */
/* The DNS name in every server certificate; .internal is reserved for private use. The authority is the
 * centre's own, so the name only keeps a terminal from posing as the server. */
#define SERVER_NAME "madoguchid.internal"

int authority_create(const char *centre_name, int64_t now_us, struct der *certificate, struct der *key);
/* A server certificate for SERVER_NAME with its fresh key. */
int authority_issue_server(const struct der *ca, const struct der *ca_key, int64_t now_us, struct der *certificate,
                           struct der *key);
/* Takes the public key of a PKCS #10 request after checking its signature; everything else is ours.
 * until_us: end of life. MDG_ERR_INVALID: not a request, a bad signature, or another kind of key than
 * P-256 or Ed25519. serial gets the certificate's serial number in hex. */
int authority_issue_terminal(const struct der *ca, const struct der *ca_key, const uint8_t *request, size_t length,
                             int64_t terminal_id, int64_t now_us, int64_t until_us, struct der *certificate,
                             char serial[CERTIFICATE_SERIAL_HEX_BYTES]);
/* What authority_issue_terminal() would say to this request. key_fingerprint: SHA-256 of its public key (the
 * SubjectPublicKeyInfo in DER), to tell one key from another. */
int certificate_request_check(const uint8_t *request, size_t length, uint8_t key_fingerprint[FINGERPRINT_BYTES]);
int certificate_until_us(const struct der *certificate, int64_t *until_us);
/* From a verified peer: the terminal id of its subject and its serial. MDG_ERR_UNTRUSTED. */
int certificate_terminal(const X509 *certificate, int64_t *terminal_id, char serial[CERTIFICATE_SERIAL_HEX_BYTES]);

#endif
