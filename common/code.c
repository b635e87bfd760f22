#include "common/code.h"

#include <stdint.h>
#include <string.h>

#include <sodium.h>
#include <utf8proc.h>

#include "common/error.h"

static const char LETTERS[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"; /* 32: a random byte's low 5 bits choose evenly */

void code_generate(char code[CODE_CHARACTERS + 1])
{
    unsigned char random[CODE_CHARACTERS];
    randombytes_buf(random, sizeof random);
    for (int i = 0; i < CODE_CHARACTERS; i++) code[i] = LETTERS[random[i] & 31];
    code[CODE_CHARACTERS] = '\0';
    sodium_memzero(random, sizeof random);
}

/* Full-width forms are what a Japanese input method types when nobody switched it off. */
static utf8proc_int32_t to_half_width(utf8proc_int32_t character)
{
    if (character >= 0xFF01 && character <= 0xFF5E) return character - 0xFEE0;
    return character;
}

static int is_separator(utf8proc_int32_t character)
{
    switch (character) {
    case ' ':
    case '\t':
    case 0x3000: /* ideographic space */
    case '-':
    case 0x2010: /* hyphen */
    case 0x2011:
    case 0x2012:
    case 0x2013: /* en dash */
    case 0x2014:
    case 0x2015:
    case 0x2212: /* minus */
    case 0x30FC: /* the long vowel mark, on the hyphen's key of a kana keyboard */
        return 1;
    default:
        return 0;
    }
}

int code_normalize(const char *typed, char code[CODE_CHARACTERS + 1])
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)typed;
    utf8proc_ssize_t left = (utf8proc_ssize_t)strlen(typed);
    int have = 0;
    while (left > 0) {
        utf8proc_int32_t character;
        utf8proc_ssize_t taken = utf8proc_iterate(at, left, &character);
        if (taken <= 0) goto invalid;
        at += taken;
        left -= taken;
        character = to_half_width(character);
        if (is_separator(character)) continue;
        if (character >= 'a' && character <= 'z') character -= 'a' - 'A';
        if (character <= 0 || character > 127 || !strchr(LETTERS, (int)character) || have == CODE_CHARACTERS)
            goto invalid;
        code[have++] = (char)character;
    }
    if (have != CODE_CHARACTERS) goto invalid;
    code[CODE_CHARACTERS] = '\0';
    return 0;
invalid:
    sodium_memzero(code, CODE_CHARACTERS + 1);
    return MDG_ERR_INVALID;
}

void code_format(const char code[CODE_CHARACTERS + 1], char shown[CODE_CHARACTERS + 3])
{
    char *to = shown;
    for (int i = 0; i < CODE_CHARACTERS; i++) {
        if (i == 4 || i == 8) *to++ = '-';
        *to++ = code[i];
    }
    *to = '\0';
}
