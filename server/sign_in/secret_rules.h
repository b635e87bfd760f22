/* server/sign_in/secret_rules.h - which secrets people may choose. No composition rules and no forced change:
 * a length, and a list of what everybody tries first. Pure. */
#ifndef MADOGUCHI_SIGN_IN_SECRET_RULES_H
#define MADOGUCHI_SIGN_IN_SECRET_RULES_H

#include <stdbool.h>
#include <stdint.h>

#define SECRET_CHARACTERS_MIN 8
#define SECRET_CHARACTERS_MIN_LONG 12 /* office and consultation */

struct secret_subject {
    uint32_t roles;
    const char *name, *reading; /* NULL or "": not known */
};

int secret_characters_min(uint32_t roles);
/* Characters after NFKC, -1: not UTF-8. */
int secret_characters(const char *secret);

/* NULL: it may be used. Otherwise the rule it breaks: "text", "too_short" (secret_characters_min() is the
 * least), "too_long" (SECRET_BYTES_MAX), "is_sequence", "is_date", "is_number", "is_name", "too_common". */
const char *secret_rules_check(const char *secret, const struct secret_subject *subject);

#endif
