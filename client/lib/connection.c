#include "client/lib/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "common/arena.h"
#include "common/day.h"
#include "common/error.h"
#include "common/frame.h"

#define OPENING_MS 10000u /* each of: finding the address, TCP, TLS */
#define PING_MS 15000u
#define DEAD_MS 45000u
#define READ_BYTES 65536u
#define DECODE_BYTES_MAX (4u * 1024u * 1024u)

struct connection {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    uv_connect_t connect;
    struct addrinfo *addresses, *address; /* owned; the one being tried */
    bool is_looking_up, is_open, is_closing;
    int handles; /* not yet closed, the lookup counted */
    int close_rc;
    Mdg__Refusal *goodbye; /* owned */
    struct tls_io io;
    struct tls_stream tls;
    struct frame_splitter splitter;
    uint64_t heard_ms;
    uint64_t ping_number;
    int64_t ping_sent_us;
    uint64_t ping_sent_ns;
    char server_name[256];
    struct connection_events events;
    char bytes[READ_BYTES];
};

struct outgoing {
    uv_write_t write;
    struct connection *connection;
    char bytes[];
};

static void try_address(struct connection *connection);

/* --- ending ----------------------------------------------------------------------------------------------- */

static void release(struct connection *connection)
{
    struct connection_events events = connection->events;
    Mdg__Refusal *goodbye = connection->goodbye;
    int rc = connection->close_rc;
    tls_stream_fini(&connection->tls);
    tls_io_fini(&connection->io);
    frame_splitter_fini(&connection->splitter);
    if (connection->addresses) uv_freeaddrinfo(connection->addresses);
    free(connection);
    if (events.on_closed) events.on_closed(events.arg, rc, goodbye);
    mdg__refusal__free_unpacked(goodbye, NULL);
}

static void handle_gone(struct connection *connection)
{
    if (--connection->handles == 0) release(connection);
}

static void on_handle_closed(uv_handle_t *handle)
{
    handle_gone(handle->data);
}

static void on_written(uv_write_t *write, int status)
{
    struct outgoing *outgoing = (struct outgoing *)write;
    struct connection *connection = outgoing->connection;
    free(outgoing);
    if (status < 0) connection_close(connection, status);
}

/* Sends what TLS has put out; at once where the socket takes it. */
static int flush(struct connection *connection)
{
    struct tls_io *io = &connection->io;
    char *from = (char *)io->out;
    size_t length = io->out_length;
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    io->out_length = 0;
    if (length == 0) return 0;
    if (uv_stream_get_write_queue_size(stream) == 0) {
        uv_buf_t buf = uv_buf_init(from, (unsigned)length);
        int written = uv_try_write(stream, &buf, 1);
        if (written < 0 && written != UV_EAGAIN) return written;
        if (written > 0) {
            from += written;
            length -= (size_t)written;
        }
        if (length == 0) return 0;
    }
    struct outgoing *outgoing = malloc(sizeof *outgoing + length);
    if (!outgoing) return MDG_ERR_MEMORY;
    outgoing->connection = connection;
    memcpy(outgoing->bytes, from, length);
    uv_buf_t buf = uv_buf_init(outgoing->bytes, (unsigned)length);
    int rc = uv_write(&outgoing->write, stream, &buf, 1, on_written);
    if (rc != 0) free(outgoing);
    return rc;
}

void connection_close(struct connection *connection, int rc)
{
    if (connection->is_closing) return;
    if (connection->is_open) {
        tls_stream_shutdown(&connection->tls);
        flush(connection);
    }
    connection->is_closing = true;
    connection->close_rc = rc;
    if (connection->is_looking_up) uv_cancel((uv_req_t *)&connection->lookup);
    if (!uv_is_closing((uv_handle_t *)&connection->tcp)) uv_close((uv_handle_t *)&connection->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&connection->timer, on_handle_closed);
}

/* --- sending ---------------------------------------------------------------------------------------------- */

static int send_frame(struct connection *connection, const Mdg__Frame *frame)
{
    size_t size = mdg__frame__get_packed_size(frame);
    if (size > FRAME_BYTES_MAX) return MDG_ERR_TOO_LARGE;
    uint8_t *bytes = malloc(FRAME_HEAD_BYTES + size);
    if (!bytes) return MDG_ERR_MEMORY;
    frame_write_head(bytes, size);
    mdg__frame__pack(frame, bytes + FRAME_HEAD_BYTES);
    int rc = tls_stream_write(&connection->tls, bytes, FRAME_HEAD_BYTES + size);
    OPENSSL_cleanse(bytes, FRAME_HEAD_BYTES + size); /* it may hold a secret */
    free(bytes);
    if (rc == 0) rc = flush(connection);
    if (rc != 0) connection_close(connection, rc);
    return rc;
}

int connection_send(struct connection *connection, const Mdg__Frame *frame)
{
    return connection->is_open && !connection->is_closing ? send_frame(connection, frame) : MDG_ERR_OFFLINE;
}

struct tls_stream *connection_tls(struct connection *connection)
{
    return &connection->tls;
}

static void send_ping(struct connection *connection, uint64_t number, bool is_answer)
{
    Mdg__Frame frame = MDG__FRAME__INIT;
    Mdg__Ping ping = MDG__PING__INIT;
    ping.number = number;
    if (is_answer) {
        frame.kind_case = MDG__FRAME__KIND_PONG;
        frame.pong = &ping;
    } else {
        frame.kind_case = MDG__FRAME__KIND_PING;
        frame.ping = &ping;
    }
    send_frame(connection, &frame);
}

/* --- receiving -------------------------------------------------------------------------------------------- */

static void on_pong(struct connection *connection, const Mdg__Ping *pong)
{
    if (pong->number != connection->ping_number || connection->ping_sent_ns == 0 || pong->server_us == 0) return;
    int64_t round_us = (int64_t)((uv_hrtime() - connection->ping_sent_ns) / 1000);
    connection->ping_sent_ns = 0;
    if (!connection->events.on_clock) return;
    connection->events.on_clock(connection->events.arg, pong->server_us - (connection->ping_sent_us + round_us / 2),
                                round_us);
}

/* Kept on the heap, since the frame's arena is gone when the connection has closed. */
static Mdg__Refusal *refusal_copy(const Mdg__Refusal *refusal)
{
    size_t size = mdg__refusal__get_packed_size(refusal);
    uint8_t *packed = malloc(size ? size : 1);
    if (!packed) return NULL;
    mdg__refusal__pack(refusal, packed);
    Mdg__Refusal *copy = mdg__refusal__unpack(NULL, size, packed);
    free(packed);
    return copy;
}

static void on_goodbye(struct connection *connection, const Mdg__Goodbye *goodbye)
{
    int code = goodbye->refusal && goodbye->refusal->code < 0 ? goodbye->refusal->code : MDG_ERR_OFFLINE;
    if (!connection->goodbye && goodbye->refusal) connection->goodbye = refusal_copy(goodbye->refusal);
    connection_close(connection, code);
}

static void take_frame(struct connection *connection, const Mdg__Frame *frame)
{
    switch (frame->kind_case) {
    case MDG__FRAME__KIND_PING:
        send_ping(connection, frame->ping->number, true);
        break;
    case MDG__FRAME__KIND_PONG:
        on_pong(connection, frame->pong);
        break;
    case MDG__FRAME__KIND_GOODBYE:
        on_goodbye(connection, frame->goodbye);
        break;
    case MDG__FRAME__KIND_RESPONSE:
    case MDG__FRAME__KIND_PART:
        connection->events.on_frame(connection->events.arg, frame);
        break;
    default: /* of a later version: not for us */
        break;
    }
}

static int on_frame_bytes(void *arg, const uint8_t *bytes, size_t length)
{
    struct connection *connection = arg;
    struct arena arena;
    size_t cap = 64 * length + 4096;
    arena_init(&arena, cap < DECODE_BYTES_MAX ? cap : DECODE_BYTES_MAX);
    ProtobufCAllocator allocator = arena_allocator(&arena);
    Mdg__Frame *frame = mdg__frame__unpack(&allocator, length, bytes);
    int rc = frame ? 0 : MDG_ERR_MALFORMED;
    if (frame) take_frame(connection, frame);
    arena_fini(&arena);
    if (rc == 0 && connection->is_closing) rc = UV_ECANCELED;
    return rc;
}

static void now_open(struct connection *connection)
{
    connection->is_open = true;
    uv_timer_again(&connection->timer);
    connection->events.on_open(connection->events.arg);
}

static int on_plain(void *arg, const uint8_t *bytes, size_t length)
{
    struct connection *connection = arg;
    if (!connection->is_open) now_open(connection);
    if (connection->is_closing) return UV_ECANCELED;
    return frame_splitter_feed(&connection->splitter, bytes, length, on_frame_bytes, connection);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct connection *connection = handle->data;
    (void)suggested;
    *buf = uv_buf_init(connection->bytes, sizeof connection->bytes);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct connection *connection = stream->data;
    if (connection->is_closing || got == 0) return;
    if (got < 0) {
        connection_close(connection, got == UV_EOF ? MDG_ERR_OFFLINE : (int)got);
        return;
    }
    connection->heard_ms = uv_now(stream->loop);
    int rc = tls_stream_feed(&connection->tls, (const uint8_t *)buf->base, (size_t)got, on_plain, connection);
    if (connection->is_closing) return;
    int flushed = flush(connection);
    if (rc == 0) rc = flushed;
    if (rc != 0) {
        connection_close(connection, rc == UV_EOF ? MDG_ERR_OFFLINE : rc);
    } else if (connection->tls.is_established && !connection->is_open) {
        now_open(connection);
    }
}

/* --- opening ---------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct connection *connection = timer->data;
    if (!connection->is_open || uv_now(timer->loop) - connection->heard_ms >= DEAD_MS) {
        connection_close(connection, UV_ETIMEDOUT);
        return;
    }
    connection->ping_number++;
    connection->ping_sent_us = clock_now_us();
    connection->ping_sent_ns = uv_hrtime();
    send_ping(connection, connection->ping_number, false);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct connection *connection = connect->handle->data;
    if (connection->is_closing) return;
    int rc = status;
    if (rc == 0) rc = uv_tcp_nodelay(&connection->tcp, 1);
    if (rc == 0) rc = tls_stream_start(&connection->tls);
    if (rc == 0) rc = uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read);
    if (rc == 0) rc = flush(connection);
    if (rc == 0) rc = uv_timer_start(&connection->timer, on_timer, OPENING_MS, PING_MS);
    if (rc == 0) {
        connection->heard_ms = uv_now(connection->tcp.loop);
    } else {
        connection_close(connection, rc);
    }
}

/* A socket that failed cannot be used again, so the next address gets a new one. */
static void on_failed_socket_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    if (!connection->is_closing) {
        int rc = uv_tcp_init(connection->timer.loop, &connection->tcp);
        if (rc == 0) {
            try_address(connection);
            return;
        }
        connection->is_closing = true;
        connection->close_rc = rc;
        uv_close((uv_handle_t *)&connection->timer, on_handle_closed);
    }
    handle_gone(connection);
}

static void on_tried(uv_connect_t *connect, int status)
{
    struct connection *connection = connect->handle->data;
    if (connection->is_closing) return;
    connection->address = connection->address->ai_next;
    if (status == 0 || !connection->address) {
        on_connected(connect, status);
    } else {
        uv_close((uv_handle_t *)&connection->tcp, on_failed_socket_closed);
    }
}

static void try_address(struct connection *connection)
{
    int rc = uv_timer_start(&connection->timer, on_timer, OPENING_MS, PING_MS);
    if (rc == 0) rc = uv_tcp_connect(&connection->connect, &connection->tcp, connection->address->ai_addr, on_tried);
    if (rc != 0) connection_close(connection, rc);
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *addresses)
{
    struct connection *connection = lookup->data;
    connection->is_looking_up = false;
    connection->addresses = connection->address = addresses;
    if (!connection->is_closing && status != 0) connection_close(connection, status);
    if (!connection->is_closing) try_address(connection);
    handle_gone(connection);
}

/* The check is OpenSSL's own, during the handshake, against the authorities of the context. */
static int expect_server(SSL *ssl, const char *server_name)
{
    if (!server_name) {
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
        return 0;
    }
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(param, server_name, 0) != 1) return MDG_ERR_CRYPTO;
    if (SSL_set_tlsext_host_name(ssl, server_name) != 1) return MDG_ERR_CRYPTO;
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return 0;
}

static int start(struct connection *connection, const struct connection_options *options)
{
    char port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    snprintf(port, sizeof port, "%u", options->port);
    int rc = uv_timer_start(&connection->timer, on_timer, OPENING_MS, PING_MS);
    if (rc == 0) {
        rc = uv_getaddrinfo(options->loop, &connection->lookup, on_looked_up, options->host, port, &hints);
    }
    if (rc == 0) {
        connection->is_looking_up = true;
        connection->handles++;
    }
    return rc;
}

int connection_open(const struct connection_options *options, struct connection **out)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) return MDG_ERR_MEMORY;
    int rc = tls_io_init(&connection->io);
    if (rc == 0) rc = tls_stream_init(&connection->tls, options->context, &connection->io, false);
    if (rc == 0) rc = expect_server(connection->tls.ssl, options->server_name);
    if (rc != 0) goto fail;
    frame_splitter_init(&connection->splitter, FRAME_BYTES_MAX);
    connection->tcp.data = connection->timer.data = connection->lookup.data = connection;
    rc = uv_timer_init(options->loop, &connection->timer);
    if (rc == 0) rc = uv_tcp_init(options->loop, &connection->tcp);
    if (rc != 0) goto fail;
    connection->handles = 2;
    rc = start(connection, options);
    if (rc != 0) {
        connection_close(connection, rc); /* frees it; nobody is told */
        return rc;
    }
    connection->events = options->events;
    *out = connection;
    return 0;
fail:
    tls_stream_fini(&connection->tls);
    tls_io_fini(&connection->io);
    free(connection);
    return rc;
}
