#include "server/sign_in/sign_in_domain.h"

#include "server/accounts/account_store.h"
#include "server/keys/keys.h"
#include "server/sign_in/sign_in_handlers.h"
#include "server/sign_in/sign_in_store.h"

#define CODE_TYPED_BYTES_MAX 64 /* full width, with spaces and hyphens */

/* Where people can be: a door and a display have no keyboard. */
#define KINDS_OF_PEOPLE \
    (KIND_BIT(KIND_COUNTER) | KIND_BIT(KIND_OFFICE) | KIND_BIT(KIND_LOUNGE) | KIND_BIT(KIND_COUNCIL))

static const struct route ROUTES[] = {
    {.name = "sign_in.start",
     .op = MDG__SIGN_IN__OF_START,
     .roles = ROLE_BIT_TERMINAL,
     .kinds = KINDS_OF_PEOPLE,
     .scope = SCOPE_OWN_TERMINAL,
     .access = ROUTE_WRITE,
     .audit = AUDIT_SECRET,
     .prepare = prepare_sign_in_start,
     .work = work_secret_check,
     .handle = handle_sign_in_start},
    {.name = "sign_in.resume",
     .op = MDG__SIGN_IN__OF_RESUME,
     .roles = ROLE_BIT_TERMINAL,
     .kinds = KINDS_OF_PEOPLE,
     .scope = SCOPE_OWN_TERMINAL,
     .access = ROUTE_WRITE,
     .audit = AUDIT_SECRET,
     .handle = handle_sign_in_resume},
    {.name = "sign_in.end",
     .op = MDG__SIGN_IN__OF_END,
     .roles = ROLE_BIT_TERMINAL,
     .kinds = KINDS_OF_PEOPLE,
     .scope = SCOPE_OWN_PERSON,
     .access = ROUTE_WRITE,
     .audit = AUDIT_SECRET,
     .handle = handle_sign_in_end},
    {.name = "sign_in.confirm",
     .op = MDG__SIGN_IN__OF_CONFIRM,
     .roles = ROLE_BITS_OF_PERSONS,
     .kinds = KINDS_OF_PEOPLE,
     .scope = SCOPE_OWN_PERSON,
     .access = ROUTE_WRITE,
     .audit = AUDIT_SECRET,
     .prepare = prepare_sign_in_confirm,
     .work = work_secret_check,
     .handle = handle_sign_in_confirm},
    {.name = "sign_in.secret_set",
     .op = MDG__SIGN_IN__OF_SECRET_SET,
     .roles = ROLE_BIT_TERMINAL,
     .kinds = KINDS_OF_PEOPLE,
     .scope = SCOPE_OWN_PERSON,
     .access = ROUTE_WRITE,
     .audit = AUDIT_SECRET,
     .prepare = prepare_secret_set,
     .work = work_secret_set,
     .handle = handle_secret_set},
};

static const struct field_limit LIMITS[] = {
    {&mdg__sign_in_start__descriptor, 1, 1, ACCOUNT_NAME_BYTES_MAX, false},
    {&mdg__sign_in_start__descriptor, 2, 1, SECRET_BYTES_MAX, false},
    {&mdg__sign_in_resume__descriptor, 1, SIGN_IN_TOKEN_BYTES, SIGN_IN_TOKEN_BYTES, false},
    {&mdg__sign_in_confirm__descriptor, 1, 1, SECRET_BYTES_MAX, false},
    {&mdg__secret_set__descriptor, 1, 1, ACCOUNT_NAME_BYTES_MAX, false},
    {&mdg__secret_set__descriptor, 2, 1, SECRET_BYTES_MAX, false},
    {&mdg__secret_set__descriptor, 3, 1, CODE_TYPED_BYTES_MAX, false},
    {&mdg__secret_set__descriptor, 4, 1, SECRET_BYTES_MAX, false},
};

const struct domain SIGN_IN_DOMAIN = {
    .name = "sign_in",
    .arm = MDG__BODY__DOMAIN_SIGN_IN,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
};
