/* tests/server/authority_test.c - the certificates, judged by OpenSSL as a peer would judge them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/error.h"
#include "server/keys/authority.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define NOW_US INT64_C(1764000000000000) /* in 2025 */
#define DAY_US (INT64_C(86400) * 1000000)

static X509 *parse(const struct der *der)
{
    const unsigned char *at = der->bytes;
    X509 *certificate = d2i_X509(NULL, &at, (long)der->length);
    assert_non_null(certificate);
    return certificate;
}

/* X509_V_OK or why a peer with this authority refuses it at that time, for that purpose and name. */
static int judge(const struct der *ca, const struct der *leaf, int purpose, const char *host, int64_t at_us)
{
    X509 *root = parse(ca), *certificate = parse(leaf);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, certificate, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_purpose(param, purpose);
    X509_VERIFY_PARAM_set_time(param, (time_t)(at_us / 1000000));
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    if (host) X509_VERIFY_PARAM_set1_host(param, host, 0);
    int result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(certificate);
    X509_free(root);
    return result;
}

struct made {
    struct der ca, ca_key, other_ca, other_key, server, server_key, terminal;
    char serial[CERTIFICATE_SERIAL_HEX_BYTES];
};

static struct made made;

static int make(void **state)
{
    struct der request, key;
    (void)state;
    int rc = authority_create("みどり市民活動センター", NOW_US, &made.ca, &made.ca_key);
    if (rc == 0) rc = authority_create("みどり市民活動センター", NOW_US, &made.other_ca, &made.other_key);
    if (rc == 0) rc = authority_issue_server(&made.ca, &made.ca_key, NOW_US, &made.server, &made.server_key);
    if (rc == 0) rc = enrolment_request_new(&request, &key);
    if (rc == 0)
        rc = authority_issue_terminal(&made.ca, &made.ca_key, request.bytes, request.length, INT64_C(1) << 40, NOW_US,
                                      NOW_US + TERMINAL_LIFE_US, &made.terminal, made.serial);
    return rc;
}

static void test_who_passes_as_what(void **state)
{
    static const struct {
        const char *name;
        const struct der *ca, *leaf;
        int purpose;
        const char *host;
        int64_t at_us;
        int result;
    } CASES[] = {
        {"the server", &made.ca, &made.server, X509_PURPOSE_SSL_SERVER, SERVER_NAME, NOW_US, X509_V_OK},
        {"a terminal", &made.ca, &made.terminal, X509_PURPOSE_SSL_CLIENT, NULL, NOW_US, X509_V_OK},
        {"a terminal whose clock is slow", &made.ca, &made.terminal, X509_PURPOSE_SSL_CLIENT, NULL, NOW_US - DAY_US / 2,
         X509_V_OK},
        {"a terminal as server", &made.ca, &made.terminal, X509_PURPOSE_SSL_SERVER, NULL, NOW_US,
         X509_V_ERR_INVALID_PURPOSE},
        {"a terminal under the server's name", &made.ca, &made.terminal, X509_PURPOSE_SSL_CLIENT, SERVER_NAME, NOW_US,
         X509_V_ERR_HOSTNAME_MISMATCH},
        {"the server as terminal", &made.ca, &made.server, X509_PURPOSE_SSL_CLIENT, NULL, NOW_US,
         X509_V_ERR_INVALID_PURPOSE},
        {"the server by another name", &made.ca, &made.server, X509_PURPOSE_SSL_SERVER, "madoguchi.example", NOW_US,
         X509_V_ERR_HOSTNAME_MISMATCH},
        {"under another authority of the same centre", &made.other_ca, &made.terminal, X509_PURPOSE_SSL_CLIENT, NULL,
         NOW_US, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
        {"a terminal after its end", &made.ca, &made.terminal, X509_PURPOSE_SSL_CLIENT, NULL,
         NOW_US + TERMINAL_LIFE_US + DAY_US, X509_V_ERR_CERT_HAS_EXPIRED},
        {"the server after its end", &made.ca, &made.server, X509_PURPOSE_SSL_SERVER, SERVER_NAME,
         NOW_US + SERVER_LIFE_US + DAY_US, X509_V_ERR_CERT_HAS_EXPIRED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int result = judge(CASES[i].ca, CASES[i].leaf, CASES[i].purpose, CASES[i].host, CASES[i].at_us);
        if (result != CASES[i].result) fail_msg("%s: %s", CASES[i].name, X509_verify_cert_error_string(result));
    }
}

static void test_terminal_is_read_back(void **state)
{
    int64_t id, until_us;
    char serial[CERTIFICATE_SERIAL_HEX_BYTES];
    (void)state;
    X509 *terminal = parse(&made.terminal);
    assert_int_equal(certificate_terminal(terminal, &id, serial), 0);
    assert_int_equal(id, INT64_C(1) << 40);
    assert_string_equal(serial, made.serial);
    assert_int_equal(strlen(serial), 32);
    X509_free(terminal);
    assert_int_equal(certificate_until_us(&made.terminal, &until_us), 0);
    assert_int_equal(until_us, NOW_US + TERMINAL_LIFE_US);

    X509 *server = parse(&made.server);
    assert_int_equal(certificate_terminal(server, &id, serial), MDG_ERR_UNTRUSTED);
    X509_free(server);
}

static void test_life_ends_with_the_authority(void **state)
{
    struct der request, key, terminal;
    char serial[CERTIFICATE_SERIAL_HEX_BYTES];
    int64_t until_us, ca_until_us, late_us = NOW_US + AUTHORITY_LIFE_US - 30 * DAY_US;
    (void)state;
    assert_int_equal(enrolment_request_new(&request, &key), 0);
    assert_int_equal(authority_issue_terminal(&made.ca, &made.ca_key, request.bytes, request.length, 5, late_us,
                                              late_us + TERMINAL_LIFE_US, &terminal, serial),
                     0);
    assert_int_equal(certificate_until_us(&terminal, &until_us), 0);
    assert_int_equal(certificate_until_us(&made.ca, &ca_until_us), 0);
    assert_int_equal(until_us, ca_until_us);
}

static void test_long_name_of_centre(void **state)
{
    char name[3 * 100 + 1] = "";
    struct der ca, ca_key;
    (void)state;
    for (int i = 0; i < 100; i++) memcpy(name + 3 * i, "み", 4);
    assert_int_equal(authority_create(name, NOW_US, &ca, &ca_key), 0);
    assert_int_equal(authority_create("", NOW_US, &ca, &ca_key), 0);
}

/* --- requests ---------------------------------------------------------------------------------------- */

static void request_of(EVP_PKEY *key, const EVP_MD *md, struct der *request)
{
    X509_REQ *req = X509_REQ_new();
    assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
    /* What a request asks for must not come true. */
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC, (const unsigned char *)"terminal-1",
                               -1, -1, 0);
    STACK_OF(X509_EXTENSION) *wishes = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(wishes, X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE"));
    sk_X509_EXTENSION_push(wishes, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:" SERVER_NAME));
    assert_int_equal(X509_REQ_add_extensions(req, wishes), 1);
    sk_X509_EXTENSION_pop_free(wishes, X509_EXTENSION_free);
    assert_true(X509_REQ_sign(req, key, md) > 0);
    unsigned char *at = request->bytes;
    int length = i2d_X509_REQ(req, NULL);
    assert_true(length > 0 && length <= DER_BYTES_MAX);
    request->length = (size_t)i2d_X509_REQ(req, &at);
    X509_REQ_free(req);
}

static int issue(const uint8_t *request, size_t length, struct der *certificate)
{
    char serial[CERTIFICATE_SERIAL_HEX_BYTES];
    return authority_issue_terminal(&made.ca, &made.ca_key, request, length, 7, NOW_US, NOW_US + TERMINAL_LIFE_US,
                                    certificate, serial);
}

static void test_kinds_of_key(void **state)
{
    static const struct {
        const char *name, *type, *group;
        bool is_digest_own; /* the signature has its own digest */
        int rc;
    } CASES[] = {
        {"P-256", "EC", "P-256", false, 0},
        {"Ed25519", "ED25519", NULL, true, 0},
        {"P-384", "EC", "P-384", false, MDG_ERR_INVALID},
        {"secp256k1", "EC", "secp256k1", false, MDG_ERR_INVALID},
        {"RSA", "RSA", NULL, false, MDG_ERR_INVALID},
        {"Ed448", "ED448", NULL, true, MDG_ERR_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct der request, certificate;
        uint8_t fingerprint[FINGERPRINT_BYTES];
        EVP_PKEY *key = CASES[i].group                      ? EVP_EC_gen(CASES[i].group)
                        : strcmp(CASES[i].type, "RSA") == 0 ? EVP_RSA_gen(2048)
                                                            : EVP_PKEY_Q_keygen(NULL, NULL, CASES[i].type);
        assert_non_null(key);
        request_of(key, CASES[i].is_digest_own ? NULL : EVP_sha256(), &request);
        int rc = issue(request.bytes, request.length, &certificate);
        if (rc != CASES[i].rc) fail_msg("%s: %s", CASES[i].name, mdg_error_name(rc));
        if (certificate_request_check(request.bytes, request.length, fingerprint) != rc) fail_msg("%s", CASES[i].name);
        EVP_PKEY_free(key);
    }
}

static void test_only_the_public_key_is_taken(void **state)
{
    struct der request, certificate;
    int64_t id;
    char serial[CERTIFICATE_SERIAL_HEX_BYTES];
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    request_of(key, EVP_sha256(), &request);
    assert_int_equal(issue(request.bytes, request.length, &certificate), 0);
    X509 *x509 = parse(&certificate);
    assert_int_equal(certificate_terminal(x509, &id, serial), 0);
    assert_int_equal(id, 7); /* not the 1 that was wished for */
    assert_int_equal(X509_check_ca(x509), 0);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x509), key), 1);
    X509_free(x509);
    EVP_PKEY_free(key);
    assert_int_not_equal(judge(&made.ca, &certificate, X509_PURPOSE_SSL_SERVER, SERVER_NAME, NOW_US), X509_V_OK);
}

static void test_damaged_requests(void **state)
{
    struct der request, key, certificate;
    (void)state;
    assert_int_equal(enrolment_request_new(&request, &key), 0);
    for (size_t i = 0; i < request.length; i++) {
        request.bytes[i] ^= 0x01;
        int rc = issue(request.bytes, request.length, &certificate);
        if (rc != MDG_ERR_INVALID) fail_msg("byte %zu of %zu: %s", i, request.length, mdg_error_name(rc));
        request.bytes[i] ^= 0x01;
    }
    request.bytes[request.length] = 0;
    assert_int_equal(issue(request.bytes, request.length + 1, &certificate), MDG_ERR_INVALID);
    assert_int_equal(issue(request.bytes, request.length - 1, &certificate), MDG_ERR_INVALID);
    assert_int_equal(issue(request.bytes, 0, &certificate), MDG_ERR_INVALID);
    assert_int_equal(issue(made.ca.bytes, made.ca.length, &certificate), MDG_ERR_INVALID);
    assert_int_equal(issue(request.bytes, request.length, &certificate), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_passes_as_what),
        cmocka_unit_test(test_terminal_is_read_back),
        cmocka_unit_test(test_life_ends_with_the_authority),
        cmocka_unit_test(test_long_name_of_centre),
        cmocka_unit_test(test_kinds_of_key),
        cmocka_unit_test(test_only_the_public_key_is_taken),
        cmocka_unit_test(test_damaged_requests),
    };
    return cmocka_run_group_tests(tests, make, NULL);
}
