#include "server/imports/import_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/charset.h"
#include "common/csv.h"
#include "common/error.h"
#include "common/text.h"

/* --- growing ------------------------------------------------------------------------------------------ */

/* Room for one more, doubling. What it leaves behind in the arena is as much again at most. */
static int array_need(struct arena *arena, void **array, size_t count, size_t *size, size_t item_size)
{
    if (count < *size) return 0;
    size_t wanted = *size ? *size * 2 : 64;
    void *grown = arena_alloc(arena, wanted * item_size);
    if (!grown) return MDG_ERR_MEMORY;
    if (count > 0) memcpy(grown, *array, count * item_size);
    *array = grown;
    *size = wanted;
    return 0;
}

static char *shorten(struct arena *arena, const char *text)
{
    size_t length = strlen(text);
    if (length > IMPORT_VALUE_BYTES_MAX) {
        length = IMPORT_VALUE_BYTES_MAX;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
    }
    char *out = arena_alloc(arena, length + 1);
    if (out) memcpy(out, text, length);
    /* A fault is shown and travels as text, whatever was in the file. */
    for (size_t i = 0; out && i < length; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7F) out[i] = '?';
    if (out && !text_is_clean(out, length, false)) out[0] = '\0';
    return out;
}

int import_fault_add(struct import_list *list, int line, const char *field, const char *rule, const char *value)
{
    void *faults = list->faults;
    int rc = array_need(list->arena, &faults, list->faults_count, &list->faults_size, sizeof list->faults[0]);
    list->faults = faults;
    char *kept = rc == 0 ? shorten(list->arena, value ? value : "") : NULL;
    if (!kept) return MDG_ERR_MEMORY;
    list->faults[list->faults_count++] = (struct import_fault){line, field, rule, kept};
    return 0;
}

struct import_item *import_item_add(struct import_list *list, int line)
{
    void *items = list->items;
    int rc = array_need(list->arena, &items, list->items_count, &list->items_size, sizeof(struct import_item *));
    list->items = items;
    struct import_item *item = rc == 0 ? arena_alloc(list->arena, list->kind->item_bytes) : NULL;
    if (!item) return NULL;
    item->line = line;
    list->items[list->items_count++] = item;
    return item;
}

/* --- the titles --------------------------------------------------------------------------------------- */

struct columns {
    int indexes[IMPORT_COLUMNS_MAX]; /* of each of the kind's columns in the file; -1: not there */
    int titles_count;
};

static bool is_title(const struct import_column *column, const char *cell)
{
    char *key = text_name_key(cell);
    bool is_same = false;
    for (int i = 0; key && !is_same && i < IMPORT_TITLES_MAX && column->titles[i]; i++) {
        char *title_key = text_name_key(column->titles[i]);
        is_same = title_key && strcmp(key, title_key) == 0;
        free(title_key);
    }
    free(key);
    return is_same;
}

static int columns_find(struct import_list *list, const struct csv_line *titles, struct columns *columns)
{
    int rc = 0;
    columns->titles_count = titles->cells_count;
    for (int c = 0; rc == 0 && c < IMPORT_COLUMNS_MAX && list->kind->columns[c].field; c++) {
        const struct import_column *column = &list->kind->columns[c];
        columns->indexes[c] = -1;
        for (int i = 0; i < titles->cells_count; i++) {
            if (!is_title(column, titles->cells[i])) continue;
            if (columns->indexes[c] >= 0)
                rc = import_fault_add(list, titles->number, column->field, "column_twice", titles->cells[i]);
            columns->indexes[c] = i;
        }
        if (rc == 0 && columns->indexes[c] < 0 && column->is_required)
            rc = import_fault_add(list, titles->number, column->field, "column_missing", column->titles[0]);
    }
    return rc;
}

/* --- the lines ---------------------------------------------------------------------------------------- */

/* Without the blanks around it, also the wide ones. In place. */
static char *trim(char *cell)
{
    static const char WIDE[] = "\xE3\x80\x80";
    for (;;) {
        if (*cell == ' ' || *cell == '\t')
            cell++;
        else if (strncmp(cell, WIDE, 3) == 0)
            cell += 3;
        else
            break;
    }
    size_t length = strlen(cell);
    for (;;) {
        if (length > 0 && (cell[length - 1] == ' ' || cell[length - 1] == '\t'))
            length--;
        else if (length >= 3 && memcmp(cell + length - 3, WIDE, 3) == 0)
            length -= 3;
        else
            break;
    }
    cell[length] = '\0';
    return cell;
}

static const char *line_shown(struct arena *arena, const struct csv_line *line)
{
    const char *shown = "";
    for (int i = 0; shown && i < line->cells_count && strlen(shown) < IMPORT_VALUE_BYTES_MAX; i++)
        shown = arena_printf(arena, "%s%s%s", shown, i > 0 ? ", " : "", line->cells[i]);
    return shown ? shorten(arena, shown) : NULL;
}

static const char *csv_rule(enum csv_fault fault)
{
    switch (fault) {
    case CSV_QUOTE_OPEN:
        return "quote_open";
    case CSV_QUOTE_INSIDE:
        return "quote_inside";
    case CSV_TOO_MANY_CELLS:
        return "too_many_cells";
    default:
        return "text";
    }
}

static int line_take(struct import_list *list, const struct columns *columns, const struct csv_line *line)
{
    static char EMPTY[] = "";
    const char *cells[IMPORT_COLUMNS_MAX] = {NULL};
    size_t faults = list->faults_count;
    int rc = 0;
    if (line->fault != CSV_FINE) return import_fault_add(list, line->number, "", csv_rule(line->fault), "");
    if (line->cells_count > columns->titles_count)
        return import_fault_add(list, line->number, "", "too_many_cells", line->cells[columns->titles_count]);
    const char *shown = list->items_count < IMPORT_SAMPLES_MAX ? line_shown(list->arena, line) : NULL;
    for (int c = 0; rc == 0 && c < IMPORT_COLUMNS_MAX && list->kind->columns[c].field; c++) {
        int index = columns->indexes[c];
        char *cell = index >= 0 && index < line->cells_count ? trim(line->cells[index]) : EMPTY;
        cells[c] = cell;
        if (!text_is_clean(cell, strlen(cell), false))
            rc = import_fault_add(list, line->number, list->kind->columns[c].field, "text", cell);
    }
    if (rc != 0 || list->faults_count > faults) return rc;
    struct import_item *item = import_item_add(list, line->number);
    if (!item) return MDG_ERR_MEMORY;
    item->shown = shown;
    rc = list->kind->parse(list, item, cells);
    if (list->faults_count > faults) list->items_count--; /* the last one: parse adds none */
    return rc;
}

static int lines_take(struct import_list *list, char *text, size_t length)
{
    struct csv csv;
    struct csv_line line;
    struct columns columns = {.titles_count = 0};
    csv_init(&csv, text, length);
    enum csv_fault fault = csv_next(&csv, &line);
    if (fault == CSV_END) return import_fault_add(list, 0, "file", "empty", "");
    if (fault != CSV_FINE) return import_fault_add(list, line.number, "", csv_rule(fault), "");
    int rc = columns_find(list, &line, &columns);
    if (rc != 0 || list->faults_count > 0) return rc;
    while (rc == 0 && csv_next(&csv, &line) != CSV_END) {
        if (list->lines == IMPORT_LINES_MAX) return import_fault_add(list, line.number, "file", "too_many_lines", "");
        list->lines++;
        rc = line_take(list, &columns, &line);
    }
    if (rc == 0 && list->lines == 0) rc = import_fault_add(list, 0, "file", "empty", "");
    return rc;
}

int import_list_read(struct import_list *list, struct arena *arena, const struct import_kind *kind, int32_t today,
                     const char *bytes, size_t length)
{
    char *text;
    size_t text_length;
    *list = (struct import_list){.arena = arena, .kind = kind, .today = today, .encoding = ""};
    int rc = charset_read(bytes, length, &text, &text_length, &list->encoding);
    if (rc == MDG_ERR_INVALID) return import_fault_add(list, 0, "file", "encoding", "");
    if (rc != 0) return rc;
    char *kept = arena_copy(arena, text, text_length + 1);
    free(text);
    return kept ? lines_take(list, kept, text_length) : MDG_ERR_MEMORY;
}

static int by_line(const void *a, const void *b)
{
    const struct import_fault *left = a, *right = b;
    return (left->line > right->line) - (left->line < right->line);
}

int import_list_check(struct import_list *list, struct db *db)
{
    int rc = list->items_count > 0 ? list->kind->check(list, db) : 0;
    if (rc == 0 && list->faults_count > 1) qsort(list->faults, list->faults_count, sizeof list->faults[0], by_line);
    return rc;
}

struct import_counts import_list_count(const struct import_list *list)
{
    struct import_counts counts = {0, 0, 0};
    for (size_t i = 0; i < list->items_count; i++) {
        counts.new_count += list->items[i]->state == IMPORT_NEW;
        counts.changed_count += list->items[i]->state == IMPORT_CHANGED;
        counts.same_count += list->items[i]->state == IMPORT_SAME;
    }
    return counts;
}
