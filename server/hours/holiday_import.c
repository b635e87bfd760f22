#include "server/hours/holiday_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "server/hours/hours_store.h"
#include "server/request/request.h"

#define FIRST_YEAR 1948 /* of the law */
#define LAST_YEAR 2199
/* No whole year ever had fewer; a cut file would. */
#define DAYS_OF_YEAR_LEAST 9

struct holiday_item {
    struct import_item item;
    int32_t day;
    bool is_removed;
    char name[HOLIDAY_NAME_BYTES_MAX + 1];
};

/* 2026/1/1 or 2026-01-01. 0: none. */
static int32_t date_read(const char *text)
{
    int year, month, date, end = 0;
    char first, second;
    if (text[strspn(text, "0123456789/-")]) return 0; /* no signs, no blanks */
    if (sscanf(text, "%4d%c%2d%c%2d%n", &year, &first, &month, &second, &date, &end) != 5 || text[end]) return 0;
    if (first != second || (first != '/' && first != '-') || year < 0 || month < 1 || month > 12 || date < 1) return 0;
    int32_t day = year * 10000 + month * 100 + date;
    return day_is_valid(day) ? day : 0;
}

static int parse(struct import_list *list, struct import_item *item, const char *const *cells)
{
    struct holiday_item *holiday = (struct holiday_item *)item;
    const char *date = cells[0], *name = cells[1];
    holiday->day = date_read(date);
    int rc = 0;
    if (!date[0])
        rc = import_fault_add(list, item->line, "date", "required", date);
    else if (holiday->day == 0)
        rc = import_fault_add(list, item->line, "date", "day", date);
    else if (holiday->day / 10000 < FIRST_YEAR || holiday->day / 10000 > LAST_YEAR)
        rc = import_fault_add(list, item->line, "date", "year", date);
    if (rc == 0 && !name[0]) rc = import_fault_add(list, item->line, "name", "required", name);
    if (rc == 0 && strlen(name) > HOLIDAY_NAME_BYTES_MAX)
        rc = import_fault_add(list, item->line, "name", "length", name);
    snprintf(holiday->name, sizeof holiday->name, "%s", name);
    return rc;
}

/* --- against each other ------------------------------------------------------------------------------- */

static int by_day(const void *a, const void *b)
{
    const struct holiday_item *left = *(const struct holiday_item *const *)a;
    const struct holiday_item *right = *(const struct holiday_item *const *)b;
    if (left->day != right->day) return left->day < right->day ? -1 : 1;
    return (left->item.line > right->item.line) - (left->item.line < right->item.line);
}

/* Sorted by day; *years: how many the file holds. */
static int check_days(struct import_list *list, struct holiday_item **days, size_t count, int *years)
{
    const bool is_whole = list->faults_count == 0; /* else lines that are at fault would be missed here too */
    int rc = 0, days_of_year = 0;
    *years = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const int year = days[i]->day / 10000;
        char text[16];
        snprintf(text, sizeof text, "%d", (int)days[i]->day);
        if (i > 0 && days[i]->day == days[i - 1]->day)
            rc = import_fault_add(list, days[i]->item.line, "date", "twice", text);
        else
            days_of_year++;
        if (i + 1 < count && days[i + 1]->day / 10000 == year) continue;
        (*years)++;
        snprintf(text, sizeof text, "%d", year);
        if (rc == 0 && is_whole && days_of_year < DAYS_OF_YEAR_LEAST && year > FIRST_YEAR)
            rc = import_fault_add(list, days[i]->item.line, "date", "year_incomplete", text);
        days_of_year = 0;
    }
    return rc;
}

static int check_years(struct import_list *list, struct db *db, int years)
{
    int held;
    char text[32];
    int rc = holiday_years(db, &held);
    if (rc != 0 || years >= held) return rc;
    snprintf(text, sizeof text, "%d < %d", years, held);
    return import_fault_add(list, 0, "file", "fewer_years", text);
}

/* --- against what is stored --------------------------------------------------------------------------- */

struct merge {
    struct import_list *list;
    struct holiday_item **days; /* of the file, by day */
    size_t count, next;
    size_t year_at; /* a day of the file in the year that is looked at */
};

static bool file_holds_year(struct merge *merge, int year)
{
    while (merge->year_at < merge->count && merge->days[merge->year_at]->day / 10000 < year) merge->year_at++;
    return merge->year_at < merge->count && merge->days[merge->year_at]->day / 10000 == year;
}

static int take_away(struct merge *merge, const struct holiday *stored)
{
    struct holiday_item *item = (struct holiday_item *)import_item_add(merge->list, 0);
    if (!item) return MDG_ERR_MEMORY;
    item->item.state = IMPORT_CHANGED;
    item->day = stored->day;
    item->is_removed = true;
    memcpy(item->name, stored->name, sizeof item->name);
    return 0;
}

/* Both by day: days of the file that are passed on the way are new. */
static int merge_stored(void *arg, const struct holiday *stored)
{
    struct merge *merge = arg;
    while (merge->next < merge->count && merge->days[merge->next]->day < stored->day) merge->next++;
    if (merge->next < merge->count && merge->days[merge->next]->day == stored->day) {
        struct holiday_item *item = merge->days[merge->next];
        item->item.state = strcmp(item->name, stored->name) == 0 ? IMPORT_SAME : IMPORT_CHANGED;
        return 0;
    }
    return file_holds_year(merge, stored->day / 10000) ? take_away(merge, stored) : 0;
}

static int check(struct import_list *list, struct db *db)
{
    size_t count = list->items_count;
    int years;
    struct holiday_item **days = arena_alloc(list->arena, count * sizeof *days);
    if (!days) return MDG_ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        days[i] = (struct holiday_item *)list->items[i];
        days[i]->item.state = IMPORT_NEW;
    }
    qsort(days, count, sizeof days[0], by_day);
    const bool is_whole = list->faults_count == 0;
    int rc = check_days(list, days, count, &years);
    if (rc == 0 && is_whole) rc = check_years(list, db, years);
    struct merge merge = {.list = list, .days = days, .count = count};
    return rc == 0 ? holiday_each(db, FIRST_YEAR * 10000, LAST_YEAR * 10000 + 1231, merge_stored, &merge) : rc;
}

static int apply(struct request *rq, const struct import_list *list)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < list->items_count; i++) {
        const struct holiday_item *item = (const struct holiday_item *)list->items[i];
        struct holiday holiday = {.day = item->day, .is_removed = item->is_removed};
        if (item->item.state == IMPORT_SAME) continue;
        memcpy(holiday.name, item->name, sizeof holiday.name);
        holiday.rev = change_record(rq, item->day);
        rc = holiday_put(rq->turn, &holiday);
    }
    return rc;
}

const struct import_kind HOLIDAY_IMPORT = {
    .kind = MDG__IMPORT_KIND__IMPORT_HOLIDAYS,
    .name = "holidays",
    .columns = {{"date", {"date", "国民の祝日・休日月日"}, true}, {"name", {"name", "国民の祝日・休日名称"}, true}},
    .item_bytes = sizeof(struct holiday_item),
    .parse = parse,
    .check = check,
    .apply = apply,
};
