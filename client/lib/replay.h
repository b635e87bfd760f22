/* client/lib/replay.h - in which order and how far ahead an outbox is sent. Knows no connection and no clock.
 *
 * Effects must come about in the order of making. Up to REPLAY_AHEAD writes of one kind of call are under way at once,
 * since they do not build on each other; a write of another kind (the undo of a count) waits for all before it.
 * When the server cannot take one now (busy, full disk), nothing more is sent, and after a while sending begins
 * again from that one. */
#ifndef MADOGUCHI_CLIENT_LIB_REPLAY_H
#define MADOGUCHI_CLIENT_LIB_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/outbox.h"

#define REPLAY_AHEAD 64u
#define REPLAY_PAUSE_MS 1000u

/* Sends one; its answer comes later to replay_answered(). Not 0: it was not sent, the connection is going down. */
typedef int replay_send(void *arg, const struct outbox_entry *entry);

struct replay {
    struct outbox *outbox; /* borrowed */
    replay_send *send;
    void *arg;
    bool is_open; /* there is a connection */
    unsigned under_way;
    uint32_t call_kind; /* of all those under way */
    int64_t sent;       /* the number up to which all were sent */
    int64_t again_from; /* 0, or the lowest number to be sent once more */
    uint64_t not_before_ms;
};

void replay_init(struct replay *replay, struct outbox *outbox, replay_send *send, void *arg);
/* A connection is up: everything unsent is to be sent. */
void replay_open(struct replay *replay);
/* The connection is gone, and no answers come any more. */
void replay_close(struct replay *replay);
/* Sends what may go now. *wait_ms: when to call again, 0: not before something happens. */
int replay_pump(struct replay *replay, uint64_t now_ms, uint64_t *wait_ms);

enum replay_verdict { REPLAY_ACCEPTED, REPLAY_REFUSED, REPLAY_LATER };
/* rc and response as in mdg_reply_cb. Settles the item in the outbox; *verdict says how. */
int replay_answered(struct replay *replay, int64_t number, int rc, const Mdg__Response *response, uint64_t now_ms,
                    enum replay_verdict *verdict);
/* Refusals that say nothing about the write itself. */
bool replay_is_later(int code);

#endif
