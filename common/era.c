#include "common/era.h"

#include <stdio.h>

#include "common/day.h"

static const struct {
    int32_t from_day;
    const char *name;
} ERAS[] = {
    {20190501, "令和"}, {19890108, "平成"}, {19261225, "昭和"}, {19120730, "大正"}, {18730101, "明治"},
};
#define MEIJI_FIRST_YEAR 1868

/* "" before 1873. The first year of an era is 元. */
static const char *era_of(int32_t day, int *year)
{
    for (size_t i = 0; i < sizeof ERAS / sizeof ERAS[0]; i++) {
        if (day < ERAS[i].from_day) continue;
        int first = ERAS[i].from_day == 18730101 ? MEIJI_FIRST_YEAR : ERAS[i].from_day / 10000;
        *year = day / 10000 - first + 1;
        return ERAS[i].name;
    }
    *year = day / 10000;
    return "";
}

static void year_text(const char *era, int year, char *out, size_t size)
{
    if (era[0] && year == 1)
        snprintf(out, size, "%s元年", era);
    else
        snprintf(out, size, "%s%d年", era, year);
}

void era_date(int32_t day, char *out, size_t size)
{
    static const char *const WEEKDAYS[] = {"日", "月", "火", "水", "木", "金", "土"};
    char year_words[ERA_YEAR_BYTES];
    int year;
    if (size == 0) return;
    out[0] = '\0';
    if (!day_is_valid(day)) return;
    const char *era = era_of(day, &year);
    year_text(era, year, year_words, sizeof year_words);
    int length = snprintf(out, size, "%s%d月%d日(%s)", year_words, (int)(day / 100 % 100), (int)(day % 100),
                          WEEKDAYS[day_weekday(day)]);
    if (length < 0 || (size_t)length >= size) out[0] = '\0';
}

void era_fiscal_year(int fiscal_year, int first_month, char *out, size_t size)
{
    char year_words[ERA_YEAR_BYTES];
    int year;
    const char *era = era_of(day_fiscal_year_start(fiscal_year, first_month), &year);
    year_text(era, year, year_words, sizeof year_words);
    int length = snprintf(out, size, "%s度", year_words);
    if (size > 0 && (length < 0 || (size_t)length >= size)) out[0] = '\0';
}
