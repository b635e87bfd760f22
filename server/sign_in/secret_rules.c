#include "server/sign_in/secret_rules.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <utf8proc.h>

#include "common/day.h"
#include "common/text.h"
#include "server/keys/keys.h"
#include "server/request/roles.h"

#define POINTS_MAX 512 /* NFKC can make several letters of one, e.g. ㍿ */

/* A secret or a name as it is compared: folded, katakana as hiragana. */
struct points {
    int32_t at[POINTS_MAX];
    int count;
};

/* Folded like everything they are compared with. Small on purpose: the throttle leaves an attacker 20 guesses a
 * day, so only what stands at the very top of every list matters, and what this house would suggest. */
static const char *const COMMON_WORDS[] = {
    "password",       "passwort",  "passphrase", "passcode",   "pass",       "word",       "secret",
    "letmein",        "welcome",   "hello",      "iloveyou",   "love",       "dragon",     "monkey",
    "sunshine",       "princess",  "football",   "baseball",   "soccer",     "master",     "superman",
    "batman",         "pokemon",   "pikachu",    "doraemon",   "login",      "admin",      "administrator",
    "root",           "user",      "guest",      "test",       "changeme",   "default",    "computer",
    "internet",       "qwerty",    "asdf",       "zxcv",       "abc",        "my",         "the",
    "office",         "desk",      "counter",    "madoguchi",  "shimin",     "katsudou",   "katudou",
    "center",         "centre",    "senta",      "sentaa",     "shiyakusho", "uketsuke",   "jimusho",
    "soudan",         "nippon",    "nihon",      "japan",      "tokyo",      "toukyou",    "osaka",
    "oosaka",         "kyoto",     "kyouto",     "sakura",     "himawari",   "hanako",     "tarou",
    "taro",           "ichiro",    "ichirou",    "konnichiwa", "konnichiha", "ohayou",     "arigatou",
    "arigato",        "sayonara",  "himitsu",    "aikotoba",   "anshou",     "bangou",     "pasuwado",
    "pasuwaado",      "aishiteru", "daisuki",    "yamada",     "tanaka",     "suzuki",     "satou",
    "sato",           "watanabe",  "takahashi",  "ぱすわーど", "ひみつ",     "あいことば", "あんしょう",
    "ばんごう",       "さくら",    "ひまわり",   "ありがとう", "こんにちは", "おはよう",   "あいうえお",
    "いろはにほへと", "まどぐち",  "せんたー",   "秘密",       "合言葉",     "暗証番号",   "窓口",
    "受付",           "事務所",    "市民活動",   "市民",       "活動",       "桜",         "東京",
    "日本",
};

static const char *const ERAS[] = {"明治",   "大正",   "昭和",  "平成", "令和", "meiji", "taishou", "taisho", "showa",
                                   "shouwa", "heisei", "reiwa", "m",    "t",    "s",     "h",       "r"};

static const char *const KEYBOARD_ROWS[] = {"qwertyuiop", "asdfghjkl", "zxcvbnm", "たていすかんなにらせ",
                                            "ちとしはきくまのりれけむ"};

static bool points_of(const char *text, struct points *points)
{
    points->count = 0;
    char *folded = text_name_key(text);
    if (!folded) return false;
    const uint8_t *at = (const uint8_t *)folded;
    int32_t point = 0;
    utf8proc_ssize_t used = 0;
    while (*at && points->count < POINTS_MAX && (used = utf8proc_iterate(at, -1, &point)) > 0) {
        if (point >= 0x30a1 && point <= 0x30f6) point -= 0x60;
        points->at[points->count++] = point;
        at += used;
    }
    bool is_whole = *at == '\0';
    OPENSSL_cleanse(folded, strlen(folded));
    free(folded);
    return is_whole;
}

int secret_characters_min(uint32_t roles)
{
    return roles & (ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION) ? SECRET_CHARACTERS_MIN_LONG : SECRET_CHARACTERS_MIN;
}

int secret_characters(const char *secret)
{
    char *normal = text_nfkc(secret);
    if (!normal) return -1;
    int count = 0;
    for (const char *at = normal; *at; at++) count += ((uint8_t)*at & 0xc0) != 0x80;
    OPENSSL_cleanse(normal, strlen(normal));
    free(normal);
    return count;
}

static bool is_digit(int32_t point)
{
    return point >= '0' && point <= '9';
}

static bool is_mark(int32_t point)
{
    return point < 0x80 && !is_digit(point) && !(point >= 'a' && point <= 'z');
}

/* Without ASCII marks and blanks; has_digits false: without digits too. */
static void points_strip(const struct points *from, bool has_digits, struct points *to)
{
    to->count = 0;
    for (int i = 0; i < from->count; i++) {
        if (is_mark(from->at[i]) || (!has_digits && is_digit(from->at[i]))) continue;
        to->at[to->count++] = from->at[i];
    }
}

static int keyboard_place(const char *row, int32_t point)
{
    int place = 0;
    int32_t key = 0;
    const uint8_t *at = (const uint8_t *)row;
    for (utf8proc_ssize_t used; *at && (used = utf8proc_iterate(at, -1, &key)) > 0; at += used, place++) {
        if (key == point) return place;
    }
    return -1;
}

static bool is_step(int32_t a, int32_t b)
{
    if (abs(a - b) <= 1) return true;
    if ((a == '9' && b == '0') || (a == '0' && b == '9')) return true;
    for (size_t i = 0; i < sizeof KEYBOARD_ROWS / sizeof KEYBOARD_ROWS[0]; i++) {
        int place_a = keyboard_place(KEYBOARD_ROWS[i], a), place_b = keyboard_place(KEYBOARD_ROWS[i], b);
        if (place_a >= 0 && place_b >= 0 && abs(place_a - place_b) <= 1) return true;
    }
    return false;
}

/* Mostly steps to the same or the neighbouring letter, a short piece over and over, or hardly any letters. */
static bool is_sequence(const struct points *points)
{
    int steps = 0, distinct = 0;
    for (int i = 0; i < points->count; i++) {
        int first = 0;
        while (points->at[first] != points->at[i]) first++;
        distinct += first == i;
        if (i > 0) steps += is_step(points->at[i - 1], points->at[i]);
    }
    if (distinct < 4 || 4 * steps >= 3 * (points->count - 1)) return true;

    for (int period = 1; period <= 4 && 2 * period <= points->count; period++) {
        int i = period;
        while (i < points->count && points->at[i] == points->at[i - period]) i++;
        if (i == points->count) return true;
    }
    return false;
}

static int32_t digits_value(const int32_t *digits, int count)
{
    int32_t value = 0;
    for (int i = 0; i < count; i++) value = 10 * value + (digits[i] - '0');
    return value;
}

static bool is_calendar_day(int32_t year, int32_t month_day)
{
    return year >= 1850 && year <= 2150 && day_is_valid(year * 10000 + month_day);
}

/* 8 digits: year first or last, month and day in either order. */
static bool is_date_of_8(const int32_t *digits)
{
    int32_t turned[4] = {digits[2], digits[3], digits[0], digits[1]};
    return is_calendar_day(digits_value(digits, 4), digits_value(digits + 4, 4)) ||
           is_calendar_day(digits_value(digits + 4, 4), digits_value(digits, 4)) ||
           is_calendar_day(digits_value(digits + 4, 4), digits_value(turned, 4));
}

static bool all_digits(const int32_t *points, int count)
{
    for (int i = 0; i < count; i++) {
        if (!is_digit(points[i])) return false;
    }
    return count > 0;
}

static bool starts_with(const struct points *points, int at, const struct points *piece)
{
    return piece->count > 0 && piece->count <= points->count - at &&
           memcmp(points->at + at, piece->at, (size_t)piece->count * sizeof piece->at[0]) == 0;
}

/* An era's name or letter, then the year and perhaps month and day: showa551010, 昭和55年10月10日. */
static bool is_era_date(const struct points *points)
{
    for (size_t i = 0; i < sizeof ERAS / sizeof ERAS[0]; i++) {
        struct points era;
        if (points_of(ERAS[i], &era) && starts_with(points, 0, &era) && points->count - era.count <= 8 &&
            all_digits(points->at + era.count, points->count - era.count))
            return true;
    }
    return false;
}

/* One date, or several in a row. */
static bool is_date(const struct points *stripped)
{
    struct points bare = {.count = 0};
    for (int i = 0; i < stripped->count; i++) {
        int32_t point = stripped->at[i];
        if (point != 0x5e74 && point != 0x6708 && point != 0x65e5) bare.at[bare.count++] = point; /* 年月日 */
    }
    bool has_digits_only = all_digits(bare.at, bare.count);
    if (has_digits_only && bare.count < stripped->count && bare.count <= 8) return true; /* written with 年月日 */
    if (has_digits_only && bare.count % 8 == 0) {
        int i = 0;
        while (i < bare.count && is_date_of_8(bare.at + i)) i += 8;
        if (i == bare.count) return true;
    }
    return is_era_date(&bare);
}

/* As telephone numbers are written here: 0 and 8 to 11 more digits, or 81 and 8 to 11 more. */
static bool is_telephone(const struct points *stripped)
{
    if (!all_digits(stripped->at, stripped->count)) return false;
    if (stripped->at[0] == '0') return stripped->count >= 9 && stripped->count <= 12;
    return stripped->at[0] == '8' && stripped->at[1] == '1' && stripped->count >= 10 && stripped->count <= 13;
}

/* The name with little around it: what is left without it is shorter than 4 letters. Digits and marks do not
 * count as letters. */
static bool is_made_of_name(const struct points *letters, const char *name)
{
    struct points whole, piece;
    if (!name || !points_of(name, &whole)) return false;
    points_strip(&whole, false, &piece);
    if (piece.count < 2) return false;
    int rest = 0;
    bool has_name = false;
    for (int i = 0; i < letters->count;) {
        bool is_here = starts_with(letters, i, &piece);
        has_name |= is_here;
        rest += !is_here;
        i += is_here ? piece.count : 1;
    }
    return has_name && rest < 4;
}

static int32_t plain_letter(int32_t point)
{
    static const char LOOKS_LIKE[][2] = {{'0', 'o'}, {'1', 'l'}, {'3', 'e'}, {'4', 'a'}, {'5', 's'},
                                         {'7', 't'}, {'@', 'a'}, {'$', 's'}, {'!', 'i'}};
    for (size_t i = 0; i < sizeof LOOKS_LIKE / sizeof LOOKS_LIKE[0]; i++) {
        if (LOOKS_LIKE[i][0] == point) return LOOKS_LIKE[i][1];
    }
    return point;
}

/* Nothing but words of the list, one after another. */
static bool is_words(const struct points *letters)
{
    bool is_reached[POINTS_MAX + 1] = {true};
    bool has_grown = true;
    while (has_grown) {
        has_grown = false;
        for (size_t w = 0; w < sizeof COMMON_WORDS / sizeof COMMON_WORDS[0]; w++) {
            struct points word;
            if (!points_of(COMMON_WORDS[w], &word)) continue;
            for (int i = 0; i < letters->count; i++) {
                if (!is_reached[i] || !starts_with(letters, i, &word) || is_reached[i + word.count]) continue;
                is_reached[i + word.count] = true;
                has_grown = true;
            }
        }
    }
    return letters->count > 0 && is_reached[letters->count];
}

/* Common words with digits and marks around or between them, or with digits for letters. */
static bool is_common(const struct points *points, const struct points *letters)
{
    struct points plain = {.count = points->count}, plain_letters;
    if (is_words(letters)) return true;
    for (int i = 0; i < points->count; i++) plain.at[i] = plain_letter(points->at[i]);
    points_strip(&plain, false, &plain_letters);
    if (is_words(&plain_letters)) return true;

    /* p4ssw0rd2026: what stands at the end is a number, not letters. */
    int end = points->count;
    while (end > 0 && (is_digit(points->at[end - 1]) || is_mark(points->at[end - 1]))) end--;
    plain.count = end;
    points_strip(&plain, false, &plain_letters);
    return is_words(&plain_letters);
}

const char *secret_rules_check(const char *secret, const struct secret_subject *subject)
{
    struct points points, stripped, letters;
    const char *rule = NULL;
    int characters = secret_characters(secret);
    if (strlen(secret) > SECRET_BYTES_MAX) return "too_long";
    if (characters < 0 || !text_is_clean(secret, strlen(secret), false) || !points_of(secret, &points)) return "text";
    if (characters < secret_characters_min(subject->roles)) return "too_short";

    points_strip(&points, true, &stripped);
    points_strip(&points, false, &letters);
    if (is_sequence(&points) || (stripped.count > 0 && is_sequence(&stripped)))
        rule = "is_sequence";
    else if (is_date(&stripped))
        rule = "is_date";
    else if (is_telephone(&stripped))
        rule = "is_number";
    else if (is_made_of_name(&letters, subject->name) || is_made_of_name(&letters, subject->reading))
        rule = "is_name";
    else if (is_common(&points, &letters))
        rule = "too_common";
    OPENSSL_cleanse(&points, sizeof points);
    OPENSSL_cleanse(&stripped, sizeof stripped);
    OPENSSL_cleanse(&letters, sizeof letters);
    return rule;
}
