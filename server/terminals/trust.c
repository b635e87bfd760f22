#include "server/terminals/trust.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/error.h"
#include "common/tls_stream.h"
#include "server/terminals/terminal_store.h"

/* --- the server's TLS context ------------------------------------------------------------------------ */

static X509 *x509_of(const struct der *der)
{
    const unsigned char *at = der->bytes;
    return d2i_X509(NULL, &at, (long)der->length);
}

static int context_identity(struct db *db, const struct keys *keys, int64_t generation,
                            const struct authority *authority, SSL_CTX *context)
{
    struct der key_der;
    int rc = authority_server_key_get(db, keys, generation, &key_der);
    if (rc != 0) return rc;
    const unsigned char *at = key_der.bytes;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)key_der.length);
    OPENSSL_cleanse(&key_der, sizeof key_der);
    X509 *certificate = x509_of(&authority->server_certificate);
    rc = MDG_ERR_CRYPTO;
    if (key && certificate && SSL_CTX_use_certificate(context, certificate) == 1 &&
        SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1)
        rc = 0;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return rc;
}

static int context_trusts(SSL_CTX *context, const struct authority *authority)
{
    X509 *ca = x509_of(&authority->certificate);
    int rc = MDG_ERR_CRYPTO;
    if (ca && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca) == 1 && SSL_CTX_add_client_CA(context, ca) == 1)
        rc = 0;
    X509_free(ca);
    return rc;
}

/* Only those who were signed by an authority trusted now, straight and for client use. */
static int context_demand(struct db *db, const struct trust *trust, SSL_CTX *context)
{
    struct authority authority;
    int rc = authority_get(db, trust->present, &authority);
    if (rc == 0) rc = context_trusts(context, &authority);
    if (rc == 0 && trust->step != TRUST_STABLE) {
        rc = authority_get(db, trust->other, &authority);
        if (rc == 0) rc = context_trusts(context, &authority);
    }
    if (rc == 0 && SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT) != 1) rc = MDG_ERR_CRYPTO;
    SSL_CTX_set_verify_depth(context, 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return rc;
}

static int context_fill(struct db *db, const struct keys *keys, bool is_enrolment, SSL_CTX *context)
{
    struct trust trust;
    struct authority serving;
    int rc = trust_get(db, &trust);
    if (rc == 0) rc = authority_get(db, trust_serving(&trust), &serving);
    if (rc == 0) rc = context_identity(db, keys, serving.generation, &serving, context);
    if (rc == 0 && !is_enrolment) rc = context_demand(db, &trust, context);
    return rc;
}

int trust_context(const char *db_path, const struct keys *keys, bool is_enrolment, SSL_CTX **out)
{
    struct db *db = NULL;
    SSL_CTX *context = NULL;
    int rc = db_open(db_path, DB_READ, &db);
    if (rc == 0) rc = db_begin_read(db);
    if (rc == 0) rc = tls_context_new(true, &context);
    if (rc == 0) {
        rc = context_fill(db, keys, is_enrolment, context);
    }
    if (db) db_rollback(db);
    db_close(db);
    if (rc != 0) {
        ERR_clear_error();
        SSL_CTX_free(context);
        context = NULL;
    }
    *out = context;
    return rc;
}

/* --- authorities ------------------------------------------------------------------------------------- */

/* A new generation with its server certificate, not trusted by anybody yet. */
static int generation_create(struct db *db, const struct keys *keys, const char *centre_name, int64_t generation,
                             int64_t now_us)
{
    struct authority authority = {.generation = generation, .server_from_us = now_us};
    struct der key, server_key;
    int rc = authority_create(centre_name, now_us, &authority.certificate, &key);
    if (rc == 0)
        rc = authority_issue_server(&authority.certificate, &key, now_us, &authority.server_certificate, &server_key);
    if (rc == 0) rc = certificate_until_us(&authority.certificate, &authority.until_us);
    if (rc == 0) rc = certificate_until_us(&authority.server_certificate, &authority.server_until_us);
    if (rc == 0) rc = authority_insert(db, keys, &authority, &key, &server_key);
    OPENSSL_cleanse(&key, sizeof key);
    OPENSSL_cleanse(&server_key, sizeof server_key);
    return rc;
}

int trust_create(struct turn *turn, const struct keys *keys, const char *centre_name, int64_t now_us)
{
    int64_t newest;
    int rc = authority_newest(turn->db, &newest);
    if (rc != 0) return rc;
    if (newest != 0) return MDG_ERR_CONFLICT;
    rc = generation_create(turn->db, keys, centre_name, 1, now_us);
    if (rc == 0) rc = trust_put(turn->db, &(struct trust){.step = TRUST_STABLE, .present = 1});
    return rc;
}

int trust_authorities(struct db *db, struct arena *arena, size_t *count, struct der **list)
{
    struct trust trust;
    struct authority authority;
    *count = 0;
    *list = arena_alloc(arena, 2 * sizeof **list);
    if (!*list) return MDG_ERR_MEMORY;
    int rc = trust_get(db, &trust);
    if (rc == 0) rc = authority_get(db, trust.present, &authority);
    if (rc == 0) (*list)[(*count)++] = authority.certificate;
    if (rc == 0 && trust.step != TRUST_STABLE) {
        rc = authority_get(db, trust.other, &authority);
        if (rc == 0) (*list)[(*count)++] = authority.certificate;
    }
    return rc;
}

int trust_renew_now(struct db *db, const char *serial, bool *renew_now)
{
    struct trust trust;
    struct certificate certificate;
    int64_t later = 0;
    int rc = trust_get(db, &trust);
    if (rc == 0) rc = certificate_get(db, serial, &certificate);
    if (rc == 0) rc = certificates_later(db, &certificate, &later);
    *renew_now = rc == 0 && (certificate.generation != trust_issuing(&trust) || later > 0);
    return rc == MDG_ERR_NOT_FOUND ? 0 : rc;
}

int trust_server_renew_is_due(struct db *db, int64_t now_us, bool *is_due)
{
    struct trust trust;
    struct authority serving;
    *is_due = false;
    int rc = trust_get(db, &trust);
    if (rc == 0) rc = authority_get(db, trust_serving(&trust), &serving);
    if (rc != 0) return rc;
    /* One that ends with its authority cannot be renewed: the office must rotate. */
    int64_t life_us = serving.server_until_us - serving.server_from_us;
    *is_due = serving.server_until_us < serving.until_us && now_us >= serving.server_from_us + life_us / 3 * 2;
    return 0;
}

int trust_issue_terminal(struct db *db, const struct keys *keys, const uint8_t *request, size_t length,
                         int64_t terminal_id, int64_t now_us, struct der *certificate,
                         char serial[CERTIFICATE_SERIAL_HEX_BYTES], int64_t *generation)
{
    struct trust trust;
    struct authority issuing;
    struct der key;
    int rc = trust_get(db, &trust);
    if (rc == 0) rc = authority_get(db, trust_issuing(&trust), &issuing);
    if (rc == 0) rc = authority_key_get(db, keys, issuing.generation, &key);
    if (rc != 0) return rc;
    *generation = issuing.generation;
    rc = authority_issue_terminal(&issuing.certificate, &key, request, length, terminal_id, now_us,
                                  now_us + TERMINAL_LIFE_US, certificate, serial);
    OPENSSL_cleanse(&key, sizeof key);
    return rc;
}

int trust_server_renew(struct db *db, const struct keys *keys, int64_t now_us)
{
    struct trust trust;
    struct authority serving;
    struct der key, server_key;
    int rc = trust_get(db, &trust);
    if (rc == 0) rc = authority_get(db, trust_serving(&trust), &serving);
    if (rc == 0) rc = authority_key_get(db, keys, serving.generation, &key);
    if (rc != 0) return rc;
    rc = authority_issue_server(&serving.certificate, &key, now_us, &serving.server_certificate, &server_key);
    OPENSSL_cleanse(&key, sizeof key);
    serving.server_from_us = now_us;
    if (rc == 0) rc = certificate_until_us(&serving.server_certificate, &serving.server_until_us);
    if (rc == 0) rc = authority_server_put(db, keys, &serving, &server_key);
    OPENSSL_cleanse(&server_key, sizeof server_key);
    return rc;
}

/* --- rotation ---------------------------------------------------------------------------------------- */

/* STABLE ─announce─► ANNOUNCED ──► TERMINALS ──► SERVER ─drop─► STABLE; back undoes the last step. What was dropped
 * is kept, trusted by nobody, until the next announcement, so that dropping can be undone too. */
static int announce(struct db *db, const struct keys *keys, const char *centre_name, int64_t now_us,
                    const struct trust *old)
{
    int64_t newest;
    struct trust trust = {.step = TRUST_STABLE, .present = old->present};
    int rc = authority_newest(db, &newest);
    if (rc == 0) rc = trust_put(db, &trust); /* lets go of the dropped one */
    if (rc == 0 && old->other) rc = authority_delete(db, old->other);
    if (rc == 0) rc = generation_create(db, keys, centre_name, newest + 1, now_us);
    if (rc != 0) return rc;
    trust = (struct trust){TRUST_ANNOUNCED, old->present, newest + 1, now_us};
    return trust_put(db, &trust);
}

int trust_forward(struct db *db, const struct keys *keys, const char *centre_name, const char *serial, int64_t now_us,
                  const char **rule)
{
    struct trust trust;
    *rule = NULL;
    int rc = trust_get(db, &trust);
    if (rc != 0) return rc;
    switch (trust.step) {
    case TRUST_STABLE:
        return announce(db, keys, centre_name, now_us, &trust);
    case TRUST_ANNOUNCED:
    case TRUST_TERMINALS:
        trust.step++;
        break;
    case TRUST_SERVER: {
        /* Others that did not come may enrol again; whoever takes the step must not lock itself out. */
        struct certificate own;
        if (serial && certificate_get(db, serial, &own) == 0 && own.generation != trust.other) {
            *rule = "own_certificate";
            return MDG_ERR_STATE;
        }
        trust = (struct trust){TRUST_STABLE, trust.other, trust.present, trust.announced_us};
        break;
    }
    }
    return trust_put(db, &trust);
}

static int back_to_stable(struct db *db, struct trust trust, int64_t now_us, const char **rule)
{
    int64_t left, withdrawn = trust.other;
    int rc = terminals_of_generation(db, withdrawn, now_us, &left);
    if (rc == 0 && left > 0) { /* they would be locked out: let them renew under the old one first */
        *rule = "terminals_left";
        rc = MDG_ERR_STATE;
    }
    trust.step = TRUST_STABLE;
    trust.other = 0;
    if (rc == 0) rc = trust_put(db, &trust);
    if (rc == 0) rc = authority_delete(db, withdrawn);
    return rc;
}

static int back_to_server(struct db *db, struct trust trust, int64_t now_us, const char **rule)
{
    struct authority dropped;
    if (trust.other == 0) {
        *rule = "nothing_to_undo";
        return MDG_ERR_STATE;
    }
    int rc = authority_get(db, trust.other, &dropped);
    if (rc == 0 && dropped.until_us <= now_us) {
        *rule = "expired";
        rc = MDG_ERR_STATE;
    }
    if (rc != 0) return rc;
    trust = (struct trust){TRUST_SERVER, trust.other, trust.present, trust.announced_us};
    return trust_put(db, &trust);
}

int trust_back(struct db *db, int64_t now_us, const char **rule)
{
    struct trust trust;
    *rule = NULL;
    int rc = trust_get(db, &trust);
    if (rc != 0) return rc;
    switch (trust.step) {
    case TRUST_STABLE:
        return back_to_server(db, trust, now_us, rule);
    case TRUST_ANNOUNCED:
        return back_to_stable(db, trust, now_us, rule);
    case TRUST_TERMINALS:
    case TRUST_SERVER:
        trust.step--;
        break;
    }
    return trust_put(db, &trust);
}
