#include "common/tls_stream.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <uv.h>

#include "common/error.h"
#include "common/log.h"

#define PLAIN_BYTES (16 * 1024) /* a TLS record's most */
#define OUT_BYTES_KEPT (64 * 1024)

static const unsigned char ALPN_WIRE[] = "\x0b" TLS_ALPN;
#define ALPN_WIRE_BYTES (sizeof ALPN_WIRE - 1)
static const char CIPHERSUITES[] = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
static const char GROUPS[] = "X25519:P-256";
static const char SIGNATURES[] = "ed25519:ecdsa_secp256r1_sha256";
static const char EXPORTER_LABEL[] = "EXPORTER-madoguchi-enrolment";

/* ---- the shared buffers ---- */

int tls_io_init(struct tls_io *io)
{
    *io = (struct tls_io){.out_size = OUT_BYTES_KEPT};
    io->out = malloc(io->out_size);
    io->plain = malloc(PLAIN_BYTES);
    if (io->out && io->plain) return 0;
    tls_io_fini(io);
    return MDG_ERR_MEMORY;
}

void tls_io_fini(struct tls_io *io)
{
    free(io->out);
    free(io->plain);
    *io = (struct tls_io){0};
}

static int io_reserve(struct tls_io *io, size_t more)
{
    if (more <= io->out_size - io->out_length) return 0;
    size_t size = io->out_size;
    while (size - io->out_length < more) size *= 2;
    uint8_t *grown = realloc(io->out, size);
    if (!grown) return MDG_ERR_MEMORY;
    io->out = grown;
    io->out_size = size;
    return 0;
}

int tls_io_add(struct tls_io *io, const uint8_t *bytes, size_t length)
{
    int rc = io_reserve(io, length);
    if (rc != 0 || length == 0) return rc;
    memcpy(io->out + io->out_length, bytes, length);
    io->out_length += length;
    return 0;
}

/* ---- the BIO over them; its data is the stream ---- */

static int bio_read(BIO *bio, char *into, int size)
{
    struct tls_stream *stream = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (stream->in_length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t take = (size_t)size < stream->in_length ? (size_t)size : stream->in_length;
    memcpy(into, stream->in, take);
    stream->in += take;
    stream->in_length -= take;
    return (int)take;
}

static int bio_write(BIO *bio, const char *from, int size)
{
    struct tls_stream *stream = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size <= 0 || tls_io_add(stream->io, (const uint8_t *)from, (size_t)size) != 0) return -1;
    return size;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static pthread_once_t bio_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *bio_method; /* constant once made; OpenSSL wants it on the heap */

static void bio_method_make(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "madoguchi shared buffers");
    if (method && BIO_meth_set_read(method, bio_read) && BIO_meth_set_write(method, bio_write) &&
        BIO_meth_set_ctrl(method, bio_ctrl)) {
        bio_method = method;
    } else {
        BIO_meth_free(method);
    }
}

/* ---- the profile ---- */

static int on_alpn_offered(SSL *ssl, const unsigned char **selected, unsigned char *selected_length,
                           const unsigned char *offered, unsigned offered_length, void *arg)
{
    (void)ssl;
    (void)arg;
    unsigned char *found = NULL;
    int rc = SSL_select_next_proto(&found, selected_length, ALPN_WIRE, ALPN_WIRE_BYTES, offered, offered_length);
    *selected = found;
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int tls_context_new(bool is_server, SSL_CTX **out)
{
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (!context) goto fail;
    SSL_CTX_set_options(context,
                        SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT);
    /* The other side has the authority already: half a KiB a handshake is saved. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
        !SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) || !SSL_CTX_set_num_tickets(context, 0) ||
        !SSL_CTX_set_max_early_data(context, 0) || !SSL_CTX_set_ciphersuites(context, CIPHERSUITES) ||
        !SSL_CTX_set1_groups_list(context, GROUPS) || !SSL_CTX_set1_sigalgs_list(context, SIGNATURES) ||
        !SSL_CTX_set1_client_sigalgs_list(context, SIGNATURES)) {
        goto fail;
    }
    if (is_server) {
        SSL_CTX_set_alpn_select_cb(context, on_alpn_offered, NULL);
    } else if (SSL_CTX_set_alpn_protos(context, ALPN_WIRE, ALPN_WIRE_BYTES) != 0) { /* 0 is success here */
        goto fail;
    }
    *out = context;
    return 0;
fail:
    SSL_CTX_free(context);
    ERR_clear_error();
    return MDG_ERR_CRYPTO;
}

/* ---- one stream ---- */

int tls_stream_init(struct tls_stream *stream, SSL_CTX *context, struct tls_io *io, bool is_server)
{
    *stream = (struct tls_stream){.io = io};
    pthread_once(&bio_once, bio_method_make);
    BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
    stream->ssl = bio ? SSL_new(context) : NULL;
    if (!stream->ssl) {
        BIO_free(bio);
        ERR_clear_error();
        return MDG_ERR_CRYPTO;
    }
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(stream->ssl, bio, bio);
    if (is_server) {
        SSL_set_accept_state(stream->ssl);
    } else {
        SSL_set_connect_state(stream->ssl);
    }
    return 0;
}

void tls_stream_fini(struct tls_stream *stream)
{
    SSL_free(stream->ssl);
    *stream = (struct tls_stream){0};
}

/* What the peer's alert says of our certificate. */
static int alert_error(int reason)
{
    switch (reason) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return MDG_ERR_CERTIFICATE_EXPIRED;
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
        return MDG_ERR_UNTRUSTED;
    default:
        return MDG_ERR_CRYPTO;
    }
}

/* We refused the peer's certificate. A server may say that a terminal's is over; a terminal keeps that word for its
 * own, and only notes here that it is a matter of dates: of the server's certificate, or of a clock. */
static int verify_error(const struct tls_stream *stream)
{
    long result = SSL_get_verify_result(stream->ssl);
    bool is_over = result == X509_V_ERR_CERT_HAS_EXPIRED;
    if (SSL_is_server(stream->ssl)) return is_over ? MDG_ERR_CERTIFICATE_EXPIRED : MDG_ERR_UNTRUSTED;
    if (is_over || result == X509_V_ERR_CERT_NOT_YET_VALID) {
        log_warn("tls.server_certificate", "not valid now: %s; is this machine's clock right?",
                 X509_verify_cert_error_string(result));
    }
    return MDG_ERR_UNTRUSTED;
}

static int stream_error(struct tls_stream *stream)
{
    unsigned long last = ERR_peek_last_error(); /* the TLS layer's own; before it stand those of what it called */
    int reason = ERR_GET_LIB(last) == ERR_LIB_SSL ? ERR_GET_REASON(last) : 0;
    ERR_clear_error();
    switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return verify_error(stream);
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_NO_CERTIFICATE_SET:
        return MDG_ERR_UNTRUSTED;
    default:
        return alert_error(reason);
    }
}

/* A peer that offered no ALPN at all passes OpenSSL's handshake, so look at what was agreed. */
static bool stream_has_alpn(const struct tls_stream *stream)
{
    const unsigned char *name;
    unsigned length;
    SSL_get0_alpn_selected(stream->ssl, &name, &length);
    return length == sizeof TLS_ALPN - 1 && memcmp(name, TLS_ALPN, length) == 0;
}

static int stream_shake(struct tls_stream *stream)
{
    int done = SSL_do_handshake(stream->ssl);
    if (done == 1) {
        if (!stream_has_alpn(stream)) return MDG_ERR_CRYPTO;
        stream->is_established = true;
        return 0;
    }
    int reason = SSL_get_error(stream->ssl, done);
    return reason == SSL_ERROR_WANT_READ ? 0 : stream_error(stream);
}

int tls_stream_start(struct tls_stream *stream)
{
    ERR_clear_error();
    return stream_shake(stream);
}

static int stream_read(struct tls_stream *stream, tls_plain_cb *cb, void *arg)
{
    for (;;) {
        ERR_clear_error();
        int got = SSL_read(stream->ssl, stream->io->plain, PLAIN_BYTES);
        if (got <= 0) {
            switch (SSL_get_error(stream->ssl, got)) {
            case SSL_ERROR_WANT_READ:
                return 0;
            case SSL_ERROR_ZERO_RETURN:
                return UV_EOF;
            default:
                return stream_error(stream);
            }
        }
        int rc = cb(arg, stream->io->plain, (size_t)got);
        OPENSSL_cleanse(stream->io->plain, (size_t)got);
        if (rc != 0) return rc;
    }
}

int tls_stream_feed(struct tls_stream *stream, const uint8_t *bytes, size_t length, tls_plain_cb *cb, void *arg)
{
    int rc = 0;
    stream->in = bytes;
    stream->in_length = length;
    ERR_clear_error();
    if (!stream->is_established) rc = stream_shake(stream);
    if (rc == 0 && stream->is_established) rc = stream_read(stream, cb, arg);
    stream->in = NULL;
    stream->in_length = 0;
    return rc;
}

int tls_stream_write(struct tls_stream *stream, const uint8_t *bytes, size_t length)
{
    ERR_clear_error();
    while (length > 0) {
        int part = length > INT_MAX / 2 ? INT_MAX / 2 : (int)length;
        int wrote = SSL_write(stream->ssl, bytes, part);
        if (wrote <= 0) return stream_error(stream); /* our BIO never asks to wait */
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return 0;
}

void tls_stream_shutdown(struct tls_stream *stream)
{
    ERR_clear_error();
    if (stream->is_established) SSL_shutdown(stream->ssl);
    ERR_clear_error();
}

int tls_stream_exporter(struct tls_stream *stream, uint8_t out[TLS_EXPORTER_BYTES])
{
    int ok = SSL_export_keying_material(stream->ssl, out, TLS_EXPORTER_BYTES, EXPORTER_LABEL, sizeof EXPORTER_LABEL - 1,
                                        NULL, 0, 0);
    ERR_clear_error();
    return ok == 1 ? 0 : MDG_ERR_CRYPTO;
}
