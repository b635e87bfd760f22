/* tests/bench/wire.h - TLS connections with frames on a libuv loop, as little as it takes: for the load generator and
 * for the bare references. Nothing of the product but its TLS stream and its frame splitter. */
#ifndef MADOGUCHI_TESTS_BENCH_WIRE_H
#define MADOGUCHI_TESTS_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/frame.h"
#include "common/tls_stream.h"

struct wire {
    uv_loop_t *loop;
    SSL_CTX *context;
    bool is_server;
    struct tls_io io;
    uint8_t in[65536];                       /* the loop's one receive buffer */
    struct wire_conn *dirty, **dirty_last;   /* in the order in which they were written to */
    void (*on_open)(struct wire_conn *conn); /* the handshake is over */
    void (*on_frame)(struct wire_conn *conn, const uint8_t *bytes, size_t length);
    void (*on_close)(struct wire_conn *conn);
};

struct wire_conn {
    uv_tcp_t tcp;
    struct wire *wire;
    struct tls_stream tls;
    struct frame_splitter splitter;
    uint8_t *out; /* plain bytes of this turn */
    size_t out_length, out_size;
    struct wire_conn *next_dirty;
    bool is_dirty, is_closing;
    void *data;
    uv_connect_t connect;
};

/* dir holds authority.pem, server.pem and server.key, terminal-N.pem and terminal.key (made by bench_seed). */
SSL_CTX *wire_server_context(const char *dir);
SSL_CTX *wire_client_context(const char *dir, int terminal);

int wire_init(struct wire *wire, uv_loop_t *loop, bool is_server);
/* conn lies in zeroed memory of the caller. */
int wire_connect(struct wire *wire, struct wire_conn *conn, SSL_CTX *context, int port);
int wire_accept(struct wire *wire, struct wire_conn *conn, uv_stream_t *listener);
/* A frame, gathered until wire_flush() or the end of reading. */
void wire_send(struct wire_conn *conn, const uint8_t *bytes, size_t length);
/* A frame with its head already on. */
void wire_send_raw(struct wire_conn *conn, const uint8_t *bytes, size_t length);
void wire_flush(struct wire *wire);
void wire_close(struct wire_conn *conn);

#endif
