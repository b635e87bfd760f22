#include "server/net/net.h"

#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"
#include "common/log.h"
#include "server/net/fanout.h"

#define SWEEP_MS 1000
#define MINUTE_MS 60000
#define READ_BYTES (64u * 1024u)
#define SCRATCH_BYTES (16u * 1024u)
#define SLOTS_MAX 60000u
#define CONSOLES_AND_ENDING 64u /* places beyond the limits: consoles, and those whose handle is still closing */

struct conn *net_conn(struct net *net, uint64_t conn_id)
{
    uint32_t slot = (uint32_t)(conn_id & 0xffff);
    struct conn *conn = slot < net->slots_count ? net->slots[slot] : NULL;
    if (!conn || conn->session.conn_id != conn_id || conn->state >= CONN_CLOSING) return NULL;
    return conn;
}

/* ---- the loop's turn ---- */

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* its being active keeps the loop from sleeping */
}

void net_keep_awake(struct net *net)
{
    uv_idle_start(&net->idle, on_idle);
}

/* Only those that stand in the list now: who is marked meanwhile has had its share of this turn. */
static void flush_dirty(struct net *net)
{
    struct link now;
    if (net->is_feeding || link_is_alone(&net->dirty)) return;
    now = net->dirty;
    now.next->prev = &now;
    now.prev->next = &now;
    link_init(&net->dirty);
    while (!link_is_alone(&now)) {
        struct conn *conn = LINK_OWNER(now.next, struct conn, dirty);
        link_remove(&conn->dirty);
        conn_flush(conn);
    }
}

/* After polling: the handshakes that waited, a few at a time. */
static void on_check(uv_check_t *check)
{
    struct net *net = check->data;
    net->shakes_now = 0;
    while (!link_is_alone(&net->shake) && net->shakes_now < net->limits->handshakes_per_turn)
        conn_go_on(LINK_OWNER(net->shake.next, struct conn, shake));
}

static void drain_step(struct net *net);

/* Before polling: whatever this turn has left to write. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct net *net = prepare->data;
    flush_dirty(net);
    if (net->is_draining) drain_step(net);
    if (link_is_alone(&net->dirty) && link_is_alone(&net->shake)) {
        uv_idle_stop(&net->idle);
    } else {
        net_keep_awake(net);
    }
}

/* ---- the sweep ---- */

static void send_ping(struct conn *conn, uint64_t now_ms)
{
    Mdg__Ping ping = MDG__PING__INIT;
    Mdg__Frame frame = MDG__FRAME__INIT;
    ping.number = ++conn->pings;
    ping.server_us = clock_now_us();
    frame.kind_case = MDG__FRAME__KIND_PING;
    frame.ping = &ping;
    conn->pinged_ms = now_ms;
    conn_reply_frame(conn, &frame);
}

static struct conn_times times_of(struct conn *conn, uint64_t now_ms)
{
    if (conn->unsent > 0) { /* the kernel takes from a queued write bit by bit */
        size_t left = uv_stream_get_write_queue_size(&conn->socket.stream);
        if (left != conn->unsent_seen) conn->stalled_ms = now_ms;
        conn->unsent_seen = left;
    }
    return (struct conn_times){
        .is_established = conn->state != CONN_HANDSHAKE,
        .has_hello = conn->session.caller.has_hello,
        .is_watched = conn->listener != LISTENER_CONSOLE,
        .accepted_ms = conn->accepted_ms,
        .established_ms = conn->established_ms,
        .heard_ms = conn->heard_ms,
        .pinged_ms = conn->pinged_ms,
        .incomplete_ms = conn->incomplete_ms,
        .stalled_ms = conn->unsent > 0 ? conn->stalled_ms : 0,
    };
}

static void sweep_conn(struct conn *conn, uint64_t now_ms)
{
    static const char *const REASONS[] = {[HANDSHAKE_OVERDUE] = "handshake",
                                          [HELLO_OVERDUE] = "hello",
                                          [FRAME_OVERDUE] = "incomplete_frame",
                                          [WRITE_OVERDUE] = "stalled_write",
                                          [PEER_DEAD] = "silence"};
    const struct net_limits *limits = conn->net->limits;
    if (conn->state == CONN_CLOSED) return;
    if (conn->state == CONN_CLOSING) {
        if (now_ms - conn->closing_ms >= limits->linger_ms) conn_close(conn);
        return;
    }
    conn_note_hello(conn);
    fanout_retry(conn);
    struct conn_times times = times_of(conn, now_ms);
    enum limits_overdue overdue = limits_overdue(limits, &times, now_ms);
    if (overdue == PING_DUE) {
        if (conn->state == CONN_OPEN) send_ping(conn, now_ms);
    } else if (overdue != IN_TIME) {
        log_info("net.timeout", "conn=%llu terminal=%lld reason=%s", (unsigned long long)conn->session.conn_id,
                 (long long)conn->terminal_id, REASONS[overdue]);
        if (overdue == HELLO_OVERDUE || overdue == FRAME_OVERDUE) {
            conn_goodbye(conn, MDG_ERR_DEADLINE, 0);
        } else {
            conn_close(conn);
        }
    }
}

/* For "last seen" in the list of terminals. */
static void tell_minute(struct net *net, uint64_t now_ms)
{
    if (now_ms - net->minute_ms < MINUTE_MS) return;
    net->minute_ms = now_ms;
    int64_t *ids = calloc(net->slots_count, sizeof *ids);
    size_t count = 0;
    for (uint32_t i = 0; ids && i < net->slots_count; i++) {
        const struct conn *conn = net->slots[i];
        if (conn && conn->state == CONN_OPEN && conn->terminal_id != 0) ids[count++] = conn->terminal_id;
    }
    dispatch_clock_minute(net->dispatch, ids, count);
    free(ids);
}

static void on_sweep(uv_timer_t *timer)
{
    struct net *net = timer->data;
    uint64_t now_ms = uv_now(net->loop);
    for (uint32_t i = 0; i < net->slots_count; i++) {
        if (net->slots[i]) sweep_conn(net->slots[i], now_ms);
    }
    tell_minute(net, now_ms);
    struct listener *enrolment = &net->listeners[LISTENER_ENROLMENT];
    if (enrolment->is_listening && net->enrolment_until_us != 0 && clock_now_us() >= net->enrolment_until_us)
        listener_close(enrolment, true);
}

/* ---- what dispatch tells ---- */

static struct session *on_session_of(void *arg, uint64_t conn_id)
{
    struct conn *conn = net_conn(arg, conn_id);
    return conn ? &conn->session : NULL;
}

static void on_response(void *arg, uint64_t conn_id, const uint8_t *bytes, size_t length)
{
    struct net *net = arg;
    struct conn *conn = net_conn(net, conn_id);
    if (conn && bytes)
        conn_reply(conn, bytes, length);
    else if (conn)
        conn_goodbye(conn, MDG_ERR_MEMORY, conn_retry_after_ms(conn)); /* an answer is missing: it must ask again */
}

static void on_turn_end(void *arg)
{
    flush_dirty(arg);
}

static void cut_terminal(struct net *net, int64_t terminal_id)
{
    for (uint32_t i = 0; i < net->slots_count; i++) {
        struct conn *conn = net->slots[i];
        if (conn && conn->terminal_id == terminal_id) conn_cut(conn, MDG_ERR_REVOKED);
    }
}

/* A context that cannot be made leaves the one there is: those who are in stay in. */
static int contexts_make(struct net *net)
{
    for (int kind = LISTENER_TERMINALS; kind <= LISTENER_ENROLMENT; kind++) {
        SSL_CTX *context = NULL;
        int rc = net->options.tls_context(net->options.arg, kind == LISTENER_ENROLMENT, &context);
        if (rc != 0) {
            log_error("net.context", "listener=%d rc=%s", kind, mdg_error_name(rc));
            return rc;
        }
        SSL_CTX_free(net->contexts[kind]);
        net->contexts[kind] = context;
    }
    return 0;
}

/* What is trusted is told in the answer to hello, so everybody says it again, not all at once. */
static void terminals_call_back(struct net *net)
{
    for (uint32_t i = 0; i < net->slots_count; i++) {
        struct conn *conn = net->slots[i];
        if (conn && conn->state == CONN_OPEN && conn->terminal_id != 0)
            conn_goodbye(conn, MDG_ERR_BUSY, conn_retry_after_ms(conn));
    }
}

static void enrolment_open(struct net *net, int64_t until_us)
{
    net->enrolment_until_us = until_us;
    int rc = listener_listen(&net->listeners[LISTENER_ENROLMENT]);
    if (rc != 0) {
        log_error("net.listen", "listener=enrolment port=%d rc=%s", net_enrol_port(net), mdg_error_name(rc));
    } else {
        log_info("net.listen", "listener=enrolment port=%d", net_enrol_port(net));
    }
}

static void on_effect(void *arg, uint64_t conn_id, const struct effect *effect)
{
    struct net *net = arg;
    struct conn *conn = net_conn(net, conn_id);
    switch (effect->kind) {
    case EFFECT_SUBSCRIBED:
        if (conn && conn->state == CONN_OPEN) fanout_join(conn, effect->view, effect->rev);
        break;
    case EFFECT_UNSUBSCRIBED:
        if (conn) fanout_leave(conn);
        break;
    case EFFECT_TERMINAL_CUT:
        cut_terminal(net, effect->terminal_id);
        break;
    case EFFECT_ENROLMENT_OPEN:
        if (!net->is_draining) enrolment_open(net, effect->until_us);
        break;
    case EFFECT_ENROLMENT_CLOSED:
        if (effect->until_us < net->enrolment_until_us) break; /* of an older code than the one pending */
        net->enrolment_until_us = 0;
        if (net->listeners[LISTENER_ENROLMENT].is_listening)
            listener_close(&net->listeners[LISTENER_ENROLMENT], !net->is_draining);
        break;
    case EFFECT_TRUST_CHANGED:
        if (contexts_make(net) == 0) terminals_call_back(net);
        break;
    default:
        break; /* dispatch's own */
    }
}

static void on_each_session(void *arg, void (*each)(void *each_arg, struct session *session), void *each_arg)
{
    struct net *net = arg;
    for (uint32_t i = 0; i < net->slots_count; i++) {
        struct conn *conn = net->slots[i];
        if (conn && conn->state < CONN_CLOSING) each(each_arg, &conn->session);
    }
}

static void on_parts(void *arg, struct feed_part *parts)
{
    fanout_take(arg, parts);
}

static void on_fatal(void *arg, int rc)
{
    struct net *net = arg; /* any thread: nothing of ours is touched */
    if (net->options.on_fatal) net->options.on_fatal(net->options.arg, rc);
}

struct dispatch_events net_events(struct net *net)
{
    return (struct dispatch_events){
        .session_of = on_session_of,
        .on_response = on_response,
        .on_turn_end = on_turn_end,
        .on_effect = on_effect,
        .for_each_session = on_each_session,
        .on_parts = on_parts,
        .on_fatal = on_fatal,
        .arg = net,
    };
}

/* ---- life ---- */

static int slots_make(struct net *net)
{
    uint64_t count = (uint64_t)net->limits->connections_total + net->limits->turned_away + CONSOLES_AND_ENDING;
    net->slots_count = count > SLOTS_MAX ? SLOTS_MAX : (uint32_t)count;
    net->slots = calloc(net->slots_count, sizeof *net->slots);
    net->free_slots = calloc(net->slots_count, sizeof *net->free_slots);
    if (!net->slots || !net->free_slots) return MDG_ERR_MEMORY;
    for (uint32_t i = 0; i < net->slots_count; i++) /* low numbers are given out first */
        net->free_slots[net->free_count++] = (uint16_t)(net->slots_count - 1 - i);
    return 0;
}

static int handles_make(struct net *net)
{
    uv_timer_init(net->loop, &net->sweep); /* these four cannot fail */
    uv_timer_init(net->loop, &net->accept_timer);
    uv_timer_init(net->loop, &net->drain_timer);
    uv_prepare_init(net->loop, &net->prepare);
    uv_check_init(net->loop, &net->check);
    uv_idle_init(net->loop, &net->idle);
    uv_handle_t *const handles[] = {(uv_handle_t *)&net->sweep,       (uv_handle_t *)&net->accept_timer,
                                    (uv_handle_t *)&net->drain_timer, (uv_handle_t *)&net->prepare,
                                    (uv_handle_t *)&net->check,       (uv_handle_t *)&net->idle};
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        handles[i]->data = net;
        net->handles_open++;
    }
    return 0;
}

int net_new(const struct net_options *options, struct net **out)
{
    struct net *net = calloc(1, sizeof *net);
    if (!net) return MDG_ERR_MEMORY;
    net->loop = options->loop;
    net->options = *options;
    net->limits = &net->options.limits;
    link_init(&net->dirty);
    link_init(&net->shake);
    for (int kind = 0; kind < LISTENER_KINDS; kind++) {
        net->listeners[kind] = (struct listener){.net = net, .kind = (enum listener_kind)kind};
        link_init(&net->listeners[kind].young);
    }
    int rc = handles_make(net);
    if (rc == 0) rc = slots_make(net);
    if (rc == 0) rc = tls_io_init(&net->io);
    net->read_buffer = malloc(READ_BYTES);
    net->scratch = malloc(SCRATCH_BYTES);
    if (rc == 0 && (!net->read_buffer || !net->scratch)) rc = MDG_ERR_MEMORY;
    if (rc == 0) rc = contexts_make(net);
    if (rc == 0) rc = listener_open(net, LISTENER_TERMINALS, options->listen);
    if (rc == 0) rc = listener_open(net, LISTENER_ENROLMENT, options->enrol_listen);
    if (rc == 0 && options->console_path) rc = listener_open(net, LISTENER_CONSOLE, options->console_path);
    /* Theirs only until we return. */
    net->options.listen = net->options.enrol_listen = net->options.console_path = NULL;
    if (rc != 0) {
        net_free(net);
        return rc;
    }
    *out = net;
    return 0;
}

int net_start(struct net *net, struct dispatch *dispatch)
{
    net->dispatch = dispatch;
    net->minute_ms = uv_now(net->loop);
    uv_prepare_start(&net->prepare, on_prepare);
    uv_check_start(&net->check, on_check);
    uv_timer_start(&net->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    if (net->listeners[LISTENER_CONSOLE].handle) {
        int rc = listener_listen(&net->listeners[LISTENER_CONSOLE]);
        if (rc != 0) return rc;
    }
    for (int kind = 0; kind < LISTENER_KINDS; kind++) listener_go_on(&net->listeners[kind]);
    return 0;
}

int net_port(const struct net *net)
{
    return listener_port(&net->listeners[LISTENER_TERMINALS]);
}

int net_enrol_port(const struct net *net)
{
    return listener_port(&net->listeners[LISTENER_ENROLMENT]);
}

/* ---- the end ---- */

static bool is_anybody_there(const struct net *net)
{
    return net->free_count < net->slots_count;
}

static void drain_step(struct net *net)
{
    for (uint32_t i = 0; i < net->slots_count; i++) {
        struct conn *conn = net->slots[i];
        if (!conn || conn->state >= CONN_CLOSING) continue;
        bool is_answered = conn->session.in_flight == 0 && conn->replies.length == 0 && conn->unsent == 0;
        if (conn->state != CONN_OPEN || is_answered || net->is_drain_late)
            conn_goodbye(conn, MDG_ERR_SHUTTING_DOWN, conn_retry_after_ms(conn));
    }
    if (is_anybody_there(net) || !net->drained) return;
    void (*drained)(void *arg) = net->drained;
    net->drained = NULL;
    uv_timer_stop(&net->drain_timer);
    drained(net->drained_arg);
}

static void close_all(struct net *net)
{
    for (uint32_t i = 0; i < net->slots_count; i++) {
        if (net->slots[i]) conn_close(net->slots[i]);
    }
}

/* First what is late hears goodbye, a linger before the end; then the end. */
static void on_drain_timer(uv_timer_t *timer)
{
    struct net *net = timer->data;
    if (net->is_drain_late) {
        close_all(net);
    } else {
        net->is_drain_late = true;
        uv_timer_start(timer, on_drain_timer, net->limits->linger_ms, 0);
    }
}

void net_drain(struct net *net, void (*done)(void *arg), void *arg)
{
    const struct net_limits *limits = net->limits;
    if (net->is_draining) return;
    net->is_draining = true;
    net->drained = done;
    net->drained_arg = arg;
    for (int kind = 0; kind < LISTENER_KINDS; kind++) listener_close(&net->listeners[kind], false);
    for (uint32_t i = 0; i < net->slots_count; i++) {
        struct conn *conn = net->slots[i];
        if (conn && conn->state < CONN_CLOSING) uv_read_stop(&conn->socket.stream);
    }
    uint32_t patience_ms = limits->drain_ms > limits->linger_ms ? limits->drain_ms - limits->linger_ms : 0;
    uv_timer_start(&net->drain_timer, on_drain_timer, patience_ms, 0);
    net_keep_awake(net);
}

static void on_own_closed(uv_handle_t *handle)
{
    struct net *net = handle->data;
    net->handles_open--;
}

void net_free(struct net *net)
{
    if (!net) return;
    net->is_draining = true;
    for (int kind = 0; kind < LISTENER_KINDS; kind++) listener_close(&net->listeners[kind], false);
    if (net->slots) close_all(net);
    uv_close((uv_handle_t *)&net->sweep, on_own_closed);
    uv_close((uv_handle_t *)&net->accept_timer, on_own_closed);
    uv_close((uv_handle_t *)&net->drain_timer, on_own_closed);
    uv_close((uv_handle_t *)&net->prepare, on_own_closed);
    uv_close((uv_handle_t *)&net->check, on_own_closed);
    uv_close((uv_handle_t *)&net->idle, on_own_closed);
    while (net->handles_open > 0) uv_run(net->loop, UV_RUN_ONCE);
    fanout_free_all(net);
    for (int kind = 0; kind < LISTENER_KINDS; kind++) SSL_CTX_free(net->contexts[kind]);
    tls_io_fini(&net->io);
    free(net->read_buffer);
    free(net->scratch);
    free(net->slots);
    free(net->free_slots);
    free(net);
}
