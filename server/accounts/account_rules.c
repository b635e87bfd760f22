#include "server/accounts/account_rules.h"

#include <stddef.h>

#include "server/accounts/account_store.h"
#include "server/request/roles.h"

const char *account_rules_change(const struct account *account, uint32_t roles, bool is_disabled, int other_offices)
{
    bool is_office = (account->roles & ROLE_BIT_OFFICE) && !account->is_disabled;
    bool stays_office = (roles & ROLE_BIT_OFFICE) && !is_disabled;
    if (is_office && !stays_office && other_offices == 0) return "last_office";

    bool needs_long = (roles & ~account->roles & (ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION)) != 0;
    if (needs_long && account->has_secret && !account->secret_is_long) return "secret_short";
    return NULL;
}
