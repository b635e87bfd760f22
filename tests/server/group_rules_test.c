/* tests/server/group_rules_test.c - names, terms and endings of groups. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "server/groups/group_rules.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TODAY 20261124

static void expect(const char *name, const char *rule, const char *expected)
{
    if (!rule != !expected || (rule && strcmp(rule, expected) != 0))
        fail_msg("%s: %s, not %s", name, rule ? rule : "fine", expected ? expected : "fine");
}

static void test_names(void **state)
{
    static const struct {
        const char *name, *reading, *rule, *field;
    } CASES[] = {
        {"みどりの会", "みどりのかい", NULL, NULL},
        {"みどりの会", "", NULL, NULL},
        {"みどりの会", "ミドリノカイ", NULL, NULL},
        {"ＮＰＯ", "ﾇﾋﾟｰｵｰ NPO 21", NULL, NULL},
        {" 　", "", "required", "name"},
        {"\xe2\x80\x8b", "", "required", "name"}, /* a zero width space */
        {"みどりの会", "緑の会", "kana", "reading"},
        {"みどりの会", "みどりの会", "kana", "reading"},
        {"みどりの会", "𠮷", "kana", "reading"},
        {"佐々木会", "ささきかい々", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        const char *field;
        const char *rule = group_rules_names(CASES[i].name, CASES[i].reading, &field);
        expect(CASES[i].reading, rule, CASES[i].rule);
        if (rule) assert_string_equal(field, CASES[i].field);
    }
}

static void test_term(void **state)
{
    static const struct {
        const char *name;
        int32_t from_day, to_day;
        const char *rule, *field;
    } CASES[] = {
        {"a draft", 0, 0, NULL, NULL},
        {"a year", 20260401, 20270331, NULL, NULL},
        {"one day", 20260401, 20260401, NULL, NULL},
        {"since long ago", 19880401, 20270331, NULL, NULL},
        {"no first day", 0, 20270331, "required", "from_day"},
        {"no last day", 20260401, 0, "required", "to_day"},
        {"30th of February", 20260230, 20270331, "day", "from_day"},
        {"29th of February 2027", 20260401, 20270229, "day", "to_day"},
        {"ends before it starts", 20260401, 20260331, "before_from", "to_day"},
        {"ten years ahead", 20260401, 20361123, NULL, NULL},
        {"more than ten years ahead", 20260401, 20361124, "too_long", "to_day"},
        {"ten years from a day ahead", 20270401, 20370331, NULL, NULL},
        {"more than that", 20270401, 20370401, "too_long", "to_day"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        const char *field;
        const char *rule = group_rules_term(CASES[i].from_day, CASES[i].to_day, TODAY, &field);
        expect(CASES[i].name, rule, CASES[i].rule);
        if (rule) assert_string_equal(field, CASES[i].field);
    }
}

static void test_renew(void **state)
{
    static const struct {
        const char *name;
        int32_t to_day;
        const char *rule;
    } CASES[] = {
        {"next year", 20280331, NULL},    {"today", TODAY, NULL},
        {"yesterday", 20261123, "past"},  {"before it began", 20250331, "before_from"},
        {"no such day", 20270931, "day"}, {"too far", 20370101, "too_long"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++)
        expect(CASES[i].name, group_rules_renew(20260401, CASES[i].to_day, TODAY), CASES[i].rule);
}

static void test_end(void **state)
{
    static const struct {
        const char *name;
        int32_t from_day, last_day;
        const char *rule;
    } CASES[] = {
        {"today", 20260401, TODAY, NULL},           {"the first day", 20260401, 20260401, NULL},
        {"tomorrow", 20260401, 20261125, "future"}, {"before it began", 20260401, 20260331, "before_from"},
        {"no such day", 20260401, 20260931, "day"}, {"a draft", 0, TODAY, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++)
        expect(CASES[i].name, group_rules_end(CASES[i].from_day, CASES[i].last_day, TODAY), CASES[i].rule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_term),
        cmocka_unit_test(test_renew),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
