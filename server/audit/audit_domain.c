#include "server/audit/audit_domain.h"

#include <stdio.h>

#include "server/audit/audit_head_store.h"

/* Together they fit the reason of an audit row. */
#define SHEET_BYTES_MAX 80
#define PURPOSE_BYTES_MAX 80

static int handle_head(struct request *rq)
{
    struct audit_head head;
    int rc = audit_head_read(rq->db, &head);
    if (rc != 0) return rc;
    Mdg__AuditHeadIs *answer = answer_new(rq);
    if (!answer) return MDG_ERR_MEMORY;
    answer->seq = head.seq;
    if (head.seq == 0) return 0;
    answer->hash.data = arena_copy(&rq->arena, head.hash, sizeof head.hash);
    answer->hash.len = sizeof head.hash;
    return answer->hash.data ? 0 : MDG_ERR_MEMORY;
}

/* The audit row that every write leaves is all there is to keep. */
static int handle_print(struct request *rq)
{
    const Mdg__AuditPrint *print = rq->op;
    char *reason = arena_alloc(&rq->arena, AUDIT_REASON_BYTES_MAX + 1);
    if (!reason) return MDG_ERR_MEMORY;
    snprintf(reason, AUDIT_REASON_BYTES_MAX + 1, "%s: %s", print->sheet, print->purpose);
    rq->reason = reason;
    return 0;
}

#define STAFF (ROLE_BIT_DESK | ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION)

static const struct route ROUTES[] = {
    {.name = "audit.head",
     .op = MDG__AUDIT__OF_HEAD,
     .roles = STAFF,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     .access = ROUTE_READ,
     .audit = AUDIT_NONE,
     .handle = handle_head},
    {.name = "audit.print",
     .op = MDG__AUDIT__OF_PRINT,
     .roles = STAFF,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_OWN_TERMINAL,
     .access = ROUTE_WRITE,
     .audit = AUDIT_CHANGE,
     .flags = ROUTE_MAY_WAIT,
     .handle = handle_print},
};

static const struct field_limit LIMITS[] = {
    {&mdg__audit_print__descriptor, 1, 1, SHEET_BYTES_MAX, false},   /* sheet */
    {&mdg__audit_print__descriptor, 2, 1, PURPOSE_BYTES_MAX, false}, /* purpose */
};

const struct domain AUDIT_DOMAIN = {
    .name = "audit",
    .arm = MDG__BODY__DOMAIN_AUDIT,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
};
