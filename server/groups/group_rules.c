#include "server/groups/group_rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <utf8proc.h>

#include "common/day.h"
#include "common/fold.h"

static bool is_blank(const char *text)
{
    char *key = fold_key(text);
    bool is_blank_key = !key || !key[0];
    free(key);
    return is_blank_key;
}

static bool is_kanji(int32_t point)
{
    return (point >= 0x3400 && point <= 0x4dbf) || (point >= 0x4e00 && point <= 0x9fff) ||
           (point >= 0xf900 && point <= 0xfaff) || (point >= 0x20000 && point <= 0x3ffff);
}

static bool has_kanji(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    while (*at) {
        int32_t point;
        utf8proc_ssize_t step = utf8proc_iterate(at, -1, &point);
        if (step <= 0 || is_kanji(point)) return true;
        at += step;
    }
    return false;
}

const char *group_rules_names(const char *name, const char *reading, const char **field)
{
    *field = "name";
    if (is_blank(name)) return "required";
    *field = "reading";
    return has_kanji(reading) ? "kana" : NULL;
}

const char *group_rules_term(int32_t from_day, int32_t to_day, int32_t today, const char **field)
{
    *field = "from_day";
    if (from_day == 0 && to_day == 0) return NULL;
    if (from_day == 0) return "required";
    if (!day_is_valid(from_day)) return "day";
    *field = "to_day";
    if (to_day == 0) return "required";
    if (!day_is_valid(to_day)) return "day";
    if (to_day < from_day) return "before_from";
    int32_t counted_from = from_day > today ? from_day : today; /* a group may be as old as it is */
    return to_day >= counted_from + GROUP_TERM_YEARS_MAX * 10000 ? "too_long" : NULL;
}

const char *group_rules_renew(int32_t from_day, int32_t to_day, int32_t today)
{
    const char *field;
    const char *rule = group_rules_term(from_day, to_day, today, &field);
    if (rule) return rule;
    return to_day < today ? "past" : NULL;
}

const char *group_rules_end(int32_t from_day, int32_t last_day, int32_t today)
{
    if (!day_is_valid(last_day)) return "day";
    if (last_day > today) return "future";
    return last_day < from_day ? "before_from" : NULL;
}
