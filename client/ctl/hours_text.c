#include "client/ctl/hours_text.h"

#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/locale.h"

#define WEEKDAYS 62u /* Monday to Friday */
#define WEEKENDS 65u
#define HOLIDAYS 128u

static const struct {
    const char *word;
    uint32_t days;
} WORDS[] = {
    {"sun", 1},
    {"mon", 2},
    {"tue", 4},
    {"wed", 8},
    {"thu", 16},
    {"fri", 32},
    {"sat", 64},
    {"holidays", HOLIDAYS},
    {"weekdays", WEEKDAYS},
    {"weekends", WEEKENDS},
    {"all", WEEKDAYS | WEEKENDS | HOLIDAYS},
};

static int days_parse(const char *text, size_t length, uint32_t *days)
{
    *days = 0;
    for (size_t at = 0; at <= length;) {
        size_t word = 0, i = 0;
        while (at + word < length && text[at + word] != ',') word++;
        while (i < sizeof WORDS / sizeof WORDS[0] &&
               (strlen(WORDS[i].word) != word || strncmp(WORDS[i].word, text + at, word) != 0))
            i++;
        if (i == sizeof WORDS / sizeof WORDS[0]) return MDG_ERR_INVALID;
        *days |= WORDS[i].days;
        at += word + 1;
    }
    return 0;
}

static int minute_parse(const char *text, int *minute, const char **end)
{
    int hour, past, length = 0;
    if (sscanf(text, "%2d:%2d%n", &hour, &past, &length) != 2 || length == 0) return MDG_ERR_INVALID;
    if (hour < 0 || hour > 24 || past < 0 || past > 59 || (hour == 24 && past != 0)) return MDG_ERR_INVALID;
    *minute = hour * 60 + past;
    *end = text + length;
    return 0;
}

int hours_span_parse(const char *text, uint32_t *days, int *open_minute, int *close_minute)
{
    const char *equals = strchr(text, '='), *at;
    if (!equals || equals == text || equals[1 + strspn(equals + 1, "0123456789:-")]) return MDG_ERR_INVALID;
    int rc = days_parse(text, (size_t)(equals - text), days);
    if (rc == 0) rc = minute_parse(equals + 1, open_minute, &at);
    if (rc == 0 && *at != '-') rc = MDG_ERR_INVALID;
    if (rc == 0) rc = minute_parse(at + 1, close_minute, &at);
    return rc == 0 && *at ? MDG_ERR_INVALID : rc;
}

static void add(char *out, size_t size, const char *text)
{
    size_t length = strlen(out);
    if (length < size) snprintf(out + length, size - length, "%s%s", length > 0 ? ", " : "", text);
}

void hours_span_text(uint32_t days, int open_minute, int close_minute, char *out, size_t size)
{
    static const char *const NAMES[] = {N_("Sun"), N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat")};
    out[0] = '\0';
    if ((days & WEEKDAYS) == WEEKDAYS) add(out, size, _("Mon–Fri"));
    for (int i = 1; i <= 7; i++) { /* a week begins on Monday where work is planned */
        uint32_t bit = UINT32_C(1) << i % 7;
        if ((days & bit) && !((bit & WEEKDAYS) && (days & WEEKDAYS) == WEEKDAYS)) add(out, size, _(NAMES[i % 7]));
    }
    if (days & HOLIDAYS) add(out, size, _("holidays"));
    size_t length = strlen(out);
    snprintf(out + length, size - length, " %02d:%02d–%02d:%02d", open_minute / 60, open_minute % 60, close_minute / 60,
             close_minute % 60);
}
