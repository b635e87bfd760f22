/* The terminal's key and certificate, and whom it trusts. */
#include "client/lib/profile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "client/lib/profile_file.h"
#include "common/error.h"
#include "common/tls_stream.h"

static const char FILE_KEY[] = "terminal.key";
static const char FILE_KEY_NEXT[] = "terminal.key.next"; /* of a certificate that is being put in place */
static const char FILE_CERTIFICATE[] = "terminal.pem";
static const char FILE_AUTHORITIES[] = "authorities.pem";

/* --- writing ---------------------------------------------------------------------------------------------- */

static int write_memory(const struct profile *profile, const char *name, mode_t mode, BIO *memory)
{
    char path[PROFILE_PATH_BYTES];
    char *bytes = NULL;
    long length = BIO_get_mem_data(memory, &bytes);
    int rc = profile_path(profile, name, path);
    if (rc == 0) rc = profile_file_write(path, mode, bytes, (size_t)length);
    OPENSSL_cleanse(bytes, (size_t)length);
    return rc;
}

int profile_save_next_key(const struct profile *profile, const struct der *key)
{
    const unsigned char *at = key->bytes;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)key->length);
    BIO *memory = BIO_new(BIO_s_mem());
    int rc = MDG_ERR_CRYPTO;
    if (pkey && memory && PEM_write_bio_PKCS8PrivateKey(memory, pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        rc = write_memory(profile, FILE_KEY_NEXT, 0600, memory);
    }
    BIO_free(memory);
    EVP_PKEY_free(pkey);
    return rc;
}

static int append_certificate(BIO *memory, const uint8_t *der, size_t length)
{
    const unsigned char *at = der;
    X509 *certificate = d2i_X509(NULL, &at, (long)length);
    int ok = certificate && PEM_write_bio_X509(memory, certificate) == 1;
    X509_free(certificate);
    ERR_clear_error();
    return ok ? 0 : MDG_ERR_CRYPTO;
}

static int take_next_key(const struct profile *profile)
{
    char from[PROFILE_PATH_BYTES], to[PROFILE_PATH_BYTES];
    int rc = profile_path(profile, FILE_KEY_NEXT, from);
    if (rc == 0) rc = profile_path(profile, FILE_KEY, to);
    if (rc == 0 && rename(from, to) != 0) rc = MDG_ERR_IO;
    return rc;
}

/* The certificate's rename is what counts: before it the old pair holds, after it the next key belongs to it. */
int profile_save_identity(const struct profile *profile, const struct der *key, const struct der *certificate)
{
    BIO *memory = BIO_new(BIO_s_mem());
    int rc = memory ? append_certificate(memory, certificate->bytes, certificate->length) : MDG_ERR_MEMORY;
    if (rc == 0) rc = profile_save_next_key(profile, key);
    if (rc == 0) rc = write_memory(profile, FILE_CERTIFICATE, 0644, memory);
    if (rc == 0) rc = take_next_key(profile);
    BIO_free(memory);
    return rc;
}

int profile_save_authorities(const struct profile *profile, const ProtobufCBinaryData *ders, size_t count)
{
    char path[PROFILE_PATH_BYTES];
    char *old = NULL, *bytes = NULL;
    size_t old_length = 0;
    if (count == 0) return MDG_ERR_CRYPTO;
    BIO *memory = BIO_new(BIO_s_mem());
    int rc = memory ? profile_path(profile, FILE_AUTHORITIES, path) : MDG_ERR_MEMORY;
    for (size_t i = 0; rc == 0 && i < count; i++) rc = append_certificate(memory, ders[i].data, ders[i].len);
    if (rc != 0) goto done;

    size_t length = (size_t)BIO_get_mem_data(memory, &bytes);
    bool is_same =
        profile_file_read(path, &old, &old_length) == 0 && old_length == length && memcmp(old, bytes, length) == 0;
    if (!is_same) rc = profile_file_write(path, 0644, bytes, length);
done:
    free(old);
    BIO_free(memory);
    return rc;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

static BIO *open_file(const struct profile *profile, const char *name)
{
    char path[PROFILE_PATH_BYTES];
    return profile_path(profile, name, path) == 0 ? BIO_new_file(path, "r") : NULL;
}

static EVP_PKEY *load_key(const struct profile *profile, const char *name)
{
    BIO *file = open_file(profile, name);
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;
    BIO_free(file);
    return key;
}

int profile_load_next_key(const struct profile *profile, struct der *key)
{
    char *name = NULL, *header = NULL;
    unsigned char *bytes = NULL;
    long length = 0;
    BIO *file = open_file(profile, FILE_KEY_NEXT);
    int rc = MDG_ERR_NOT_FOUND;
    if (file && PEM_read_bio(file, &name, &header, &bytes, &length) == 1 && length <= DER_BYTES_MAX) {
        memcpy(key->bytes, bytes, (size_t)length);
        key->length = (size_t)length;
        rc = 0;
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, (size_t)length);
    BIO_free(file);
    ERR_clear_error();
    return rc;
}

void profile_forget_next_key(const struct profile *profile)
{
    char path[PROFILE_PATH_BYTES];
    if (profile_path(profile, FILE_KEY_NEXT, path) == 0) unlink(path);
}

static X509 *load_certificate(const struct profile *profile)
{
    BIO *file = open_file(profile, FILE_CERTIFICATE);
    X509 *certificate = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    BIO_free(file);
    return certificate;
}

/* The key of this certificate, also when a crash came between the two renames. */
static EVP_PKEY *load_key_of(const struct profile *profile, X509 *certificate)
{
    EVP_PKEY *key = load_key(profile, FILE_KEY);
    if (key && X509_check_private_key(certificate, key) == 1) return key;
    EVP_PKEY_free(key);
    key = load_key(profile, FILE_KEY_NEXT);
    if (key && X509_check_private_key(certificate, key) == 1 && take_next_key(profile) == 0) return key;
    EVP_PKEY_free(key);
    return NULL;
}

static int trust_authorities(const struct profile *profile, X509_STORE *store)
{
    BIO *file = open_file(profile, FILE_AUTHORITIES);
    int count = 0, rc = 0;
    X509 *authority = NULL;
    while (file && rc == 0 && (authority = PEM_read_bio_X509(file, NULL, NULL, NULL))) {
        if (X509_STORE_add_cert(store, authority) != 1) rc = MDG_ERR_CRYPTO;
        X509_free(authority);
        count++;
    }
    BIO_free(file);
    ERR_clear_error(); /* the end of the file is one */
    return rc == 0 && count == 0 ? MDG_ERR_CONFIG : rc;
}

static int time_to_us(const ASN1_TIME *time, int64_t *us)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    int ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    *us = ((int64_t)days * 86400 + seconds) * 1000000;
    return ok ? 0 : MDG_ERR_CRYPTO;
}

int profile_life(const struct profile *profile, int64_t *from_us, int64_t *until_us)
{
    X509 *certificate = load_certificate(profile);
    int rc = certificate ? time_to_us(X509_get0_notBefore(certificate), from_us) : MDG_ERR_CONFIG;
    if (rc == 0) rc = time_to_us(X509_get0_notAfter(certificate), until_us);
    X509_free(certificate);
    ERR_clear_error();
    return rc;
}

int der_from_wire(const ProtobufCBinaryData *bytes, struct der *der)
{
    if (bytes->len == 0 || bytes->len > DER_BYTES_MAX) return MDG_ERR_MALFORMED;
    der->length = bytes->len;
    memcpy(der->bytes, bytes->data, bytes->len);
    return 0;
}

int profile_context(const struct profile *profile, SSL_CTX **out, int64_t *from_us, int64_t *until_us)
{
    SSL_CTX *context = NULL;
    EVP_PKEY *key = NULL;
    X509 *certificate = load_certificate(profile);
    int rc = certificate ? 0 : MDG_ERR_CONFIG;
    if (rc == 0) key = load_key_of(profile, certificate);
    if (rc == 0 && !key) rc = MDG_ERR_CONFIG;
    if (rc == 0) rc = time_to_us(X509_get0_notBefore(certificate), from_us);
    if (rc == 0) rc = time_to_us(X509_get0_notAfter(certificate), until_us);
    if (rc == 0) rc = tls_context_new(false, &context);
    if (rc == 0 && (SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)) {
        rc = MDG_ERR_CRYPTO;
    }
    if (rc == 0) rc = trust_authorities(profile, SSL_CTX_get_cert_store(context));
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(certificate);
    if (rc == 0) {
        *out = context;
    } else {
        SSL_CTX_free(context);
    }
    return rc;
}

static const ASN1_STRING *organisation_of(const X509 *certificate)
{
    const X509_NAME *name = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);
    return at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
}

/* Of one centre: the very same, or a later generation, which has another number beside the centre's name. */
static bool is_of_same_centre(const X509 *pinned, const X509 *certificate)
{
    const ASN1_STRING *ours = organisation_of(pinned), *theirs = organisation_of(certificate);
    if (X509_NAME_cmp(X509_get_subject_name(pinned), X509_get_subject_name(certificate)) == 0) return true;
    return ours && theirs && ASN1_STRING_cmp(ours, theirs) == 0;
}

bool profile_knows_authority(const struct profile *profile, const X509 *certificate)
{
    BIO *file = open_file(profile, FILE_AUTHORITIES);
    bool is_known = file == NULL;
    X509 *pinned = NULL;
    while (file && !is_known && (pinned = PEM_read_bio_X509(file, NULL, NULL, NULL))) {
        is_known = is_of_same_centre(pinned, certificate);
        X509_free(pinned);
    }
    BIO_free(file);
    ERR_clear_error();
    return is_known;
}
