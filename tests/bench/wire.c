#include "tests/bench/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool is_good, const char *what)
{
    if (is_good) return;
    fprintf(stderr, "bench: %s failed\n", what);
    exit(1);
}

static void load_pair(SSL_CTX *context, const char *dir, const char *certificate, const char *key)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, certificate);
    must(SSL_CTX_use_certificate_file(context, path, SSL_FILETYPE_PEM) == 1, path);
    snprintf(path, sizeof path, "%s/%s", dir, key);
    must(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1, path);
    snprintf(path, sizeof path, "%s/authority.pem", dir);
    must(SSL_CTX_load_verify_locations(context, path, NULL) == 1, path);
}

SSL_CTX *wire_server_context(const char *dir)
{
    SSL_CTX *context;
    must(tls_context_new(true, &context) == 0, "server context");
    load_pair(context, dir, "server.pem", "server.key");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return context;
}

SSL_CTX *wire_client_context(const char *dir, int terminal)
{
    SSL_CTX *context;
    char name[64];
    must(tls_context_new(false, &context) == 0, "client context");
    snprintf(name, sizeof name, "terminal-%d.pem", terminal);
    load_pair(context, dir, name, "terminal.key");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

int wire_init(struct wire *wire, uv_loop_t *loop, bool is_server)
{
    wire->loop = loop;
    wire->is_server = is_server;
    wire->dirty_last = &wire->dirty;
    return tls_io_init(&wire->io);
}

/* --- sending ------------------------------------------------------------------------------------------ */

struct rest {
    uv_write_t write;
    uint8_t bytes[];
};

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write);
}

/* Puts what OpenSSL wrote onto the socket: at once, or the rest through libuv. */
static void drain(struct wire_conn *conn)
{
    struct tls_io *io = &conn->wire->io;
    size_t sent = 0;
    if (io->out_length == 0) return;
    uv_buf_t buf = uv_buf_init((char *)io->out, (unsigned)io->out_length);
    if (!conn->is_closing && uv_stream_get_write_queue_size((uv_stream_t *)&conn->tcp) == 0) {
        int rc = uv_try_write((uv_stream_t *)&conn->tcp, &buf, 1);
        if (rc > 0) sent = (size_t)rc;
    }
    if (!conn->is_closing && sent < io->out_length) {
        struct rest *rest = malloc(sizeof *rest + io->out_length - sent);
        must(rest != NULL, "memory");
        memcpy(rest->bytes, io->out + sent, io->out_length - sent);
        buf = uv_buf_init((char *)rest->bytes, (unsigned)(io->out_length - sent));
        if (uv_write(&rest->write, (uv_stream_t *)&conn->tcp, &buf, 1, on_written) != 0) free(rest);
    }
    io->out_length = 0;
}

void wire_send_raw(struct wire_conn *conn, const uint8_t *bytes, size_t length)
{
    if (conn->is_closing) return;
    if (conn->out_length + length > conn->out_size) {
        conn->out_size = (conn->out_length + length) * 2;
        conn->out = realloc(conn->out, conn->out_size);
        must(conn->out != NULL, "memory");
    }
    memcpy(conn->out + conn->out_length, bytes, length);
    conn->out_length += length;
    if (conn->is_dirty) return;
    conn->is_dirty = true;
    conn->next_dirty = NULL;
    *conn->wire->dirty_last = conn;
    conn->wire->dirty_last = &conn->next_dirty;
}

void wire_send(struct wire_conn *conn, const uint8_t *bytes, size_t length)
{
    uint8_t head[FRAME_HEAD_BYTES];
    frame_write_head(head, length);
    wire_send_raw(conn, head, sizeof head);
    wire_send_raw(conn, bytes, length);
}

void wire_flush(struct wire *wire)
{
    while (wire->dirty) {
        struct wire_conn *conn = wire->dirty;
        wire->dirty = conn->next_dirty;
        if (!wire->dirty) wire->dirty_last = &wire->dirty;
        conn->is_dirty = false;
        if (!conn->is_closing && tls_stream_write(&conn->tls, conn->out, conn->out_length) == 0) drain(conn);
        wire->io.out_length = 0;
        /* An idle connection keeps no buffer. */
        free(conn->out);
        conn->out = NULL;
        conn->out_length = conn->out_size = 0;
    }
}

/* --- receiving ---------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct wire_conn *conn = handle->data;
    tls_stream_fini(&conn->tls);
    frame_splitter_fini(&conn->splitter);
    if (conn->wire->on_close) conn->wire->on_close(conn);
}

void wire_close(struct wire_conn *conn)
{
    if (conn->is_closing) return;
    conn->is_closing = true;
    uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

static int on_frame(void *arg, const uint8_t *bytes, size_t length)
{
    struct wire_conn *conn = arg;
    conn->wire->on_frame(conn, bytes, length);
    return 0;
}

static int on_plain(void *arg, const uint8_t *bytes, size_t length)
{
    struct wire_conn *conn = arg;
    return frame_splitter_feed(&conn->splitter, bytes, length, on_frame, conn);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct wire_conn *conn = handle->data;
    (void)suggested;
    *buf = uv_buf_init((char *)conn->wire->in, sizeof conn->wire->in);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf)
{
    struct wire_conn *conn = stream->data;
    if (length == 0) return;
    if (length < 0) {
        wire_close(conn);
        return;
    }
    bool was_established = conn->tls.is_established;
    int rc = tls_stream_feed(&conn->tls, (const uint8_t *)buf->base, (size_t)length, on_plain, conn);
    drain(conn);
    if (!was_established && conn->tls.is_established && conn->wire->on_open) conn->wire->on_open(conn);
    if (rc != 0) {
        if (!conn->wire->is_server) fprintf(stderr, "bench: a connection ended: %d\n", rc);
        wire_close(conn);
    }
    wire_flush(conn->wire);
}

static int conn_init(struct wire *wire, struct wire_conn *conn, SSL_CTX *context)
{
    conn->wire = wire;
    frame_splitter_init(&conn->splitter, FRAME_BYTES_MAX);
    int rc = uv_tcp_init(wire->loop, &conn->tcp);
    conn->tcp.data = conn;
    if (rc == 0) rc = tls_stream_init(&conn->tls, context, &wire->io, wire->is_server);
    return rc;
}

int wire_accept(struct wire *wire, struct wire_conn *conn, uv_stream_t *listener)
{
    int rc = conn_init(wire, conn, wire->context);
    if (rc == 0) rc = uv_accept(listener, (uv_stream_t *)&conn->tcp);
    uv_tcp_nodelay(&conn->tcp, 1);
    if (rc == 0) rc = uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
    return rc;
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct wire_conn *conn = connect->data;
    must(status == 0, "connect");
    uv_tcp_nodelay(&conn->tcp, 1);
    must(tls_stream_start(&conn->tls) == 0, "handshake");
    drain(conn);
    uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
}

int wire_connect(struct wire *wire, struct wire_conn *conn, SSL_CTX *context, int port)
{
    struct sockaddr_in address;
    int rc = conn_init(wire, conn, context);
    uv_ip4_addr("127.0.0.1", port, &address);
    conn->connect.data = conn;
    return rc == 0 ? uv_tcp_connect(&conn->connect, &conn->tcp, (const struct sockaddr *)&address, on_connect) : rc;
}
