/* client/lib/madoguchi.h - libmadoguchi, the one public header. A client of one enrolled terminal on a libuv loop:
 * it connects and reconnects, calls, keeps a replica of what the terminal may see and an outbox of what waits.
 *
 * Thread: everything is called on the loop's thread, and every callback runs there. A callback runs exactly
 * once for each started call, never before the starting call has returned, and with MDG_ERR_SHUTTING_DOWN when the
 * client closes. If the starting call fails, its callback never runs. Errors are negative (common/error.h).
 *
 * The program must ignore SIGPIPE: libuv writes to a connection whose server was killed like to any other. */
#ifndef MADOGUCHI_CLIENT_LIB_MADOGUCHI_H
#define MADOGUCHI_CLIENT_LIB_MADOGUCHI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/error.h"
#include "frame.pb-c.h"

#define MDG_PROTOCOL_VERSION 1u
#define MDG_KEY_BYTES 16

struct mdg_client;
struct mdg_outbox_item;

/* --- states a screen can show ------------------------------------------------------------------------- */

enum mdg_link {
    MDG_LINK_OFFLINE, /* since offline_since_us; tries again by itself */
    MDG_LINK_CONNECTING,
    MDG_LINK_ONLINE /* hello is through, calls go out */
};

struct mdg_state {
    enum mdg_link link;
    int why_offline;          /* the error that ended or prevented the connection. REVOKED and VERSION are not
                                 tried again before a person acts; CERTIFICATE_EXPIRED and UNTRUSTED when this
                                 machine's clock was set, and every 5 minutes */
    int64_t offline_since_us; /* 0 while online */
    unsigned unsent;          /* writes in the outbox that the server has not answered */
    unsigned refused;         /* writes it refused, kept until mdg_outbox_dismiss() */
    bool is_caught_up;        /* the replica holds all that the server had */
    int64_t replica_rev;
    int64_t clock_offset_us; /* server's clock minus this one, as last measured */
    int64_t person_id;       /* signed in, 0: nobody */
    const char *person_name; /* borrowed until the next event; "" when nobody */
    uint32_t roles;
};

/* What the server told about itself and this terminal; kept with the profile, so it is there offline too. */
struct mdg_centre {
    const char *name, *zone, *terminal_name;
    int64_t terminal_id;
    uint32_t terminal_kind;
    int fiscal_year_first_month;
};

struct mdg_events {
    void (*on_state)(struct mdg_client *client, const struct mdg_state *state, void *arg);
    /* A row of the replica was put, changed or removed (row->is_removed; then only kind and id). Comes after the
     * part was stored. Borrowed. A fresh start comes as on_reset before the rows. */
    void (*on_row)(struct mdg_client *client, const Mdg__Row *row, void *arg);
    void (*on_reset)(struct mdg_client *client, void *arg);
    /* A write of the outbox was answered: refusal NULL when accepted. item is borrowed. */
    void (*on_answered)(struct mdg_client *client, const struct mdg_outbox_item *item, const Mdg__Refusal *refusal,
                        void *arg);
    void *arg;
}; /* any of them may be NULL */

/* --- the client --------------------------------------------------------------------------------------- */

struct mdg_options {
    const char *profile_dir; /* made by mdg_enrol(); holds key, certificate, replica and outbox */
    const char *program;     /* name and version, for the server's log */
    bool without_feed;       /* no subscription: calls only */
    bool without_outbox;     /* leave the outbox of this profile alone: another process replays it */
    bool without_sign_in;    /* do not take up the profile's sign-in */
    struct mdg_events events;
};

/* Reads the profile, opens replica and outbox; connects when the loop runs. MDG_ERR_CONFIG: no profile there.
 * MDG_ERR_NEWER. A damaged replica is made anew; a damaged outbox is MDG_ERR_CORRUPT. The caller owns *out. */
int mdg_client_new(uv_loop_t *loop, const struct mdg_options *options, struct mdg_client **out);
/* Ends everything on the loop, then calls on_closed and frees the client. NULL on_closed is allowed. */
void mdg_client_close(struct mdg_client *client, void (*on_closed)(void *arg), void *arg);

void mdg_client_state(const struct mdg_client *client, struct mdg_state *state);
void mdg_client_centre(const struct mdg_client *client, struct mdg_centre *centre); /* borrowed until the next event */
/* The centre's clock now: this machine's plus the measured offset. */
int64_t mdg_client_now_us(const struct mdg_client *client);
/* Drop the connection and stay away (pull the cable), or come back; for demonstrations and tests. */
void mdg_client_set_cable(struct mdg_client *client, bool is_plugged);

/* --- calls -------------------------------------------------------------------------------------------- */

/* rc 0: response is the server's (borrowed); response->refusal says whether it refused. rc negative: no answer
 * (MDG_ERR_OFFLINE, MDG_ERR_DEADLINE, MDG_ERR_SHUTTING_DOWN, UV_ECANCELED) and response is NULL. */
typedef void mdg_reply_cb(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg);

/* A read, or a write that needs the server now. key: NULL for reads; for writes MDG_KEY_BYTES from mdg_key_new(), so
 * that the caller may ask again after MDG_ERR_DEADLINE without doing it twice. MDG_ERR_OFFLINE when not online.
 * call_id may be NULL. */
int mdg_call(struct mdg_client *client, const Mdg__Body *body, const uint8_t *key, unsigned timeout_ms,
             mdg_reply_cb *cb, void *arg, uint64_t *call_id);
/* Its callback comes with UV_ECANCELED; what the server does with it is unknown. Unknown ids are ignored. */
void mdg_call_cancel(struct mdg_client *client, uint64_t call_id);

void mdg_key_new(uint8_t key[MDG_KEY_BYTES]);

/* --- signing in --------------------------------------------------------------------------------------- */

/* As mdg_call with sign_in.start; on success the token is kept in the profile for what waits and for reconnecting. */
int mdg_sign_in(struct mdg_client *client, const char *name, const char *secret, mdg_reply_cb *cb, void *arg);
/* Forgets the token at once and tells the server if it is there; cb may come with MDG_ERR_OFFLINE. */
int mdg_sign_out(struct mdg_client *client, mdg_reply_cb *cb, void *arg);

/* --- the outbox: counter and office ------------------------------------------------------------------- */

enum mdg_outbox_state {
    MDG_OUTBOX_UNSENT,
    MDG_OUTBOX_REFUSED,
    MDG_OUTBOX_TOO_OLD /* waited longer than the server keeps keys: shown to a person, never sent */
};

struct mdg_outbox_item {
    int64_t number; /* order of making */
    uint8_t key[MDG_KEY_BYTES];
    enum mdg_outbox_state state;
    int64_t made_us;             /* by this machine's clock */
    int64_t person_id;           /* who was signed in; 0: nobody */
    const char *person_name;     /* "" when nobody */
    const Mdg__Body *body;       /* without a domain when the file was damaged there: refused with MDG_ERR_CORRUPT */
    const Mdg__Refusal *refusal; /* of a refused one, else NULL */
};

/* Stores a write durably, then sends it as soon as it can; when this returns 0, it survives kill -9 and power loss.
 * key gets its request_key. MDG_ERR_FORBIDDEN: this kind of terminal has no outbox. MDG_ERR_DISK_FULL, MDG_ERR_IO.
 * The text of a consultation is sealed to the server before it is stored; MDG_ERR_OFFLINE: this terminal has never been
 * with the server, so it does not know to what key. */
int mdg_submit(struct mdg_client *client, const Mdg__Body *body, uint8_t key[MDG_KEY_BYTES]);
/* Calls each for every item in order; items and what they point at are borrowed until it returns. */
int mdg_outbox_each(struct mdg_client *client, void (*each)(const struct mdg_outbox_item *item, void *arg), void *arg);
/* A person has dealt with a refused or too old one. MDG_ERR_STATE: it is still to be sent. */
int mdg_outbox_dismiss(struct mdg_client *client, int64_t number);

/* --- the replica -------------------------------------------------------------------------------------- */

/* Calls each for every row of this kind, by id; rows are borrowed until it returns. kind 0: all kinds. */
int mdg_replica_each(struct mdg_client *client, uint32_t kind, void (*each)(const Mdg__Row *row, void *arg), void *arg);
/* One row into a message the caller frees with mdg__row__free_unpacked(row, NULL). MDG_ERR_NOT_FOUND. */
int mdg_replica_get(struct mdg_client *client, uint32_t kind, int64_t id, Mdg__Row **out);

/* --- enrolment ---------------------------------------------------------------------------------------- */

struct mdg_enrol_options {
    const char *profile_dir; /* must not hold a profile of another centre; made with mode 0700 */
    const char *host;        /* address or name of the enrolment listener */
    unsigned port;
    unsigned service_port; /* where terminals connect to, stored in the profile */
    const char *code;      /* as typed */
    /* The six digits to compare with the office's screen. */
    void (*on_check_number)(void *arg, const char *number);
    /* rc 0: enrolled. MDG_ERR_WRONG_CODE, MDG_ERR_UNTRUSTED (the server does not know the code: not ours),
     * MDG_ERR_CONFLICT (profile_dir belongs to another centre), … centre is NULL unless rc is 0. */
    void (*on_done)(void *arg, int rc, const Mdg__Refusal *refusal, const struct mdg_centre *centre);
    void *arg;
};
int mdg_enrol(uv_loop_t *loop, const struct mdg_enrol_options *options);

#endif
