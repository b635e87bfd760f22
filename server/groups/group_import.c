#include "server/groups/group_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "server/groups/group_rules.h"
#include "server/groups/group_store.h"
#include "server/request/request.h"

enum cell { NUMBER, NAME, READING, FIELD, FROM, TO, NOTE, PREFECTURE, CITY, CORPORATE_NUMBER };

/* What a line says. "" and 0: nothing, so what is stored stays. */
struct group_item {
    struct import_item item;
    int64_t id; /* of the stored group that it means; 0: a new one */
    int32_t number, from_day, to_day;
    const char *name, *reading, *field, *note;
};

/* --- one line ----------------------------------------------------------------------------------------- */

static int text_take(struct import_list *list, int line, const char *field, const char *cell, size_t most,
                     const char **to)
{
    *to = cell;
    return strlen(cell) <= most ? 0 : import_fault_add(list, line, field, "length", cell);
}

static int number_take(struct import_list *list, int line, const char *cell, int32_t *number)
{
    char *end;
    *number = 0;
    if (!cell[0]) return 0;
    long value = strtol(cell, &end, 10);
    if (*end != '\0' || value < 1 || value > GROUP_NUMBER_MAX)
        return import_fault_add(list, line, "number", "number", cell);
    *number = (int32_t)value;
    return 0;
}

/* 2026/4/1, 2026-04-01 or 20260401. */
static int day_take(struct import_list *list, int line, const char *field, const char *cell, int32_t *day)
{
    int year, month, date, end = 0;
    char first, second;
    *day = 0;
    if (!cell[0]) return 0;
    if (sscanf(cell, "%4d%c%2d%c%2d%n", &year, &first, &month, &second, &date, &end) == 5 && !cell[end] &&
        first == second && (first == '/' || first == '-') && year > 0 && month > 0 && date > 0)
        *day = year * 10000 + month * 100 + date;
    else if (strspn(cell, "0123456789") == 8 && cell[8] == '\0')
        *day = (int32_t)strtol(cell, NULL, 10);
    return day_is_valid(*day) ? 0 : import_fault_add(list, line, field, "day", cell);
}

/* The register's place and number are worth keeping, and have no field of their own. */
static int note_take(struct import_list *list, int line, const char *const *cells, const char **note)
{
    bool has_register = cells[PREFECTURE][0] || cells[CITY][0] || cells[CORPORATE_NUMBER][0];
    if (cells[NOTE][0] || !has_register) return text_take(list, line, "note", cells[NOTE], GROUP_NOTE_BYTES_MAX, note);
    bool has_number = cells[CORPORATE_NUMBER][0] != '\0';
    const char *text = arena_printf(list->arena, "%s%s%s%s", cells[PREFECTURE], cells[CITY],
                                    has_number ? " 法人番号" : "", cells[CORPORATE_NUMBER]);
    return text ? text_take(list, line, "note", text, GROUP_NOTE_BYTES_MAX, note) : MDG_ERR_MEMORY;
}

static int rules_take(struct import_list *list, const struct group_item *group)
{
    const char *field;
    const char *rule = group_rules_names(group->name, group->reading, &field);
    if (rule) return import_fault_add(list, group->item.line, field, rule, strcmp(field, "name") ? group->reading : "");
    rule = group_rules_term(group->from_day, group->to_day, list->today, &field);
    return rule ? import_fault_add(list, group->item.line, field, rule, "") : 0;
}

static int parse(struct import_list *list, struct import_item *item, const char *const *cells)
{
    struct group_item *group = (struct group_item *)item;
    size_t faults = list->faults_count;
    int rc = number_take(list, item->line, cells[NUMBER], &group->number);
    if (rc == 0) rc = text_take(list, item->line, "name", cells[NAME], GROUP_NAME_BYTES_MAX, &group->name);
    if (rc == 0) rc = text_take(list, item->line, "reading", cells[READING], GROUP_NAME_BYTES_MAX, &group->reading);
    if (rc == 0) rc = text_take(list, item->line, "field", cells[FIELD], GROUP_FIELD_BYTES_MAX, &group->field);
    if (rc == 0) rc = day_take(list, item->line, "from_day", cells[FROM], &group->from_day);
    if (rc == 0) rc = day_take(list, item->line, "to_day", cells[TO], &group->to_day);
    if (rc == 0) rc = note_take(list, item->line, cells, &group->note);
    if (rc == 0 && list->faults_count == faults) rc = rules_take(list, group);
    return rc;
}

/* --- against each other and what is stored ------------------------------------------------------------ */

static int compare_lines(const struct group_item *a, const struct group_item *b)
{
    return (a->item.line > b->item.line) - (a->item.line < b->item.line);
}

static int compare_names(const char *name, const char *reading, const struct group_item *item)
{
    int difference = strcmp(name, item->name);
    return difference != 0 ? difference : strcmp(reading, item->reading);
}

/* Lines with a number first, by number; then those without one, by name. */
static int by_identity(const void *left, const void *right)
{
    const struct group_item *a = *(struct group_item *const *)left, *b = *(struct group_item *const *)right;
    if (!a->number != !b->number) return a->number ? -1 : 1;
    if (a->number != b->number) return a->number < b->number ? -1 : 1;
    int difference = a->number ? 0 : compare_names(a->name, a->reading, b);
    return difference != 0 ? difference : compare_lines(a, b);
}

struct match {
    struct group_item **items; /* by identity */
    size_t numbered, count;    /* of those the first have a number */
};

static struct group_item *find_numbered(const struct match *match, int32_t number)
{
    size_t from = 0, to = match->numbered;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (match->items[middle]->number < number)
            from = middle + 1;
        else
            to = middle;
    }
    return from < match->numbered && match->items[from]->number == number ? match->items[from] : NULL;
}

/* Groups of one name stand for each other in order: the first stored one is the first line's. */
static struct group_item *find_named(const struct match *match, const struct group *group)
{
    size_t from = match->numbered, to = match->count;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (compare_names(group->name, group->reading, match->items[middle]) > 0)
            from = middle + 1;
        else
            to = middle;
    }
    for (; from < match->count && compare_names(group->name, group->reading, match->items[from]) == 0; from++) {
        if (match->items[from]->id == 0) return match->items[from];
    }
    return NULL;
}

static void overlay(const struct group_item *item, struct group *group)
{
    snprintf(group->name, sizeof group->name, "%s", item->name);
    if (item->reading[0]) snprintf(group->reading, sizeof group->reading, "%s", item->reading);
    if (item->field[0]) snprintf(group->field, sizeof group->field, "%s", item->field);
    if (item->note[0]) snprintf(group->note, sizeof group->note, "%s", item->note);
    if (item->from_day != 0) group->from_day = item->from_day;
    if (item->from_day != 0) group->to_day = item->to_day;
}

static bool is_equal(const struct group *a, const struct group *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->reading, b->reading) == 0 && strcmp(a->field, b->field) == 0 &&
           strcmp(a->note, b->note) == 0 && a->from_day == b->from_day && a->to_day == b->to_day;
}

static int match_stored(void *arg, const struct group *stored)
{
    const struct match *match = arg;
    struct group_item *item = find_numbered(match, stored->number);
    if (!item) item = find_named(match, stored);
    if (!item) return 0;
    struct group changed = *stored;
    overlay(item, &changed);
    item->id = stored->id;
    item->item.state = is_equal(stored, &changed) ? IMPORT_SAME : IMPORT_CHANGED;
    return 0;
}

static int check(struct import_list *list, struct db *db)
{
    struct match match = {.count = list->items_count};
    match.items = arena_alloc(list->arena, (match.count + 1) * sizeof *match.items);
    if (!match.items) return MDG_ERR_MEMORY;
    for (size_t i = 0; i < match.count; i++) {
        match.items[i] = (struct group_item *)list->items[i];
        match.items[i]->id = 0;
        match.items[i]->item.state = IMPORT_NEW;
    }
    qsort(match.items, match.count, sizeof match.items[0], by_identity);
    int rc = 0;
    while (match.numbered < match.count && match.items[match.numbered]->number != 0) match.numbered++;
    for (size_t i = 1; rc == 0 && i < match.numbered; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", (int)match.items[i]->number);
        if (match.items[i]->number == match.items[i - 1]->number)
            rc = import_fault_add(list, match.items[i]->item.line, "number", "twice", number);
    }
    return rc == 0 ? group_each(db, match_stored, &match) : rc;
}

/* --- taking in ---------------------------------------------------------------------------------------- */

static int apply_new(struct request *rq, const struct group_item *item, int32_t *next_number)
{
    struct group group = {.number = item->number, .created_us = rq->now_us};
    if (group.number == 0) group.number = (*next_number)++;
    if (group.number > GROUP_NUMBER_MAX) return refuse(rq, MDG_ERR_CONFLICT, "number", "none_left");
    overlay(item, &group);
    group.id = turn_next_id(rq->turn);
    group.rev = change_record(rq, group.id);
    return group_insert(rq->db, &group);
}

static int apply_changed(struct request *rq, const struct group_item *item)
{
    struct group group;
    int rc = group_get(rq->db, item->id, &group);
    if (rc != 0) return rc;
    overlay(item, &group);
    group.rev = change_record(rq, group.id);
    return group_update(rq->db, &group);
}

static int apply(struct request *rq, const struct import_list *list)
{
    int32_t next_number;
    int rc = group_next_number(rq->db, &next_number);
    if (rc == MDG_ERR_CONFLICT) return refuse(rq, rc, "number", "none_left");
    for (size_t i = 0; i < list->items_count; i++) {
        const struct group_item *item = (const struct group_item *)list->items[i];
        if (item->number >= next_number) next_number = item->number + 1;
    }
    for (size_t i = 0; rc == 0 && i < list->items_count; i++) {
        const struct group_item *item = (const struct group_item *)list->items[i];
        if (item->item.state == IMPORT_NEW)
            rc = apply_new(rq, item, &next_number);
        else if (item->item.state == IMPORT_CHANGED)
            rc = apply_changed(rq, item);
    }
    return rc;
}

const struct import_kind GROUP_IMPORT = {
    .kind = MDG__IMPORT_KIND__IMPORT_GROUPS,
    .name = "groups",
    .columns = {[NUMBER] = {"number", {"number", "団体番号", "番号"}, false},
                [NAME] = {"name", {"name", "団体名", "名称"}, true},
                [READING] = {"reading", {"reading", "kana", "ふりがな", "フリガナ"}, false},
                [FIELD] = {"field", {"field", "kind", "分野", "活動分野"}, false},
                [FROM] = {"from_day", {"from", "登録日"}, false},
                [TO] = {"to_day", {"to", "有効期限"}, false},
                [NOTE] = {"note", {"note", "備考"}, false},
                [PREFECTURE] = {"prefecture", {"prefecture", "都道府県"}, false},
                [CITY] = {"city", {"city", "市区町村"}, false},
                [CORPORATE_NUMBER] = {"corporate_number", {"corporate_number", "法人番号"}, false}},
    .item_bytes = sizeof(struct group_item),
    .parse = parse,
    .check = check,
    .apply = apply,
};
