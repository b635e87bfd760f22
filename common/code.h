/* common/code.h - one-time codes that people read out and type: A–Z without I and O, and 2–9 (32 letters,
 * 5 bits each). */
#ifndef MADOGUCHI_COMMON_CODE_H
#define MADOGUCHI_COMMON_CODE_H

#include <stddef.h>

#define CODE_CHARACTERS 10

/* From the system's random source; a NUL ends it. */
void code_generate(char code[CODE_CHARACTERS + 1]);
/* Any case, full width too, with or without spaces and hyphens. MDG_ERR_INVALID: another length or letter. */
int code_normalize(const char *typed, char code[CODE_CHARACTERS + 1]);
/* As shown: 4-4-2 with hyphens. */
void code_format(const char code[CODE_CHARACTERS + 1], char shown[CODE_CHARACTERS + 3]);

#endif
