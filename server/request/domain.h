/* server/request/domain.h - what a domain consists of, for dispatch: its arm in Body, its routes, the limits
 * of every field that can be sent to it, the kinds of row it feeds, and how its figures are verified.
 * All constant tables; dispatch/routes.c lists the domains, a line each. */
#ifndef MADOGUCHI_REQUEST_DOMAIN_H
#define MADOGUCHI_REQUEST_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/request/request.h"

enum route_access {
    ROUTE_READ, /* on a reader thread, in a snapshot */
    ROUTE_WRITE /* on the writer thread, in the batch */
};

enum route_audit {
    AUDIT_NONE,   /* a read that leaves no trace */
    AUDIT_CHANGE, /* a write: key, digest, outcome */
    AUDIT_SECRET, /* a check of a secret: no digest of the content is kept, and no request_key is needed */
    AUDIT_READ    /* an audited read: runs as a write, committed before the text leaves */
};

enum route_flag {
    ROUTE_MAY_WAIT = 1 << 0,          /* may wait in an outbox of counter and office */
    ROUTE_TERMINAL_SUFFICES = 1 << 1, /* a write that waited needs no sign-in token (counting) */
    ROUTE_CONFIRM = 1 << 2,           /* the own secret must have been given in the last 5 minutes */
    ROUTE_APPROVAL = 1 << 3,          /* a second person of the same right decides (approvals) */
    ROUTE_BEFORE_HELLO = 1 << 4,
    ROUTE_PERSONAL = 1 << 5 /* what is sent names citizens: its memory is overwritten afterwards */
};

/* Which records: part of the SQL's WHERE, written here for `madoguchid routes`. */
enum route_scope {
    SCOPE_CENTRE,       /* the centre's records */
    SCOPE_OWN_TERMINAL, /* what this terminal made */
    SCOPE_OWN_PERSON,
    SCOPE_TOTALS,    /* totals with suppression */
    SCOPE_OWN_GROUP, /* staff all; a group its own */
    SCOPE_OWN_ROOM   /* staff all; a door its own room's */
};

struct route {
    const char *name; /* domain.operation, as in log and audit */
    uint32_t op;      /* the call's arm in the domain's message */
    uint32_t roles;   /* ROLE_BIT_*: any of them */
    uint32_t kinds;   /* KIND_BIT: where */
    enum route_scope scope;
    enum route_access access;
    enum route_audit audit;
    uint32_t flags;
    /* Optional stages before handle. prepare: reader thread, may refuse, sets rq->work. work: a worker thread
     * for what costs much CPU (Argon2id); no database; not run when rq->work is NULL. */
    int (*prepare)(struct request *rq);
    void (*work)(struct request *rq);
    int (*handle)(struct request *rq); /* 0, or a refusal's code: the savepoint is rolled back */
};

/* Every number, text, bytes or repeated field of a call has a line; dispatch refuses to start without it.
 * Numbers: least and most value. text and bytes: bytes long. repeated: items. Enumerations and booleans
 * need no line: unknown values are refused. */
struct field_limit {
    const ProtobufCMessageDescriptor *message;
    uint32_t field;
    int64_t least, most;
    bool has_lines; /* text: line feeds may stand in it */
};

struct domain {
    const char *name;
    uint32_t arm; /* in Body */
    const struct route *routes;
    size_t routes_count;
    const struct field_limit *limits;
    size_t limits_count;
    const struct feed_source *sources;
    size_t sources_count;
    /* Recomputes what is kept beside the rows and compares; complaint (allocated, caller frees) says the first
     * difference. MDG_ERR_CORRUPT. NULL: nothing to verify. */
    int (*verify)(struct db *db, char **complaint);
};

#define DOMAIN_ARM_ANSWER 100u
#define FEED_KIND(domain_arm, row_arm) ((domain_arm)*1000u + (row_arm))

/* Views as bits (struct feed_view.name). */
enum view_name {
    VIEW_DESK = 1 << 0, /* counters */
    VIEW_OFFICE = 1 << 1,
    VIEW_COUNCIL = 1 << 2,
    VIEW_PUBLIC = 1 << 3, /* lounge, display */
    VIEW_DOOR = 1 << 4,   /* door; its scope is the room */
    VIEW_EVERY = VIEW_DESK | VIEW_OFFICE | VIEW_COUNCIL | VIEW_PUBLIC | VIEW_DOOR
};

#endif
