/* tests/server/consultation_rules_test.c - what cases must keep: times, follow-ups, texts, owners, numbers, retention.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/consultations/consultation_rules.h"
#include "server/request/roles.h"

#define NOW INT64_C(1764000000000000)

static void expect_rule(const char *name, const char *got, const char *wanted)
{
    if ((got == NULL) != (wanted == NULL) || (got && strcmp(got, wanted) != 0))
        fail_msg("%s: %s instead of %s", name, got ? got : "accepted", wanted ? wanted : "accepted");
}

static void test_times(void **state)
{
    static const struct {
        const char *name;
        int64_t at_us;
        const char *rule;
    } CASES[] = {
        {"now", NOW, NULL},
        {"a clock that is a little fast", NOW + 120 * US_PER_SECOND, NULL},
        {"one that is too fast", NOW + 121 * US_PER_SECOND, "future"},
        {"as long ago as something may wait", NOW - 400 * US_PER_DAY, NULL},
        {"longer", NOW - 401 * US_PER_DAY, "too_long_ago"},
        {"the beginning of time", 1, "too_long_ago"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        expect_rule(CASES[i].name, consultation_rules_time(CASES[i].at_us, NOW), CASES[i].rule);
}

static void test_follow_ups(void **state)
{
    static const struct {
        const char *name;
        int32_t day;
        const char *rule;
    } CASES[] = {
        {"none", 0, NULL},
        {"today", 20261123, NULL},
        {"tomorrow", 20261124, NULL},
        {"yesterday", 20261122, "past"},
        {"last year", 20251123, "past"},
        {"no such day", 20270229, "day"},
        {"not a day at all", 1, "day"},
        {"ten years ahead", 20361123, NULL},
        {"further", 20361124, "too_far_ahead"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        expect_rule(CASES[i].name, consultation_rules_follow_up(CASES[i].day, 20261123), CASES[i].rule);
}

static void test_texts(void **state)
{
    char *longest = calloc(1, INTAKE_TEXT_BYTES_MAX + 2), *contact = calloc(1, INTAKE_CONTACT_BYTES_MAX + 2);
    assert_non_null(longest);
    assert_non_null(contact);
    memset(longest, 'a', INTAKE_TEXT_BYTES_MAX + 1);
    memset(contact, 'b', INTAKE_CONTACT_BYTES_MAX + 1);
    const struct {
        const char *name;
        const char *text, *contact;
        const char *rule, *field;
    } CASES[] = {
        {"both", "相談\n二行目", "山田\n03-0000-0000", NULL, NULL},
        {"no contact", "相談", "", NULL, NULL},
        {"no text", "", "山田", "required", "content.text"},
        {"blanks in both widths", " \n　 ", "", "required", "content.text"},
        {"not UTF-8", "\xe7\x9b", "", "text", "content.text"},
        {"a bell", "a\ab", "", "text", "content.text"},
        {"a contact that is not UTF-8", "相談", "\xff", "text", "content.contact"},
        {"a byte too long", longest, "", "length", "content.text"},
        {"the longest", longest + 1, contact + 1, NULL, NULL},
        {"a contact a byte too long", "相談", contact, "length", "content.contact"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Mdg__ConsultationContent content = MDG__CONSULTATION_CONTENT__INIT;
        const char *field = "";
        content.text = (char *)CASES[i].text;
        content.contact = (char *)CASES[i].contact;
        expect_rule(CASES[i].name, consultation_rules_content(&content, &field), CASES[i].rule);
        if (CASES[i].field) assert_string_equal(field, CASES[i].field);
    }
    free(longest);
    free(contact);
}

static void test_whose_it_is(void **state)
{
    enum { DESK = ROLE_BIT_DESK, CONSULTANT = ROLE_BIT_CONSULTATION, ME = 7, OTHER = 8 };
    static const struct {
        const char *name;
        uint32_t roles;
        int64_t asked, owner;
        const char *rule;
    } CASES[] = {
        {"the desk, for nobody yet", DESK, 0, 0, NULL},
        {"the desk, for a consultant", DESK, OTHER, OTHER, NULL},
        {"a consultant, without saying", CONSULTANT, 0, ME, NULL},
        {"a consultant, for himself", CONSULTANT, ME, ME, NULL},
        {"a consultant, for another", CONSULTANT, OTHER, OTHER, "own_case"},
        {"who is both, for another", DESK | CONSULTANT, OTHER, OTHER, NULL},
        {"who is both, without saying", DESK | CONSULTANT, 0, ME, NULL},
        {"the office", ROLE_BIT_OFFICE, 0, 0, "own_case"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t owner = CASES[i].asked;
        expect_rule(CASES[i].name, consultation_rules_owner(CASES[i].roles, ME, &owner), CASES[i].rule);
        if (owner != CASES[i].owner) fail_msg("%s: owner %d", CASES[i].name, (int)owner);
    }
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        bool is_number;
        int32_t year, number;
    } CASES[] = {
        {"2026-17", true, 2026, 17},
        {"2026-1", true, 2026, 1},
        {"2026-0", false, 0, 0},
        {"2026", false, 0, 0},
        {"2026-", false, 0, 0},
        {"-17", false, 0, 0},
        {"26-17", false, 0, 0},
        {"2026-17a", false, 0, 0},
        {"2026-17-1", false, 0, 0},
        {"", false, 0, 0},
        {"印刷", false, 0, 0},
        {"2026--17", false, 0, 0},
        {"2026-999999999", true, 2026, 999999999},
        {"2026-9999999999", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int32_t year = 0, number = 0;
        bool is_number = consultation_number_parse(CASES[i].text, &year, &number);
        if (is_number != CASES[i].is_number || year != CASES[i].year || number != CASES[i].number)
            fail_msg("\"%s\": %d %d-%d", CASES[i].text, is_number, (int)year, (int)number);
    }
}

static void test_retention(void **state)
{
    static const struct {
        int32_t closed, erase;
        const char *key;
    } CASES[] = {
        {20261123, 20291123, "2029-11"}, {20240229, 20270301, "2027-03"}, /* no such day three years later */
        {20250228, 20280228, "2028-02"}, {20261231, 20291231, "2029-12"}, {20270101, 20300101, "2030-01"},
    };
    char name[CONSULTATION_KEY_NAME_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(consultation_erase_day(CASES[i].closed), CASES[i].erase);
        consultation_key_name(CASES[i].erase, name);
        assert_string_equal(name, CASES[i].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),       cmocka_unit_test(test_follow_ups), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_whose_it_is), cmocka_unit_test(test_numbers),    cmocka_unit_test(test_retention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
