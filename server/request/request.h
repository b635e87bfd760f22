/* server/request/request.h - what a handler gets, and the few things it can do: refuse, answer, record a
 * change, ask for an effect after the commit. A handler is a pure function of database, request and now_us. */
#ifndef MADOGUCHI_REQUEST_REQUEST_H
#define MADOGUCHI_REQUEST_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "frame.pb-c.h"
#include "server/request/roles.h"
#include "server/store/audit.h"
#include "server/store/db.h"
#include "server/store/feed.h"
#include "server/store/turn.h"

struct domain;
struct keys;
struct route;

/* Who is at the other end. The loop thread owns a connection's; a request carries a copy. */
struct caller {
    enum terminal_kind kind;
    bool is_private;
    bool has_hello;
    int64_t terminal_id, room_id;
    int64_t person_id;     /* 0: nobody signed in */
    uint32_t person_roles; /* all the person has */
    uint32_t roles;        /* those that count here, roles_effective() */
    int64_t sign_in_id;
    int64_t sign_in_until_us, idle_us, last_call_us;
    int64_t confirmed_until_us;  /* the own secret was given once more */
    uint8_t exporter[32];        /* binds to the TLS connection; used by enrolment */
    char certificate_serial[33]; /* hex, of the terminal's certificate; empty without one */
};

#define REFUSAL_ARGS_MAX 4
struct refusal {
    int code;
    const char *field; /* constants or in the arena */
    const char *rule;
    struct {
        const char *key, *value;
    } args[REFUSAL_ARGS_MAX];
    int args_count;
    uint32_t retry_after_ms;
    int64_t object_id; /* e.g. the booking that stood there first */
    bool has_answer;   /* the answer goes with it: what clashes, what is free. Not on a repeated key. */
};

/* What shall happen on the loop thread once the batch is committed (or the read has ended). */
enum effect_kind {
    EFFECT_HELLO_DONE,
    EFFECT_SIGNED_IN,  /* person_id, sign_in_id, roles (all the person has), until_us, idle_us */
    EFFECT_SIGNED_OUT, /* this connection's person */
    EFFECT_CONFIRMED,  /* until_us */
    EFFECT_SUBSCRIBED, /* view, rev = where parts begin */
    EFFECT_UNSUBSCRIBED,
    EFFECT_PERSON_CHANGED,   /* person_id, roles now (0 roles and until_us 0: disabled, signed out everywhere) */
    EFFECT_TERMINAL_CUT,     /* terminal_id: close its connections now */
    EFFECT_TERMINAL_CHANGED, /* terminal_id, is_private, room_id */
    EFFECT_ENROLMENT_OPEN,   /* until_us */
    EFFECT_ENROLMENT_CLOSED,
    EFFECT_TRUST_CHANGED /* authorities or the server's certificate: make a new TLS context */
};

struct effect {
    enum effect_kind kind;
    int64_t person_id, terminal_id, room_id, sign_in_id, until_us, idle_us, rev;
    uint32_t roles;
    bool is_private;
    struct feed_view view;
};

#define REQUEST_EFFECTS_MAX 4

struct request {
    const struct domain *domain;
    const struct route *route;
    struct caller caller;
    const Mdg__Request *msg; /* decoded and checked at the door; in the arena */
    const void *op;          /* the call's own message, e.g. const Mdg__VisitCount * */
    struct arena arena;
    int64_t now_us;    /* the server's clock when the frame arrived */
    struct db *db;     /* of the thread that runs the stage */
    struct turn *turn; /* in the handler of a write, else NULL */
    const struct keys *keys;
    void *work; /* between prepare, work and handle of a route; in the arena */

    bool is_deferred; /* it waited in an outbox: made_us is when */
    int64_t made_us;
    int64_t approval_id;       /* not 0: run because a second person approved */
    const Mdg__Body *approved; /* set by approvals.decide: the stored call to be run now, asked for by … */
    int64_t approved_for;      /* … this person */
    const char *approved_reason;

    /* What comes out. */
    struct refusal refusal;
    Mdg__Body *answer; /* NULL: the envelope says all */
    int64_t object_id, rev;
    const char *reason; /* for the audit row, in the person's own words */
    struct effect effects[REQUEST_EFFECTS_MAX];
    int effects_count;
};

/* Refusing: each returns code, so a handler says `return refuse(...)`. Later calls overwrite earlier ones. */
int refuse(struct request *rq, int code, const char *field, const char *rule);
/* As refuse(), but what the handler changed is kept and committed: a wrong secret must be counted. Returns 0. */
int refuse_and_keep(struct request *rq, int code, const char *field, const char *rule);
int refuse_arg(struct request *rq, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The answer of this call: Body, domain and the arm call + 100 are made in the arena and initialised; the
 * handler fills what it returns, e.g. Mdg__VisitListed *. NULL: out of memory (return MDG_ERR_MEMORY). */
void *answer_new(struct request *rq);
/* A row for the feed: the domain's arm `row_arm` within a fresh Mdg__Row. *body gets the row's own message.
 * Returns NULL when out of memory. */
Mdg__Row *row_new(struct arena *arena, uint32_t kind, void **body);
/* Adds a record to what a feed source brings: its complete row of row_new(), or NULL when the view does not hold it any
 * more. day: for the horizon, 0 without one. */
int row_feed(struct feed_rows *rows, uint32_t kind, int64_t id, int64_t rev, int32_t day, Mdg__Row *row);
/* Grows a repeated field of messages in the arena: the new, initialised element, or NULL. */
void *repeated_add(struct arena *arena, size_t *count, void *array_field, const ProtobufCMessageDescriptor *of);

/* A synced row was made or changed: takes the next rev, to be stored with the row. The first call in a request
 * names the request's object for the reply and the audit row. */
int64_t change_record(struct request *rq, int64_t object_id);

/* MDG_ERR_INTERNAL when there are too many. */
int effect_add(struct request *rq, const struct effect *effect);

#endif
