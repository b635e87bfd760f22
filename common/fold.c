#include "common/fold.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "common/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define POINT_BYTES_MAX 4
#define HIRAGANA_FIRST 0x3041
#define HIRAGANA_LAST 0x3096
#define KATAKANA_FIRST 0x30a1
#define KATAKANA_LAST 0x30f6
#define KATAKANA_TO_HIRAGANA 0x60
#define LONG_VOWEL 0x30fc
#define ORDER_BYTE '\1' /* below every letter: what is the beginning of another sorts before it */

/* The usual form of kanji that names are written with in more than one way, by variant. Compatibility forms such as
 * U+FA19 (神) are resolved by normalisation already. */
static const struct {
    int32_t variant, usual;
} KANJI[] = {
    {0x4f5b, 0x4ecf}, /* 佛 仏 */
    {0x50b3, 0x4f1d}, /* 傳 伝 */
    {0x519d, 0x5b9c}, /* 冝 宜 */
    {0x51a8, 0x5bcc}, /* 冨 富 */
    {0x51c9, 0x6dbc}, /* 凉 涼 */
    {0x570b, 0x56fd}, /* 國 国 */
    {0x5713, 0x5186}, /* 圓 円 */
    {0x5718, 0x56e3}, /* 團 団 */
    {0x57dc, 0x91ce}, /* 埜 野 */
    {0x58fd, 0x5bff}, /* 壽 寿 */
    {0x5b78, 0x5b66}, /* 學 学 */
    {0x5be6, 0x5b9f}, /* 實 実 */
    {0x5bf6, 0x5b9d}, /* 寶 宝 */
    {0x5c07, 0x5c06}, /* 將 将 */
    {0x5cef, 0x5cf0}, /* 峯 峰 */
    {0x5d8b, 0x5cf6}, /* 嶋 島 */
    {0x5d8c, 0x5cf6}, /* 嶌 島 */
    {0x5ee3, 0x5e83}, /* 廣 広 */
    {0x5f4c, 0x5f25}, /* 彌 弥 */
    {0x5fb7, 0x5fb3}, /* 德 徳 */
    {0x60e0, 0x6075}, /* 惠 恵 */
    {0x61c9, 0x5fdc}, /* 應 応 */
    {0x658e, 0x6589}, /* 斎 斉 */
    {0x66fe, 0x66fd}, /* 曾 曽 */
    {0x6703, 0x4f1a}, /* 會 会 */
    {0x6801, 0x67f3}, /* 栁 柳 */
    {0x6852, 0x6851}, /* 桒 桑 */
    {0x689d, 0x6761}, /* 條 条 */
    {0x69ae, 0x6804}, /* 榮 栄 */
    {0x69c7, 0x69d9}, /* 槇 槙 */
    {0x6a02, 0x697d}, /* 樂 楽 */
    {0x6afb, 0x685c}, /* 櫻 桜 */
    {0x6e15, 0x6df5}, /* 渕 淵 */
    {0x6fa4, 0x6ca2}, /* 澤 沢 */
    {0x6ff1, 0x6d5c}, /* 濱 浜 */
    {0x6ff5, 0x6d5c}, /* 濵 浜 */
    {0x7028, 0x702c}, /* 瀨 瀬 */
    {0x71c8, 0x706f}, /* 燈 灯 */
    {0x7368, 0x72ec}, /* 獨 独 */
    {0x7576, 0x5f53}, /* 當 当 */
    {0x771e, 0x771f}, /* 眞 真 */
    {0x7e23, 0x770c}, /* 縣 県 */
    {0x8072, 0x58f0}, /* 聲 声 */
    {0x8207, 0x4e0e}, /* 與 与 */
    {0x8218, 0x9928}, /* 舘 館 */
    {0x842c, 0x4e07}, /* 萬 万 */
    {0x85dd, 0x82b8}, /* 藝 芸 */
    {0x8b80, 0x8aad}, /* 讀 読 */
    {0x9089, 0x8fba}, /* 邉 辺 */
    {0x908a, 0x8fba}, /* 邊 辺 */
    {0x95dc, 0x95a2}, /* 關 関 */
    {0x975c, 0x9759}, /* 靜 静 */
    {0x9ad4, 0x4f53}, /* 體 体 */
    {0x9ad9, 0x9ad8}, /* 髙 高 */
    {0x9ed1, 0x9ed2}, /* 黑 黒 */
    {0x9ede, 0x70b9}, /* 點 点 */
    {0x9f4a, 0x6589}, /* 齊 斉 */
    {0x9f4b, 0x6589}, /* 齋 斉 */
    {0x9f8d, 0x7adc}, /* 龍 竜 */
    {0xfa11, 0x5d0e}, /* 﨑 崎 */
};

/* U+3041 to U+3096: the kana large and without its mark; and the vowel it ends in (ん: none). */
static const uint16_t BASE[HIRAGANA_LAST - HIRAGANA_FIRST + 1] = {
    0x3042, 0x3042, 0x3044, 0x3044, 0x3046, 0x3046, 0x3048, 0x3048, 0x304a, 0x304a, 0x304b, 0x304b, 0x304d,
    0x304d, 0x304f, 0x304f, 0x3051, 0x3051, 0x3053, 0x3053, 0x3055, 0x3055, 0x3057, 0x3057, 0x3059, 0x3059,
    0x305b, 0x305b, 0x305d, 0x305d, 0x305f, 0x305f, 0x3061, 0x3061, 0x3064, 0x3064, 0x3064, 0x3066, 0x3066,
    0x3068, 0x3068, 0x306a, 0x306b, 0x306c, 0x306d, 0x306e, 0x306f, 0x306f, 0x306f, 0x3072, 0x3072, 0x3072,
    0x3075, 0x3075, 0x3075, 0x3078, 0x3078, 0x3078, 0x307b, 0x307b, 0x307b, 0x307e, 0x307f, 0x3080, 0x3081,
    0x3082, 0x3084, 0x3084, 0x3086, 0x3086, 0x3088, 0x3088, 0x3089, 0x308a, 0x308b, 0x308c, 0x308d, 0x308f,
    0x308f, 0x3090, 0x3091, 0x3092, 0x3093, 0x3046, 0x304b, 0x3051,
};
static const uint16_t VOWEL[HIRAGANA_LAST - HIRAGANA_FIRST + 1] = {
    0x3042, 0x3042, 0x3044, 0x3044, 0x3046, 0x3046, 0x3048, 0x3048, 0x304a, 0x304a, 0x3042, 0x3042, 0x3044,
    0x3044, 0x3046, 0x3046, 0x3048, 0x3048, 0x304a, 0x304a, 0x3042, 0x3042, 0x3044, 0x3044, 0x3046, 0x3046,
    0x3048, 0x3048, 0x304a, 0x304a, 0x3042, 0x3042, 0x3044, 0x3044, 0x3046, 0x3046, 0x3046, 0x3048, 0x3048,
    0x304a, 0x304a, 0x3042, 0x3044, 0x3046, 0x3048, 0x304a, 0x3042, 0x3042, 0x3042, 0x3044, 0x3044, 0x3044,
    0x3046, 0x3046, 0x3046, 0x3048, 0x3048, 0x3048, 0x304a, 0x304a, 0x304a, 0x3042, 0x3044, 0x3046, 0x3048,
    0x304a, 0x3042, 0x3042, 0x3046, 0x3046, 0x304a, 0x304a, 0x3042, 0x3044, 0x3046, 0x3048, 0x304a, 0x3042,
    0x3042, 0x3044, 0x3048, 0x304a, 0x3093, 0x3046, 0x3042, 0x3048,
};

static int32_t kanji_usual(int32_t point)
{
    size_t from = 0, to = COUNT(KANJI);
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (KANJI[middle].variant == point) return KANJI[middle].usual;
        if (KANJI[middle].variant < point)
            from = middle + 1;
        else
            to = middle;
    }
    return point;
}

/* --- folding ------------------------------------------------------------------------------------------ */

/* For utf8proc, before it decomposes. */
static utf8proc_int32_t fold_point(utf8proc_int32_t point, void *arg)
{
    (void)arg;
    if (point < 0x80) return point;
    if (point == 0x309b || point == 0x309c) return point - 2; /* a mark that stands alone joins its kana */
    if ((point >= KATAKANA_FIRST && point <= KATAKANA_LAST) || point == 0x30fd || point == 0x30fe)
        return point - KATAKANA_TO_HIRAGANA;
    if ((point >= 0x2010 && point <= 0x2015) || point == 0x2212) return '-';
    if (point == 0x2018 || point == 0x2019) return '\'';
    if (point == 0x301c) return '~';
    return point >= 0x4e00 ? kanji_usual(point) : point;
}

static char *fold_once(const char *text)
{
    uint8_t *mapped = NULL;
    const int options =
        UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    if (utf8proc_map_custom((const uint8_t *)text, 0, &mapped, (utf8proc_option_t)options, fold_point, NULL) < 0) {
        free(mapped);
        return NULL;
    }
    return (char *)mapped;
}

/* The first pass composes half-width ｶﾞ into a katakana, the second folds what it made. */
char *fold_key(const char *text)
{
    char *first = fold_once(text);
    if (!first) return NULL;
    char *key = fold_once(first);
    free(first);
    if (key) text_squeeze_spaces(key);
    return key;
}

/* --- looser ------------------------------------------------------------------------------------------- */

/* Goes through text letter by letter; to gives the letter to write, or 0: none. */
static char *map_points(char *key, int32_t (*to)(int32_t point, int32_t *before))
{
    if (!key) return NULL;
    size_t length = strlen(key), used = 0;
    char *mapped = malloc(POINT_BYTES_MAX * length + 1);
    int32_t before = 0;
    for (const uint8_t *at = (const uint8_t *)key; mapped && *at != '\0';) {
        int32_t point;
        utf8proc_ssize_t step = utf8proc_iterate(at, -1, &point);
        if (step <= 0) break; /* fold_key() gives nothing of the kind */
        at += step;
        point = to(point, &before);
        if (point > 0) used += (size_t)utf8proc_encode_char(point, (uint8_t *)mapped + used);
    }
    if (mapped) mapped[used] = '\0';
    free(key);
    return mapped;
}

static bool is_left_out(int32_t point)
{
    static const int32_t LEFT_OUT[] = {' ', '-', '\'', ',', '.', '~', 0x3001, 0x3002, 0x30fb, LONG_VOWEL};
    for (size_t i = 0; i < COUNT(LEFT_OUT); i++) {
        if (LEFT_OUT[i] == point) return true;
    }
    return false;
}

static bool is_hiragana(int32_t point)
{
    return point >= HIRAGANA_FIRST && point <= HIRAGANA_LAST;
}

static bool is_small_kana(int32_t point)
{
    static const uint16_t SMALL[] = {0x3041, 0x3043, 0x3045, 0x3047, 0x3049, 0x3063,
                                     0x3083, 0x3085, 0x3087, 0x308e, 0x3095, 0x3096};
    for (size_t i = 0; i < COUNT(SMALL); i++) {
        if (SMALL[i] == point) return true;
    }
    return false;
}

static int32_t loose_point(int32_t point, int32_t *before)
{
    (void)before;
    if (is_left_out(point)) return 0;
    if (is_small_kana(point)) return BASE[point - HIRAGANA_FIRST];
    switch (point) {
    case 0x3092: /* を */
        return 0x304a;
    case 0x3062: /* ぢ */
        return 0x3058;
    case 0x3065: /* づ */
        return 0x305a;
    default:
        return point;
    }
}

char *fold_loose(const char *text)
{
    return map_points(fold_key(text), loose_point);
}

/* --- order -------------------------------------------------------------------------------------------- */

static int32_t order_point(int32_t point, int32_t *before)
{
    if (point == LONG_VOWEL && is_hiragana(*before))
        point = VOWEL[*before - HIRAGANA_FIRST];
    else if (is_left_out(point))
        return 0;
    if (is_hiragana(point)) point = BASE[point - HIRAGANA_FIRST];
    *before = point;
    return point;
}

char *fold_order(const char *text)
{
    char *key = fold_key(text);
    char *base = map_points(fold_key(text), order_point);
    char *order = key && base ? malloc(strlen(base) + strlen(key) + 2) : NULL;
    if (order) {
        size_t length = strlen(base);
        memcpy(order, base, length);
        order[length] = ORDER_BYTE;
        memcpy(order + length + 1, key, strlen(key) + 1);
    }
    free(key);
    free(base);
    return order;
}
