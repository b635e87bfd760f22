/* server/net/sending.c - from replies and parts to the socket, and how a connection ends. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "server/net/fanout.h"

#define RECORD_BYTES (16u * 1024u)      /* small frames are gathered up to a TLS record */
#define EARLY_FLUSH_BYTES (64u * 1024u) /* so much is sent without waiting for the turn's end */
#define TURN_PARTS_BYTES (256u * 1024u) /* of changes to one connection in one turn */
#define HEAP_BYTES_MIN 512u

struct conn_write {
    uv_write_t request;
    struct conn *conn;
    size_t length;
    uint8_t bytes[];
};

/* ---- growing bytes ---- */

int heap_bytes_add(struct heap_bytes *to, const uint8_t *bytes, size_t length)
{
    if (length > to->size - to->length) {
        size_t size = to->size > 0 ? to->size : HEAP_BYTES_MIN;
        while (size - to->length < length) size *= 2;
        uint8_t *grown = OPENSSL_clear_realloc(to->bytes, to->size, size); /* answers are plain text here */
        if (!grown) return MDG_ERR_MEMORY;
        to->bytes = grown;
        to->size = size;
    }
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
    return 0;
}

void heap_bytes_fini(struct heap_bytes *bytes)
{
    OPENSSL_clear_free(bytes->bytes, bytes->size);
    *bytes = (struct heap_bytes){0};
}

/* ---- the socket ---- */

static void on_written(uv_write_t *request, int status)
{
    struct conn_write *write = LINK_OWNER(request, struct conn_write, request);
    struct conn *conn = write->conn;
    conn->unsent -= write->length;
    free(write);
    if (conn->state == CONN_CLOSED) return;
    if (status < 0) {
        conn_close(conn);
        return;
    }
    if (conn->unsent > 0) return;
    conn->unsent_replies = 0;
    conn->stalled_ms = 0;
    conn_mark_dirty(conn); /* replies and parts may have waited */
}

static int queue_rest(struct conn *conn, const uint8_t *bytes, size_t length)
{
    struct conn_write *write = malloc(sizeof *write + length);
    if (!write) return MDG_ERR_MEMORY;
    write->conn = conn;
    write->length = length;
    memcpy(write->bytes, bytes, length);
    uv_buf_t buffer = uv_buf_init((char *)write->bytes, (unsigned)length);
    int rc = uv_write(&write->request, &conn->socket.stream, &buffer, 1, on_written);
    if (rc != 0) {
        free(write);
        return rc;
    }
    if (conn->unsent == 0) {
        conn->stalled_ms = uv_now(conn->net->loop);
        conn->unsent_seen = 0;
    }
    conn->unsent += length;
    return 0;
}

void conn_send_out(struct conn *conn)
{
    struct tls_io *io = &conn->net->io;
    const uint8_t *bytes = io->out;
    size_t length = io->out_length;
    io->out_length = 0; /* whatever happens, the next connection finds it empty */
    if (length == 0 || conn->state == CONN_CLOSED) return;

    int rc = 0;
    if (conn->unsent == 0) {
        uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)length);
        rc = uv_try_write(&conn->socket.stream, &buffer, 1);
        if (rc == UV_EAGAIN) rc = 0;
        if (rc > 0) {
            bytes += rc;
            length -= (size_t)rc;
            rc = 0;
        }
    }
    if (rc == 0 && length > 0) rc = queue_rest(conn, bytes, length);
    if (rc != 0) conn_close(conn);
}

/* ---- gathering what goes into one turn ---- */

static int put(struct conn *conn, const uint8_t *bytes, size_t length)
{
    if (conn->tls.ssl) return tls_stream_write(&conn->tls, bytes, length);
    return tls_io_add(&conn->net->io, bytes, length);
}

/* One frame alone is encrypted from where it lies; several small ones become one record. */
struct gathering {
    struct conn *conn;
    const uint8_t *only;
    size_t length; /* of only, or of what lies in scratch */
    int rc;
};

static void gathering_put(struct gathering *gathering)
{
    const uint8_t *bytes = gathering->only ? gathering->only : gathering->conn->net->scratch;
    if (gathering->rc == 0 && gathering->length > 0) gathering->rc = put(gathering->conn, bytes, gathering->length);
    gathering->only = NULL;
    gathering->length = 0;
}

/* bytes stay valid until gathering_put(). */
static void gathering_add(struct gathering *gathering, const uint8_t *bytes, size_t length)
{
    uint8_t *scratch = gathering->conn->net->scratch;
    if (gathering->length + length > RECORD_BYTES) gathering_put(gathering);
    if (gathering->length == 0) {
        gathering->only = bytes;
        gathering->length = length;
        return;
    }
    if (gathering->only) {
        memcpy(scratch, gathering->only, gathering->length);
        gathering->only = NULL;
    }
    memcpy(scratch + gathering->length, bytes, length);
    gathering->length += length;
}

static void gather_parts(struct gathering *gathering)
{
    struct conn *conn = gathering->conn;
    const struct feed_part *part;
    size_t total = 0;
    while (gathering->rc == 0 && total < TURN_PARTS_BYTES && (part = fanout_next(conn)) != NULL) {
        total += part->length;
        gathering_add(gathering, part->bytes, part->length);
        if (part == conn->catch_up) gathering_put(gathering); /* fanout_sent() frees it */
        fanout_sent(conn, part);
    }
    if (total >= TURN_PARTS_BYTES) conn_mark_dirty(conn); /* the others come first */
}

void conn_flush(struct conn *conn)
{
    conn_note_hello(conn);
    if (conn->state != CONN_OPEN || conn->unsent > 0) return; /* goes on when the socket has drained */
    struct gathering gathering = {.conn = conn};
    if (conn->replies.length > 0) gathering_add(&gathering, conn->replies.bytes, conn->replies.length);
    gather_parts(&gathering);
    gathering_put(&gathering);
    conn->unsent_replies = conn->replies.length;
    heap_bytes_fini(&conn->replies);
    if (gathering.rc != 0) {
        log_warn("net.write", "conn=%llu rc=%s", (unsigned long long)conn->session.conn_id,
                 mdg_error_name(gathering.rc));
        conn->net->io.out_length = 0;
        conn_close(conn);
        return;
    }
    conn_send_out(conn);
    if (conn->unsent == 0) conn->unsent_replies = 0;
}

void conn_mark_dirty(struct conn *conn)
{
    link_append(&conn->net->dirty, &conn->dirty);
}

void conn_reply(struct conn *conn, const uint8_t *bytes, size_t length)
{
    struct net *net = conn->net;
    size_t waiting = conn->replies.length + conn->unsent_replies;
    if (!limits_reply_fits(net->limits, waiting, length)) {
        log_warn("net.reply", "conn=%llu terminal=%lld waiting=%zu does not read its replies",
                 (unsigned long long)conn->session.conn_id, (long long)conn->terminal_id, waiting);
        conn_close(conn);
        return;
    }
    if (heap_bytes_add(&conn->replies, bytes, length) != 0) {
        conn_close(conn); /* a reply lost would be waited for */
        return;
    }
    conn_mark_dirty(conn);
    if (conn->replies.length >= EARLY_FLUSH_BYTES && !net->is_feeding) conn_flush(conn);
}

void conn_reply_frame(struct conn *conn, const Mdg__Frame *frame)
{
    size_t length = 0;
    uint8_t *bytes = frame_pack(frame, &length);
    if (bytes) {
        conn_reply(conn, bytes, length);
    } else {
        conn_close(conn);
    }
    free(bytes);
}

/* ---- the end ---- */

uint32_t conn_retry_after_ms(const struct conn *conn)
{
    uint32_t least = conn->net->limits->retry_after_ms;
    if (least == 0) return 0;
    return least + (uint32_t)(conn->session.conn_id * 2654435761u % least); /* so that they do not all come at once */
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    struct net *net = conn->net;
    tls_stream_fini(&conn->tls);
    net->slots[conn->slot] = NULL;
    net->free_slots[net->free_count++] = conn->slot;
    net->handles_open--;
    free(conn);
}

/* What an ending connection no longer needs; also what others must not find it by. */
static void conn_let_go(struct conn *conn)
{
    struct session *session = &conn->session;
    if (conn->net->dispatch && session->caller.sign_in_id != 0) dispatch_session_closed(conn->net->dispatch, session);
    session->caller.sign_in_id = 0; /* told once */
    fanout_leave(conn);
    conn_leave_young(conn);
    link_remove(&conn->shake);
    link_remove(&conn->dirty);
    frame_splitter_fini(&conn->splitter);
    heap_bytes_fini(&conn->held);
    heap_bytes_fini(&conn->replies);
}

void conn_close(struct conn *conn)
{
    struct net *net = conn->net;
    if (conn->state == CONN_CLOSED) return;
    conn->state = CONN_CLOSED;
    conn_let_go(conn);
    if (conn->is_turned_away) {
        net->turned_away--;
    } else if (conn->listener == LISTENER_CONSOLE) {
        net->console_count--;
    } else {
        net->total--;
    }
    uv_close(&conn->socket.handle, on_closed);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct conn *conn = request->data;
    free(request);
    if (status < 0 && conn->state != CONN_CLOSED) conn_close(conn);
}

static void on_discard(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    (void)buffer;
    struct conn *conn = stream->data;
    if (got < 0) conn_close(conn);
}

static void on_discard_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct conn *conn = handle->data;
    *buffer = uv_buf_init((char *)conn->net->read_buffer, RECORD_BYTES);
}

/* Closing a socket with unread bytes would send a reset, which can overtake our last words: so end our direction,
 * and throw away what still comes, until the peer closes too or linger_ms are over. */
void conn_linger(struct conn *conn)
{
    if (conn->state >= CONN_CLOSING) return;
    conn->state = CONN_CLOSING;
    conn->closing_ms = uv_now(conn->net->loop);
    conn_let_go(conn);
    uv_shutdown_t *request = malloc(sizeof *request);
    if (request) request->data = conn;
    uv_read_stop(&conn->socket.stream);
    if (!request || uv_shutdown(request, &conn->socket.stream, on_shut) != 0) {
        free(request);
        conn_close(conn);
        return;
    }
    if (uv_read_start(&conn->socket.stream, on_discard_buffer, on_discard) != 0) conn_close(conn);
}

static void say_goodbye(struct conn *conn, int code, uint32_t retry_after_ms)
{
    struct refusal refusal = {.code = code, .retry_after_ms = retry_after_ms};
    struct refusal_wire wire;
    Mdg__Goodbye goodbye = MDG__GOODBYE__INIT;
    Mdg__Frame frame = MDG__FRAME__INIT;
    refusal_to_wire(&refusal, &wire);
    goodbye.refusal = &wire.refusal;
    frame.kind_case = MDG__FRAME__KIND_GOODBYE;
    frame.goodbye = &goodbye;
    size_t length = 0;
    uint8_t *bytes = frame_pack(&frame, &length);
    if (bytes) put(conn, bytes, length);
    free(bytes);
    if (conn->tls.ssl) tls_stream_shutdown(&conn->tls);
}

void conn_goodbye(struct conn *conn, int code, uint32_t retry_after_ms)
{
    if (conn->state >= CONN_CLOSING) return;
    log_info("net.goodbye", "conn=%llu terminal=%lld rc=%s", (unsigned long long)conn->session.conn_id,
             (long long)conn->terminal_id, mdg_error_name(code));
    if (!conn->tls.ssl || conn->tls.is_established) {
        if (conn->replies.length > 0) put(conn, conn->replies.bytes, conn->replies.length);
        say_goodbye(conn, code, retry_after_ms);
        conn_send_out(conn);
    }
    conn_linger(conn);
}

void conn_cut(struct conn *conn, int code)
{
    if (conn->state >= CONN_CLOSING) return;
    heap_bytes_fini(&conn->replies);
    if (conn->unsent > 0) {
        conn_close(conn);
    } else {
        conn_goodbye(conn, code, 0);
    }
}
