/* tests/server/group_import_store_test.c - lists of groups: what a line says, which stored group it means, what is
 * kept. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "server/groups/group_import.h"
#include "server/groups/group_store.h"
#include "server/imports/import_list.h"
#include "tests/support/handler_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct office {
    struct fixture fixture;
    struct arena arena;
    struct import_list list;
};

static void must(int rc, const char *what)
{
    if (rc != 0) fail_msg("%s: %s", what, mdg_error_name(rc));
}

static int setup(void **state)
{
    struct office *office = calloc(1, sizeof *office);
    if (!office) return -1;
    fixture_open(&office->fixture);
    arena_init(&office->arena, 64u << 20);
    *state = office;
    return 0;
}

static int teardown(void **state)
{
    struct office *office = *state;
    arena_fini(&office->arena);
    fixture_close(&office->fixture);
    free(office);
    return 0;
}

static void look(struct office *office, const char *file)
{
    arena_fini(&office->arena);
    must(import_list_read(&office->list, &office->arena, &GROUP_IMPORT, day_of_us(FIXTURE_T0), file, strlen(file)),
         "read");
    must(import_list_check(&office->list, office->fixture.db), "check");
}

static void assert_counts(struct office *office, int new_count, int changed_count, int same_count)
{
    const struct import_list *list = &office->list;
    if (list->faults_count > 0)
        fail_msg("line %d: %s %s", list->faults[0].line, list->faults[0].field, list->faults[0].rule);
    struct import_counts counts = import_list_count(list);
    assert_int_equal(counts.new_count, new_count);
    assert_int_equal(counts.changed_count, changed_count);
    assert_int_equal(counts.same_count, same_count);
}

static void take_in(struct office *office, const char *file, int new_count, int changed_count, int same_count)
{
    struct turn turn;
    look(office, file);
    assert_counts(office, new_count, changed_count, same_count);
    must(turn_begin(&turn, office->fixture.db), "turn_begin");
    struct request rq = {.db = office->fixture.db, .turn = &turn, .now_us = FIXTURE_T0, .keys = office->fixture.keys};
    arena_init(&rq.arena, 1u << 20);
    must(GROUP_IMPORT.apply(&rq, &office->list), "apply");
    must(turn_commit(&turn), "turn_commit");
    arena_fini(&rq.arena);
    char *complaint = NULL;
    must(group_verify(office->fixture.db, &complaint), "verify");
}

static struct group numbered(struct office *office, int32_t number)
{
    struct group group;
    must(group_by_number(office->fixture.db, number, &group), "group_by_number");
    return group;
}

static void test_own_columns(void **state)
{
    struct office *office = *state;
    take_in(office,
            "number,name,reading,field,from,to,note\n"
            "12,緑の会,みどりのかい,文化,2026-04-01,2027/3/31,第二木曜\n"
            ",青葉の会,,,20260401,20270331,\n"
            ",草案の会,,,,,\n",
            3, 0, 0);
    struct group green = numbered(office, 12), leaf = numbered(office, 13), draft = numbered(office, 14);
    assert_string_equal(green.name, "緑の会");
    assert_string_equal(green.reading, "みどりのかい");
    assert_string_equal(green.field, "文化");
    assert_string_equal(green.note, "第二木曜");
    assert_int_equal(green.from_day, 20260401);
    assert_int_equal(green.to_day, 20270331);
    assert_int_equal(leaf.from_day, 20260401);
    assert_int_equal(draft.from_day, 0);
}

static void test_faults(void **state)
{
    static const struct {
        const char *line, *field, *rule;
    } CASES[] = {
        {"1,,よみ,,,", "name", "required"},
        {"1,　,よみ,,,", "name", "required"},
        {"1,名,緑の会,,,", "reading", "kana"},
        {"0,名,,,,", "number", "number"},
        {"-1,名,,,,", "number", "number"},
        {"1000000,名,,,,", "number", "number"},
        {"12a,名,,,,", "number", "number"},
        {"1,名,,,2026-02-30,2027-03-31", "from_day", "day"},
        {"1,名,,,2026-04/01,2027-03-31", "from_day", "day"},
        {"1,名,,,昨日,2027-03-31", "from_day", "day"},
        {"1,名,,,2026-04-01,", "to_day", "required"},
        {"1,名,,,,2027-03-31", "from_day", "required"},
        {"1,名,,,2026-04-01,2026-03-31", "to_day", "before_from"},
        {"1,名,,,2026-04-01,2126-03-31", "to_day", "too_long"},
    };
    struct office *office = *state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char file[300];
        snprintf(file, sizeof file, "number,name,reading,field,from,to\n%s\n", CASES[i].line);
        look(office, file);
        const struct import_fault *fault = office->list.faults;
        if (office->list.faults_count != 1) fail_msg("%s: %zu faults", CASES[i].line, office->list.faults_count);
        if (fault->line != 2 || strcmp(fault->field, CASES[i].field) != 0 || strcmp(fault->rule, CASES[i].rule) != 0)
            fail_msg("%s: line %d, %s, %s", CASES[i].line, fault->line, fault->field, fault->rule);
    }
}

static void test_lengths(void **state)
{
    struct office *office = *state;
    static char file[20100], filler[10001];
    memset(filler, 'a', sizeof filler - 1);
    static const char *const FIELDS[] = {"name", "reading", "field", "note"};
    for (size_t i = 0; i < COUNT(FIELDS); i++) {
        snprintf(file, sizeof file, "name,%s\n%s,%s\n", i == 0 ? "kind" : FIELDS[i], i == 0 ? filler : "名",
                 i == 0 ? "" : filler);
        look(office, file);
        assert_int_equal(office->list.faults_count, 1);
        assert_string_equal(office->list.faults[0].field, FIELDS[i]);
        assert_string_equal(office->list.faults[0].rule, "length");
    }
}

static void test_a_number_twice(void **state)
{
    struct office *office = *state;
    look(office, "number,name\n5,一\n6,二\n5,三\n");
    assert_int_equal(office->list.faults_count, 1);
    assert_int_equal(office->list.faults[0].line, 4);
    assert_string_equal(office->list.faults[0].rule, "twice");
    assert_string_equal(office->list.faults[0].value, "5");
}

static void test_taken_in_again(void **state)
{
    struct office *office = *state;
    take_in(office, "number,name,reading,field\n5,緑の会,みどりのかい,文化\n,青葉の会,あおばのかい,音楽\n", 2, 0, 0);
    take_in(office, "number,name,reading,field\n5,緑の会,みどりのかい,文化\n,青葉の会,あおばのかい,音楽\n", 0, 0, 2);
    int64_t id = numbered(office, 5).id, rev = numbered(office, 6).rev;
    take_in(office, "number,name,reading,field\n5,緑の仲間,みどりのなかま,文化\n,青葉の会,あおばのかい,音楽\n", 0, 1,
            1);
    assert_string_equal(numbered(office, 5).name, "緑の仲間");
    assert_int_equal(numbered(office, 5).id, id);
    assert_int_equal(numbered(office, 6).rev, rev);        /* what is the same is not touched */
    take_in(office, "number,name\n5,緑の仲間\n", 0, 0, 1); /* what a file leaves out stays */
    assert_string_equal(numbered(office, 5).field, "文化");
}

/* Two groups of one name are two groups, in the order of the file. */
static void test_namesakes(void **state)
{
    static const char FILE_1[] =
        "name,kana,city,corporate_number\n楽市,ラクイチ,入間市,111\n楽市,ラクイチ,寒川町,222\n";
    struct office *office = *state;
    take_in(office, FILE_1, 2, 0, 0);
    assert_string_equal(numbered(office, 1).note, "入間市 法人番号111");
    assert_string_equal(numbered(office, 2).note, "寒川町 法人番号222");
    take_in(office, FILE_1, 0, 0, 2);
    take_in(office,
            "name,kana,city,corporate_number\n楽市,ラクイチ,入間市,111\n楽市,ラクイチ,寒川町,222\n"
            "楽市,ラクイチ,所沢市,333\n楽市,ラクイチザ,,\n",
            2, 0, 2);
    assert_string_equal(numbered(office, 3).note, "所沢市 法人番号333");
    assert_string_equal(numbered(office, 4).reading, "ラクイチザ");
}

static void test_an_ended_group_stays_ended(void **state)
{
    struct office *office = *state;
    struct turn turn;
    take_in(office, "number,name\n5,緑の会\n", 1, 0, 0);
    struct group group = numbered(office, 5);
    group.is_ended = true;
    must(turn_begin(&turn, office->fixture.db), "turn_begin");
    group.rev = turn_next_rev(&turn);
    must(group_update(office->fixture.db, &group), "group_update");
    must(turn_commit(&turn), "turn_commit");
    take_in(office, "number,name,field\n5,緑の会,文化\n", 0, 1, 0);
    assert_true(numbered(office, 5).is_ended);
}

int main(void)
{
#define AT_OFFICE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        AT_OFFICE(test_own_columns),
        AT_OFFICE(test_faults),
        AT_OFFICE(test_lengths),
        AT_OFFICE(test_a_number_twice),
        AT_OFFICE(test_taken_in_again),
        AT_OFFICE(test_namesakes),
        AT_OFFICE(test_an_ended_group_stays_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
