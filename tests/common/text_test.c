/* tests/common/text_test.c - which bytes may stand in a text field, and which names are the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

static void test_clean(void **state)
{
    static const struct {
        const char *name, *text;
        size_t length;
        bool is_clean, is_clean_with_lines;
    } CASES[] = {
        {"empty", "", 0, true, true},
        {"ascii", "hello ~", 7, true, true},
        {"japanese", "受付１", 9, true, true},
        {"beyond the basic plane", "\xf0\xa0\xae\xb7", 4, true, true},
        {"line feed", "a\nb", 3, false, true},
        {"carriage return", "a\rb", 3, false, false},
        {"tab", "a\tb", 3, false, false},
        {"escape", "a\x1b[2J", 5, false, false},
        {"zero inside", "a\0b", 3, false, false},
        {"delete", "a\x7f", 2, false, false},
        {"C1 first", "\xc2\x80", 2, false, false},
        {"C1 next line", "\xc2\x85", 2, false, false},
        {"C1 last", "\xc2\x9f", 2, false, false},
        {"after C1", "\xc2\xa0", 2, true, true},
        {"cut short", "\xe5\x8f", 2, false, false},
        {"lone continuation", "\x80", 1, false, false},
        {"overlong slash", "\xc0\xaf", 2, false, false},
        {"surrogate", "\xed\xa0\x80", 3, false, false},
        {"beyond unicode", "\xf4\x90\x80\x80", 4, false, false},
        {"Shift JIS", "\x8e\xf3\x95\x74", 4, false, false},
        {"bad at the end", "abc\xff", 4, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (text_is_clean(CASES[i].text, CASES[i].length, false) != CASES[i].is_clean) fail_msg("%s", CASES[i].name);
        if (text_is_clean(CASES[i].text, CASES[i].length, true) != CASES[i].is_clean_with_lines)
            fail_msg("%s, with lines", CASES[i].name);
    }
}

static void test_nfkc(void **state)
{
    static const struct {
        const char *text, *normal;
    } CASES[] = {
        {"", ""},
        {"ＡＢＣ１２３", "ABC123"},
        {"ｱｲｳ", "アイウ"},
        {"ﾊﾞ", "バ"},
        {"㈱", "(株)"},
        {"Tanaka", "Tanaka"}, /* case stays */
        {"か\xe3\x82\x99", "が"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *normal = text_nfkc(CASES[i].text);
        assert_non_null(normal);
        assert_string_equal(normal, CASES[i].normal);
        free(normal);
    }
    assert_null(text_nfkc("\xff"));
    assert_null(text_nfkc("abc\xe5\x8f"));
}

static void test_name_key(void **state)
{
    static const struct {
        const char *name, *left, *right;
        bool is_same;
    } CASES[] = {
        {"case", "Tanaka", "TANAKA", true},
        {"full width", "Ｔａｎａｋａ", "tanaka", true},
        {"half-width kana", "ﾀﾅｶ", "タナカ", true},
        {"spaces around and between", "  田中　 花子 ", "田中 花子", true},
        {"no-break space",
         "a\xc2\xa0"
         "b",
         "a b", true},
        {"zero width joiner", "ta\xe2\x80\x8dnaka", "tanaka", true},
        {"sharp s", "Straße", "STRASSE", true},
        {"hiragana and katakana are two names", "たなか", "タナカ", false},
        {"a space more is another name", "田中花子", "田中 花子", false},
        {"accents count", "cafe", "café", false},
        {"composed or not", "cafe\xcc\x81", "café", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *left = text_name_key(CASES[i].left), *right = text_name_key(CASES[i].right);
        assert_non_null(left);
        assert_non_null(right);
        if ((strcmp(left, right) == 0) != CASES[i].is_same) fail_msg("%s: '%s' '%s'", CASES[i].name, left, right);
        free(left);
        free(right);
    }
    char *empty = text_name_key(" 　 ");
    assert_string_equal(empty, "");
    free(empty);
    assert_null(text_name_key("\xc0\x80"));
}

/* The key of a key is the key: else an account could be found by one spelling only. */
static void test_name_key_is_stable(void **state)
{
    (void)state;
    for (uint32_t point = 0x20; point < 0x3ff00; point++) {
        if ((point >= 0x7f && point < 0xa0) || (point >= 0xd800 && point < 0xe000)) continue;
        char text[8] = "x";
        char *at = text + 1;
        if (point < 0x80) {
            *at++ = (char)point;
        } else if (point < 0x800) {
            *at++ = (char)(0xc0 | point >> 6);
            *at++ = (char)(0x80 | (point & 63));
        } else {
            if (point < 0x10000) {
                *at++ = (char)(0xe0 | point >> 12);
            } else {
                *at++ = (char)(0xf0 | point >> 18);
                *at++ = (char)(0x80 | (point >> 12 & 63));
            }
            *at++ = (char)(0x80 | (point >> 6 & 63));
            *at++ = (char)(0x80 | (point & 63));
        }
        *at = '\0';
        char *once = text_name_key(text);
        char *twice = once ? text_name_key(once) : NULL;
        if (!twice || strcmp(once, twice) != 0) fail_msg("U+%04X", point);
        free(once);
        free(twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_nfkc),
        cmocka_unit_test(test_name_key),
        cmocka_unit_test(test_name_key_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
