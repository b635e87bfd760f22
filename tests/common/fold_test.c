/* tests/common/fold_test.c - what counts as the same text for a search, and in which order readings stand. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/fold.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct fold_case {
    const char *name, *text, *folded;
};

static void check(char *(*fold)(const char *text), const struct fold_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *folded = fold(cases[i].text);
        if (!folded || strcmp(folded, cases[i].folded) != 0)
            fail_msg("%s: “%s” gives “%s”, not “%s”", cases[i].name, cases[i].text, folded ? folded : "(nothing)",
                     cases[i].folded);
        free(folded);
    }
}

static void test_key(void **state)
{
    static const struct fold_case CASES[] = {
        {"empty", "", ""},
        {"hiragana stays", "みどりのかい", "みどりのかい"},
        {"katakana", "ミドリノカイ", "みどりのかい"},
        {"half-width katakana", "ﾐﾄﾞﾘﾉｶｲ", "みどりのかい"},
        {"half-width with a circle", "ﾊﾟﾝ", "ぱん"},
        {"half-width ウ with dots", "ｳﾞｨﾗ", "ゔぃら"},
        {"half-width long vowel", "ｺｰﾗｽ", "こーらす"},
        {"half-width small tsu", "ｻｯｶｰ", "さっかー"},
        {"half-width wo", "ｦ", "を"},
        {"mark alone, full width", "か゛", "が"},
        {"circle alone, full width", "は゜", "ぱ"},
        {"combining mark", "か\xe3\x82\x99", "が"},
        {"katakana with a combining mark", "カ\xe3\x82\x99", "が"},
        {"small ka and ke", "ヵヶ", "ゕゖ"},
        {"vu", "ヴ", "ゔ"},
        {"iteration marks", "ヽヾ", "ゝゞ"},
        {"full-width latin", "ＡＢＣ１２３", "abc123"},
        {"latin capitals", "NPO Hibiki", "npo hibiki"},
        {"accents stay", "Café", "café"},
        {"German sharp s", "STRASSE Straße", "strasse strasse"},
        {"in brackets", "㈱", "(株)"},
        {"squared words", "㍿", "株式会社"},
        {"circled number", "①", "1"},
        {"Roman number", "Ⅳ", "iv"},
        {"full-width space", "みどり　の　会", "みどり の 会"},
        {"spaces around and doubled", "  みどり \xe3\x80\x80 会 ", "みどり 会"},
        {"zero width", "み\xe2\x80\x8bどり", "みどり"},
        {"soft hyphen",
         "mi\xc2\xad"
         "dori",
         "midori"},
        {"hyphens", "a‐b‑c–d—e―f−g－h", "a-b-c-d-e-f-g-h"},
        {"wave dash and full-width tilde", "〜～", "~~"},
        {"apostrophes", "Let’s Let‘s", "let's let's"},
        {"full-width ampersand", "Ａ＆Ｂ", "a&b"},
        {"variant of 高", "髙橋", "高橋"},
        {"variant of 崎", "山﨑", "山崎"},
        {"variants of 浜", "濵濱浜", "浜浜浜"},
        {"variants of 辺", "邊邉辺", "辺辺辺"},
        {"variants of 斉", "齋齊斎斉", "斉斉斉斉"},
        {"variants of 沢, 桜, 広", "澤櫻廣", "沢桜広"},
        {"first and last of the table", "佛黑", "仏黒"},
        {"compatibility form", "\xef\xa8\x99", "神"},
        {"beyond the basic plane", "𠮷野家", "𠮷野家"},
        {"long vowel stays", "コーラス", "こーらす"},
    };
    (void)state;
    check(fold_key, CASES, COUNT(CASES));
}

static void test_loose(void **state)
{
    static const struct fold_case CASES[] = {
        {"empty", "", ""},
        {"spaces", "みどり　の 会", "みどりの会"},
        {"long vowel", "コーラス", "こらす"},
        {"long vowel left out", "コラス", "こらす"},
        {"middle dot", "ひびき・朗読", "ひびき朗読"},
        {"half-width middle dot", "ﾋﾋﾞｷ･ﾛｳﾄﾞｸ", "ひびきろうどく"},
        {"small kana", "キャッチボール", "きやつちぼる"},
        {"large kana", "キヤツチボール", "きやつちぼる"},
        {"small vowels", "ファイト", "ふあいと"},
        {"small ka, ke, wa", "ヶ ヵ ヮ", "けかわ"},
        {"wo", "はなを", "はなお"},
        {"di and du", "はなぢ つづみ", "はなじつずみ"},
        {"hyphens and dots", "N.P.O.-1", "npo1"},
        {"apostrophe", "Let’s", "lets"},
        {"nothing is left", "ー・ ", ""},
        {"voicing stays", "ばら", "ばら"},
    };
    (void)state;
    check(fold_loose, CASES, COUNT(CASES));
}

static void test_not_utf8(void **state)
{
    (void)state;
    static const char *const CASES[] = {"\xff", "abc\xe5\x8f", "\x8e\xf3\x95\x74"};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_null(fold_key(CASES[i]));
        assert_null(fold_loose(CASES[i]));
        assert_null(fold_order(CASES[i]));
    }
}

/* What folding makes is folded: a key of a key is the key. */
static void test_is_stable(void **state)
{
    static const char *const CASES[] = {"ﾐﾄﾞﾘﾉｶｲ", "㈱ＡＢＣ", "か゛", "髙﨑", "  ａ　ｂ ", "ヾ", "ｳﾞ", "Ⅳ①㍿"};
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *once = fold_key(CASES[i]);
        char *twice = fold_key(once);
        assert_string_equal(once, twice);
        free(once);
        free(twice);
    }
}

static void test_order(void **state)
{
    static const char *const RISING[] = {
        "あ",           "ああど",   "アート", "アイ",         "カード",   "かあどう", "かい",   "がい",
        "かいが",       "がいか",   "ガクブ", "かさ",         "キャンプ", "きゆう",   "きょう", "さあくる",
        "サークル",     "ザザ",     "はあ",   "ばあ",         "ぱあ",     "はあと",   "ハーブ", "はん",
        "ひびきのかい", "ビビット", "ミドリ", "みどりのかい", "ﾐﾄﾞﾘﾉﾓﾘ",  "わらべ",   "ん",
    };
    (void)state;
    for (size_t i = 0; i + 1 < COUNT(RISING); i++) {
        char *first = fold_order(RISING[i]), *second = fold_order(RISING[i + 1]);
        assert_non_null(first);
        if (strcmp(first, second) >= 0) fail_msg("%s does not stand before %s", RISING[i], RISING[i + 1]);
        free(first);
        free(second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),       cmocka_unit_test(test_loose), cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_is_stable), cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
