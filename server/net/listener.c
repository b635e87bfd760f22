/* server/net/listener.c - the three doors: terminals, enrolment, console. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/error.h"
#include "common/log.h"
#include "server/net/state.h"

#define BACKLOG 512
#define ADDRESS_BYTES 64

struct listener_handle {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    struct net *net;
    struct listener *listener; /* NULL once it is being closed */
};

static const char *const KIND_NAMES[] = {"terminals", "enrolment", "console"};

/* ---- taking in ---- */

/* An IPv4 address, or the network part of an IPv6 one: whoever has the network has all its addresses. */
static uint64_t address_key(const struct sockaddr_storage *address)
{
    static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};
    uint64_t key = 0;
    if (address->ss_family == AF_INET) {
        return ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
    }
    const uint8_t *bytes = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
    if (memcmp(bytes, MAPPED, sizeof MAPPED) == 0) {
        uint32_t v4;
        memcpy(&v4, bytes + 12, sizeof v4);
        return v4;
    }
    memcpy(&key, bytes, sizeof key);
    return key;
}

static struct net_counts counts_seen(const struct listener *listener, uint64_t address)
{
    const struct net *net = listener->net;
    struct net_counts counts = {
        .total = net->total, .before_hello = listener->young_count, .turned_away = net->turned_away};
    for (const struct link *at = listener->young.next; at != &listener->young; at = at->next) {
        if (LINK_OWNER(at, const struct conn, young)->address == address) counts.of_address_before++;
    }
    return counts;
}

/* Counted in as a turned-away one, as conn_close() needs it, until the limits have spoken. */
static bool admit_tcp(struct listener *listener, struct conn *conn)
{
    struct net *net = listener->net;
    struct sockaddr_storage peer;
    int length = sizeof peer;
    if (uv_tcp_getpeername(&conn->socket.tcp, (struct sockaddr *)&peer, &length) != 0) return false;
    conn->address = address_key(&peer);
    struct net_counts counts = counts_seen(listener, conn->address);
    counts.turned_away--;
    switch (limits_accept(net->limits, &counts)) {
    case ADMIT:
        conn->is_turned_away = false;
        net->turned_away--;
        net->total++;
        listener->young_count++;
        link_append(&listener->young, &conn->young);
        return true;
    case TURN_AWAY:
        log_debug("net.turned_away", "conn=%llu total=%u before_hello=%u", (unsigned long long)conn->session.conn_id,
                  counts.total, counts.before_hello);
        return true;
    default:
        return false;
    }
}

/* Only root and the server's own user, whatever the socket's mode says. */
static bool admit_console(struct conn *conn)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    uv_os_fd_t fd;
    if (uv_fileno(&conn->socket.handle, &fd) != 0) return false;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
    if (peer.uid != 0 && peer.uid != geteuid()) {
        log_warn("net.console", "refused uid=%u", (unsigned)peer.uid);
        return false;
    }
    return true;
}

static void pause_listener(struct listener *listener, uint32_t wait_ms);

static void accept_one(struct listener *listener)
{
    struct net *net = listener->net;
    struct conn *conn = conn_new(net, listener->kind);
    if (!conn) { /* no memory or no place: libuv asks no more until somebody is accepted */
        pause_listener(listener, 1000);
        return;
    }
    bool is_console = listener->kind == LISTENER_CONSOLE;
    if (is_console) {
        net->console_count++;
    } else {
        conn->is_turned_away = true;
        net->turned_away++;
    }
    int rc = uv_accept(&listener->handle->socket.stream, &conn->socket.stream);
    if (rc != 0 || !(is_console ? admit_console(conn) : admit_tcp(listener, conn))) {
        conn_close(conn);
        return;
    }
    conn_begin(conn);
}

static void on_accept_timer(uv_timer_t *timer)
{
    struct net *net = timer->data;
    for (int kind = 0; kind < LISTENER_KINDS; kind++) listener_go_on(&net->listeners[kind]);
}

static void pause_listener(struct listener *listener, uint32_t wait_ms)
{
    listener->is_paused = true;
    uv_timer_start(&listener->net->accept_timer, on_accept_timer, wait_ms, 0);
}

static void take_in(struct listener *listener)
{
    struct net *net = listener->net;
    uint32_t wait_ms = 0;
    listener->is_paused = false;
    if (listener->kind != LISTENER_CONSOLE &&
        !bucket_take(&net->accepts, &net->limits->accepts, uv_now(net->loop), &wait_ms)) {
        pause_listener(listener, wait_ms > 0 ? wait_ms : 1); /* they wait in the kernel's queue */
        return;
    }
    accept_one(listener);
}

void listener_go_on(struct listener *listener)
{
    if (listener->is_paused && listener->is_listening && !listener->net->is_draining) take_in(listener);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listener_handle *handle = stream->data;
    struct listener *listener = handle->listener;
    if (status < 0) {
        log_warn("net.accept", "listener=%s rc=%s", listener ? KIND_NAMES[listener->kind] : "", uv_err_name(status));
        return;
    }
    if (!listener || listener->net->is_draining) return;
    if (listener->net->dispatch) {
        take_in(listener);
    } else {
        listener->is_paused = true; /* until net_start() */
    }
}

/* ---- opening and closing ---- */

static int parse_address(const char *text, struct sockaddr_storage *address)
{
    char host[ADDRESS_BYTES];
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    if (!colon || colon == text || (size_t)(colon - text) >= sizeof host) return MDG_ERR_INVALID;
    long port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port < 0 || port > 65535) return MDG_ERR_INVALID;
    const char *from = text;
    size_t length = (size_t)(colon - text);
    if (*from == '[' && length >= 2 && from[length - 1] == ']') {
        from++;
        length -= 2;
    }
    memcpy(host, from, length);
    host[length] = '\0';
    memset(address, 0, sizeof *address);
    if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)address) == 0) return 0;
    return uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)address) == 0 ? 0 : MDG_ERR_INVALID;
}

static void on_handle_closed(uv_handle_t *closed)
{
    struct listener_handle *handle = closed->data;
    handle->net->handles_open--;
    free(handle);
}

static int handle_new(struct listener *listener)
{
    struct net *net = listener->net;
    struct listener_handle *handle = calloc(1, sizeof *handle);
    if (!handle) return MDG_ERR_MEMORY;
    int rc = listener->kind == LISTENER_CONSOLE ? uv_pipe_init(net->loop, &handle->socket.pipe, 0)
                                                : uv_tcp_init(net->loop, &handle->socket.tcp);
    if (rc != 0) {
        free(handle);
        return rc;
    }
    handle->socket.handle.data = handle;
    handle->net = net;
    handle->listener = listener;
    listener->handle = handle;
    net->handles_open++;
    return 0;
}

/* Takes the number; nobody listens there yet. */
static int bind_tcp(struct listener *listener)
{
    int rc = handle_new(listener);
    if (rc != 0) return rc;
    struct sockaddr *address = (struct sockaddr *)&listener->address;
    int length = sizeof listener->address;
    rc = uv_tcp_bind(&listener->handle->socket.tcp, address, 0);
    if (rc == 0) rc = uv_tcp_getsockname(&listener->handle->socket.tcp, address, &length); /* a bind's late error too */
    if (rc != 0) listener_close(listener, false);
    return rc;
}

static int bind_console(struct listener *listener, const char *path)
{
    struct stat found;
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) return UV_ENAMETOOLONG;
    if (lstat(path, &found) == 0 && S_ISSOCK(found.st_mode)) unlink(path); /* of a server that was killed */
    int rc = handle_new(listener);
    if (rc != 0) return rc;
    mode_t before = umask(0177);
    rc = uv_pipe_bind(&listener->handle->socket.pipe, path);
    umask(before);
    if (rc == 0 && chmod(path, 0600) != 0) rc = UV_EPERM;
    if (rc != 0) listener_close(listener, false);
    return rc;
}

int listener_open(struct net *net, enum listener_kind kind, const char *address)
{
    struct listener *listener = &net->listeners[kind];
    int rc = 0;
    if (kind == LISTENER_CONSOLE) {
        rc = bind_console(listener, address);
    } else {
        rc = parse_address(address, &listener->address);
        if (rc == 0) rc = bind_tcp(listener);
    }
    /* A number that is taken shows only when one listens; the enrolment door tries it once and shuts again. */
    if (rc == 0 && kind != LISTENER_CONSOLE) rc = listener_listen(listener);
    if (rc == 0 && kind == LISTENER_ENROLMENT) listener_close(listener, true);
    if (rc != 0) log_error("net.listen", "listener=%s address=%s rc=%s", KIND_NAMES[kind], address, mdg_error_name(rc));
    return rc;
}

int listener_listen(struct listener *listener)
{
    int rc = 0;
    if (listener->is_listening) return 0;
    if (!listener->handle) rc = bind_tcp(listener);
    if (rc == 0) rc = uv_listen(&listener->handle->socket.stream, BACKLOG, on_connection);
    if (rc == 0) listener->is_listening = true;
    return rc;
}

void listener_close(struct listener *listener, bool keep_port)
{
    struct listener_handle *handle = listener->handle;
    if (!handle) return;
    listener->handle = NULL;
    listener->is_listening = listener->is_paused = false;
    handle->listener = NULL;
    uv_close(&handle->socket.handle, on_handle_closed);
    if (!keep_port) return;
    int rc = bind_tcp(listener);
    if (rc != 0) log_warn("net.listen", "listener=%s rc=%s", KIND_NAMES[listener->kind], mdg_error_name(rc));
}

int listener_port(const struct listener *listener)
{
    const struct sockaddr_storage *address = &listener->address;
    if (address->ss_family == AF_INET) return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
}
