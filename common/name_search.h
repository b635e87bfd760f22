/* common/name_search.h - which of many names a person means: by any part of number, name or reading, whatever kana,
 * width or case. The same on server and terminals. Pure. */
#ifndef MADOGUCHI_COMMON_NAME_SEARCH_H
#define MADOGUCHI_COMMON_NAME_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The better, the smaller. */
enum name_rank {
    NAME_RANK_NUMBER, /* the number itself */
    NAME_RANK_BEGIN,  /* number, name or reading begins with it */
    NAME_RANK_WORD,   /* a word in name or reading does */
    NAME_RANK_PART,   /* it stands somewhere */
    NAME_RANK_LOOSE,  /* only when spaces, ー and small kana are set aside */
    NAME_RANK_NONE
};

struct name_keys {        /* of one name; owned */
    char *name, *reading; /* fold_key() */
    char *loose;          /* fold_loose() of number, name and reading, each behind a line feed */
    char *order;          /* fold_order() of the reading, or of the name without one */
};

/* MDG_ERR_MEMORY; MDG_ERR_INVALID: not UTF-8. */
int name_keys_init(struct name_keys *keys, int32_t number, const char *name, const char *reading);
void name_keys_fini(struct name_keys *keys);

struct name_query { /* owned */
    char *key, *loose;
    char number[16]; /* the query as a number, "" otherwise */
};

/* MDG_ERR_INVALID: nothing to look for is left of the text, or it is not UTF-8. MDG_ERR_MEMORY. */
int name_query_init(struct name_query *query, const char *text);
void name_query_fini(struct name_query *query);

/* Quick, and never false where name_query_rank() finds something. loose needs no NUL. */
bool name_query_may_match(const struct name_query *query, const char *loose, size_t length);
enum name_rank name_query_rank(const struct name_query *query, const char *name, const char *reading,
                               const char *loose);

#define NAME_HITS_MAX 100
struct name_hit {
    int64_t id;
    enum name_rank rank;
    char *order;
};

/* The best so many of those offered, best first; equals by order, then by id. */
struct name_hits {
    struct name_hit hits[NAME_HITS_MAX + 1];
    size_t count, limit;
    int64_t total; /* offered in all */
};

void name_hits_init(struct name_hits *hits, size_t limit); /* at most NAME_HITS_MAX */
void name_hits_fini(struct name_hits *hits);
int name_hits_offer(struct name_hits *hits, int64_t id, enum name_rank rank, const char *order); /* MDG_ERR_MEMORY */

#endif
