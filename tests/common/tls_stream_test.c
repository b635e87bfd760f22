/* tests/common/tls_stream_test.c - two streams talk to each other in memory, with certificates made here. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <uv.h>

#include "common/error.h"
#include "common/tls_stream.h"

#define DAY_SECONDS (24L * 60 * 60)
#define SERVER_NAME "madoguchid.internal"

/* ---- certificates ---- */

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

/* issuer NULL: signs itself. Valid from 30 days ago until days from now. */
static struct identity identity_new(const char *name, const struct identity *issuer, int days, bool is_ed25519)
{
    struct identity made = {is_ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen("P-256"), X509_new()};
    const struct identity *by = issuer ? issuer : &made;
    X509_NAME *subject = X509_get_subject_name(made.certificate);
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), 7);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), -30 * DAY_SECONDS);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), days * DAY_SECONDS);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(by->certificate));
    X509_set_pubkey(made.certificate, made.key);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, issuer ? NID_subject_alt_name : NID_basic_constraints,
                                                    issuer ? "DNS:" SERVER_NAME : "critical,CA:TRUE");
    X509_add_ext(made.certificate, extension, -1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(made.certificate, by->key, EVP_sha256()) > 0);
    return made;
}

static void identity_free(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

static struct identity authority, foreign_authority, server, terminal, terminal_ed25519, expired, foreign,
    expired_server, future_server, foreign_server;

static int make_identities(void **state)
{
    (void)state;
    authority = identity_new("centre", NULL, 3650, false);
    foreign_authority = identity_new("centre", NULL, 3650, false); /* of the same name */
    server = identity_new("server", &authority, 365, false);
    terminal = identity_new("terminal", &authority, 90, false);
    terminal_ed25519 = identity_new("terminal", &authority, 90, true);
    expired = identity_new("terminal", &authority, -1, false);
    foreign = identity_new("terminal", &foreign_authority, 90, false);
    expired_server = identity_new("server", &authority, -1, false);
    future_server = identity_new("server", &authority, 365, false);
    X509_gmtime_adj(X509_getm_notBefore(future_server.certificate), DAY_SECONDS);
    assert_true(X509_sign(future_server.certificate, authority.key, EVP_sha256()) > 0);
    foreign_server = identity_new("server", &foreign_authority, 365, false);
    return 0;
}

static int free_identities(void **state)
{
    struct identity *const all[] = {&authority, &foreign_authority, &server,         &terminal,      &terminal_ed25519,
                                    &expired,   &foreign,           &expired_server, &future_server, &foreign_server};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) identity_free(all[i]);
    return 0;
}

/* ---- two ends ---- */

struct end {
    struct tls_io io;
    struct tls_stream stream;
    int rc; /* the first error */
    size_t received;
    uint8_t bytes[100000];
};

static SSL_CTX *context_new(bool is_server, const struct identity *own, bool is_verifying)
{
    SSL_CTX *context = NULL;
    assert_int_equal(tls_context_new(is_server, &context), 0);
    if (own) {
        assert_int_equal(SSL_CTX_use_certificate(context, own->certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(context, own->key), 1);
    }
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.certificate);
    int mode = is_verifying ? SSL_VERIFY_PEER | (is_server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0) : SSL_VERIFY_NONE;
    SSL_CTX_set_verify(context, mode, NULL);
    return context;
}

static void end_init(struct end *end, SSL_CTX *context, bool is_server)
{
    memset(end, 0, sizeof *end);
    assert_int_equal(tls_io_init(&end->io), 0);
    assert_int_equal(tls_stream_init(&end->stream, context, &end->io, is_server), 0);
    if (!is_server) SSL_set1_host(end->stream.ssl, SERVER_NAME);
}

static void end_fini(struct end *end)
{
    tls_stream_fini(&end->stream);
    tls_io_fini(&end->io);
}

static int on_plain(void *arg, const uint8_t *bytes, size_t length)
{
    struct end *end = arg;
    assert_true(end->received + length <= sizeof end->bytes);
    memcpy(end->bytes + end->received, bytes, length);
    end->received += length;
    return 0;
}

/* Carries what from has put out, in pieces of at most step bytes; true if there was something. */
static bool carry(struct end *from, struct end *to, size_t step)
{
    size_t length = from->io.out_length;
    if (length == 0) return false;
    uint8_t *wire = malloc(length);
    memcpy(wire, from->io.out, length);
    from->io.out_length = 0;
    for (size_t at = 0; at < length && to->rc == 0; at += step) {
        size_t piece = length - at < step ? length - at : step;
        to->rc = tls_stream_feed(&to->stream, wire + at, piece, on_plain, to);
    }
    free(wire);
    return true;
}

static void talk(struct end *client, struct end *host, size_t step)
{
    bool is_moving = true;
    while (is_moving) {
        is_moving = carry(client, host, step);
        is_moving = carry(host, client, step) || is_moving;
    }
}

/* Contexts are given up; both ends are the caller's. */
static void meet(struct end *client, struct end *host, SSL_CTX *client_context, SSL_CTX *host_context, size_t step)
{
    end_init(client, client_context, false);
    end_init(host, host_context, true);
    SSL_CTX_free(client_context);
    SSL_CTX_free(host_context);
    client->rc = tls_stream_start(&client->stream);
    talk(client, host, step);
}

static struct end client, host;

static void part(void)
{
    end_fini(&client);
    end_fini(&host);
}

/* ---- tests ---- */

static void test_handshake_and_bytes(void **state)
{
    static const struct {
        const char *name;
        const struct identity *own;
        size_t step, length;
    } CASES[] = {
        {"all at once", &terminal, 1 << 20, 100},       {"byte by byte", &terminal, 1, 100},
        {"one byte of text", &terminal, 1000, 1},       {"over many records", &terminal, 1500, 90000},
        {"Ed25519", &terminal_ed25519, 1 << 20, 16384},
    };
    static uint8_t text[90000];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i * 31 + i / 256);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        meet(&client, &host, context_new(false, CASES[i].own, true), context_new(true, &server, true), CASES[i].step);
        if (client.rc != 0 || host.rc != 0 || !client.stream.is_established || !host.stream.is_established)
            fail_msg("%s: %s, %s", CASES[i].name, mdg_error_name(client.rc), mdg_error_name(host.rc));
        assert_int_equal(tls_stream_write(&client.stream, text, CASES[i].length), 0);
        assert_int_equal(tls_stream_write(&host.stream, text, CASES[i].length), 0);
        talk(&client, &host, CASES[i].step);
        if (client.received != CASES[i].length || host.received != CASES[i].length) fail_msg("%s", CASES[i].name);
        assert_memory_equal(client.bytes, text, CASES[i].length);
        assert_memory_equal(host.bytes, text, CASES[i].length);
        part();
    }
}

static void test_profile(void **state)
{
    (void)state;
    meet(&client, &host, context_new(false, &terminal, true), context_new(true, &server, true), 1 << 20);
    assert_int_equal(SSL_version(host.stream.ssl), TLS1_3_VERSION);
    assert_string_equal(SSL_get_cipher_name(host.stream.ssl), "TLS_AES_256_GCM_SHA384");
    assert_int_equal(SSL_get_shared_group(host.stream.ssl, 0), NID_X25519);
    assert_false(SSL_session_reused(client.stream.ssl));
    assert_false(SSL_SESSION_is_resumable(SSL_get0_session(client.stream.ssl))); /* no ticket came */
    part();
}

static void test_exporter_is_equal_and_of_this_connection(void **state)
{
    uint8_t of_client[TLS_EXPORTER_BYTES], of_host[TLS_EXPORTER_BYTES], earlier[TLS_EXPORTER_BYTES] = {0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        meet(&client, &host, context_new(false, NULL, true), context_new(true, &server, false), 1 << 20);
        assert_int_equal(tls_stream_exporter(&client.stream, of_client), 0);
        assert_int_equal(tls_stream_exporter(&host.stream, of_host), 0);
        assert_memory_equal(of_client, of_host, sizeof of_client);
        assert_memory_not_equal(of_client, earlier, sizeof of_client);
        memcpy(earlier, of_client, sizeof earlier);
        part();
    }
}

static void test_certificates(void **state)
{
    static const struct {
        const char *name;
        const struct identity *of_client, *of_host;
        int client_rc, host_rc;
    } CASES[] = {
        {"good", &terminal, &server, 0, 0},
        {"expired terminal", &expired, &server, MDG_ERR_CERTIFICATE_EXPIRED, MDG_ERR_CERTIFICATE_EXPIRED},
        {"foreign terminal", &foreign, &server, MDG_ERR_UNTRUSTED, MDG_ERR_UNTRUSTED},
        {"no certificate", NULL, &server, MDG_ERR_UNTRUSTED, MDG_ERR_UNTRUSTED},
        {"expired server", &terminal, &expired_server, MDG_ERR_UNTRUSTED, MDG_ERR_CERTIFICATE_EXPIRED},
        {"server of tomorrow", &terminal, &future_server, MDG_ERR_UNTRUSTED, MDG_ERR_UNTRUSTED},
        {"foreign server", &terminal, &foreign_server, MDG_ERR_UNTRUSTED, MDG_ERR_UNTRUSTED},
        {"a terminal's certificate as it is its own authority", &foreign_authority, &server, MDG_ERR_UNTRUSTED,
         MDG_ERR_UNTRUSTED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        SSL_CTX *of_client = context_new(false, CASES[i].of_client, true);
        meet(&client, &host, of_client, context_new(true, CASES[i].of_host, true), 1 << 20);
        if (client.rc != CASES[i].client_rc || host.rc != CASES[i].host_rc)
            fail_msg("%s: client %s, server %s", CASES[i].name, mdg_error_name(client.rc), mdg_error_name(host.rc));
        if (host.rc != 0 && host.stream.is_established) fail_msg("%s: let in", CASES[i].name);
        part();
    }
}

static int no_alpn(SSL_CTX *context)
{
    return SSL_CTX_set_alpn_protos(context, NULL, 0);
}

static int foreign_alpn(SSL_CTX *context)
{
    return SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9);
}

static int later_alpn(SSL_CTX *context)
{
    return SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x0bmadoguchi/2\x0bmadoguchi/1", 24);
}

static int old_version(SSL_CTX *context)
{
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    return SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) ? 0 : 1;
}

static int other_group(SSL_CTX *context)
{
    return SSL_CTX_set1_groups_list(context, "P-384") ? 0 : 1;
}

static int second_group(SSL_CTX *context)
{
    return SSL_CTX_set1_groups_list(context, "P-256") ? 0 : 1;
}

static void test_what_the_client_offers(void **state)
{
    static const struct {
        const char *name;
        int (*change)(SSL_CTX *context);
        bool is_let_in;
    } CASES[] = {
        {"no ALPN", no_alpn, false},
        {"another protocol", foreign_alpn, false},
        {"ours beside another", later_alpn, true},
        {"TLS 1.2", old_version, false},
        {"another group", other_group, false},
        {"the second group", second_group, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        SSL_CTX *of_client = context_new(false, &terminal, true);
        assert_int_equal(CASES[i].change(of_client), 0);
        meet(&client, &host, of_client, context_new(true, &server, true), 1 << 20);
        bool is_in = host.rc == 0 && host.stream.is_established && client.rc == 0;
        if (is_in != CASES[i].is_let_in)
            fail_msg("%s: client %s, server %s", CASES[i].name, mdg_error_name(client.rc), mdg_error_name(host.rc));
        if (!is_in) assert_int_equal(host.rc, MDG_ERR_CRYPTO);
        part();
    }
}

/* A server that picks no protocol must not be taken for ours. */
static void test_server_without_alpn(void **state)
{
    (void)state;
    SSL_CTX *of_host = context_new(true, &server, true);
    SSL_CTX_set_alpn_select_cb(of_host, NULL, NULL);
    meet(&client, &host, context_new(false, &terminal, true), of_host, 1 << 20);
    assert_int_equal(client.rc, MDG_ERR_CRYPTO);
    assert_false(client.stream.is_established);
    part();
}

static void test_garbage_and_tampering(void **state)
{
    static const uint8_t HTTP[] = "GET / HTTP/1.1\r\nHost: madoguchi\r\n\r\n";
    (void)state;
    SSL_CTX *of_host = context_new(true, &server, true);
    end_init(&host, of_host, true);
    SSL_CTX_free(of_host);
    assert_int_equal(tls_stream_feed(&host.stream, HTTP, sizeof HTTP - 1, on_plain, &host), MDG_ERR_CRYPTO);
    end_fini(&host);

    meet(&client, &host, context_new(false, &terminal, true), context_new(true, &server, true), 1 << 20);
    assert_int_equal(tls_stream_write(&client.stream, (const uint8_t *)"abc", 3), 0);
    client.io.out[client.io.out_length - 1] ^= 1;
    talk(&client, &host, 1 << 20);
    assert_int_equal(host.rc, MDG_ERR_CRYPTO);
    assert_int_equal(host.received, 0);
    part();
}

static void test_shutdown_is_eof(void **state)
{
    (void)state;
    meet(&client, &host, context_new(false, &terminal, true), context_new(true, &server, true), 1 << 20);
    assert_int_equal(tls_stream_write(&host.stream, (const uint8_t *)"last", 4), 0);
    tls_stream_shutdown(&host.stream);
    carry(&host, &client, 1 << 20);
    assert_int_equal(client.received, 4);
    assert_int_equal(client.rc, UV_EOF);
    part();
}

static int on_plain_stop(void *arg, const uint8_t *bytes, size_t length)
{
    (void)bytes;
    *(size_t *)arg += length;
    return MDG_ERR_TOO_LARGE;
}

static void test_callback_stops_the_feeding(void **state)
{
    (void)state;
    size_t seen = 0;
    meet(&client, &host, context_new(false, &terminal, true), context_new(true, &server, true), 1 << 20);
    assert_int_equal(tls_stream_write(&client.stream, (const uint8_t *)"ab", 2), 0);
    assert_int_equal(tls_stream_write(&client.stream, (const uint8_t *)"cd", 2), 0);
    int rc = tls_stream_feed(&host.stream, client.io.out, client.io.out_length, on_plain_stop, &seen);
    assert_int_equal(rc, MDG_ERR_TOO_LARGE);
    assert_int_equal(seen, 2);
    part();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_and_bytes),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_exporter_is_equal_and_of_this_connection),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_what_the_client_offers),
        cmocka_unit_test(test_server_without_alpn),
        cmocka_unit_test(test_garbage_and_tampering),
        cmocka_unit_test(test_shutdown_is_eof),
        cmocka_unit_test(test_callback_stops_the_feeding),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
