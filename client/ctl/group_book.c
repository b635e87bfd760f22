#include "client/ctl/group_book.h"

#include <stdlib.h>
#include <string.h>

#include "common/fold.h"
#include "common/locale.h"
#include "common/name_search.h"
#include "common/text.h"

json_t *group_json(const Mdg__Group *group, int64_t rev)
{
    return json_pack("{s:I, s:i, s:s, s:s, s:s, s:i, s:i, s:b, s:s, s:I}", "id", (json_int_t)group->id, "number",
                     (int)group->number, "name", group->name, "reading", group->reading, "field", group->field,
                     "from_day", (int)group->from_day, "to_day", (int)group->to_day, "is_ended", group->is_ended,
                     "note", group->note, "rev", (json_int_t)rev);
}

static const char *text_of(const json_t *group, const char *key)
{
    const char *text = json_string_value(json_object_get(group, key));
    return text ? text : "";
}

/* --- loading ------------------------------------------------------------------------------------------ */

struct entry {
    char *order;
    json_t *group;
};

struct entries {
    struct entry *entries;
    size_t count, size;
    int rc;
};

static void on_group(const Mdg__Row *row, void *arg)
{
    struct entries *all = arg;
    if (all->rc != 0 || !row->body || row->body->domain_case != MDG__BODY__DOMAIN_GROUPS ||
        row->body->groups->of_case != MDG__GROUPS__OF_GROUP_ROW)
        return;
    const Mdg__Group *group = row->body->groups->group_row;
    if (all->count == all->size) {
        size_t size = all->size ? 2 * all->size : 64;
        struct entry *grown = realloc(all->entries, size * sizeof *grown);
        if (!grown) {
            all->rc = MDG_ERR_MEMORY;
            return;
        }
        all->entries = grown;
        all->size = size;
    }
    struct entry *entry = &all->entries[all->count];
    entry->order = fold_order(group->reading[0] ? group->reading : group->name);
    entry->group = group_json(group, row->rev);
    all->count++;
    if (!entry->order || !entry->group) all->rc = MDG_ERR_MEMORY;
}

static int by_order(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int difference = strcmp(left->order, right->order);
    if (difference != 0) return difference;
    int64_t left_id = json_integer_value(json_object_get(left->group, "id"));
    int64_t right_id = json_integer_value(json_object_get(right->group, "id"));
    return (left_id > right_id) - (left_id < right_id);
}

int group_book_load(struct ctl *ctl, struct group_book *book)
{
    struct entries all = {0};
    book->groups = json_array();
    int rc = mdg_replica_each(ctl->client, ROW_GROUP, on_group, &all);
    if (rc == 0) rc = all.rc;
    if (rc == 0 && all.count > 0) qsort(all.entries, all.count, sizeof all.entries[0], by_order);
    for (size_t i = 0; i < all.count; i++) {
        if (rc == 0) json_array_append(book->groups, all.entries[i].group);
        json_decref(all.entries[i].group);
        free(all.entries[i].order);
    }
    free(all.entries);
    return rc;
}

void group_book_fini(struct group_book *book)
{
    if (book->groups) json_decref(book->groups);
    book->groups = NULL;
}

/* --- finding ------------------------------------------------------------------------------------------ */

int group_book_find(struct ctl *ctl, const struct group_book *book, const char *wanted, const json_t **group)
{
    int64_t number = 0;
    char *wanted_key = fold_key(wanted);
    *group = NULL;
    if (wanted_key && number_parse(wanted_key, 1, INT32_MAX, &number) != 0) number = 0;
    for (size_t i = 0; wanted_key && i < json_array_size(book->groups) && !*group; i++) {
        const json_t *each = json_array_get(book->groups, i);
        if (number != 0) {
            if (json_integer_value(json_object_get(each, "number")) == number) *group = each;
            continue;
        }
        char *key = fold_key(text_of(each, "name"));
        if (key && strcmp(key, wanted_key) == 0) *group = each;
        free(key);
    }
    free(wanted_key);
    if (*group) return 0;
    return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("There is no group “%s”. Please see “group search”."), wanted);
}

static int offer(struct name_hits *hits, const struct name_query *query, const json_t *group, size_t index)
{
    struct name_keys keys;
    int32_t number = (int32_t)json_integer_value(json_object_get(group, "number"));
    int rc = name_keys_init(&keys, number, text_of(group, "name"), text_of(group, "reading"));
    if (rc != 0) return rc;
    enum name_rank rank = name_query_rank(query, keys.name, keys.reading, keys.loose);
    if (rank != NAME_RANK_NONE) rc = name_hits_offer(hits, (int64_t)index, rank, keys.order);
    name_keys_fini(&keys);
    return rc;
}

int group_book_search(const struct group_book *book, const char *text, bool with_ended, int limit, json_t **out,
                      int64_t *total)
{
    struct name_query query;
    struct name_hits hits;
    int rc = name_query_init(&query, text);
    if (rc != 0) return rc;
    name_hits_init(&hits, (size_t)limit);
    for (size_t i = 0; rc == 0 && i < json_array_size(book->groups); i++) {
        const json_t *group = json_array_get(book->groups, i);
        if (with_ended || !json_is_true(json_object_get(group, "is_ended"))) rc = offer(&hits, &query, group, i);
    }
    *total = hits.total;
    *out = json_array();
    for (size_t i = 0; rc == 0 && i < hits.count; i++)
        json_array_append(*out, json_array_get(book->groups, (size_t)hits.hits[i].id));
    name_hits_fini(&hits);
    name_query_fini(&query);
    return rc;
}
