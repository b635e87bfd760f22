/* server/accounts/account_rules.h - what must hold among the accounts, whoever asks. Pure. */
#ifndef MADOGUCHI_ACCOUNTS_ACCOUNT_RULES_H
#define MADOGUCHI_ACCOUNTS_ACCOUNT_RULES_H

#include <stdbool.h>
#include <stdint.h>

struct account;

/* The rule that a change to these roles (or, with is_disabled, the disabling) breaks, or NULL. other_offices: usable
 * office accounts without this one.
 * "last_office": the centre would be left without an office account that can sign in.
 * "secret_short": the secret was chosen under a rule weaker than the new roles ask for. */
const char *account_rules_change(const struct account *account, uint32_t roles, bool is_disabled, int other_offices);

#endif
