#include "common/enrolment.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "common/bytes.h"
#include "common/error.h"

#define EXPORTER_BYTES 32

static const char LABEL_TERMINAL[] = "madoguchi enrolment terminal";
static const char LABEL_SERVER[] = "madoguchi enrolment server";
static const char LABEL_CHECK_NUMBER[] = "madoguchi check number";

int enrolment_key(const char code[CODE_CHARACTERS + 1], const uint8_t salt[ENROLMENT_SALT_BYTES], uint32_t memory_kib,
                  uint32_t passes, uint8_t key[ENROLMENT_KEY_BYTES])
{
    _Static_assert(ENROLMENT_SALT_BYTES == crypto_pwhash_SALTBYTES, "libsodium's salt");
    if (sodium_init() < 0) return MDG_ERR_CRYPTO;
    if (crypto_pwhash(key, ENROLMENT_KEY_BYTES, code, strlen(code), salt, passes, (size_t)memory_kib * 1024,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return MDG_ERR_MEMORY; /* its parameters were checked by the caller: what is left is the allocation */
    return 0;
}

int enrolment_proof(const uint8_t key[ENROLMENT_KEY_BYTES], enum enrolment_side side, const uint8_t exporter[32],
                    const uint8_t ca_fingerprint[FINGERPRINT_BYTES], uint8_t proof[ENROLMENT_PROOF_BYTES])
{
    const char *label = side == ENROLMENT_TERMINAL ? LABEL_TERMINAL : LABEL_SERVER;
    uint8_t text[sizeof LABEL_TERMINAL + EXPORTER_BYTES + FINGERPRINT_BYTES];
    size_t length = strlen(label);
    memcpy(text, label, length);
    memcpy(text + length, exporter, EXPORTER_BYTES);
    length += EXPORTER_BYTES;
    memcpy(text + length, ca_fingerprint, FINGERPRINT_BYTES);
    length += FINGERPRINT_BYTES;

    size_t proof_length = 0;
    unsigned char *made = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, ENROLMENT_KEY_BYTES, text, length, proof,
                                    ENROLMENT_PROOF_BYTES, &proof_length);
    return made && proof_length == ENROLMENT_PROOF_BYTES ? 0 : MDG_ERR_CRYPTO;
}

int enrolment_check_number(const uint8_t exporter[32], const uint8_t ca_fingerprint[FINGERPRINT_BYTES],
                           const uint8_t *request, size_t length, char number[7])
{
    uint8_t digest[32];
    int rc = MDG_ERR_CRYPTO;
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    if (!sha || EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1) goto done;
    if (EVP_DigestUpdate(sha, LABEL_CHECK_NUMBER, strlen(LABEL_CHECK_NUMBER)) != 1) goto done;
    if (EVP_DigestUpdate(sha, exporter, EXPORTER_BYTES) != 1) goto done;
    if (EVP_DigestUpdate(sha, ca_fingerprint, FINGERPRINT_BYTES) != 1) goto done;
    if (EVP_DigestUpdate(sha, request, length) != 1) goto done;
    if (EVP_DigestFinal_ex(sha, digest, NULL) != 1) goto done;

    uint64_t high = bytes_get_u32(digest), low = bytes_get_u32(digest + 4);
    snprintf(number, 7, "%06u", (unsigned)((high << 32 | low) % 1000000));
    rc = 0;
done:
    EVP_MD_CTX_free(sha);
    return rc;
}

static int pkcs8_of(EVP_PKEY *pkey, struct der *key)
{
    int rc = MDG_ERR_CRYPTO;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    if (!info) return rc;
    int length = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    if (length > 0 && length <= DER_BYTES_MAX) {
        unsigned char *at = key->bytes;
        key->length = (size_t)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
        rc = 0;
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return rc;
}

static int request_of(EVP_PKEY *pkey, struct der *request)
{
    int rc = MDG_ERR_CRYPTO;
    X509_REQ *req = X509_REQ_new();
    if (!req) return rc;
    /* The subject is a formality: the server sets its own. */
    if (X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
                                   (const unsigned char *)"madoguchi terminal", -1, -1, 0) != 1)
        goto done;
    if (X509_REQ_set_pubkey(req, pkey) != 1 || X509_REQ_sign(req, pkey, EVP_sha256()) <= 0) goto done;
    int length = i2d_X509_REQ(req, NULL);
    if (length <= 0 || length > DER_BYTES_MAX) goto done;
    unsigned char *at = request->bytes;
    request->length = (size_t)i2d_X509_REQ(req, &at);
    rc = 0;
done:
    X509_REQ_free(req);
    return rc;
}

int enrolment_request_new(struct der *request, struct der *key)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    int rc = pkey ? request_of(pkey, request) : MDG_ERR_CRYPTO;
    if (rc == 0) rc = pkcs8_of(pkey, key);
    EVP_PKEY_free(pkey);
    return rc;
}

int enrolment_request_again(const struct der *key, struct der *request)
{
    const unsigned char *at = key->bytes;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)key->length);
    int rc = pkey ? request_of(pkey, request) : MDG_ERR_CRYPTO;
    EVP_PKEY_free(pkey);
    return rc;
}

int certificate_fingerprint(const uint8_t *der, size_t length, uint8_t sha256[FINGERPRINT_BYTES])
{
    size_t made = 0;
    return EVP_Q_digest(NULL, "SHA256", NULL, der, length, sha256, &made) == 1 && made == FINGERPRINT_BYTES
               ? 0
               : MDG_ERR_CRYPTO;
}
