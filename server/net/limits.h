/* server/net/limits.h - how much a peer may ask for (server/README.md 11), as values and pure functions: what to do
 * is decided here, done in connection.c. Times are milliseconds of the loop's monotonic clock. */
#ifndef MADOGUCHI_NET_LIMITS_H
#define MADOGUCHI_NET_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/request/roles.h"

struct net_rate {
    uint32_t per_second, burst;
};

struct net_limits {
    /* A frame to the server, in bytes without its head. */
    uint32_t frame_before_hello; /* also whoever is on the enrolment listener */
    uint32_t frame_narrow;       /* door, display, lounge */
    uint32_t frame_wide;         /* counter, office, council, console */

    uint32_t handshake_ms;  /* from accept to the end of the handshake */
    uint32_t hello_ms;      /* from there to hello */
    uint32_t incomplete_ms; /* a frame that has begun */
    uint32_t stalled_ms;    /* a write of which no byte leaves */
    uint32_t ping_ms;       /* silence after which we ask */
    uint32_t dead_ms;       /* silence after which the peer is dead */
    uint32_t linger_ms;     /* from goodbye to the socket's end */
    uint32_t drain_ms;      /* from SIGTERM to the last socket's end */

    uint32_t waiting_bytes; /* replies that wait for the peer to read */

    uint32_t connections_total;
    uint32_t before_hello; /* of one listener */
    uint32_t per_address_before;
    uint32_t per_terminal_after;
    uint32_t turned_away;    /* at once led through a handshake only to hear "come back later" */
    uint32_t retry_after_ms; /* least time said to them; up to twice as long, so that they spread */

    struct net_rate narrow; /* requests: lounge, door, display, enrolment, before hello */
    struct net_rate wide;   /* requests: counter, office, council, console */
    struct net_rate accepts;
    uint32_t handshakes_per_turn; /* steps of handshakes in one turn of the loop */

    uint32_t ring_parts, ring_bytes; /* of each view's fan-out */
};

void net_limits_default(struct net_limits *limits);

size_t limits_frame_bytes(const struct net_limits *limits, enum terminal_kind kind, bool has_hello);
const struct net_rate *limits_rate(const struct net_limits *limits, enum terminal_kind kind, bool has_hello);

/* Thousandths of a token, so that slow rates lose nothing to rounding. All zero is a full bucket. */
struct bucket {
    uint64_t at_ms;
    uint32_t missing_milli;
};
/* Takes one token; false: there is none, *retry_after_ms (may be NULL) says when there will be one. */
bool bucket_take(struct bucket *bucket, const struct net_rate *rate, uint64_t now_ms, uint32_t *retry_after_ms);

/* Who is there, as seen by one that has just come. */
struct net_counts {
    uint32_t total, before_hello, of_address_before, turned_away;
};
enum limits_verdict { ADMIT, TURN_AWAY, DROP };
enum limits_verdict limits_accept(const struct net_limits *limits, const struct net_counts *counts);

/* Nothing waits yet: one reply always fits, it is bounded by the frame's size. */
bool limits_reply_fits(const struct net_limits *limits, size_t waiting, size_t length);

/* A connection's clock: 0 where the condition does not hold. */
struct conn_times {
    bool is_established, has_hello, is_watched; /* watched: pinged, and dropped when silent */
    uint64_t accepted_ms, established_ms, heard_ms, pinged_ms;
    uint64_t incomplete_ms; /* since a frame has been incomplete */
    uint64_t stalled_ms;    /* since no byte has left */
};
enum limits_overdue { IN_TIME, PING_DUE, HANDSHAKE_OVERDUE, HELLO_OVERDUE, FRAME_OVERDUE, WRITE_OVERDUE, PEER_DEAD };
enum limits_overdue limits_overdue(const struct net_limits *limits, const struct conn_times *times, uint64_t now_ms);

#endif
