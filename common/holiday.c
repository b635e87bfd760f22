#include "common/holiday.h"

#include <stdbool.h>
#include <stddef.h>

#include "common/day.h"

#define FIRST_YEAR 2000
#define LAST_YEAR 2099
#define BETWEEN_NAME "休日"

static int monday_number(int32_t day)
{
    return day_weekday(day) == 1 ? (day % 100 + 6) / 7 : 0;
}

/* Date of the equinox in March or September, for 1980 to 2099; in millionths of a day. */
static int equinox_date(int year, int month)
{
    const int n = year - 1980;
    const int64_t base = month == 3 ? 20843100 : 23248800;
    return (int)((base + INT64_C(242194) * n) / 1000000) - n / 4;
}

static const char *of_winter(int year, int month, int date, int monday)
{
    if (month == 1 && date == 1) return "元日";
    if (month == 1 && monday == 2) return "成人の日";
    if (month == 2 && date == 11) return "建国記念の日";
    if (month == 2 && date == 23 && year >= 2020) return "天皇誕生日";
    if (month == 3 && date == equinox_date(year, 3)) return "春分の日";
    if (month == 12 && date == 23 && year <= 2018) return "天皇誕生日";
    return NULL;
}

static const char *of_spring(int year, int month, int date)
{
    if (month == 4 && date == 29) return year >= 2007 ? "昭和の日" : "みどりの日";
    if (month != 5) return NULL;
    if (date == 1 && year == 2019) return "即位の日";
    if (date == 3) return "憲法記念日";
    if (date == 4 && year >= 2007) return "みどりの日";
    return date == 5 ? "こどもの日" : NULL;
}

/* In the two years of the games three holidays were moved to their opening and closing. */
static const char *of_games(int32_t day)
{
    switch (day) {
    case 20200723:
    case 20210722:
        return "海の日";
    case 20200724:
    case 20210723:
        return "スポーツの日";
    case 20200810:
    case 20210808:
        return "山の日";
    default:
        return NULL;
    }
}

static const char *of_summer(int year, int month, int date, int monday)
{
    if (year == 2020 || year == 2021) return of_games(year * 10000 + month * 100 + date);
    if (month == 7 && (year <= 2002 ? date == 20 : monday == 3)) return "海の日";
    if (month == 8 && date == 11 && year >= 2016) return "山の日";
    if (month == 10 && monday == 2) return year >= 2020 ? "スポーツの日" : "体育の日";
    return NULL;
}

static const char *of_autumn(int year, int month, int date, int monday)
{
    if (month == 9 && (year <= 2002 ? date == 15 : monday == 3)) return "敬老の日";
    if (month == 9 && date == equinox_date(year, 9)) return "秋分の日";
    if (month == 10 && date == 22 && year == 2019) return "即位礼正殿の儀の行われる日";
    if (month == 11 && date == 3) return "文化の日";
    if (month == 11 && date == 23) return "勤労感謝の日";
    return NULL;
}

/* Holidays by their own right: neither substitute days nor days between. */
static const char *named_holiday(int32_t day)
{
    const int year = day / 10000, month = day / 100 % 100, date = day % 100;
    if (year < FIRST_YEAR || year > LAST_YEAR) return NULL;
    const int monday = monday_number(day);
    const char *name = of_winter(year, month, date, monday);
    if (!name) name = of_spring(year, month, date);
    if (!name) name = of_summer(year, month, date, monday);
    return name ? name : of_autumn(year, month, date, monday);
}

/* 振替休日: for a holiday on a Sunday, the first day after it that is none; until 2006 only the Monday. */
static bool is_substitute(int32_t day)
{
    if (day < 20070101) return day_weekday(day) == 1 && named_holiday(day_add(day, -1));
    int32_t before = day_add(day, -1);
    while (named_holiday(before)) {
        if (day_weekday(before) == 0) return true;
        before = day_add(before, -1);
    }
    return false;
}

/* 国民の休日: between two holidays. Until 2006 not on a Sunday. */
static bool is_between(int32_t day)
{
    if (day < 20070101 && day_weekday(day) == 0) return false;
    return named_holiday(day_add(day, -1)) && named_holiday(day_add(day, 1));
}

const char *holiday_of_day(int32_t day)
{
    if (!day_is_valid(day) || day / 10000 < FIRST_YEAR || day / 10000 > LAST_YEAR) return NULL;
    const char *name = named_holiday(day);
    if (name) return name;
    return is_substitute(day) || is_between(day) ? BETWEEN_NAME : NULL;
}
