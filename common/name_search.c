#include "common/name_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/fold.h"

/* --- keys --------------------------------------------------------------------------------------------- */

int name_keys_init(struct name_keys *keys, int32_t number, const char *name, const char *reading)
{
    char *loose_name = fold_loose(name), *loose_reading = fold_loose(reading);
    *keys = (struct name_keys){
        .name = fold_key(name), .reading = fold_key(reading), .order = fold_order(reading[0] ? reading : name)};
    if (loose_name && loose_reading) {
        size_t size = strlen(loose_name) + strlen(loose_reading) + 16;
        keys->loose = malloc(size);
        if (keys->loose) snprintf(keys->loose, size, "\n%d\n%s\n%s", (int)number, loose_name, loose_reading);
    }
    free(loose_name);
    free(loose_reading);
    if (keys->name && keys->reading && keys->order && keys->loose) return 0;
    name_keys_fini(keys);
    return MDG_ERR_MEMORY;
}

void name_keys_fini(struct name_keys *keys)
{
    free(keys->name);
    free(keys->reading);
    free(keys->loose);
    free(keys->order);
    *keys = (struct name_keys){0};
}

int name_query_init(struct name_query *query, const char *text)
{
    *query = (struct name_query){.key = fold_key(text), .loose = fold_loose(text)};
    if (!query->key || !query->loose || !query->key[0]) {
        name_query_fini(query);
        return MDG_ERR_INVALID;
    }
    /* 012 is the twelfth group too. */
    const char *digits = query->key + strspn(query->key, "0");
    size_t length = strlen(digits);
    if (length > 0 && length < sizeof query->number && strspn(digits, "0123456789") == length)
        memcpy(query->number, digits, length + 1);
    return 0;
}

void name_query_fini(struct name_query *query)
{
    free(query->key);
    free(query->loose);
    *query = (struct name_query){0};
}

/* --- matching ----------------------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *part)
{
    return strncmp(text, part, strlen(part)) == 0;
}

/* A name goes on after its legal form, and after a space or a mark of punctuation. */
static bool is_word_begin(const char *text, const char *at)
{
    static const char *const BORDERS[] = {" ", "-", "(", "/", "&", ".", "・", "「", "『", "法人", "会社", "組合"};
    for (size_t i = 0; i < sizeof BORDERS / sizeof BORDERS[0]; i++) {
        size_t length = strlen(BORDERS[i]);
        if ((size_t)(at - text) >= length && memcmp(at - length, BORDERS[i], length) == 0) return true;
    }
    return false;
}

static enum name_rank rank_in(const char *text, const char *part)
{
    enum name_rank rank = NAME_RANK_NONE;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) {
        if (at == text) return NAME_RANK_BEGIN;
        rank = NAME_RANK_PART;
        if (is_word_begin(text, at)) return NAME_RANK_WORD;
    }
    return rank;
}

/* Number, name and reading stand behind a line feed each; a number's lies between the first two. */
static enum name_rank rank_number(const struct name_query *query, const char *loose)
{
    const char *number = loose + 1;
    size_t length = strcspn(number, "\n");
    if (!query->number[0]) return NAME_RANK_NONE;
    if (strlen(query->number) == length && memcmp(query->number, number, length) == 0) return NAME_RANK_NUMBER;
    if (begins_with(number, query->number)) return NAME_RANK_BEGIN;
    const char *part = strstr(number, query->number);
    return part && part < number + length ? NAME_RANK_PART : NAME_RANK_NONE;
}

bool name_query_may_match(const struct name_query *query, const char *loose, size_t length)
{
    /* A query of nothing but ー or spaces has no looser form. */
    if (!query->loose[0] || memmem(loose, length, query->loose, strlen(query->loose))) return true;
    /* 012 stands nowhere, but 12 does. */
    return query->number[0] && memmem(loose, length, query->number, strlen(query->number));
}

enum name_rank name_query_rank(const struct name_query *query, const char *name, const char *reading, const char *loose)
{
    enum name_rank best = rank_number(query, loose);
    enum name_rank rank = rank_in(name, query->key);
    if (rank < best) best = rank;
    rank = rank_in(reading, query->key);
    if (rank < best) best = rank;
    if (best == NAME_RANK_NONE && query->loose[0] && strstr(loose, query->loose)) best = NAME_RANK_LOOSE;
    return best;
}

/* --- the best ----------------------------------------------------------------------------------------- */

void name_hits_init(struct name_hits *hits, size_t limit)
{
    *hits = (struct name_hits){.limit = limit < NAME_HITS_MAX ? limit : NAME_HITS_MAX};
}

void name_hits_fini(struct name_hits *hits)
{
    for (size_t i = 0; i < hits->count; i++) free(hits->hits[i].order);
    hits->count = 0;
}

static bool is_before(int64_t id, enum name_rank rank, const char *order, const struct name_hit *hit)
{
    if (rank != hit->rank) return rank < hit->rank;
    int difference = strcmp(order, hit->order);
    return difference != 0 ? difference < 0 : id < hit->id;
}

int name_hits_offer(struct name_hits *hits, int64_t id, enum name_rank rank, const char *order)
{
    hits->total++;
    size_t at = hits->count;
    while (at > 0 && is_before(id, rank, order, &hits->hits[at - 1])) at--;
    if (at == hits->limit) return 0;
    char *copy = strdup(order);
    if (!copy) return MDG_ERR_MEMORY;
    memmove(&hits->hits[at + 1], &hits->hits[at], (hits->count - at) * sizeof hits->hits[0]);
    hits->hits[at] = (struct name_hit){id, rank, copy};
    if (hits->count < hits->limit)
        hits->count++;
    else
        free(hits->hits[hits->limit].order);
    return 0;
}
