/* server/dispatch/routes.c - the domains, a line each. */
#include "server/dispatch/dispatch.h"

#include "server/accounts/accounts_domain.h"
#include "server/approvals/approvals_domain.h"
#include "server/audit/audit_domain.h"
#include "server/bookings/bookings_domain.h"
#include "server/centre/centre_domain.h"
#include "server/consultations/consultations_domain.h"
#include "server/feed/feed_domain.h"
#include "server/groups/groups_domain.h"
#include "server/hours/hours_domain.h"
#include "server/imports/imports_domain.h"
#include "server/rooms/rooms_domain.h"
#include "server/sign_in/sign_in_domain.h"
#include "server/terminals/terminals_domain.h"
#include "server/visits/visits_domain.h"

/* clang-format off */
const struct domain *const DOMAINS[] = {
    &CENTRE_DOMAIN,
    &FEED_DOMAIN,
    &SIGN_IN_DOMAIN,
    &TERMINALS_DOMAIN,
    &ACCOUNTS_DOMAIN,
    &APPROVALS_DOMAIN,
    &VISITS_DOMAIN,
    &AUDIT_DOMAIN,
    &HOURS_DOMAIN,
    &IMPORTS_DOMAIN,
    &ROOMS_DOMAIN,
    &BOOKINGS_DOMAIN,
    &GROUPS_DOMAIN,
    &CONSULTATIONS_DOMAIN,
};
/* clang-format on */
const size_t DOMAINS_COUNT = sizeof DOMAINS / sizeof DOMAINS[0];
