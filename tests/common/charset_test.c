/* tests/common/charset_test.c - files as offices save them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/charset.h"
#include "common/error.h"

static void test_encodings(void **state)
{
    static const struct {
        const char *name, *bytes;
        int rc;
        const char *text, *encoding;
    } CASES[] = {
        {"plain", "date,name", 0, "date,name", "UTF-8"},
        {"empty", "", 0, "", "UTF-8"},
        {"UTF-8", "元日", 0, "元日", "UTF-8"},
        {"a mark", "\xEF\xBB\xBF元日", 0, "元日", "UTF-8"},
        {"CP932", "\x8C\xB3\x93\xFA", 0, "元日", "CP932"},
        {"half-width kana of CP932", "\xB1\xB2", 0, "ｱｲ", "CP932"},
        {"letters that SHIFT_JIS does not know", "\x87\x40\xFB\xFC\x81\x60", 0, "①髙～", "CP932"},
        {"neither", "\xE5\x85\xFF", MDG_ERR_INVALID, NULL, NULL},
        {"half a letter", "\x8C\xB3\x93", MDG_ERR_INVALID, NULL, NULL},
        {"a letter beyond Unicode", "\xF5\x80\x80\x80", MDG_ERR_INVALID, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *text = NULL;
        size_t length = 0;
        const char *encoding = NULL;
        int rc = charset_read(CASES[i].bytes, strlen(CASES[i].bytes), &text, &length, &encoding);
        if (rc != CASES[i].rc) fail_msg("%s: %s", CASES[i].name, mdg_error_name(rc));
        if (rc != 0) {
            assert_null(text);
            continue;
        }
        if (strcmp(text, CASES[i].text) != 0) fail_msg("%s: %s", CASES[i].name, text);
        assert_int_equal(length, strlen(text));
        assert_string_equal(encoding, CASES[i].encoding);
        free(text);
    }
}

static void test_the_cabinet_office_file(void **state)
{
    char path[4096], bytes[32768], *text;
    const char *source = getenv("MADOGUCHI_SOURCE"), *encoding;
    size_t length;
    (void)state;
    snprintf(path, sizeof path, "%s/tests/data/holidays/syukujitsu.csv", source ? source : ".");
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t have = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(charset_read(bytes, have, &text, &length, &encoding), 0);
    assert_string_equal(encoding, "CP932");
    static const char BEGINNING[] = "国民の祝日・休日月日,国民の祝日・休日名称\r\n1955/1/1,元日\r\n";
    assert_memory_equal(text, BEGINNING, sizeof BEGINNING - 1);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_the_cabinet_office_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
