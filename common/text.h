/* common/text.h - what may stand in a text field, and how names are compared. */
#ifndef MADOGUCHI_COMMON_TEXT_H
#define MADOGUCHI_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 without control characters (C0, DEL, C1); has_lines allows line feeds. */
bool text_is_clean(const char *text, size_t length, bool has_lines);
/* NFKC into an allocated string the caller frees; NULL: not UTF-8, or out of memory. */
char *text_nfkc(const char *text);
/* NFKC and case-folded without leading, trailing or doubled spaces: equal keys are the same name. As above. */
char *text_name_key(const char *text);
/* In place: no leading, trailing or doubled U+0020, which after NFKC is every kind of blank that people type. */
void text_squeeze_spaces(char *text);

#endif
