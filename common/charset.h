/* common/charset.h - text files as Japanese offices keep them: UTF-8 with or without a mark, or CP932. */
#ifndef MADOGUCHI_COMMON_CHARSET_H
#define MADOGUCHI_COMMON_CHARSET_H

#include <stddef.h>

/* UTF-8 (a mark at its beginning left out), NUL-ended and allocated, the caller frees *out; *name is the encoding it
 * was in, a constant. What is UTF-8 is taken as UTF-8. MDG_ERR_INVALID: neither. MDG_ERR_MEMORY. */
int charset_read(const char *bytes, size_t length, char **out, size_t *out_length, const char **name);

#endif
