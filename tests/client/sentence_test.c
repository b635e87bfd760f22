/* Every error says something, in both languages, and refusals fill their arguments in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <uv.h>

#include "common/day.h"
#include "common/error.h"
#include "common/locale.h"
#include "common/sentence.h"

/* gettext looks again when its catalogue is bound anew. */
static void language_set(const char *language)
{
    setenv("LANGUAGE", language, 1);
    locale_open();
}

static const int CODES[] = {
#define CODE_OF(name, code, exit_class) name,
    MDG_ERRORS(CODE_OF)
#undef CODE_OF
};

static void test_every_error_in_both_languages(void **state)
{
    char english[SENTENCE_BYTES];
    const char *fallback;
    (void)state;
    language_set("en");
    fallback = error_sentence(-424242);
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        const char *name = mdg_error_name(CODES[i]);
        language_set("en");
        strncpy(english, error_sentence(CODES[i]), sizeof english - 1);
        english[sizeof english - 1] = '\0';
        if (strcmp(english, fallback) == 0) fail_msg("%s has no sentence of its own", name);
        if (english[strlen(english) - 1] != '.') fail_msg("%s: not a sentence: %s", name, english);
        if (strstr(english, "MDG_ERR") || strchr(english, '!')) fail_msg("%s: %s", name, english);
        language_set("ja");
        const char *japanese = error_sentence(CODES[i]);
        if (strcmp(japanese, english) == 0) fail_msg("%s is not translated", name);
        if (strcmp(japanese + strlen(japanese) - 3, "。") != 0) fail_msg("%s: not a sentence: %s", name, japanese);
    }
    language_set("en");
}

static void refusal_check(int code, const char *field, const char *rule, const char *key, const char *value,
                          unsigned retry_ms, const char *expected)
{
    char sentence[SENTENCE_BYTES];
    Mdg__RefusalArgument first = MDG__REFUSAL_ARGUMENT__INIT, second = MDG__REFUSAL_ARGUMENT__INIT;
    Mdg__RefusalArgument *args[] = {&first, &second};
    Mdg__Refusal refusal = MDG__REFUSAL__INIT;
    refusal.code = code;
    refusal.field = (char *)field;
    refusal.rule = (char *)rule;
    refusal.retry_after_ms = retry_ms;
    if (key) {
        first.key = (char *)key;
        first.value = (char *)value;
        second.key = (char *)"max";
        second.value = (char *)"9999";
        refusal.args = args;
        refusal.n_args = 2;
    }
    refusal_sentence(&refusal, sentence, sizeof sentence);
    if (strcmp(sentence, expected) != 0) fail_msg("'%s' instead of '%s'", sentence, expected);
}

static void test_refusals_in_english(void **state)
{
    static const struct {
        int code;
        const char *field, *rule, *key, *value;
        unsigned retry_ms;
        const char *expected;
    } CASES[] = {
        {MDG_ERR_INVALID, "visits.count.people", "range", "min", "0", 0,
         "The number of people must be from 0 to 9999."},
        {MDG_ERR_INVALID, "visits.place_save.position", "range", "min", "0", 0,
         "Position: please give a value from 0 to 9999."},
        {MDG_ERR_INVALID, "visits.place_save.position", "range", NULL, NULL, 0,
         "Position: the value is too small or too large."},
        {MDG_ERR_INVALID, "visits.correct.reason", "required", NULL, NULL, 0,
         "Reason: this is missing. Please fill it in."},
        {MDG_ERR_INVALID, "newthing", "range", "min", "5", 0, "newthing: please give a value from 5 to 9999."},
        {MDG_ERR_INVALID, "newthing", "odd", NULL, NULL, 0, "newthing: this does not fit. The rule is named “odd”."},
        {MDG_ERR_INVALID, "", "", NULL, NULL, 0, "A value does not fit. Please check what you entered."},
        {MDG_ERR_CLOSED, "at_us", "period_closed", "month", "202610", 0,
         "2026/10 is closed. The office can open it again."},
        {MDG_ERR_CLOSED, "at_us", "period_closed", NULL, NULL, 0,
         "This period is closed. The office can open it again."},
        {MDG_ERR_LOCKED, "", "", "until_us", "1795492800000000", 0,
         "There were too many wrong attempts. Please try again after 2026/11/24(Tue) 13:00."},
        {MDG_ERR_BUSY, "", "", NULL, NULL, 1500, "The server is busy. Please try again in 2 s."},
        {MDG_ERR_CONFLICT, "accounts.create.name", "taken", NULL, NULL, 0,
         "This name is taken. Please choose another."},
    };
    (void)state;
    language_set("en");
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        refusal_check(CASES[i].code, CASES[i].field, CASES[i].rule, CASES[i].key, CASES[i].value, CASES[i].retry_ms,
                      CASES[i].expected);
    }
}

static void test_refusals_in_japanese(void **state)
{
    (void)state;
    language_set("ja");
    refusal_check(MDG_ERR_INVALID, "visits.count.people", "range", "min", "0", 0,
                  "人数は0から9999までで入れてください。");
    refusal_check(MDG_ERR_INVALID, "visits.correct.reason", "required", NULL, NULL, 0,
                  "わけがありません。入れてください。");
    refusal_check(MDG_ERR_LOCKED, "", "", "until_us", "1795492800000000", 0,
                  "間違いが続いたため止まっています。2026/11/24(火) 13:00 を過ぎてからお願いします。");
    language_set("en");
}

static void test_short_buffer_is_cut_at_a_character(void **state)
{
    char sentence[11]; /* the third kana would end at byte 9, the fourth at 12 */
    Mdg__Refusal refusal = MDG__REFUSAL__INIT;
    (void)state;
    language_set("ja");
    refusal.code = MDG_ERR_CONFLICT;
    refusal.field = (char *)"name";
    refusal.rule = (char *)"taken";
    refusal_sentence(&refusal, sentence, sizeof sentence);
    assert_string_equal(sentence, "この名");
    language_set("en");
}

static int zone_open(void **state)
{
    (void)state;
    return day_zone_set("Asia/Tokyo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_in_both_languages),
        cmocka_unit_test(test_refusals_in_english),
        cmocka_unit_test(test_refusals_in_japanese),
        cmocka_unit_test(test_short_buffer_is_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, zone_open, NULL);
}
