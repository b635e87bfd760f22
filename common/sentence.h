/* common/sentence.h - what went wrong, as a sentence for people in their language: what is so, then what can be done.
 * Codes and field names are for programs and logs; they do not stand in the sentence. Any thread, after
 * locale_open(); instants are shown in the zone of common/day.h. */
#ifndef MADOGUCHI_COMMON_SENTENCE_H
#define MADOGUCHI_COMMON_SENTENCE_H

#include <stddef.h>
#include <stdint.h>

#include "frame.pb-c.h"

#define SENTENCE_BYTES 600

/* For any error: MDG_ERR_*, UV_E*, or one that neither knows. Translated and static. */
const char *error_sentence(int code);

/* The most fitting sentence for code, field and rule with the refusal's arguments filled in; cut at a character when
 * out is too small. */
void refusal_sentence(const Mdg__Refusal *refusal, char *out, size_t size);

/* "2026/11/24(火) 13:00" of the centre. size from MOMENT_BYTES. */
#define MOMENT_BYTES 40
void moment_text(int64_t at_us, char *out, size_t size);
/* "2026/11/24(火)" */
void moment_day_text(int32_t day, char *out, size_t size);

#endif
