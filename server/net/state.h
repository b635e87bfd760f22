/* server/net/state.h - what the files of net/ share: the connections and their place in lists. Loop thread.
 *
 *   HANDSHAKE ─► ADMITTING ─► OPEN ─► CLOSING ─► CLOSED
 *       │      (terminals only) ▲        ▲          ▲
 *       └───────────────────────┘        │          └ uv_close() called, freed in its callback
 *                                        └ goodbye is said; what still comes is thrown away
 */
#ifndef MADOGUCHI_NET_STATE_H
#define MADOGUCHI_NET_STATE_H

#include <netinet/in.h>

#include "common/frame.h"
#include "common/tls_stream.h"
#include "server/keys/authority.h"
#include "server/net/net.h"

struct fan_view;

/* A place in a circular list; alone it points at itself. */
struct link {
    struct link *next, *prev;
};

static inline void link_init(struct link *link)
{
    link->next = link->prev = link;
}

static inline bool link_is_alone(const struct link *link)
{
    return link->next == link;
}

static inline void link_remove(struct link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link_init(link);
}

/* At the end of head's list; nothing happens if link stands in a list already. */
static inline void link_append(struct link *head, struct link *link)
{
    if (!link_is_alone(link)) return;
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

#define LINK_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Bytes that grow; no memory while empty. */
struct heap_bytes {
    uint8_t *bytes;
    size_t length, size;
};

enum conn_state { CONN_HANDSHAKE, CONN_ADMITTING, CONN_OPEN, CONN_CLOSING, CONN_CLOSED };
enum listener_kind { LISTENER_TERMINALS, LISTENER_ENROLMENT, LISTENER_CONSOLE, LISTENER_KINDS };

/* How a subscription stands: the ring serves it, or the database has to. */
enum fan_state { FAN_NONE, FAN_BEHIND, FAN_ASKED, FAN_LIVE };

struct conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    struct net *net;
    struct session session;
    struct tls_stream tls; /* ssl is NULL on the console */
    struct frame_splitter splitter;
    struct heap_bytes held;    /* received before its turn: handshake bytes, or plain ones while being looked up */
    struct heap_bytes replies; /* frames that are not encrypted yet */
    size_t unsent;             /* encrypted bytes that libuv holds */
    size_t unsent_replies;     /* of those, plain bytes of replies */
    size_t unsent_seen;        /* when the last sweep came by */

    struct fan_view *view;      /* NULL: no subscription */
    struct feed_part *catch_up; /* owned: a list of what is to be sent next */
    int64_t sent_rev;
    uint64_t next_seq; /* FAN_LIVE: the part of the view's ring to be sent next */

    struct link young;      /* before hello, of its listener */
    struct link dirty;      /* has something to write */
    struct link shake;      /* waits for its turn of the handshake */
    struct link subscriber; /* of its view */

    int64_t terminal_id; /* known from the certificate, before the terminal is looked up */
    uint64_t address;    /* IPv4 address or IPv6 network */
    struct bucket bucket;
    uint64_t accepted_ms, established_ms, heard_ms, pinged_ms, incomplete_ms, stalled_ms, closing_ms;
    uint64_t pings;
    uint16_t slot;
    enum conn_state state;
    enum fan_state fan_state;
    enum listener_kind listener;
    bool is_turned_away;
};

struct listener_handle;

struct listener {
    struct net *net;
    enum listener_kind kind;
    struct listener_handle *handle;  /* NULL: not bound */
    struct sockaddr_storage address; /* with the number that was given at first */
    bool is_listening, is_paused;    /* paused: somebody waits until the rate of accepts allows it */
    struct link young;
    uint32_t young_count;
};

struct net {
    uv_loop_t *loop;
    struct dispatch *dispatch; /* borrowed; NULL before net_start */
    struct net_options options;
    const struct net_limits *limits;   /* of options */
    SSL_CTX *contexts[LISTENER_KINDS]; /* none for the console */
    struct listener listeners[LISTENER_KINDS];
    int64_t enrolment_until_us;

    struct conn **slots; /* by the low bits of the connection's id */
    uint16_t *free_slots;
    uint32_t slots_count, free_count;
    uint64_t serial;                            /* of connections */
    uint32_t total, turned_away, console_count; /* connections now */
    unsigned handles_open;                      /* libuv's, connections included */

    struct tls_io io;
    uint8_t *read_buffer;
    uint8_t *scratch; /* several small frames become one record here */
    bool is_feeding;  /* io->out may hold bytes of the connection being read: nobody else may write */
    struct link dirty, shake;
    uint32_t shakes_now; /* steps of handshakes in this turn */
    struct fan_view *views;

    struct bucket accepts;
    uv_timer_t sweep, accept_timer, drain_timer;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* runs while work waits for the next turn, so that the loop does not sleep */

    bool is_draining, is_drain_late;
    uint64_t minute_ms; /* when dispatch was last told who is there */
    void (*drained)(void *arg);
    void *drained_arg;
};

/* net.c */
struct conn *net_conn(struct net *net, uint64_t conn_id); /* NULL: gone, or closing */
void net_keep_awake(struct net *net);

/* listener.c */
int listener_open(struct net *net, enum listener_kind kind, const char *address);
int listener_listen(struct listener *listener);
/* Stops listening. keep_port: the number stays ours, without anybody listening there. */
void listener_close(struct listener *listener, bool keep_port);
void listener_go_on(struct listener *listener); /* takes in who waited */
int listener_port(const struct listener *listener);

/* connection.c: receiving */
struct conn *conn_new(struct net *net, enum listener_kind kind);
void conn_begin(struct conn *conn); /* the socket is accepted */
void conn_go_on(struct conn *conn); /* its turn of the handshake has come */
void conn_note_hello(struct conn *conn);
void conn_leave_young(struct conn *conn);

/* sending.c */
int heap_bytes_add(struct heap_bytes *to, const uint8_t *bytes, size_t length);
void heap_bytes_fini(struct heap_bytes *bytes);
void conn_reply(struct conn *conn, const uint8_t *bytes, size_t length);
void conn_reply_frame(struct conn *conn, const Mdg__Frame *frame);
void conn_mark_dirty(struct conn *conn);
void conn_flush(struct conn *conn);
void conn_send_out(struct conn *conn); /* what lies in net->io.out is this connection's */
/* Says why and closes in good order. */
void conn_goodbye(struct conn *conn, int code, uint32_t retry_after_ms);
/* As conn_goodbye(), but what waited is thrown away: the peer may not see it any more. */
void conn_cut(struct conn *conn, int code);
/* Closes in good order without a word in frames. */
void conn_linger(struct conn *conn);
void conn_close(struct conn *conn); /* at once */
uint32_t conn_retry_after_ms(const struct conn *conn);

#endif
