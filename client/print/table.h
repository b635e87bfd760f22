/* client/print/table.h - tables that go on over pages: a row is as high as its tallest cell, the titles stand on every
 * page, a merged first column names its group again on the next one, and no text is cut. */
#ifndef MADOGUCHI_PRINT_TABLE_H
#define MADOGUCHI_PRINT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/print/page.h"

#define TABLE_COLUMNS_MAX 32

struct table_column {
    const char *title;
    double width; /* share of the table's width */
    enum page_align align;
    enum page_align title_align;
    bool is_bold;
};

enum table_mark {
    TABLE_NO_MARK,
    TABLE_BOX, /* to be ticked by hand */
    TABLE_TICKED
};

struct table_cell {
    const char *text; /* NULL is "" */
    enum table_mark mark;
};

struct table {
    const struct table_column *columns;
    int columns_count;
    const struct table_cell *cells; /* rows after each other */
    size_t rows_count;
    bool merges_first;            /* rows after each other with equal first cells share one */
    double font_size, row_height; /* the least height of a row */
};

/* At page->y over the page's whole width; leaves y below it. A row higher than a page goes on over pages.
 * MDG_ERR_TOO_LARGE: the text of a merged cell alone is higher than a page. */
int table_draw(struct page *page, const struct table *table);
/* How high it would be on a page without end. */
double table_height(struct page *page, const struct table *table);

#endif
