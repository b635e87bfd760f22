/* server/keys/authority.c - making certificates. The subject and every extension are ours; of a request only
 * the public key is used. */
#include "server/keys/authority.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <utf8proc.h>

#include "common/error.h"
#include "server/keys/keys_x509.h"

#define BACKDATED_SECONDS 86400 /* a terminal whose clock is slow must not refuse what was made just now */
#define NAME_CHARACTERS_MAX 64  /* X.520's bound for organisation and common names */

struct extension {
    int nid;
    const char *value;
};

static const struct extension CA_EXTENSIONS[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
};
static const struct extension SERVER_EXTENSIONS[] = {
    {NID_basic_constraints, "critical,CA:FALSE"}, {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "critical,serverAuth"},   {NID_subject_alt_name, "DNS:" SERVER_NAME},
    {NID_subject_key_identifier, "hash"},         {NID_authority_key_identifier, "keyid:always"},
};
static const struct extension TERMINAL_EXTENSIONS[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},   {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "critical,clientAuth"},     {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
};

static int x509_to_der(const X509 *certificate, struct der *der)
{
    int length = i2d_X509(certificate, NULL);
    if (length <= 0 || length > DER_BYTES_MAX) return MDG_ERR_CRYPTO;
    unsigned char *at = der->bytes;
    der->length = (size_t)i2d_X509(certificate, &at);
    return 0;
}

static int key_to_der(EVP_PKEY *key, struct der *der)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    int length = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : 0;
    int rc = MDG_ERR_CRYPTO;
    if (length > 0 && length <= DER_BYTES_MAX) {
        unsigned char *at = der->bytes;
        der->length = (size_t)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
        rc = 0;
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return rc;
}

static EVP_PKEY *key_from_der(const struct der *der)
{
    const unsigned char *at = der->bytes;
    return d2i_AutoPrivateKey(NULL, &at, (long)der->length);
}

/* 16 bytes that never begin with a zero digit or a sign bit, so that their hex is always 32 digits. */
static int set_serial(X509 *certificate)
{
    uint8_t bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return MDG_ERR_CRYPTO;
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    int rc = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) ? 0 : MDG_ERR_CRYPTO;
    BN_free(number);
    return rc;
}

static int set_name_part(X509_NAME *name, const char *type, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1
               ? 0
               : MDG_ERR_CRYPTO;
}

/* Cut at a character's end; a centre may have a longer name than X.520 foresaw. */
static void name_cut(const char *text, char cut[4 * NAME_CHARACTERS_MAX + 1])
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
    utf8proc_ssize_t left = (utf8proc_ssize_t)strlen(text), taken;
    utf8proc_int32_t character;
    size_t length = 0;
    for (int i = 0; i < NAME_CHARACTERS_MAX && left > 0; i++) {
        taken = utf8proc_iterate(at + length, left, &character);
        if (taken <= 0) break;
        length += (size_t)taken;
        left -= taken;
    }
    memcpy(cut, text, length);
    cut[length] = '\0';
}

static int add_extensions(X509 *certificate, X509 *issuer, const struct extension *extensions, size_t count)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        int added = extension ? X509_add_ext(certificate, extension, -1) : 0;
        X509_EXTENSION_free(extension);
        if (added != 1) return MDG_ERR_CRYPTO;
    }
    return 0;
}

/* A certificate never outlives its issuer: nobody would take it then. */
static int set_life(X509 *certificate, const X509 *issuer, int64_t now_us, int64_t until_us)
{
    time_t from = (time_t)(now_us / 1000000) - BACKDATED_SECONDS, until = (time_t)(until_us / 1000000);
    ASN1_TIME *not_after = X509_getm_notAfter(certificate);
    if (!ASN1_TIME_set(X509_getm_notBefore(certificate), from) || !ASN1_TIME_set(not_after, until))
        return MDG_ERR_CRYPTO;
    if (!issuer) return 0;
    int order = ASN1_TIME_compare(not_after, X509_get0_notAfter(issuer));
    if (order == -2) return MDG_ERR_CRYPTO;
    if (order > 0 && X509_set1_notAfter(certificate, X509_get0_notAfter(issuer)) != 1) return MDG_ERR_CRYPTO;
    return 0;
}

/* A certificate of version 3 with random serial and this key, its subject still empty. */
static X509 *certificate_begin(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    if (!certificate) return NULL;
    if (X509_set_version(certificate, X509_VERSION_3) != 1 || set_serial(certificate) != 0 ||
        X509_set_pubkey(certificate, key) != 1) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* The authority's name carries a number of its own, so that two generations are never taken for each other. */
static int ca_fill(X509 *certificate, EVP_PKEY *key, const char *centre_name, int64_t now_us)
{
    char organisation[4 * NAME_CHARACTERS_MAX + 1], common[32];
    uint32_t number;
    if (RAND_bytes((unsigned char *)&number, sizeof number) != 1) return MDG_ERR_CRYPTO;
    snprintf(common, sizeof common, "madoguchi %08" PRIx32, number);
    name_cut(centre_name, organisation);
    X509_NAME *name = X509_get_subject_name(certificate);
    int rc = organisation[0] ? set_name_part(name, "O", organisation) : 0;
    if (rc == 0) rc = set_name_part(name, "CN", common);
    if (rc == 0 && X509_set_issuer_name(certificate, name) != 1) rc = MDG_ERR_CRYPTO;
    if (rc == 0) rc = set_life(certificate, NULL, now_us, now_us + AUTHORITY_LIFE_US);
    if (rc == 0)
        rc = add_extensions(certificate, certificate, CA_EXTENSIONS, sizeof CA_EXTENSIONS / sizeof CA_EXTENSIONS[0]);
    if (rc == 0 && X509_sign(certificate, key, EVP_sha256()) <= 0) rc = MDG_ERR_CRYPTO;
    return rc;
}

int authority_create(const char *centre_name, int64_t now_us, struct der *certificate, struct der *key)
{
    int rc = MDG_ERR_CRYPTO;
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *x509 = pkey ? certificate_begin(pkey) : NULL;
    if (x509) rc = ca_fill(x509, pkey, centre_name, now_us);
    if (rc == 0) rc = x509_to_der(x509, certificate);
    if (rc == 0) rc = key_to_der(pkey, key);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    return rc;
}

/* Everything that a certificate under the authority needs after its key; fills der. */
static int issue(const struct der *ca, const struct der *ca_key, X509 *certificate, const char *common_name,
                 int64_t now_us, int64_t until_us, const struct extension *extensions, size_t count, struct der *der)
{
    X509 *issuer = certificate_parse(ca);
    EVP_PKEY *signer = key_from_der(ca_key);
    int rc = issuer && signer ? 0 : MDG_ERR_CRYPTO;
    if (rc == 0) rc = set_name_part(X509_get_subject_name(certificate), "CN", common_name);
    if (rc == 0 && X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1) rc = MDG_ERR_CRYPTO;
    if (rc == 0) rc = set_life(certificate, issuer, now_us, until_us);
    if (rc == 0) rc = add_extensions(certificate, issuer, extensions, count);
    if (rc == 0 && X509_sign(certificate, signer, EVP_sha256()) <= 0) rc = MDG_ERR_CRYPTO;
    if (rc == 0) rc = x509_to_der(certificate, der);
    X509_free(issuer);
    EVP_PKEY_free(signer); /* OpenSSL wipes private numbers when it frees them */
    return rc;
}

int authority_issue_server(const struct der *ca, const struct der *ca_key, int64_t now_us, struct der *certificate,
                           struct der *key)
{
    int rc = MDG_ERR_CRYPTO;
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *x509 = pkey ? certificate_begin(pkey) : NULL;
    if (x509)
        rc = issue(ca, ca_key, x509, SERVER_NAME, now_us, now_us + SERVER_LIFE_US, SERVER_EXTENSIONS,
                   sizeof SERVER_EXTENSIONS / sizeof SERVER_EXTENSIONS[0], certificate);
    if (rc == 0) rc = key_to_der(pkey, key);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    return rc;
}

int authority_issue_terminal(const struct der *ca, const struct der *ca_key, const uint8_t *request, size_t length,
                             int64_t terminal_id, int64_t now_us, int64_t until_us, struct der *certificate,
                             char serial[CERTIFICATE_SERIAL_HEX_BYTES])
{
    X509_REQ *req;
    char common_name[48];
    int rc = certificate_request_parse(request, length, &req);
    if (rc != 0) return rc;
    snprintf(common_name, sizeof common_name, TERMINAL_NAME_PREFIX "%" PRId64, terminal_id);
    X509 *x509 = certificate_begin(X509_REQ_get0_pubkey(req));
    rc = MDG_ERR_CRYPTO;
    if (x509 && terminal_id > 0)
        rc = issue(ca, ca_key, x509, common_name, now_us, until_us, TERMINAL_EXTENSIONS,
                   sizeof TERMINAL_EXTENSIONS / sizeof TERMINAL_EXTENSIONS[0], certificate);
    if (rc == 0) rc = certificate_serial_hex(x509, serial);
    X509_free(x509);
    X509_REQ_free(req);
    return rc;
}
