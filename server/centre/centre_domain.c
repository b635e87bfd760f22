#include "server/centre/centre_domain.h"

#include <sodium.h>

#include "server/centre/centre_store.h"
#include "server/keys/intake_key.h"
#include "server/terminals/terminal_store.h"
#include "server/terminals/trust.h"

#define PROTOCOL_MIN 1u
#define PROTOCOL_MAX 1u

/* --- hello -------------------------------------------------------------------------------------------- */

static int set_bytes(struct arena *arena, ProtobufCBinaryData *field, const void *bytes, size_t length)
{
    field->data = arena_copy(arena, bytes, length);
    field->len = length;
    return field->data ? 0 : MDG_ERR_MEMORY;
}

static int set_authorities(struct request *rq, Mdg__Welcome *welcome)
{
    size_t count = 0;
    struct der *list = NULL;
    int rc = trust_authorities(rq->db, &rq->arena, &count, &list);
    if (rc != 0) return rc;
    welcome->authorities = arena_alloc(&rq->arena, (count + 1) * sizeof *welcome->authorities);
    if (!welcome->authorities) return MDG_ERR_MEMORY;
    for (; rc == 0 && welcome->n_authorities < count; welcome->n_authorities++)
        rc = set_bytes(&rq->arena, &welcome->authorities[welcome->n_authorities], list[welcome->n_authorities].bytes,
                       list[welcome->n_authorities].length);
    return rc;
}

static int set_terminal(struct request *rq, Mdg__Welcome *welcome)
{
    welcome->terminal_id = rq->caller.terminal_id;
    welcome->terminal_kind = rq->caller.terminal_id ? (uint32_t)rq->caller.kind : 0;
    if (rq->caller.terminal_id == 0) return 0;
    bool renew_now = false;
    struct terminal terminal;
    int rc = terminal_get(rq->db, rq->caller.terminal_id, &rq->arena, &terminal);
    if (rc == 0) rc = trust_renew_now(rq->db, rq->caller.certificate_serial, &renew_now);
    if (rc != 0) return rc;
    welcome->terminal_name = (char *)terminal.name;
    welcome->renew_now = renew_now;
    return 0;
}

/* What a terminal seals to it, the server alone can open: where to write what waits of a consultation. */
static int handle_hello(struct request *rq)
{
    const Mdg__Hello *hello = rq->op;
    struct centre centre;
    if (hello->protocol_min > PROTOCOL_MAX || hello->protocol_max < PROTOCOL_MIN) {
        refuse(rq, MDG_ERR_VERSION, "protocol_max", "version");
        refuse_arg(rq, "min", "%u", PROTOCOL_MIN);
        return refuse_arg(rq, "max", "%u", PROTOCOL_MAX);
    }
    Mdg__Welcome *welcome = answer_new(rq);
    if (!welcome) return MDG_ERR_MEMORY;
    int rc = centre_read(rq->db, &rq->arena, &centre);
    welcome->protocol = hello->protocol_max < PROTOCOL_MAX ? hello->protocol_max : PROTOCOL_MAX;
    welcome->server_us = rq->now_us;
    welcome->program = (char *)"madoguchid " MDG_VERSION;
    if (rc == 0) rc = effect_add(rq, &(struct effect){.kind = EFFECT_HELLO_DONE});
    /* A machine on the enrolment listener has proved nothing yet. */
    if (rc != 0 || rq->caller.kind == KIND_APPLICANT) return rc;
    welcome->centre_name = (char *)centre.name;
    welcome->zone = (char *)centre.zone;
    welcome->fiscal_year_first_month = centre.fiscal_year_first_month;
    welcome->rev = centre.rev;
    rc = set_bytes(&rq->arena, &welcome->epoch, centre.epoch, sizeof centre.epoch);
    if (rc == 0) rc = set_authorities(rq, welcome);
    if (rc == 0) rc = set_terminal(rq, welcome);
    if (rc == 0) rc = set_bytes(&rq->arena, &welcome->intake_key, intake_key_public(rq->keys), INTAKE_KEY_BYTES);
    return rc;
}

/* --- tables ------------------------------------------------------------------------------------------- */

static const struct route ROUTES[] = {
    {.name = "centre.hello",
     .op = MDG__CENTRE__OF_HELLO,
     .roles = ROLE_BIT_TERMINAL | ROLE_BIT_APPLICANT | ROLE_BIT_CONSOLE,
     .kinds = KINDS_ENROLLED | KIND_BIT(KIND_APPLICANT) | KIND_BIT(KIND_CONSOLE),
     .scope = SCOPE_OWN_TERMINAL,
     .access = ROUTE_READ,
     .audit = AUDIT_NONE,
     .flags = ROUTE_BEFORE_HELLO,
     .handle = handle_hello},
};

static const struct field_limit LIMITS[] = {
    {&mdg__hello__descriptor, 1, 0, UINT32_MAX, false}, /* protocol_min */
    {&mdg__hello__descriptor, 2, 0, UINT32_MAX, false}, /* protocol_max */
    {&mdg__hello__descriptor, 3, 0, 64, false},         /* program */
    {&mdg__hello__descriptor, 4, 0, INT64_MAX, false},  /* terminal_us */
};

const struct domain CENTRE_DOMAIN = {
    .name = "centre",
    .arm = MDG__BODY__DOMAIN_CENTRE,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
};
