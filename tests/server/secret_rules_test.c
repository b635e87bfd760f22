#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/request/roles.h"
#include "server/sign_in/secret_rules.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void test_rules(void **state)
{
    static const struct {
        const char *secret;
        uint32_t roles;
        const char *name, *reading;
        const char *rule; /* NULL: may be used */
    } CASES[] = {
        /* length, in characters after NFKC */
        {"kumo9iw", ROLE_BIT_DESK, "", "", "too_short"},
        {"kumo9iwa", ROLE_BIT_DESK, "", "", NULL},
        {"kumo9iwa", ROLE_BIT_COUNCIL, "", "", NULL},
        {"kumo9iwa", ROLE_BIT_OFFICE, "", "", "too_short"},
        {"kumo9iwa", ROLE_BIT_DESK | ROLE_BIT_CONSULTATION, "", "", "too_short"},
        {"kumo9iwaneko", ROLE_BIT_OFFICE, "", "", NULL},
        {"ｋｕｍｏ９ｉｗａ", ROLE_BIT_DESK, "", "", NULL},
        {"雲と岩と猫の夢", ROLE_BIT_DESK, "", "", "too_short"},
        {"雲と岩と猫の夢を", ROLE_BIT_DESK, "", "", NULL},
        {"correct horse battery staple", ROLE_BIT_OFFICE, "", "", NULL},
        {"\xff\xfe kumo iwa", ROLE_BIT_DESK, "", "", "text"},
        {"kumo\tiwa neko", ROLE_BIT_DESK, "", "", "text"},
        /* sequences */
        {"12345678", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"87654321", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"1234567890", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"１２３４５６７８", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"1234-5678", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"abcdefgh", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"ABCDefgh", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"abcd1234", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"aaaaaaaaaaaa", ROLE_BIT_OFFICE, "", "", "is_sequence"},
        {"ああああああああ", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"aabbccddeeff", ROLE_BIT_OFFICE, "", "", "is_sequence"},
        {"121212121212", ROLE_BIT_OFFICE, "", "", "is_sequence"},
        {"kumokumokumo", ROLE_BIT_OFFICE, "", "", "is_sequence"},
        {"qwertyuiop", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"asdfghjkl", ROLE_BIT_DESK, "", "", "is_sequence"},
        {"poiuytrewq", ROLE_BIT_DESK, "", "", "is_sequence"},
        /* dates */
        {"19850412", ROLE_BIT_DESK, "", "", "is_date"},
        {"1985-04-12", ROLE_BIT_DESK, "", "", "is_date"},
        {"1985年4月12日", ROLE_BIT_DESK, "", "", "is_date"},
        {"12041985", ROLE_BIT_DESK, "", "", "is_date"},
        {"04121985", ROLE_BIT_DESK, "", "", "is_date"},
        {"1985041219870623", ROLE_BIT_OFFICE, "", "", "is_date"},
        {"showa600412", ROLE_BIT_DESK, "", "", "is_date"},
        {"s60.04.12", ROLE_BIT_DESK, "", "", "is_date"},
        {"昭和60年4月12日", ROLE_BIT_DESK, "", "", "is_date"},
        {"19851399", ROLE_BIT_DESK, "", "", NULL}, /* no such day */
        /* telephone numbers */
        {"0312349876", ROLE_BIT_DESK, "", "", "is_number"},
        {"090-7351-9862", ROLE_BIT_DESK, "", "", "is_number"},
        {"+81 90 7351 9862", ROLE_BIT_DESK, "", "", "is_number"},
        {"73519862", ROLE_BIT_DESK, "", "", NULL},
        /* names */
        {"hanamura123", ROLE_BIT_DESK, "Hanamura", "", "is_name"},
        {"HANAMURA-2026", ROLE_BIT_DESK, "hanamura", "", "is_name"},
        {"hanamurahanamura", ROLE_BIT_OFFICE, "hanamura", "", "is_name"},
        {"花村花子0412!", ROLE_BIT_DESK, "花村 花子", "", "is_name"},
        {"はなむらはなこ1", ROLE_BIT_DESK, "花村 花子", "ハナムラ ハナコ", "is_name"},
        {"the hanamura cat sleeps", ROLE_BIT_DESK, "hanamura", "", NULL},
        {"hanamura123", ROLE_BIT_DESK, "Kitagawa", "", NULL},
        {"kumo9iwaneko", ROLE_BIT_DESK, NULL, NULL, NULL},
        /* what everybody tries */
        {"password", ROLE_BIT_DESK, "", "", "too_common"},
        {"Password1!", ROLE_BIT_DESK, "", "", "too_common"},
        {"passw0rd2026", ROLE_BIT_OFFICE, "", "", "too_common"},
        {"P@$$w0rd", ROLE_BIT_DESK, "", "", "too_common"},
        {"iloveyou2", ROLE_BIT_DESK, "", "", "too_common"},
        {"sakura2026", ROLE_BIT_DESK, "", "", "too_common"},
        {"SakuraSakura", ROLE_BIT_OFFICE, "", "", "too_common"},
        {"himitsu-aikotoba", ROLE_BIT_OFFICE, "", "", "too_common"},
        {"madoguchi1", ROLE_BIT_DESK, "", "", "too_common"},
        {"パスワード123", ROLE_BIT_DESK, "", "", "too_common"},
        {"あいことば2026", ROLE_BIT_DESK, "", "", "too_common"},
        {"市民活動センター", ROLE_BIT_DESK, "", "", "too_common"},
        {"sakura no shita de", ROLE_BIT_DESK, "", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct secret_subject subject = {CASES[i].roles, CASES[i].name, CASES[i].reading};
        const char *rule = secret_rules_check(CASES[i].secret, &subject);
        const char *expected = CASES[i].rule;
        if (rule && expected ? strcmp(rule, expected) != 0 : rule != expected)
            fail_msg("%s: %s instead of %s", CASES[i].secret, rule ? rule : "-", expected ? expected : "-");
    }
}

static void test_length_in_bytes(void **state)
{
    static const char PIECE[] = "kumo to iwa wa nemuru ";
    char secret[200] = "";
    struct secret_subject subject = {ROLE_BIT_OFFICE, "", ""};
    (void)state;
    while (strlen(secret) < 140) strcat(secret, PIECE);
    secret[128] = '\0';
    assert_null(secret_rules_check(secret, &subject));
    secret[128] = 'x';
    assert_string_equal(secret_rules_check(secret, &subject), "too_long");
}

static void test_characters(void **state)
{
    (void)state;
    assert_int_equal(secret_characters("abc"), 3);
    assert_int_equal(secret_characters("ｶﾞｷﾞ"), 2);
    assert_int_equal(secret_characters("か\u3099"), 1);
    assert_int_equal(secret_characters("㍿"), 4);
    assert_int_equal(secret_characters("\xff"), -1);
    assert_int_equal(secret_characters_min(0), 8);
    assert_int_equal(secret_characters_min(ROLE_BIT_DESK | ROLE_BIT_OFFICE), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_length_in_bytes),
        cmocka_unit_test(test_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
