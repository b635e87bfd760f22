/* server/keys/certificate.c - reading certificates and requests. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/bytes.h"
#include "common/error.h"
#include "server/keys/keys_x509.h"

#define SERIAL_BYTES 16

X509 *certificate_parse(const struct der *der)
{
    const unsigned char *at = der->bytes;
    if (der->length > DER_BYTES_MAX) return NULL;
    X509 *certificate = d2i_X509(NULL, &at, (long)der->length);
    if (certificate && at != der->bytes + der->length) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static bool is_key_allowed(const EVP_PKEY *key)
{
    char group[32];
    if (EVP_PKEY_is_a(key, "ED25519")) return true;
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

int certificate_request_parse(const uint8_t *request, size_t length, X509_REQ **out)
{
    const unsigned char *at = request;
    *out = NULL;
    if (length == 0 || length > DER_BYTES_MAX) return MDG_ERR_INVALID;
    X509_REQ *req = d2i_X509_REQ(NULL, &at, (long)length);
    if (!req || at != request + length) goto invalid;
    EVP_PKEY *key = X509_REQ_get0_pubkey(req);
    if (!key || !is_key_allowed(key) || X509_REQ_verify(req, key) != 1) goto invalid;
    *out = req;
    return 0;
invalid:
    X509_REQ_free(req);
    return MDG_ERR_INVALID;
}

int certificate_request_check(const uint8_t *request, size_t length, uint8_t key_fingerprint[FINGERPRINT_BYTES])
{
    X509_REQ *req;
    int rc = certificate_request_parse(request, length, &req);
    if (rc != 0) return rc;
    unsigned char *spki = NULL;
    int spki_length = i2d_PUBKEY(X509_REQ_get0_pubkey(req), &spki);
    rc = spki_length > 0 ? certificate_fingerprint(spki, (size_t)spki_length, key_fingerprint) : MDG_ERR_CRYPTO;
    OPENSSL_free(spki);
    X509_REQ_free(req);
    return rc;
}

int certificate_until_us(const struct der *certificate, int64_t *until_us)
{
    struct tm until;
    int rc = MDG_ERR_CRYPTO;
    X509 *x509 = certificate_parse(certificate);
    if (x509 && ASN1_TIME_to_tm(X509_get0_notAfter(x509), &until) == 1) {
        *until_us = (int64_t)timegm(&until) * 1000000;
        rc = 0;
    }
    X509_free(x509);
    return rc;
}

int certificate_serial_hex(const X509 *certificate, char serial[CERTIFICATE_SERIAL_HEX_BYTES])
{
    uint8_t bytes[SERIAL_BYTES];
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    int rc = MDG_ERR_UNTRUSTED;
    if (number && !BN_is_negative(number) && BN_bn2binpad(number, bytes, SERIAL_BYTES) == SERIAL_BYTES) {
        bytes_to_hex(bytes, SERIAL_BYTES, serial);
        rc = 0;
    }
    BN_free(number);
    return rc;
}

int certificate_terminal(const X509 *certificate, int64_t *terminal_id, char serial[CERTIFICATE_SERIAL_HEX_BYTES])
{
    char name[64], *end;
    const size_t prefix = strlen(TERMINAL_NAME_PREFIX);
    int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    if (length <= (int)prefix || strlen(name) != (size_t)length) return MDG_ERR_UNTRUSTED;
    if (strncmp(name, TERMINAL_NAME_PREFIX, prefix) != 0 || name[prefix] < '1' || name[prefix] > '9')
        return MDG_ERR_UNTRUSTED;
    errno = 0;
    long long id = strtoll(name + prefix, &end, 10);
    if (errno != 0 || *end != '\0') return MDG_ERR_UNTRUSTED;
    *terminal_id = id;
    return certificate_serial_hex(certificate, serial);
}
