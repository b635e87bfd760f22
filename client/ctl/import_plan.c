#include "client/ctl/import_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "client/ctl/moment.h"
#include "client/ctl/options.h"
#include "common/bytes.h"
#include "common/day.h"
#include "common/error.h"
#include "common/locale.h"

#define FUTURE_US (120 * US_PER_SECOND) /* as far ahead as the server takes counts */
#define NOBODY_COLUMN UINT32_MAX

/* Room for one more, doubling. */
static int array_need(void **array, size_t count, size_t *size, size_t item_size)
{
    if (count < *size) return 0;
    size_t wanted = *size ? *size * 2 : 64;
    void *grown = realloc(*array, wanted * item_size);
    if (!grown) return MDG_ERR_MEMORY;
    *array = grown;
    *size = wanted;
    return 0;
}

static void text_cut(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
    }
    memcpy(out, text, length);
    out[length] = '\0';
}

static int problem_add(struct import_plan *plan, int line, enum import_fault fault, const char *field,
                       const char *value)
{
    int rc = array_need((void **)&plan->problems, plan->problems_count, &plan->problems_size, sizeof plan->problems[0]);
    if (rc != 0) return rc;
    struct import_problem *problem = &plan->problems[plan->problems_count++];
    *problem = (struct import_problem){.line = line, .fault = fault};
    text_cut(problem->field, sizeof problem->field, field);
    text_cut(problem->value, sizeof problem->value, value);
    return 0;
}

static int csv_problem_add(struct import_plan *plan, const struct csv_line *line)
{
    int rc = problem_add(plan, line->number, IMPORT_CSV, "", "");
    if (rc == 0) plan->problems[plan->problems_count - 1].csv_fault = line->fault;
    return rc;
}

/* The first 16 bytes of SHA-256("madoguchi import" ‖ digest of the file ‖ line ‖ column). */
static int key_derive(const struct import_plan *plan, int line, uint32_t column, uint8_t key[IMPORT_KEY_BYTES])
{
    static const char LABEL[] = "madoguchi import";
    uint8_t input[sizeof LABEL - 1 + IMPORT_DIGEST_BYTES + 8], output[IMPORT_DIGEST_BYTES];
    memcpy(input, LABEL, sizeof LABEL - 1);
    memcpy(input + sizeof LABEL - 1, plan->digest, IMPORT_DIGEST_BYTES);
    bytes_put_u32(input + sizeof LABEL - 1 + IMPORT_DIGEST_BYTES, (uint32_t)line);
    bytes_put_u32(input + sizeof LABEL - 1 + IMPORT_DIGEST_BYTES + 4, column);
    if (EVP_Digest(input, sizeof input, output, NULL, EVP_sha256(), NULL) != 1) return MDG_ERR_CRYPTO;
    memcpy(key, output, IMPORT_KEY_BYTES);
    return 0;
}

static int count_add(struct import_plan *plan, int line, uint32_t column, int64_t purpose_id, int32_t people,
                     int64_t at_us)
{
    int rc = array_need((void **)&plan->counts, plan->counts_count, &plan->counts_size, sizeof plan->counts[0]);
    if (rc != 0) return rc;
    struct import_count *count = &plan->counts[plan->counts_count++];
    *count = (struct import_count){.line = line, .purpose_id = purpose_id, .people = people, .at_us = at_us};
    plan->people += people;
    return key_derive(plan, line, column, count->key);
}

static int column_find(struct import_plan *plan, const struct csv_line *titles, const char *title, int *index)
{
    *index = -1;
    for (int i = 0; i < titles->cells_count; i++) {
        if (strcmp(titles->cells[i], title) != 0) continue;
        if (*index >= 0) return problem_add(plan, titles->number, IMPORT_DOUBLE_COLUMN, title, "");
        *index = i;
    }
    return *index >= 0 ? 0 : problem_add(plan, titles->number, IMPORT_NO_COLUMN, title, "");
}

struct reading {
    struct import_plan *plan;
    const struct csv_line *titles;
    int time_index;
    const struct import_column *columns;
    size_t columns_count;
    int64_t now_us;
};

static int time_read(const struct reading *reading, const struct csv_line *line, int64_t *at_us)
{
    const char *text = line->cells[reading->time_index], *title = reading->titles->cells[reading->time_index];
    if (strlen(text) < 10 || moment_parse(text, reading->now_us, at_us) != 0)
        return problem_add(reading->plan, line->number, IMPORT_TIME, title, text);
    if (*at_us > reading->now_us + FUTURE_US)
        return problem_add(reading->plan, line->number, IMPORT_FUTURE, title, text);
    return 0;
}

/* A whole line is judged before it is left, so that every fault of it is told. */
static int line_read(const struct reading *reading, const struct csv_line *line)
{
    struct import_plan *plan = reading->plan;
    size_t cells = 0, zeros = 0, problems_before = plan->problems_count;
    int64_t at_us = 0, people;
    plan->lines++;
    if (line->cells_count != reading->titles->cells_count) return problem_add(plan, line->number, IMPORT_CELLS, "", "");
    int rc = time_read(reading, line, &at_us);
    for (size_t i = 0; rc == 0 && i < reading->columns_count; i++) {
        const struct import_column *column = &reading->columns[i];
        const char *text = line->cells[column->index];
        if (!*text) continue;
        cells++;
        if (number_parse(text, 0, IMPORT_PEOPLE_MAX, &people) != 0)
            rc = problem_add(plan, line->number, IMPORT_NUMBER, column->title, text);
        else if (people == 0)
            zeros++;
        else
            rc = count_add(plan, line->number, (uint32_t)column->index, column->purpose_id, (int32_t)people, at_us);
    }
    if (rc == 0 && cells > 0 && zeros == cells && plan->problems_count == problems_before) {
        plan->nobody++;
        rc = count_add(plan, line->number, NOBODY_COLUMN, 0, 0, at_us);
    }
    return rc;
}

static int columns_find(struct reading *reading, const char *time_title, struct import_column *columns)
{
    int rc = column_find(reading->plan, reading->titles, time_title, &reading->time_index);
    for (size_t i = 0; rc == 0 && i < reading->columns_count; i++) {
        rc = column_find(reading->plan, reading->titles, columns[i].title, &columns[i].index);
    }
    return rc;
}

int import_plan_read(struct import_plan *plan, char *text, size_t length, const char *time_title,
                     struct import_column *columns, size_t columns_count, int64_t now_us)
{
    struct csv csv;
    struct csv_line titles, line;
    struct reading reading = {
        .plan = plan, .titles = &titles, .columns = columns, .columns_count = columns_count, .now_us = now_us};
    *plan = (struct import_plan){0};
    if (EVP_Digest(text, length, plan->digest, NULL, EVP_sha256(), NULL) != 1) return MDG_ERR_CRYPTO;
    csv_init(&csv, text, length);
    enum csv_fault fault = csv_next(&csv, &titles);
    if (fault == CSV_END) return problem_add(plan, 1, IMPORT_NO_LINES, "", "");
    if (fault != CSV_FINE) return csv_problem_add(plan, &titles);
    int rc = columns_find(&reading, time_title, columns);
    if (rc != 0 || plan->problems_count > 0) return rc;
    while (rc == 0 && (fault = csv_next(&csv, &line)) != CSV_END) {
        rc = fault == CSV_FINE ? line_read(&reading, &line) : csv_problem_add(plan, &line);
    }
    if (rc == 0 && plan->lines == 0 && plan->problems_count == 0)
        rc = problem_add(plan, titles.number, IMPORT_NO_LINES, "", "");
    return rc;
}

void import_plan_fini(struct import_plan *plan)
{
    free(plan->counts);
    free(plan->problems);
    *plan = (struct import_plan){0};
}

int import_titles(char *text, size_t length, struct csv_line *line)
{
    struct csv csv;
    csv_init(&csv, text, length);
    return csv_next(&csv, line) == CSV_FINE ? line->cells_count : 0;
}

static const char *csv_fault_text(enum csv_fault fault)
{
    switch (fault) {
    case CSV_QUOTE_OPEN:
        return _("A quotation mark is not closed.");
    case CSV_QUOTE_INSIDE:
        return _("A quotation mark stands in the middle of a cell.");
    case CSV_TOO_MANY_CELLS:
        return _("There are too many cells.");
    default:
        return _("There are characters that are not text.");
    }
}

void import_problem_text(const struct import_problem *problem, char *out, size_t size)
{
    switch (problem->fault) {
    case IMPORT_CSV:
        snprintf(out, size, "%s", csv_fault_text(problem->csv_fault));
        break;
    case IMPORT_NO_COLUMN:
        snprintf(out, size, _("The first line has no column “%s”."), problem->field);
        break;
    case IMPORT_DOUBLE_COLUMN:
        snprintf(out, size, _("The first line has the column “%s” twice."), problem->field);
        break;
    case IMPORT_NO_LINES:
        snprintf(out, size, "%s", _("There are no lines to count."));
        break;
    case IMPORT_CELLS:
        snprintf(out, size, "%s", _("The number of cells is not that of the first line."));
        break;
    case IMPORT_TIME:
        snprintf(out, size, _("“%s” is not a time such as 2026-11-24 13:00."), problem->value);
        break;
    case IMPORT_FUTURE:
        snprintf(out, size, _("“%s” still lies ahead."), problem->value);
        break;
    case IMPORT_NUMBER:
        snprintf(out, size, _("“%s” is not a whole number from 0 to %d."), problem->value, IMPORT_PEOPLE_MAX);
        break;
    }
}
