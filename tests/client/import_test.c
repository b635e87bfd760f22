/* A file of counts: what is read from it, and every bad line named with its line and field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "client/ctl/import_plan.h"
#include "common/day.h"
#include "common/error.h"

static int64_t now_us(void)
{
    return day_to_us(20261123, 930);
}

/* Reads with the columns in=11 and out=12. */
static void plan_read(struct import_plan *plan, const char *text)
{
    struct import_column columns[] = {{.title = "in", .purpose_id = 11}, {.title = "out", .purpose_id = 12}};
    size_t length = strlen(text);
    char *copy = malloc(length + 1);
    memcpy(copy, text, length + 1);
    assert_int_equal(import_plan_read(plan, copy, length, "start", columns, 2, now_us()), 0);
    free(copy);
}

static void test_good_files(void **state)
{
    static const struct {
        const char *name, *text;
        size_t counts;
        int64_t people;
        int lines, nobody;
    } CASES[] = {
        {"plain", "start,minutes,in,out\n2026-11-22T13:00,30,3,2\n2026-11-22T13:30,30,0,4\n", 3, 9, 2, 0},
        {"CRLF", "start,in,out\r\n2026-11-22 13:00,3,2\r\n", 2, 5, 1, 0},
        {"no last line end", "start,in,out\n2026-11-22 13:00,3,2", 2, 5, 1, 0},
        {"byte order mark", "\xEF\xBB\xBFstart,in,out\n2026-11-22 13:00,3,2\n", 2, 5, 1, 0},
        {"quotes", "start,\"in\",note,\"out\"\n\"2026-11-22 13:00\",\"3\",\"a, \"\"b\"\"\nc\",2\n", 2, 5, 1, 0},
        {"all zero: nobody", "start,in,out\n2026-11-22 13:00,0,0\n", 1, 0, 1, 1},
        {"empty cell: nothing", "start,in,out\n2026-11-22 13:00,,2\n2026-11-22 13:30,,\n", 1, 2, 2, 0},
        {"empty beside zero", "start,in,out\n2026-11-22 13:00,,0\n", 1, 0, 1, 1},
        {"blank lines", "start,in,out\n\n2026-11-22 13:00,1,1\n\n\n", 2, 2, 1, 0},
        {"columns in another order", "out,note,in,start\n2,x,3,2026/11/22 13:00\n", 2, 5, 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct import_plan plan;
        plan_read(&plan, CASES[i].text);
        if (plan.problems_count != 0) {
            char reason[200];
            import_problem_text(&plan.problems[0], reason, sizeof reason);
            fail_msg("%s: line %d: %s", CASES[i].name, plan.problems[0].line, reason);
        }
        if (plan.counts_count != CASES[i].counts || plan.people != CASES[i].people || plan.lines != CASES[i].lines ||
            plan.nobody != CASES[i].nobody)
            fail_msg("%s: %zu counts, %lld people, %d lines, %d nobody", CASES[i].name, plan.counts_count,
                     (long long)plan.people, plan.lines, plan.nobody);
        import_plan_fini(&plan);
    }
}

static void test_bad_lines_are_named(void **state)
{
    static const struct {
        const char *name, *text;
        int line;
        enum import_fault fault;
        enum csv_fault csv_fault;
        const char *field;
    } CASES[] = {
        {"empty file", "", 1, IMPORT_NO_LINES, CSV_FINE, ""},
        {"titles only", "start,in,out\n", 1, IMPORT_NO_LINES, CSV_FINE, ""},
        {"no such column", "start,in\n2026-11-22 13:00,1\n", 1, IMPORT_NO_COLUMN, CSV_FINE, "out"},
        {"column twice", "start,in,out,in\n2026-11-22 13:00,1,1,1\n", 1, IMPORT_DOUBLE_COLUMN, CSV_FINE, "in"},
        {"too few cells", "start,in,out\n2026-11-22 13:00,1\n", 2, IMPORT_CELLS, CSV_FINE, ""},
        {"too many cells", "start,in,out\n2026-11-22 13:00,1,1,1\n", 2, IMPORT_CELLS, CSV_FINE, ""},
        {"no time", "start,in,out\nyesterday,1,1\n", 2, IMPORT_TIME, CSV_FINE, "start"},
        {"time without a day", "start,in,out\n13:00,1,1\n", 2, IMPORT_TIME, CSV_FINE, "start"},
        {"no such day", "start,in,out\n2026-02-30 13:00,1,1\n", 2, IMPORT_TIME, CSV_FINE, "start"},
        {"ahead", "start,in,out\n2026-11-24 13:00,1,1\n", 2, IMPORT_FUTURE, CSV_FINE, "start"},
        {"negative", "start,in,out\n2026-11-22 13:00,1,-1\n", 2, IMPORT_NUMBER, CSV_FINE, "out"},
        {"absurd", "start,in,out\n2026-11-22 13:00,10000,1\n", 2, IMPORT_NUMBER, CSV_FINE, "in"},
        {"a word", "start,in,out\n2026-11-22 13:00,1,1\n2026-11-22 13:30,many,1\n", 3, IMPORT_NUMBER, CSV_FINE, "in"},
        {"a fraction", "start,in,out\n2026-11-22 13:00,1.5,1\n", 2, IMPORT_NUMBER, CSV_FINE, "in"},
        {"open quote", "start,in,out\n2026-11-22 13:00,\"1,1\n", 2, IMPORT_CSV, CSV_QUOTE_OPEN, ""},
        {"text after a quote", "start,in,out\n\"2026-11-22 13:00\"x,1,1\n", 2, IMPORT_CSV, CSV_QUOTE_INSIDE, ""},
        {"quote inside", "start,in,out\n2026-11-22 13:00,1\"2\",1\n", 2, IMPORT_CSV, CSV_QUOTE_INSIDE, ""},
        {"control character", "start,in,out\n2026-11-22 13:00,1,\x01\n", 2, IMPORT_CSV, CSV_NOT_TEXT, ""},
        {"lines in quotes count", "start,in,out,note\n2026-11-22 13:00,1,1,\"a\nb\"\n2026-11-22 13:30,x,1,y\n", 4,
         IMPORT_NUMBER, CSV_FINE, "in"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct import_plan plan;
        plan_read(&plan, CASES[i].text);
        if (plan.problems_count != 1) fail_msg("%s: %zu problems", CASES[i].name, plan.problems_count);
        const struct import_problem *problem = &plan.problems[0];
        if (problem->line != CASES[i].line || problem->fault != CASES[i].fault ||
            problem->csv_fault != CASES[i].csv_fault || strcmp(problem->field, CASES[i].field) != 0)
            fail_msg("%s: line %d, fault %d/%d, field '%s'", CASES[i].name, problem->line, (int)problem->fault,
                     (int)problem->csv_fault, problem->field);
        import_plan_fini(&plan);
    }
}

static void test_all_bad_lines_are_told(void **state)
{
    struct import_plan plan;
    (void)state;
    plan_read(&plan, "start,in,out\nx,1,1\n2026-11-22 13:00,a,b\n\"\n");
    assert_int_equal(plan.problems_count, 4); /* both cells of the second line */
    assert_int_equal(plan.problems[0].line, 2);
    assert_int_equal(plan.problems[1].line, 3);
    assert_string_equal(plan.problems[2].field, "out");
    assert_int_equal(plan.problems[3].line, 4);
    import_plan_fini(&plan);
}

static void test_keys_come_from_the_file(void **state)
{
    static const char TEXT[] = "start,in,out\n2026-11-22 13:00,1,1\n2026-11-22 13:30,0,0\n2026-11-22 14:00,1,1\n";
    struct import_plan first, again, other;
    (void)state;
    plan_read(&first, TEXT);
    plan_read(&again, TEXT);
    plan_read(&other, "start,in,out\n2026-11-22 13:00,1,1\n2026-11-22 13:30,0,0\n2026-11-22 14:00,1,2\n");
    assert_int_equal(first.counts_count, 5);
    for (size_t i = 0; i < first.counts_count; i++) {
        assert_memory_equal(first.counts[i].key, again.counts[i].key, IMPORT_KEY_BYTES);
        assert_memory_not_equal(first.counts[i].key, other.counts[i].key, IMPORT_KEY_BYTES);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(first.counts[i].key, first.counts[j].key, IMPORT_KEY_BYTES);
    }
    import_plan_fini(&first);
    import_plan_fini(&again);
    import_plan_fini(&other);
}

static void test_times_are_the_centres(void **state)
{
    struct import_plan plan;
    int minute = 0;
    (void)state;
    plan_read(&plan, "start,in,out\n2026-11-22T13:30,1,\n");
    assert_int_equal(plan.counts_count, 1);
    assert_int_equal(day_minute_of_us(plan.counts[0].at_us, &minute), 20261122);
    assert_int_equal(minute, 13 * 60 + 30);
    assert_int_equal(plan.counts[0].purpose_id, 11);
    import_plan_fini(&plan);
}

static int zone_open(void **state)
{
    (void)state;
    return day_zone_set("America/Los_Angeles");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_files),
        cmocka_unit_test(test_bad_lines_are_named),
        cmocka_unit_test(test_all_bad_lines_are_told),
        cmocka_unit_test(test_keys_come_from_the_file),
        cmocka_unit_test(test_times_are_the_centres),
    };
    return cmocka_run_group_tests(tests, zone_open, NULL);
}
