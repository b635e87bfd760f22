#include "server/accounts/accounts_domain.h"

#include "server/accounts/account_handlers.h"
#include "server/accounts/account_store.h"

/* Fields that most routes of the office share: a change to an account, the own secret given anew. */
#define OFFICE_WRITE \
    .roles = ROLE_BIT_OFFICE, .kinds = KINDS_STAFF, .scope = SCOPE_CENTRE, .access = ROUTE_WRITE, .audit = AUDIT_CHANGE
#define CONSOLE_WRITE                                                                                         \
    .roles = ROLE_BIT_CONSOLE, .kinds = KIND_BIT(KIND_CONSOLE), .scope = SCOPE_CENTRE, .access = ROUTE_WRITE, \
    .audit = AUDIT_CHANGE

static const struct route ROUTES[] = {
    {.name = "accounts.create",
     .op = MDG__ACCOUNTS__OF_CREATE,
     OFFICE_WRITE,
     .flags = ROUTE_CONFIRM,
     .prepare = prepare_account_create,
     .work = work_account_code,
     .handle = handle_account_create},
    {.name = "accounts.list",
     .op = MDG__ACCOUNTS__OF_LIST,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     .access = ROUTE_READ,
     .audit = AUDIT_READ,
     .handle = handle_account_list},
    {.name = "accounts.disable",
     .op = MDG__ACCOUNTS__OF_DISABLE,
     OFFICE_WRITE,
     .flags = ROUTE_CONFIRM,
     .handle = handle_account_disable},
    {.name = "accounts.enable",
     .op = MDG__ACCOUNTS__OF_ENABLE,
     OFFICE_WRITE,
     .flags = ROUTE_CONFIRM,
     .handle = handle_account_enable},
    {.name = "accounts.unlock",
     .op = MDG__ACCOUNTS__OF_UNLOCK,
     OFFICE_WRITE,
     .flags = ROUTE_CONFIRM,
     .handle = handle_account_unlock},
    {.name = "accounts.reset",
     .op = MDG__ACCOUNTS__OF_RESET,
     OFFICE_WRITE,
     .flags = ROUTE_CONFIRM,
     .prepare = prepare_account_reset,
     .work = work_account_code,
     .handle = handle_account_reset},
    {.name = "accounts.roles",
     .op = MDG__ACCOUNTS__OF_ROLES,
     OFFICE_WRITE,
     .flags = ROUTE_APPROVAL | ROUTE_CONFIRM,
     .prepare = prepare_account_roles,
     .handle = handle_account_roles},
    {.name = "accounts.recover",
     .op = MDG__ACCOUNTS__OF_RECOVER,
     CONSOLE_WRITE,
     .prepare = prepare_account_recover,
     .work = work_account_code,
     .handle = handle_account_recover},
    {.name = "accounts.grant", .op = MDG__ACCOUNTS__OF_GRANT, CONSOLE_WRITE, .handle = handle_account_grant},
    {.name = "accounts.terminal_unlock",
     .op = MDG__ACCOUNTS__OF_TERMINAL_UNLOCK,
     OFFICE_WRITE,
     .flags = ROUTE_CONFIRM,
     .handle = handle_terminal_unlock},
};

static const struct field_limit LIMITS[] = {
    {&mdg__account_create__descriptor, 1, 1, ACCOUNT_NAME_BYTES_MAX, false},
    {&mdg__account_create__descriptor, 2, 0, ACCOUNT_NAME_BYTES_MAX, false},
    {&mdg__account_list__descriptor, 1, 0, INT64_MAX, false},
    {&mdg__account_disable__descriptor, 1, 1, INT64_MAX, false},
    {&mdg__account_enable__descriptor, 1, 1, INT64_MAX, false},
    {&mdg__account_unlock__descriptor, 1, 1, INT64_MAX, false},
    {&mdg__account_reset__descriptor, 1, 1, INT64_MAX, false},
    {&mdg__account_roles__descriptor, 1, 1, INT64_MAX, false},
    {&mdg__account_roles__descriptor, 2, 0, ROLE_BITS_OF_PERSONS, false},
    {&mdg__account_recover__descriptor, 1, 1, ACCOUNT_NAME_BYTES_MAX, false},
    {&mdg__account_grant__descriptor, 1, 1, ACCOUNT_NAME_BYTES_MAX, false},
    {&mdg__account_grant__descriptor, 2, 0, ROLE_BITS_OF_PERSONS, false},
    {&mdg__terminal_unlock__descriptor, 1, 1, INT64_MAX, false},
};

const struct domain ACCOUNTS_DOMAIN = {
    .name = "accounts",
    .arm = MDG__BODY__DOMAIN_ACCOUNTS,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
};
