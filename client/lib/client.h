/* client/lib/client.h - the client's inside, shared by the files of the library. A connection's way:
 *
 *   OFFLINE ─► CONNECTING: TLS ─► hello ─► resume the sign-in ─► ONLINE: outbox, subscription, calls
 *      ▲             (connection.c)    (session.c)                  │
 *      └────────── wait (reconnect.c) ◄─────────────────────────────┘ connection lost
 *
 * While a certificate is in doubt, attempts go on below OFFLINE: a screen shows why, not a light that blinks.
 */
#ifndef MADOGUCHI_CLIENT_LIB_CLIENT_H
#define MADOGUCHI_CLIENT_LIB_CLIENT_H

#include "client/lib/calls.h"
#include "client/lib/connection.h"
#include "client/lib/madoguchi.h"
#include "client/lib/outbox.h"
#include "client/lib/profile.h"
#include "client/lib/reconnect.h"
#include "client/lib/replay.h"
#include "client/lib/replica.h"

#define CALL_TIMEOUT_MS 30000u /* of what the library asks by itself */

struct renewal;

struct mdg_client {
    uv_loop_t *loop;
    struct profile profile;
    struct profile_sign_in sign_in;
    char program[64];
    bool has_feed;
    struct mdg_events events;

    struct connection *connection; /* NULL: none */
    struct calls calls;
    uv_timer_t retry_timer;  /* the next attempt */
    uv_timer_t notify_timer; /* on_state comes from the loop, never from within a call of the user's */
    uv_timer_t replay_timer;
    uv_timer_t minute_timer; /* what falls due by the clock */
    unsigned failures;       /* in a row: attempts that failed, connections that did not live long */
    uint64_t opened_ns;      /* of the connection; 0: not open yet */
    struct reconnect_moment tried;
    bool is_unplugged, is_closing;
    int handles; /* not yet closed, the connection counted */
    void (*on_closed)(void *arg);
    void *on_closed_arg;

    enum mdg_link link;
    int why_offline;
    int64_t offline_since_us;
    int64_t clock_round_us; /* of the last measurement of profile.clock_offset_us; 0: from the profile only */
    int64_t hello_us;
    int64_t certificate_from_us, certificate_until_us;
    bool renew_now;

    struct replica *replica;
    int replica_lock;    /* -1: another process follows the feed into the file */
    bool is_subscribing; /* asked, not yet answered */
    bool is_caught_up;
    uint8_t epoch[REPLICA_EPOCH_BYTES_MAX]; /* of the server now */
    size_t epoch_length;

    struct outbox *outbox; /* NULL: this kind of terminal has none */
    bool is_replaying;     /* false: another process sends what is in it */
    struct replay replay;
    int64_t online_after; /* number of the last item made before this connection was up */

    int64_t renew_after_us;  /* not before then, after a failure */
    struct renewal *renewal; /* NULL: none under way */
};

/* client.c */
void client_notify(struct mdg_client *client);
void client_measured(struct mdg_client *client, int64_t offset_us, int64_t round_us);
/* A call of the library's own or of the user's, whatever the link. id may be NULL. */
int client_call(struct mdg_client *client, const Mdg__Body *body, const uint8_t *key, const Mdg__Waited *waited,
                unsigned timeout_ms, mdg_reply_cb *cb, void *arg, uint64_t *id);
/* The connection is of no more use; *_closed events follow. */
void client_drop(struct mdg_client *client, int rc);
void client_went_online(struct mdg_client *client);

/* session.c: from TLS to online */
void session_start(struct mdg_client *client);

/* subscription.c: from the feed into the replica */
int subscription_open_replica(struct mdg_client *client);
void subscription_start(struct mdg_client *client);
void subscription_take(struct mdg_client *client, const Mdg__Part *part);

/* submit.c: the outbox and its sending */
int submit_open(struct mdg_client *client, bool is_replaying);
void submit_start(struct mdg_client *client);
void submit_stop(struct mdg_client *client);
/* By the clock: what has grown too old, and what other processes of this terminal left. */
void submit_look(struct mdg_client *client);
void submit_on_timer(uv_timer_t *timer);

/* sign_in.c */
int sign_in_resume(struct mdg_client *client, mdg_reply_cb *cb, void *arg);
/* Takes up what the server said; nothing usable in it: MDG_ERR_MALFORMED. */
int sign_in_take(struct mdg_client *client, const Mdg__SignedIn *signed_in);
void sign_in_forget(struct mdg_client *client);
/* Past its latest end nobody is signed in, also without the server. */
void sign_in_check(struct mdg_client *client);

/* renew.c */
void renew_if_due(struct mdg_client *client);
bool renew_is_due(int64_t from_us, int64_t until_us, int64_t now_us);
void renew_cancel(struct mdg_client *client);

#endif
