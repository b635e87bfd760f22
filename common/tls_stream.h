/* common/tls_stream.h - one TLS connection over bytes that somebody else moves. Loop thread.
 *
 * OpenSSL reads from and writes to the loop's two shared buffers through a BIO of ours, so an idle connection
 * keeps no buffer (SSL_MODE_RELEASE_BUFFERS) and nothing is copied twice. The owner of the socket feeds what
 * it received and sends what tls_stream puts out. */
#ifndef MADOGUCHI_COMMON_TLS_STREAM_H
#define MADOGUCHI_COMMON_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#define TLS_ALPN "madoguchi/1"
#define TLS_EXPORTER_BYTES 32

/* Shared by all streams of a loop. Between two calls of tls_stream both sides are empty. */
struct tls_io {
    uint8_t *out; /* what OpenSSL wrote and the socket has not got yet; owned, grows */
    size_t out_length, out_size;
    uint8_t *plain; /* where decrypted bytes land, 16 KiB; owned */
};

int tls_io_init(struct tls_io *io);
void tls_io_fini(struct tls_io *io);
/* Bytes as they are, after what is there: for a connection without TLS. MDG_ERR_MEMORY. */
int tls_io_add(struct tls_io *io, const uint8_t *bytes, size_t length);

struct tls_stream {
    SSL *ssl; /* owned */
    struct tls_io *io;
    const uint8_t *in; /* borrowed while feeding */
    size_t in_length;
    bool is_established; /* the handshake is over */
};

/* Plain bytes that arrived, borrowed until it returns; not 0 stops the feeding and is returned. */
typedef int tls_plain_cb(void *arg, const uint8_t *bytes, size_t length);

/* The context's profile: TLS 1.3 only, our groups and ciphers, no tickets, no compression, ALPN (proto/README.md 2).
 * MDG_ERR_CRYPTO. The caller owns *out. */
int tls_context_new(bool is_server, SSL_CTX **out);

int tls_stream_init(struct tls_stream *stream, SSL_CTX *context, struct tls_io *io, bool is_server);
void tls_stream_fini(struct tls_stream *stream);

/* The client's first flight; puts bytes into io->out. */
int tls_stream_start(struct tls_stream *stream);
/* Takes received bytes, goes on with the handshake, hands plain bytes to cb. Afterwards the caller must send
 * io->out (also after an error: it may hold the alert). UV_EOF: the peer closed in good order.
 * MDG_ERR_CERTIFICATE_EXPIRED, MDG_ERR_UNTRUSTED: one side refused the other's certificate. MDG_ERR_CRYPTO: else. */
int tls_stream_feed(struct tls_stream *stream, const uint8_t *bytes, size_t length, tls_plain_cb *cb, void *arg);
/* Encrypts into io->out, after what is there. Only when established. */
int tls_stream_write(struct tls_stream *stream, const uint8_t *bytes, size_t length);
/* Puts the close alert into io->out. */
void tls_stream_shutdown(struct tls_stream *stream);

/* RFC 9266 style binding of this very connection: exporter label "EXPORTER-madoguchi-enrolment", empty context. */
int tls_stream_exporter(struct tls_stream *stream, uint8_t out[TLS_EXPORTER_BYTES]);

#endif
