/* The command line: what is understood, and what is refused with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "client/ctl/moment.h"
#include "client/ctl/options.h"
#include "client/ctl/output.h"
#include "common/day.h"

#define WORDS_MAX 12

static int parse(struct ctl_options *options, const char *line, char *problem, size_t size)
{
    static char copy[300]; /* options borrow from it */
    char *argv[WORDS_MAX] = {(char *)"madoguchictl"};
    int argc = 1;
    strncpy(copy, line, sizeof copy - 1);
    for (char *at = copy; *at && argc < WORDS_MAX;) {
        argv[argc++] = at;
        at += strcspn(at, " ");
        while (*at == ' ') *at++ = '\0';
    }
    return options_parse(options, argc, argv, problem, size);
}

static void test_understood(void **state)
{
    static const struct {
        const char *line, *command, *operand, *option, *value;
        bool is_json;
        unsigned timeout_ms;
    } CASES[] = {
        {"visit count --people 3", "visit count", NULL, "people", "3", false, 10000},
        {"visit count --people=3 --json", "visit count", NULL, "people", "3", true, 10000},
        {"--json --timeout 2 visit undo", "visit undo", NULL, NULL, NULL, true, 2000},
        {"visit place save 入口 --name 北口", "visit place save", "入口", "name", "北口", false, 10000},
        {"visit place save --name 北口", "visit place save", NULL, "name", "北口", false, 10000},
        {"terminal authority", "terminal authority", NULL, NULL, NULL, false, 10000},
        {"terminal authority back", "terminal authority back", NULL, NULL, NULL, false, 10000},
        {"import visits a.csv --map in=入館 --map out=退館", "import visits", "a.csv", "map", "out=退館", false, 10000},
        {"visit close -- --2026", "visit close", "--2026", NULL, NULL, false, 10000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ctl_options options;
        char problem[300];
        if (parse(&options, CASES[i].line, problem, sizeof problem) != 0) fail_msg("%s: %s", CASES[i].line, problem);
        assert_string_equal(options.command->name, CASES[i].command);
        assert_int_equal(options.is_json, CASES[i].is_json);
        assert_int_equal(options.timeout_ms, CASES[i].timeout_ms);
        if (CASES[i].operand)
            assert_string_equal(options.operand, CASES[i].operand);
        else
            assert_null(options.operand);
        if (CASES[i].option) assert_string_equal(option_text(&options, CASES[i].option), CASES[i].value);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *line, *says; /* a piece of the sentence */
    } CASES[] = {
        {"", "what to do"},
        {"dance", "dance"},
        {"visit", "visit"},
        {"visit count --poeple 3", "--poeple"},
        {"visit count --people", "--people"},
        {"visit count --nobody=yes", "--nobody"},
        {"visit count too much", "too"},
        {"visit correct --people 3 --reason x", "ID"},
        {"visit correct 5 --people 3", "--reason"},
        {"visit undo --timeout 0", "--timeout"},
        {"visit undo --timeout soon", "--timeout"},
        {"enrol --server a:1 --port 2", "--code"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ctl_options options;
        char problem[300];
        int rc = parse(&options, CASES[i].line, problem, sizeof problem);
        if (rc != MDG_ERR_INVALID) fail_msg("'%s' was taken: %d", CASES[i].line, rc);
        if (!strstr(problem, CASES[i].says)) fail_msg("'%s': %s", CASES[i].line, problem);
    }
}

static void test_help_needs_nothing_else(void **state)
{
    struct ctl_options options;
    char problem[300];
    (void)state;
    assert_int_equal(parse(&options, "visit correct --help", problem, sizeof problem), 0);
    assert_true(options.is_help);
    assert_int_equal(parse(&options, "--help", problem, sizeof problem), 0);
    assert_null(options.command);
}

/* Names are unique, options of a command do not hide the common ones, tables end. */
static void test_table_is_sound(void **state)
{
    (void)state;
    for (const struct ctl_family *family = CTL_FAMILIES; family->title; family++) {
        for (const struct ctl_command *command = family->commands; command->name; command++) {
            int same = 0;
            assert_non_null(command->run);
            assert_non_null(command->help);
            for (const struct ctl_family *f = CTL_FAMILIES; f->title; f++) {
                for (const struct ctl_command *c = f->commands; c->name; c++)
                    same += strcmp(c->name, command->name) == 0;
            }
            if (same != 1) fail_msg("%s stands there %d times", command->name, same);
            for (int i = 0; i < CTL_OPTIONS_MAX && command->options[i].name; i++) {
                assert_non_null(command->options[i].help);
                for (const struct ctl_option *common = CTL_COMMON_OPTIONS; common->name; common++)
                    assert_string_not_equal(common->name, command->options[i].name);
            }
        }
    }
}

static void test_moments(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int32_t day;
        int minute;
    } CASES[] = {
        {"2026-11-24 13:00", 0, 20261124, 780},
        {"2026/11/24T09:05", 0, 20261124, 545},
        {"20261124 23:59", 0, 20261124, 1439},
        {"13:00", 0, 20261123, 780},
        {"now", 0, 20261123, 930},
        {"2026-11-31 13:00", MDG_ERR_INVALID, 0, 0},
        {"2026-11/24 13:00", MDG_ERR_INVALID, 0, 0},
        {"24:00", MDG_ERR_INVALID, 0, 0},
        {"13", MDG_ERR_INVALID, 0, 0},
        {"2026-11-24 13:00x", MDG_ERR_INVALID, 0, 0},
        {"", MDG_ERR_INVALID, 0, 0},
    };
    (void)state;
    int64_t now_us = day_to_us(20261123, 930);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t at_us = 0;
        int minute = 0;
        if (moment_parse(CASES[i].text, now_us, &at_us) != CASES[i].rc) fail_msg("%s", CASES[i].text);
        if (CASES[i].rc != 0) continue;
        assert_int_equal(day_minute_of_us(at_us, &minute), CASES[i].day);
        assert_int_equal(minute, CASES[i].minute);
    }
    int32_t day = 0, month = 0;
    assert_int_equal(moment_day_parse("yesterday", now_us, &day), 0);
    assert_int_equal(day, 20261122);
    assert_int_equal(moment_month_parse("2026-11", &month), 0);
    assert_int_equal(month, 202611);
    assert_int_equal(moment_month_parse("2026-13", &month), MDG_ERR_INVALID);
}

static void test_words(void **state)
{
    uint32_t roles = 0;
    (void)state;
    assert_int_equal(roles_of_words("desk,office", &roles), 0);
    assert_int_equal(roles, 3);
    assert_int_equal(roles_of_words("none", &roles), 0);
    assert_int_equal(roles, 0);
    assert_int_equal(roles_of_words("desk,king", &roles), MDG_ERR_INVALID);
    assert_int_equal(roles_of_words("", &roles), MDG_ERR_INVALID);
    assert_int_equal(text_columns("abc"), 3);
    assert_int_equal(text_columns("受付1"), 5);
}

static int zone_open(void **state)
{
    (void)state;
    return day_zone_set("Asia/Tokyo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_understood),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_help_needs_nothing_else),
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, zone_open, NULL);
}
