/* server/dispatch/dispatch.h - from a frame's bytes to a domain's handler and back. Loop thread; owns the writer,
 * the readers, the feed and the worker threads. Knows routes and roles; knows no sockets and no SQL.
 *
 *   bytes ─► decode, check ─► route, roles ─┬─ read ─► reader thread ───────────────┬─► response, effects
 *                                           └─ write ─ prepare ─ work ─► writer ────┘
 */
#ifndef MADOGUCHI_DISPATCH_DISPATCH_H
#define MADOGUCHI_DISPATCH_DISPATCH_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "server/request/domain.h"

struct dispatch;

/* One a connection, embedded in it by net/, filled and kept by dispatch. */
struct session {
    uint64_t conn_id; /* never used twice */
    struct caller caller;
    unsigned in_flight;     /* requests not answered yet */
    size_t in_flight_bytes; /* and the memory they were decoded into */
};

/* What dispatch tells net/, on the loop thread where nothing else is said. */
struct dispatch_events {
    /* The session of a connection that is still there, or NULL. */
    struct session *(*session_of)(void *arg, uint64_t conn_id);
    /* A response frame with its head; borrowed until it returns. NULL: there was no memory for it, so the connection
     * must end, or it would wait for ever. */
    void (*on_response)(void *arg, uint64_t conn_id, const uint8_t *bytes, size_t length);
    /* Everything that was ready in this turn of the loop has been handed over: time to write to the sockets. */
    void (*on_turn_end)(void *arg);
    /* EFFECT_SUBSCRIBED, _UNSUBSCRIBED (conn_id), TERMINAL_CUT, ENROLMENT_OPEN, _CLOSED, TRUST_CHANGED. Effects on
     * callers (signed in, roles, kind) dispatch applies itself, through for_each_session. */
    void (*on_effect)(void *arg, uint64_t conn_id, const struct effect *effect);
    void (*for_each_session)(void *arg, void (*each)(void *each_arg, struct session *session), void *each_arg);
    /* A list of parts, the callee's to free with feed_part_free(). */
    void (*on_parts)(void *arg, struct feed_part *parts);
    /* The disk failed: end the process with an error, answer nobody. Any thread. */
    void (*on_fatal)(void *arg, int rc);
    void *arg;
};

struct dispatch_options {
    uv_loop_t *loop;
    const char *db_path;
    const struct keys *keys;
    int reader_threads;
    struct dispatch_events events;
};

int dispatch_new(const struct dispatch_options *options, struct dispatch **out);

/* One decoded frame of a connection, with the arena it lives in, which dispatch takes over in any case. 0: taken (its
 * answer comes through on_response, also a refusal). Negative: not a frame of this protocol; say goodbye with
 * that code and close. Pings are answered by net/. */
int dispatch_request(struct dispatch *dispatch, struct session *session, const Mdg__Frame *frame, struct arena *arena);

/* Decodes and checks a frame in a budget of 16 × length + 64 KiB, at most 1 MiB. MDG_ERR_MALFORMED, MDG_ERR_MEMORY.
 * The arena is initialised here and owned by the caller. */
int dispatch_decode(const uint8_t *bytes, size_t length, struct arena *arena, Mdg__Frame **frame);

/* A terminal has come with this certificate: done gets 0 and the filled caller, or MDG_ERR_REVOKED. The lookup runs on
 * a reader thread; done comes on the loop thread, also after the connection has gone. */
void dispatch_admit(struct dispatch *dispatch, uint64_t conn_id, int64_t terminal_id, const char *serial,
                    void (*done)(void *arg, uint64_t conn_id, int rc, const struct caller *caller));

/* The connection is going: its sign-in keeps the time of the last call, so that it may be taken up again. */
void dispatch_session_closed(struct dispatch *dispatch, const struct session *session);

/* A call of the server itself, by KIND_CLOCK; body is borrowed until it returns. Its outcome is audited and logged. */
void dispatch_clock_call(struct dispatch *dispatch, const Mdg__Body *body);
/* Once a minute: writes what door refusals were counted, and which of these terminals were there. */
void dispatch_clock_minute(struct dispatch *dispatch, const int64_t *terminal_ids, size_t count);

/* The wall clock has jumped by so much: leaves a row in the audit trail, with the seconds as its object. */
void dispatch_clock_stepped(struct dispatch *dispatch, int64_t step_us);

/* The feed, on behalf of net/'s fan-out. */
struct feed *dispatch_feed(struct dispatch *dispatch);

/* A refusal at the door of net/ (rates, certificates), to be counted in the audit trail. */
void dispatch_audit_refusal(struct dispatch *dispatch, const struct caller *caller, const char *operation, int code);

/* A Frame with its head, packed into malloc'ed memory that the caller frees. NULL: out of memory. */
uint8_t *frame_pack(const Mdg__Frame *frame, size_t *length);

/* Fills the wire form of a refusal; texts are borrowed from it. args must have room for REFUSAL_ARGS_MAX. */
struct refusal_wire {
    Mdg__Refusal refusal;
    Mdg__RefusalArgument args[REFUSAL_ARGS_MAX];
    Mdg__RefusalArgument *arg_pointers[REFUSAL_ARGS_MAX];
};
void refusal_to_wire(const struct refusal *refusal, struct refusal_wire *wire);

/* Stops taking requests, finishes what is queued (answers still come through on_response while it runs the loop), joins
 * the threads and closes its handles: the loop must run once more before dispatch_free(). */
void dispatch_stop(struct dispatch *dispatch);
void dispatch_free(struct dispatch *dispatch); /* NULL is allowed */

/* The union of the route tables (routes.c). */
extern const struct domain *const DOMAINS[];
extern const size_t DOMAINS_COUNT;

#endif
