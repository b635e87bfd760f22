#include "client/ctl/moment.h"

#include <stddef.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"

/* Exactly count digits. */
static int digits(const char **at, int count, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9') return MDG_ERR_INVALID;
        *out = *out * 10 + (**at - '0');
    }
    return 0;
}

/* The separator between parts of a date: the same twice, or none. */
static char separator(const char **at)
{
    char found = **at == '-' || **at == '/' ? **at : '\0';
    if (found) (*at)++;
    return found;
}

static int day_take(const char **at, int32_t *day)
{
    int year, month, date;
    if (digits(at, 4, &year) != 0) return MDG_ERR_INVALID;
    char first = separator(at);
    if (digits(at, 2, &month) != 0) return MDG_ERR_INVALID;
    if (separator(at) != first || digits(at, 2, &date) != 0) return MDG_ERR_INVALID;
    *day = year * 10000 + month * 100 + date;
    return day_is_valid(*day) ? 0 : MDG_ERR_INVALID;
}

int moment_day_parse(const char *text, int64_t now_us, int32_t *day)
{
    int32_t today = day_of_us(now_us);
    if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0) {
        *day = text[0] == 't' ? today : day_add(today, -1);
        return 0;
    }
    return day_take(&text, day) == 0 && *text == '\0' ? 0 : MDG_ERR_INVALID;
}

int moment_month_parse(const char *text, int32_t *month)
{
    int year, number;
    if (digits(&text, 4, &year) != 0) return MDG_ERR_INVALID;
    separator(&text);
    if (digits(&text, 2, &number) != 0 || *text != '\0' || number < 1 || number > 12) return MDG_ERR_INVALID;
    *month = year * 100 + number;
    return 0;
}

static int time_take(const char **at, int *minute, int *second)
{
    int hour, minutes;
    *second = 0;
    if (digits(at, 2, &hour) != 0 || *(*at)++ != ':' || digits(at, 2, &minutes) != 0) return MDG_ERR_INVALID;
    if (**at == ':') {
        (*at)++;
        if (digits(at, 2, second) != 0) return MDG_ERR_INVALID;
    }
    *minute = hour * 60 + minutes;
    return hour <= 23 && minutes <= 59 && *second <= 59 ? 0 : MDG_ERR_INVALID;
}

int moment_parse(const char *text, int64_t now_us, int64_t *at_us)
{
    int32_t day = day_of_us(now_us);
    int minute, second;
    if (strcmp(text, "now") == 0) {
        *at_us = now_us;
        return 0;
    }
    if (strlen(text) > 8) { /* more than "13:00:00": a day comes first */
        if (day_take(&text, &day) != 0 || (*text != ' ' && *text != 'T')) return MDG_ERR_INVALID;
        text++;
    }
    if (time_take(&text, &minute, &second) != 0 || *text != '\0') return MDG_ERR_INVALID;
    *at_us = day_to_us(day, minute) + second * US_PER_SECOND;
    return 0;
}
