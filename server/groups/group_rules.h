/* server/groups/group_rules.h - what a group must keep, whoever asks. Pure. */
#ifndef MADOGUCHI_GROUPS_GROUP_RULES_H
#define MADOGUCHI_GROUPS_GROUP_RULES_H

#include <stdint.h>

#define GROUP_TERM_YEARS_MAX 10

/* The rule that is broken, with its field, or NULL. */
/* "required": nothing is left of the name. "kana": kanji in the reading. */
const char *group_rules_names(const char *name, const char *reading, const char **field);
/* Both 0: a draft. "required", "day", "before_from", "too_long": it reaches too far ahead. */
const char *group_rules_term(int32_t from_day, int32_t to_day, int32_t today, const char **field);
/* The new last day: as above, and "past". */
const char *group_rules_renew(int32_t from_day, int32_t to_day, int32_t today);
/* The last day of a group that ends: "day", "future", "before_from". */
const char *group_rules_end(int32_t from_day, int32_t last_day, int32_t today);

#endif
