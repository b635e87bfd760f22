#include "server/imports/imports_domain.h"

#include "server/imports/import_handlers.h"
#include "server/imports/import_store.h"

#define OFFICE_WRITES                                                                                 \
    .roles = ROLE_BIT_OFFICE, .kinds = KINDS_STAFF, .scope = SCOPE_OWN_PERSON, .access = ROUTE_WRITE, \
    .audit = AUDIT_CHANGE

static const struct route ROUTES[] = {
    {.name = "imports.open", .op = MDG__IMPORTS__OF_OPEN, OFFICE_WRITES, .handle = handle_import_open},
    {.name = "imports.add", .op = MDG__IMPORTS__OF_ADD, OFFICE_WRITES, .handle = handle_import_add},
    {.name = "imports.check",
     .op = MDG__IMPORTS__OF_CHECK,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_OWN_PERSON,
     .access = ROUTE_READ,
     .audit = AUDIT_NONE,
     .handle = handle_import_check},
    {.name = "imports.commit",
     .op = MDG__IMPORTS__OF_COMMIT,
     OFFICE_WRITES,
     .prepare = prepare_import_commit,
     .handle = handle_import_commit},
    {.name = "imports.drop", .op = MDG__IMPORTS__OF_DROP, OFFICE_WRITES, .handle = handle_import_drop},
    {.name = "imports.expire",
     .op = MDG__IMPORTS__OF_EXPIRE,
     .roles = ROLE_BIT_CLOCK,
     .kinds = KIND_BIT(KIND_CLOCK),
     .scope = SCOPE_CENTRE,
     .access = ROUTE_WRITE,
     .audit = AUDIT_CHANGE,
     .prepare = prepare_import_expire,
     .handle = handle_import_expire},
};

static const struct field_limit LIMITS[] = {
    {&mdg__import_open__descriptor, 2, 1, IMPORT_FILE_NAME_BYTES_MAX, false}, /* file_name */
    {&mdg__import_add__descriptor, 1, 1, INT64_MAX, false},                   /* import_id */
    {&mdg__import_add__descriptor, 2, 0, INT32_MAX, false},                   /* piece */
    {&mdg__import_add__descriptor, 3, 1, IMPORT_PIECE_BYTES_MAX, false},      /* bytes */
    {&mdg__import_check__descriptor, 1, 1, INT64_MAX, false},                 /* import_id */
    {&mdg__import_check__descriptor, 2, 0, INT32_MAX, false},                 /* after_line */
    {&mdg__import_commit__descriptor, 1, 1, INT64_MAX, false},                /* import_id */
    {&mdg__import_commit__descriptor, 2, 0, INT32_MAX, false},                /* lines */
    {&mdg__import_commit__descriptor, 3, 0, INT32_MAX, false},                /* new_count */
    {&mdg__import_commit__descriptor, 4, 0, INT32_MAX, false},                /* changed_count */
    {&mdg__import_drop__descriptor, 1, 1, INT64_MAX, false},                  /* import_id */
};

const struct domain IMPORTS_DOMAIN = {
    .name = "imports",
    .arm = MDG__BODY__DOMAIN_IMPORTS,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
};
