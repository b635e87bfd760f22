#include "common/text.h"

#include <stdint.h>
#include <stdlib.h>

#include <utf8proc.h>

static bool is_control(int32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

bool text_is_clean(const char *text, size_t length, bool has_lines)
{
    const uint8_t *at = (const uint8_t *)text;
    while (length > 0) {
        if (*at >= 0x20 && *at < 0x7f) { /* most of what comes is plain ASCII */
            at++, length--;
            continue;
        }
        int32_t point;
        utf8proc_ssize_t used = utf8proc_iterate(at, (utf8proc_ssize_t)length, &point);
        if (used <= 0) return false;
        if (is_control(point) && !(has_lines && point == '\n')) return false;
        at += used;
        length -= (size_t)used;
    }
    return true;
}

static char *text_map(const char *text, utf8proc_option_t more)
{
    uint8_t *mapped = NULL;
    const int options = UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | (int)more;
    if (utf8proc_map((const uint8_t *)text, 0, &mapped, (utf8proc_option_t)options) < 0) {
        free(mapped);
        return NULL;
    }
    return (char *)mapped;
}

char *text_nfkc(const char *text)
{
    return text_map(text, 0);
}

void text_squeeze_spaces(char *text)
{
    char *to = text;
    bool is_due = false; /* a space waits for the next letter */
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == ' ') {
            is_due = to != text;
            continue;
        }
        if (is_due) *to++ = ' ';
        is_due = false;
        *to++ = *from;
    }
    *to = '\0';
}

char *text_name_key(const char *text)
{
    /* Invisible letters (zero width, soft hyphen) are dropped: no two names that look the same. */
    char *folded = text_map(text, UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    if (!folded) return NULL;
    char *key = text_nfkc(folded); /* dropping and folding can bring together what composes */
    free(folded);
    if (key) text_squeeze_spaces(key);
    return key;
}
