/* tests/common/name_search_test.c - which names a query means, and which of them stand first. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/name_search.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static enum name_rank rank_of(const char *text, int32_t number, const char *name, const char *reading)
{
    struct name_query query;
    struct name_keys keys;
    assert_int_equal(name_query_init(&query, text), 0);
    assert_int_equal(name_keys_init(&keys, number, name, reading), 0);
    enum name_rank rank = name_query_rank(&query, keys.name, keys.reading, keys.loose);
    if (rank != NAME_RANK_NONE && !name_query_may_match(&query, keys.loose, strlen(keys.loose)))
        fail_msg("%s: the sieve lost it", text);
    name_keys_fini(&keys);
    name_query_fini(&query);
    return rank;
}

static void test_rank(void **state)
{
    static const struct {
        const char *query;
        int32_t number;
        const char *name, *reading;
        enum name_rank rank;
    } CASES[] = {
        {"12", 12, "みどりの会", "みどりのかい", NAME_RANK_NUMBER},
        {"１２", 12, "みどりの会", "みどりのかい", NAME_RANK_NUMBER},
        {"012", 12, "みどりの会", "みどりのかい", NAME_RANK_NUMBER},
        {"12", 123, "みどりの会", "みどりのかい", NAME_RANK_BEGIN},
        {"23", 123, "みどりの会", "みどりのかい", NAME_RANK_PART},
        {"23", 12, "三みどり", "", NAME_RANK_NONE},
        {"12", 4, "第12地区の会", "", NAME_RANK_PART},
        {"みどり", 4, "みどりの会", "みどりのかい", NAME_RANK_BEGIN},
        {"ﾐﾄﾞﾘ", 4, "みどりの会", "みどりのかい", NAME_RANK_BEGIN},
        {"ミドリノカイ", 4, "緑の会", "みどりのかい", NAME_RANK_BEGIN},
        {"緑の", 4, "緑の会", "みどりのかい", NAME_RANK_BEGIN},
        {"みどり", 4, "特定非営利活動法人みどりの会", "", NAME_RANK_WORD},
        {"みどり", 4, "特定非営利活動法人　みどりの会", "", NAME_RANK_WORD},
        {"みどり", 4, "森・みどりの会", "", NAME_RANK_WORD},
        {"みどり", 4, "ふかみどりの会", "ふかみどりのかい", NAME_RANK_PART},
        {"npo", 4, "ＮＰＯ法人青葉", "", NAME_RANK_BEGIN},
        {"AOBA", 4, "club aoba", "", NAME_RANK_WORD},
        {"コラス", 4, "青葉コーラス", "あおばこーらす", NAME_RANK_LOOSE},
        {"コーラス", 4, "青葉コラス", "", NAME_RANK_LOOSE},
        {"クラブ", 4, "ダンスクラブ", "ダンスクラブ", NAME_RANK_PART},
        {"シャシン", 4, "写真の会", "シヤシンノカイ", NAME_RANK_LOOSE},
        {"みどり会", 4, "みどり　会", "", NAME_RANK_LOOSE},
        {"高橋", 4, "髙橋の会", "", NAME_RANK_BEGIN},
        {"の会みどり", 4, "みどりの会", "みどりのかい", NAME_RANK_NONE}, /* name and reading do not run together */
        {"4みどり", 4, "みどりの会", "", NAME_RANK_NONE},
        {"青", 4, "みどりの会", "みどりのかい", NAME_RANK_NONE},
        {"ー", 4, "コーラス", "", NAME_RANK_PART},
        {"ー", 4, "みどりの会", "", NAME_RANK_NONE},
        {"%", 4, "みどりの会", "", NAME_RANK_NONE},
        {"_", 4, "みどりの会", "", NAME_RANK_NONE},
        {"100%", 4, "100％の会", "", NAME_RANK_BEGIN},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        enum name_rank rank = rank_of(CASES[i].query, CASES[i].number, CASES[i].name, CASES[i].reading);
        if (rank != CASES[i].rank)
            fail_msg("“%s” in %d %s: %d, not %d", CASES[i].query, (int)CASES[i].number, CASES[i].name, (int)rank,
                     (int)CASES[i].rank);
    }
}

static void test_nothing_to_look_for(void **state)
{
    static const char *const CASES[] = {"", " ", "　", "\xe2\x80\x8b", "\xff"};
    struct name_query query;
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) assert_int_equal(name_query_init(&query, CASES[i]), MDG_ERR_INVALID);
}

static void assert_hits(const struct name_hits *hits, const int64_t *ids, size_t count)
{
    assert_int_equal(hits->count, count);
    for (size_t i = 0; i < count; i++) {
        if (hits->hits[i].id != ids[i]) fail_msg("place %zu has %d", i, (int)hits->hits[i].id);
    }
}

static void test_best_first(void **state)
{
    static const struct {
        int64_t id;
        enum name_rank rank;
        const char *order;
    } OFFERS[] = {
        {1, NAME_RANK_PART, "a"}, {2, NAME_RANK_LOOSE, "a"}, {3, NAME_RANK_BEGIN, "c"},  {4, NAME_RANK_BEGIN, "b"},
        {6, NAME_RANK_WORD, "a"}, {5, NAME_RANK_WORD, "a"},  {7, NAME_RANK_NUMBER, "z"}, {8, NAME_RANK_PART, "b"},
    };
    static const int64_t BEST[] = {7, 4, 3, 5, 6, 1, 8, 2};
    struct name_hits hits;
    (void)state;
    for (size_t limit = 1; limit <= COUNT(OFFERS); limit++) {
        name_hits_init(&hits, limit);
        for (size_t i = 0; i < COUNT(OFFERS); i++)
            assert_int_equal(name_hits_offer(&hits, OFFERS[i].id, OFFERS[i].rank, OFFERS[i].order), 0);
        assert_hits(&hits, BEST, limit);
        assert_int_equal(hits.total, COUNT(OFFERS));
        name_hits_fini(&hits);
    }
}

static void test_more_than_it_holds(void **state)
{
    struct name_hits hits;
    (void)state;
    name_hits_init(&hits, 5000);
    for (int64_t id = 1000; id > 0; id--) {
        char order[16];
        snprintf(order, sizeof order, "%04d", (int)id);
        assert_int_equal(name_hits_offer(&hits, id, NAME_RANK_PART, order), 0);
    }
    assert_int_equal(hits.count, NAME_HITS_MAX);
    assert_int_equal(hits.total, 1000);
    for (int64_t i = 0; i < NAME_HITS_MAX; i++) assert_int_equal(hits.hits[i].id, i + 1);
    name_hits_fini(&hits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank),
        cmocka_unit_test(test_nothing_to_look_for),
        cmocka_unit_test(test_best_first),
        cmocka_unit_test(test_more_than_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
