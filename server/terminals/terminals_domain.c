#include "server/terminals/terminals_domain.h"

#include "server/terminals/terminal_handlers.h"
#include "server/terminals/terminal_store.h"

#define ARM MDG__BODY__DOMAIN_TERMINALS
#define CALL(name) MDG__TERMINALS__OF_##name
#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

enum {
    WHO_OFFICE = ROLE_BIT_OFFICE,
    WHO_OFFICE_OR_CONSOLE = ROLE_BIT_OFFICE | ROLE_BIT_CONSOLE,
};
#define AT_OFFICE KINDS_STAFF
#define AT_OFFICE_OR_CONSOLE (KINDS_STAFF | KIND_BIT(KIND_CONSOLE))

static const struct route ROUTES[] = {
    {"terminals.enrol", CALL(ENROL), WHO_OFFICE_OR_CONSOLE, AT_OFFICE_OR_CONSOLE, SCOPE_CENTRE, ROUTE_WRITE,
     AUDIT_CHANGE, ROUTE_CONFIRM, prepare_enrol, work_enrol, handle_enrol},
    {"terminals.enrolment_state", CALL(ENROLMENT_STATE), WHO_OFFICE_OR_CONSOLE, AT_OFFICE_OR_CONSOLE, SCOPE_CENTRE,
     ROUTE_READ, AUDIT_NONE, 0, NULL, NULL, handle_enrolment_state},
    {"terminals.enrolment_decide", CALL(ENROLMENT_DECIDE), WHO_OFFICE_OR_CONSOLE, AT_OFFICE_OR_CONSOLE, SCOPE_CENTRE,
     ROUTE_WRITE, AUDIT_CHANGE, ROUTE_CONFIRM, NULL, NULL, handle_enrolment_decide},
    {"terminals.list", CALL(LIST), WHO_OFFICE, AT_OFFICE, SCOPE_CENTRE, ROUTE_READ, AUDIT_NONE, 0, NULL, NULL,
     handle_terminal_list},
    {"terminals.change", CALL(CHANGE), WHO_OFFICE, AT_OFFICE, SCOPE_CENTRE, ROUTE_WRITE, AUDIT_CHANGE, ROUTE_CONFIRM,
     NULL, NULL, handle_terminal_change},
    {"terminals.revoke", CALL(REVOKE), WHO_OFFICE, AT_OFFICE, SCOPE_CENTRE, ROUTE_WRITE, AUDIT_CHANGE, ROUTE_CONFIRM,
     NULL, NULL, handle_terminal_revoke},
    {"terminals.renew", CALL(RENEW), ROLE_BIT_TERMINAL, KINDS_ENROLLED, SCOPE_OWN_TERMINAL, ROUTE_WRITE, AUDIT_CHANGE,
     0, NULL, NULL, handle_terminal_renew},
    {"terminals.authority_state", CALL(AUTHORITY_STATE), WHO_OFFICE, AT_OFFICE, SCOPE_CENTRE, ROUTE_READ, AUDIT_NONE, 0,
     NULL, NULL, handle_authority_state},
    {"terminals.authority_move", CALL(AUTHORITY_MOVE), WHO_OFFICE, AT_OFFICE, SCOPE_CENTRE, ROUTE_WRITE, AUDIT_CHANGE,
     ROUTE_CONFIRM, NULL, NULL, handle_authority_move},

    {"terminals.open", CALL(OPEN), ROLE_BIT_APPLICANT, KIND_BIT(KIND_APPLICANT), SCOPE_OWN_TERMINAL, ROUTE_READ,
     AUDIT_NONE, 0, NULL, NULL, handle_open},
    {"terminals.prove", CALL(PROVE), ROLE_BIT_APPLICANT, KIND_BIT(KIND_APPLICANT), SCOPE_OWN_TERMINAL, ROUTE_WRITE,
     AUDIT_SECRET, 0, NULL, NULL, handle_prove},
    {"terminals.apply", CALL(APPLY), ROLE_BIT_APPLICANT, KIND_BIT(KIND_APPLICANT), SCOPE_OWN_TERMINAL, ROUTE_WRITE,
     AUDIT_SECRET, 0, NULL, NULL, handle_apply},
    {"terminals.collect", CALL(COLLECT), ROLE_BIT_APPLICANT, KIND_BIT(KIND_APPLICANT), SCOPE_OWN_TERMINAL, ROUTE_READ,
     AUDIT_NONE, 0, NULL, NULL, handle_collect},

    {"terminals.enrolment_expire", CALL(ENROLMENT_EXPIRE), ROLE_BIT_CLOCK, KIND_BIT(KIND_CLOCK), SCOPE_CENTRE,
     ROUTE_WRITE, AUDIT_CHANGE, 0, prepare_enrolment_expire, NULL, handle_enrolment_expire},
    {"terminals.enrolment_resume", CALL(ENROLMENT_RESUME), ROLE_BIT_CLOCK, KIND_BIT(KIND_CLOCK), SCOPE_CENTRE,
     ROUTE_READ, AUDIT_NONE, 0, NULL, NULL, handle_enrolment_resume},
    {"terminals.server_renew", CALL(SERVER_RENEW), ROLE_BIT_CLOCK, KIND_BIT(KIND_CLOCK), SCOPE_CENTRE, ROUTE_WRITE,
     AUDIT_CHANGE, 0, prepare_server_renew, NULL, handle_server_renew},
};

/* name may be empty where a terminal enrols again; the handler asks for it elsewhere. */
static const struct field_limit LIMITS[] = {
    {&mdg__terminal_enrol__descriptor, 1, 0, INT64_MAX, false},
    {&mdg__terminal_enrol__descriptor, 2, 0, TERMINAL_NAME_BYTES_MAX, false},
    {&mdg__terminal_enrol__descriptor, 4, 0, INT64_MAX, false},
    {&mdg__terminal_list__descriptor, 1, 0, INT64_MAX, false},
    {&mdg__terminal_change__descriptor, 1, 1, INT64_MAX, false},
    {&mdg__terminal_change__descriptor, 2, 1, TERMINAL_NAME_BYTES_MAX, false},
    {&mdg__terminal_change__descriptor, 3, 0, INT64_MAX, false},
    {&mdg__terminal_revoke__descriptor, 1, 1, INT64_MAX, false},
    {&mdg__terminal_revoke__descriptor, 2, 1, AUDIT_REASON_BYTES_MAX, false},
    {&mdg__terminal_renew__descriptor, 1, 1, DER_BYTES_MAX, false},
    {&mdg__enrolment_prove__descriptor, 1, ENROLMENT_PROOF_BYTES, ENROLMENT_PROOF_BYTES, false},
    {&mdg__enrolment_apply__descriptor, 1, 1, DER_BYTES_MAX, false},
};

/* last_seen_us stays 0: it changes each minute and is no change of the record. */
static int rows_terminal(struct db *db, const struct feed_query *query, struct feed_rows *rows)
{
    struct terminal *list;
    size_t count;
    int rc = terminal_changes(db, query->since_rev, query->limit, query->arena, &list, &count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        Mdg__Terminal *wire;
        const uint32_t kind = FEED_KIND(ARM, MDG__TERMINALS__OF_TERMINAL_ROW);
        Mdg__Row *row = row_new(query->arena, kind, (void **)&wire);
        if (!row) return MDG_ERR_MEMORY;
        terminal_to_wire(&list[i], wire);
        wire->last_seen_us = 0;
        rc = row_feed(rows, kind, list[i].id, list[i].rev, 0, row);
    }
    return rc;
}

static const struct feed_source SOURCES[] = {
    {FEED_KIND(ARM, MDG__TERMINALS__OF_TERMINAL_ROW), VIEW_DESK | VIEW_OFFICE, NULL, rows_terminal},
};

const struct domain TERMINALS_DOMAIN = {
    .name = "terminals",
    .arm = ARM,
    .routes = ROUTES,
    .routes_count = COUNT_OF(ROUTES),
    .limits = LIMITS,
    .limits_count = COUNT_OF(LIMITS),
    .sources = SOURCES,
    .sources_count = COUNT_OF(SOURCES),
};
