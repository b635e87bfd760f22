#include "common/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "common/error.h"

static int is_utf8(const char *bytes, size_t length)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)bytes;
    while (length > 0) {
        utf8proc_int32_t character;
        utf8proc_ssize_t used = utf8proc_iterate(at, (utf8proc_ssize_t)length, &character);
        if (used <= 0) return 0;
        at += used;
        length -= (size_t)used;
    }
    return 1;
}

/* CP932 and not SHIFT_JIS, which knows neither ① nor 髙. A byte of it becomes three of UTF-8 at most. */
static int cp932_read(const char *bytes, size_t length, char *out, size_t size, size_t *out_length)
{
    iconv_t converter = iconv_open("UTF-8", "CP932");
    if (converter == (iconv_t)-1) return MDG_ERR_CONFIG;
    char *from = (char *)bytes, *to = out;
    size_t left = length, room = size;
    size_t rc = iconv(converter, &from, &left, &to, &room);
    iconv_close(converter);
    if (rc == (size_t)-1 || left > 0) return MDG_ERR_INVALID;
    *out_length = size - room;
    return 0;
}

int charset_read(const char *bytes, size_t length, char **out, size_t *out_length, const char **name)
{
    static const char MARK[] = "\xEF\xBB\xBF";
    const int is_plain = is_utf8(bytes, length);
    if (is_plain && length >= 3 && memcmp(bytes, MARK, 3) == 0) {
        bytes += 3;
        length -= 3;
    }
    size_t size = is_plain ? length : length * 3;
    *out = malloc(size + 1);
    if (!*out) return MDG_ERR_MEMORY;
    int rc = 0;
    if (is_plain) {
        if (length > 0) memcpy(*out, bytes, length);
        *out_length = length;
    } else {
        rc = cp932_read(bytes, length, *out, size, out_length);
    }
    if (rc != 0) {
        free(*out);
        *out = NULL;
        return rc;
    }
    (*out)[*out_length] = '\0';
    *name = is_plain ? "UTF-8" : "CP932";
    return 0;
}
