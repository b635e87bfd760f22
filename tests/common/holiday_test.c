/* tests/common/holiday_test.c - the law's rules against the published list, day by day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/csv.h"
#include "common/day.h"
#include "common/holiday.h"

#define FIRST_YEAR 2000

struct published {
    int32_t day;
    char name[64];
};
#define PUBLISHED_MAX 1000

struct list {
    struct published days[PUBLISHED_MAX];
    size_t count;
};

static char *file_text(const char *name, size_t *length)
{
    char path[4096];
    const char *source = getenv("MADOGUCHI_SOURCE");
    snprintf(path, sizeof path, "%s/tests/data/holidays/%s", source ? source : ".", name);
    FILE *file = fopen(path, "re");
    if (!file) fail_msg("%s cannot be read", path);
    char *text = malloc(1 << 20);
    assert_non_null(text);
    *length = fread(text, 1, (1 << 20) - 1, file);
    text[*length] = '\0';
    fclose(file);
    return text;
}

static int setup(void **state)
{
    struct list *list = calloc(1, sizeof *list);
    size_t length;
    if (!list) return -1;
    char *text = file_text("holidays.csv", &length);
    struct csv csv;
    struct csv_line line;
    csv_init(&csv, text, length);
    while (csv_next(&csv, &line) == CSV_FINE) {
        int year, month, date;
        if (sscanf(line.cells[0], "%d-%d-%d", &year, &month, &date) != 3) continue; /* the titles */
        assert_true(list->count < PUBLISHED_MAX);
        list->days[list->count].day = year * 10000 + month * 100 + date;
        snprintf(list->days[list->count++].name, sizeof list->days[0].name, "%s", line.cells[1]);
    }
    free(text);
    *state = list;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static const char *published_on(const struct list *list, int32_t day)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->days[i].day == day) return list->days[i].name;
    return NULL;
}

/* The list calls the two once-only days 休日（祝日扱い）, and the sports day of 2019 by both its names. */
static bool is_same_name(const char *ours, const char *theirs)
{
    if (strcmp(ours, theirs) == 0) return true;
    if (strcmp(theirs, "休日（祝日扱い）") == 0) return strstr(ours, "即位") != NULL;
    return strcmp(theirs, "体育の日（スポーツの日）") == 0 && strcmp(ours, "体育の日") == 0;
}

static void test_every_day_of_the_published_years(void **state)
{
    const struct list *list = *state;
    int holidays = 0, wrong = 0;
    assert_int_equal(list->count, 703);
    int32_t last = list->days[list->count - 1].day / 10000 * 10000 + 1231;
    for (int32_t day = FIRST_YEAR * 10000 + 101; day <= last; day = day_add(day, 1)) {
        const char *theirs = published_on(list, day), *ours = holiday_of_day(day);
        holidays += theirs != NULL;
        if ((ours != NULL) == (theirs != NULL) && (!ours || is_same_name(ours, theirs))) continue;
        wrong++;
        print_error("%d: %s, published as %s\n", (int)day, ours ? ours : "none", theirs ? theirs : "none");
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(holidays, 540);
}

static void test_rare_days(void **state)
{
    static const struct {
        const char *name;
        int32_t day;
        const char *holiday;
    } CASES[] = {
        {"a day between two holidays on a Sunday is none before 2007", 20030504, NULL},
        {"a substitute two days later", 20080506, "休日"},
        {"between two holidays in September", 20090922, "休日"},
        {"again in 2032", 20320921, "休日"},
        {"the Emperor's birthday of 2018", 20181223, "天皇誕生日"},
        {"its substitute", 20181224, "休日"},
        {"none in 2019", 20191223, NULL},
        {"before the enthronement", 20190430, "休日"},
        {"the enthronement", 20190501, "即位の日"},
        {"sea day moved for the games", 20210722, "海の日"},
        {"and not on its Monday", 20210719, NULL},
        {"mountain day moved to a Sunday, with a substitute", 20210809, "休日"},
        {"a leap day", 20240229, NULL},
        {"the last spring", 20990320, "春分の日"},
        {"before the rules", 19991231, NULL},
        {"a new year before the rules", 19990101, NULL},
        {"after the rules", 21000101, NULL},
        {"no day at all", 20260230, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const char *holiday = holiday_of_day(CASES[i].day);
        if ((holiday == NULL) != (CASES[i].holiday == NULL) || (holiday && strcmp(holiday, CASES[i].holiday) != 0))
            fail_msg("%s: %d is %s", CASES[i].name, (int)CASES[i].day, holiday ? holiday : "none");
    }
}

static void test_the_whole_century(void **state)
{
    int days = 0;
    (void)state;
    for (int32_t day = 20000101; day <= 20991231; day = day_add(day, 1)) days += holiday_of_day(day) != NULL;
    assert_int_equal(days, 1773);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day_of_the_published_years),
        cmocka_unit_test(test_rare_days),
        cmocka_unit_test(test_the_whole_century),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
