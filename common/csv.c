#include "common/csv.h"

#include <stdbool.h>
#include <string.h>

void csv_init(struct csv *csv, char *text, size_t length)
{
    static const char MARK[] = "\xEF\xBB\xBF";
    csv->at = text;
    csv->end = text + length;
    csv->line = 1;
    if (length >= 3 && memcmp(text, MARK, 3) == 0) csv->at += 3;
}

static bool is_line_end(const char *at, const char *end)
{
    return at == end || *at == '\n' || (*at == '\r' && (at + 1 == end || at[1] == '\n'));
}

static void skip_line(struct csv *csv)
{
    while (csv->at < csv->end && *csv->at != '\n') csv->at++;
}

/* Behind the line's end; what stood there is overwritten by the last cell's NUL before. */
static void step_over_end(struct csv *csv)
{
    if (csv->at < csv->end && *csv->at == '\r') csv->at++;
    if (csv->at < csv->end) {
        csv->at++;
        csv->line++;
    }
}

/* "…" from the quote on, unescaped in place. *out is its NUL-to-be. */
static enum csv_fault quoted_take(struct csv *csv, char **out)
{
    char *to = csv->at;
    csv->at++;
    for (;;) {
        if (csv->at >= csv->end) return CSV_QUOTE_OPEN;
        if (*csv->at == '\0') return CSV_NOT_TEXT;
        if (*csv->at == '"') {
            csv->at++;
            if (csv->at >= csv->end || *csv->at != '"') break;
        }
        if (*csv->at == '\n') csv->line++;
        *to++ = *csv->at++;
    }
    *out = to;
    return is_line_end(csv->at, csv->end) || *csv->at == ',' ? CSV_FINE : CSV_QUOTE_INSIDE;
}

static enum csv_fault plain_take(struct csv *csv, char **out)
{
    while (!is_line_end(csv->at, csv->end) && *csv->at != ',') {
        if (*csv->at == '"') return CSV_QUOTE_INSIDE;
        if ((unsigned char)*csv->at < ' ' && *csv->at != '\t') return CSV_NOT_TEXT;
        csv->at++;
    }
    *out = csv->at;
    return CSV_FINE;
}

enum csv_fault csv_next(struct csv *csv, struct csv_line *line)
{
    while (csv->at < csv->end && is_line_end(csv->at, csv->end)) step_over_end(csv);
    *line = (struct csv_line){.number = csv->line};
    if (csv->at >= csv->end) return CSV_END;
    for (;;) {
        char *begin = csv->at, *cell_end = NULL;
        if (line->cells_count == CSV_CELLS_MAX) {
            line->fault = CSV_TOO_MANY_CELLS;
        } else {
            line->fault =
                *csv->at == '"' && csv->at < csv->end ? quoted_take(csv, &cell_end) : plain_take(csv, &cell_end);
        }
        if (line->fault != CSV_FINE) {
            skip_line(csv);
            step_over_end(csv);
            return line->fault;
        }
        line->cells[line->cells_count++] = begin;
        bool is_last = is_line_end(csv->at, csv->end);
        if (is_last)
            step_over_end(csv);
        else
            csv->at++;
        *cell_end = '\0'; /* at the separator or before it, which has been read */
        if (is_last) return CSV_FINE;
    }
}
