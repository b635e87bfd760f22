/* server/net/connection.c - receiving: handshake, the terminal behind the certificate, frames. */
#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"
#include "common/log.h"
#include "server/net/state.h"

#define READ_BYTES (64u * 1024u)

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer);

static void on_read_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct conn *conn = handle->data;
    *buffer = uv_buf_init((char *)conn->net->read_buffer, READ_BYTES);
}

static void conn_read_start(struct conn *conn)
{
    if (conn->net->is_draining) return;
    if (uv_read_start(&conn->socket.stream, on_read_buffer, on_read) != 0) conn_close(conn);
}

/* Not taken in, or broken. What the peer is told depends on how far it got. */
static void conn_end(struct conn *conn, int rc)
{
    bool is_certificate = rc == MDG_ERR_UNTRUSTED || rc == MDG_ERR_CERTIFICATE_EXPIRED;
    if (conn->state >= CONN_CLOSING) return;
    if (is_certificate && conn->state == CONN_HANDSHAKE) {
        log_warn("net.certificate", "conn=%llu rc=%s", (unsigned long long)conn->session.conn_id, mdg_error_name(rc));
        dispatch_audit_refusal(conn->net->dispatch, &conn->session.caller, "net.certificate", rc);
    }
    if (rc > MDG_ERR_INVALID) { /* libuv's: the peer went */
        conn_close(conn);
    } else if (rc == MDG_ERR_CRYPTO || (is_certificate && !conn->tls.is_established)) {
        conn_linger(conn); /* the alert has said it; there is no channel for frames */
    } else {
        conn_goodbye(conn, rc, rc == MDG_ERR_BUSY || rc == MDG_ERR_MEMORY ? conn_retry_after_ms(conn) : 0);
    }
}

/* ---- frames ---- */

static void answer_ping(struct conn *conn, const Mdg__Ping *ping)
{
    Mdg__Ping pong = MDG__PING__INIT;
    Mdg__Frame frame = MDG__FRAME__INIT;
    pong.number = ping->number;
    pong.server_us = clock_now_us();
    frame.kind_case = MDG__FRAME__KIND_PONG;
    frame.pong = &pong;
    conn_reply_frame(conn, &frame);
}

static void answer_busy(struct conn *conn, const Mdg__Request *request, uint32_t retry_after_ms)
{
    struct refusal refusal = {.code = MDG_ERR_BUSY, .rule = "rate", .retry_after_ms = retry_after_ms};
    struct refusal_wire wire;
    Mdg__Response response = MDG__RESPONSE__INIT;
    Mdg__Frame frame = MDG__FRAME__INIT;
    refusal_to_wire(&refusal, &wire);
    response.id = request->id;
    response.refusal = &wire.refusal;
    frame.kind_case = MDG__FRAME__KIND_RESPONSE;
    frame.response = &response;
    conn_reply_frame(conn, &frame);
    dispatch_audit_refusal(conn->net->dispatch, &conn->session.caller, "net.rate", MDG_ERR_BUSY);
}

static int conn_take_frame(struct conn *conn, const Mdg__Frame *frame, struct arena *arena)
{
    const struct caller *caller = &conn->session.caller;
    const struct net_rate *rate = limits_rate(conn->net->limits, caller->kind, caller->has_hello);
    uint32_t retry_after_ms = 0;
    int rc;
    bool has_token = bucket_take(&conn->bucket, rate, uv_now(conn->net->loop), &retry_after_ms);
    switch (frame->kind_case) {
    case MDG__FRAME__KIND_REQUEST:
        if (!has_token) {
            answer_busy(conn, frame->request, retry_after_ms);
            return 0;
        }
        rc = dispatch_request(conn->net->dispatch, &conn->session, frame, arena);
        arena_init(arena, 0); /* it is dispatch's now */
        return rc;
    case MDG__FRAME__KIND_PING:
        if (has_token) answer_ping(conn, frame->ping);
        return 0;
    case MDG__FRAME__KIND_PONG:
        return 0;
    default:
        return MDG_ERR_MALFORMED;
    }
}

static int on_frame(void *arg, const uint8_t *bytes, size_t length)
{
    struct conn *conn = arg;
    struct arena arena;
    Mdg__Frame *frame = NULL;
    conn->incomplete_ms = 0;
    int rc = dispatch_decode(bytes, length, &arena, &frame);
    if (rc == 0) rc = conn_take_frame(conn, frame, &arena);
    arena_fini(&arena);
    if (conn->state != CONN_OPEN) return UV_ECANCELED; /* closed while answering: take no more of it */
    return rc;
}

/* ---- who it is ---- */

void conn_leave_young(struct conn *conn)
{
    if (link_is_alone(&conn->young)) return;
    link_remove(&conn->young);
    conn->net->listeners[conn->listener].young_count--;
}

void conn_note_hello(struct conn *conn)
{
    if (conn->session.caller.has_hello && conn->listener == LISTENER_TERMINALS) conn_leave_young(conn);
}

static uint32_t count_of_terminal(const struct net *net, int64_t terminal_id)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < net->slots_count; i++) {
        const struct conn *conn = net->slots[i];
        if (conn && conn->state == CONN_OPEN && conn->terminal_id == terminal_id) count++;
    }
    return count;
}

static int conn_plain(struct conn *conn, const uint8_t *bytes, size_t length);

static void on_admitted(void *arg, uint64_t conn_id, int rc, const struct caller *caller)
{
    struct net *net = arg;
    struct conn *conn = net_conn(net, conn_id);
    if (!conn || conn->state != CONN_ADMITTING) return;
    if (rc == 0 && count_of_terminal(net, conn->terminal_id) >= net->limits->per_terminal_after) rc = MDG_ERR_BUSY;
    if (rc == 0) {
        char serial[CERTIFICATE_SERIAL_HEX_BYTES];
        memcpy(serial, conn->session.caller.certificate_serial, sizeof serial);
        conn->session.caller = *caller;
        memcpy(conn->session.caller.certificate_serial, serial, sizeof serial);
        conn->state = CONN_OPEN;
        log_info("net.open", "conn=%llu terminal=%lld", (unsigned long long)conn_id, (long long)conn->terminal_id);
        struct heap_bytes held = conn->held; /* taken out: what it says may end the connection */
        conn->held = (struct heap_bytes){0};
        if (held.length > 0) rc = conn_plain(conn, held.bytes, held.length);
        heap_bytes_fini(&held);
    }
    if (rc != 0) {
        conn_end(conn, rc);
    } else if (conn->state == CONN_OPEN) {
        conn_read_start(conn);
    }
}

static int begin_admission(struct conn *conn)
{
    const X509 *certificate = SSL_get0_peer_certificate(conn->tls.ssl);
    if (!certificate) return MDG_ERR_UNTRUSTED;
    char *serial = conn->session.caller.certificate_serial;
    int rc = certificate_terminal(certificate, &conn->terminal_id, serial);
    if (rc != 0) return rc;
    /* From here on a revocation finds this connection by terminal_id, also while the lookup runs. */
    conn->state = CONN_ADMITTING;
    uv_read_stop(&conn->socket.stream);
    dispatch_admit(conn->net->dispatch, conn->session.conn_id, conn->terminal_id, serial, on_admitted);
    return 0;
}

static int conn_established(struct conn *conn)
{
    struct caller *caller = &conn->session.caller;
    conn->established_ms = uv_now(conn->net->loop);
    if (conn->is_turned_away) return MDG_ERR_BUSY;
    if (conn->listener == LISTENER_TERMINALS) return begin_admission(conn);
    int rc = tls_stream_exporter(&conn->tls, caller->exporter);
    if (rc != 0) return rc;
    caller->kind = KIND_APPLICANT;
    caller->roles = ROLE_BIT_APPLICANT;
    conn->state = CONN_OPEN;
    return 0;
}

/* ---- bytes ---- */

static int conn_plain(struct conn *conn, const uint8_t *bytes, size_t length)
{
    const struct caller *caller = &conn->session.caller;
    if (conn->state == CONN_ADMITTING)
        return heap_bytes_add(&conn->held, bytes, length); /* at most what one read got */
    if (conn->state != CONN_OPEN) return 0;
    conn->splitter.limit = limits_frame_bytes(conn->net->limits, caller->kind, caller->has_hello);
    int rc = frame_splitter_feed(&conn->splitter, bytes, length, on_frame, conn);
    if (rc == 0 && conn->incomplete_ms == 0 && frame_splitter_is_midway(&conn->splitter))
        conn->incomplete_ms = uv_now(conn->net->loop);
    return rc;
}

static int on_plain(void *arg, const uint8_t *bytes, size_t length)
{
    struct conn *conn = arg;
    int rc = conn->state == CONN_HANDSHAKE ? conn_established(conn) : 0;
    return rc == 0 ? conn_plain(conn, bytes, length) : rc;
}

static void conn_feed(struct conn *conn, const uint8_t *bytes, size_t length)
{
    struct net *net = conn->net;
    net->is_feeding = true;
    int rc;
    if (!conn->tls.ssl) {
        rc = conn_plain(conn, bytes, length);
    } else {
        rc = tls_stream_feed(&conn->tls, bytes, length, on_plain, conn);
        if (rc == 0 && conn->tls.is_established && conn->state == CONN_HANDSHAKE) rc = conn_established(conn);
    }
    net->is_feeding = false;
    conn_send_out(conn); /* the handshake's flight, or the alert */
    if (rc != 0) conn_end(conn, rc);
}

/* A handshake costs the loop a millisecond: beyond a few in one turn they wait, so that others are served. */
static bool must_wait(struct conn *conn)
{
    struct net *net = conn->net;
    if (!conn->tls.ssl || conn->tls.is_established) return false;
    if (net->shakes_now < net->limits->handshakes_per_turn) {
        net->shakes_now++;
        return false;
    }
    return true;
}

void conn_go_on(struct conn *conn)
{
    struct heap_bytes held = conn->held;
    conn->held = (struct heap_bytes){0};
    link_remove(&conn->shake);
    conn->net->shakes_now++;
    conn_read_start(conn);
    if (conn->state == CONN_HANDSHAKE) conn_feed(conn, held.bytes, held.length);
    heap_bytes_fini(&held);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct conn *conn = stream->data;
    struct net *net = conn->net;
    if (got == 0) return;
    if (got < 0) {
        log_debug("net.closed", "conn=%llu rc=%s", (unsigned long long)conn->session.conn_id, mdg_error_name((int)got));
        conn_close(conn);
        return;
    }
    conn->heard_ms = uv_now(net->loop);
    if (must_wait(conn)) {
        uv_read_stop(stream);
        if (heap_bytes_add(&conn->held, (const uint8_t *)buffer->base, (size_t)got) != 0) {
            conn_close(conn);
            return;
        }
        link_append(&net->shake, &conn->shake);
        net_keep_awake(net);
        return;
    }
    conn_feed(conn, (const uint8_t *)buffer->base, (size_t)got);
}

/* ---- the beginning ---- */

struct conn *conn_new(struct net *net, enum listener_kind kind)
{
    struct conn *conn = net->free_count > 0 ? calloc(1, sizeof *conn) : NULL;
    if (!conn) return NULL;
    int rc = kind == LISTENER_CONSOLE ? uv_pipe_init(net->loop, &conn->socket.pipe, 0)
                                      : uv_tcp_init(net->loop, &conn->socket.tcp);
    if (rc != 0) {
        free(conn);
        return NULL;
    }
    conn->socket.handle.data = conn;
    conn->net = net;
    conn->listener = kind;
    conn->slot = net->free_slots[--net->free_count];
    conn->session.conn_id = ++net->serial << 16 | conn->slot;
    conn->accepted_ms = conn->heard_ms = uv_now(net->loop);
    link_init(&conn->young);
    link_init(&conn->dirty);
    link_init(&conn->shake);
    link_init(&conn->subscriber);
    frame_splitter_init(&conn->splitter, net->limits->frame_before_hello);
    net->slots[conn->slot] = conn;
    net->handles_open++;
    return conn;
}

void conn_begin(struct conn *conn)
{
    struct net *net = conn->net;
    if (conn->listener == LISTENER_CONSOLE) {
        conn->session.caller.kind = KIND_CONSOLE;
        conn->session.caller.roles = ROLE_BIT_CONSOLE;
        conn->state = CONN_OPEN;
        conn->established_ms = conn->accepted_ms;
    } else {
        uv_tcp_nodelay(&conn->socket.tcp, 1);
        int rc = tls_stream_init(&conn->tls, net->contexts[conn->listener], &net->io, true);
        if (rc != 0) {
            log_error("net.accept", "rc=%s", mdg_error_name(rc));
            conn_close(conn);
            return;
        }
    }
    conn_read_start(conn);
}
