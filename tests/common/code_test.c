/* tests/common/code_test.c - one-time codes as people type them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "common/code.h"
#include "common/error.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char ALPHABET[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

static void test_normalize(void **state)
{
    static const struct {
        const char *name, *typed, *code; /* NULL: refused */
    } CASES[] = {
        {"as shown", "K7QM-Z2XH-WP", "K7QMZ2XHWP"},
        {"lower case with spaces", " k7qm z2xh wp ", "K7QMZ2XHWP"},
        {"bare", "K7QMZ2XHWP", "K7QMZ2XHWP"},
        {"full width", "\uFF2B\uFF17\uFF51\uFF4D\uFF0D\uFF3A\uFF12\uFF58\uFF48\u3000\uFF37\uFF50", "K7QMZ2XHWP"},
        {"a kana keyboard's hyphen", "k7qm\u30FCz2xh\u30FCwp", "K7QMZ2XHWP"},
        {"other dashes", "k7qm\u2010z2xh\u2212wp", "K7QMZ2XHWP"},
        {"one short", "K7QMZ2XHW", NULL},
        {"one long", "K7QMZ2XHWPA", NULL},
        {"letter I", "I7QMZ2XHWP", NULL},
        {"letter O", "O7QMZ2XHWP", NULL},
        {"digit 0", "07QMZ2XHWP", NULL},
        {"digit 1", "17QMZ2XHWP", NULL},
        {"other letter", "K7QMZ2XHW\u00C4", NULL},
        {"punctuation", "K7QM.Z2XHWP", NULL},
        {"not UTF-8", "K7QMZ2XHW\xC3", NULL},
        {"empty", "", NULL},
        {"separators only", "--- ---", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char code[CODE_CHARACTERS + 1] = "untouched!";
        int rc = code_normalize(CASES[i].typed, code);
        if (rc != (CASES[i].code ? 0 : MDG_ERR_INVALID)) fail_msg("%s: rc %d", CASES[i].name, rc);
        if (strcmp(code, CASES[i].code ? CASES[i].code : "") != 0) fail_msg("%s: %s", CASES[i].name, code);
    }
}

static void test_format(void **state)
{
    char shown[CODE_CHARACTERS + 3], code[CODE_CHARACTERS + 1];
    (void)state;
    code_format("K7QMZ2XHWP", shown);
    assert_string_equal(shown, "K7QM-Z2XH-WP");
    assert_int_equal(code_normalize(shown, code), 0);
    assert_string_equal(code, "K7QMZ2XHWP");
}

/* 4,000 codes are 40,000 letters, 1,250 of each expected; six standard deviations are 209. */
static void test_generate_uses_every_letter_evenly(void **state)
{
    unsigned seen[128] = {0};
    char code[CODE_CHARACTERS + 1], last[CODE_CHARACTERS + 1] = "";
    (void)state;
    for (int i = 0; i < 4000; i++) {
        code_generate(code);
        assert_int_equal(strlen(code), CODE_CHARACTERS);
        assert_string_not_equal(code, last);
        memcpy(last, code, sizeof last);
        for (int at = 0; at < CODE_CHARACTERS; at++) seen[(unsigned char)code[at] & 127]++;
    }
    for (unsigned c = 0; c < 128; c++) {
        bool is_letter = c != 0 && strchr(ALPHABET, (int)c) != NULL;
        if (is_letter && (seen[c] < 1250 - 209 || seen[c] > 1250 + 209)) fail_msg("%c came %u times", (int)c, seen[c]);
        if (!is_letter && seen[c] != 0) fail_msg("character %u is no letter of codes", c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_generate_uses_every_letter_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
