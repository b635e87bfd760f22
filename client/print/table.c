#include "client/print/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"

#define PAD_X 3.6
#define PAD_Y 2.2
#define TITLE_PAD_Y 1.6
#define THIN 0.5
#define THICK 1.1
#define TITLE_GREY 0.92
#define BOX_SIZE 9.0

/* One run of table_draw(): where columns begin, how high rows are. */
struct layout {
    const struct table *table;
    struct page *page;
    double x[TABLE_COLUMNS_MAX + 1];
    double *heights; /* of rows, owned */
    double title_height;
};

static const struct table_cell *cell_at(const struct table *table, size_t row, int column)
{
    return &table->cells[row * (size_t)table->columns_count + (size_t)column];
}

static const char *text_of(const struct table_cell *cell)
{
    return cell->text ? cell->text : "";
}

static bool is_merged(const struct table *table, int column)
{
    return table->merges_first && column == 0;
}

/* Both rows belong to the same cell of a merged first column. */
static bool is_same_group(const struct table *table, size_t a, size_t b)
{
    return table->merges_first && strcmp(text_of(cell_at(table, a, 0)), text_of(cell_at(table, b, 0))) == 0;
}

static PangoLayout *cell_layout(const struct layout *layout, size_t row, int column)
{
    const struct table_column *of = &layout->table->columns[column];
    struct page_font font = {layout->table->font_size, of->is_bold};
    PangoLayout *text = page_layout(layout->page, text_of(cell_at(layout->table, row, column)), font,
                                    layout->x[column + 1] - layout->x[column] - 2 * PAD_X);
    if (of->align == PAGE_CENTRE) pango_layout_set_alignment(text, PANGO_ALIGN_CENTER);
    if (of->align == PAGE_RIGHT) pango_layout_set_alignment(text, PANGO_ALIGN_RIGHT);
    return text;
}

static double cell_height(const struct layout *layout, size_t row, int column)
{
    double height = 0;
    if (text_of(cell_at(layout->table, row, column))[0] == '\0') return 0;
    PangoLayout *text = cell_layout(layout, row, column);
    page_layout_size(text, NULL, &height);
    g_object_unref(text);
    return height + 2 * PAD_Y;
}

static PangoLayout *title_layout(const struct layout *layout, int column)
{
    const struct table_column *of = &layout->table->columns[column];
    PangoLayout *text = page_layout(layout->page, of->title, (struct page_font){layout->table->font_size * 0.94, true},
                                    layout->x[column + 1] - layout->x[column] - 2 * PAD_X);
    if (of->title_align == PAGE_CENTRE) pango_layout_set_alignment(text, PANGO_ALIGN_CENTER);
    if (of->title_align == PAGE_RIGHT) pango_layout_set_alignment(text, PANGO_ALIGN_RIGHT);
    return text;
}

static int layout_init(struct layout *layout, struct page *page, const struct table *table)
{
    double shares = 0, x = page->left;
    *layout = (struct layout){.table = table, .page = page};
    layout->heights = calloc(table->rows_count + 1, sizeof *layout->heights);
    if (!layout->heights) return MDG_ERR_MEMORY;
    for (int c = 0; c < table->columns_count; c++) shares += table->columns[c].width;
    for (int c = 0; c < table->columns_count; c++) {
        layout->x[c] = x;
        x += table->columns[c].width / shares * (page->right - page->left);
    }
    layout->x[table->columns_count] = page->right;
    for (int c = 0; c < table->columns_count; c++) {
        double height;
        PangoLayout *title = title_layout(layout, c);
        page_layout_size(title, NULL, &height);
        g_object_unref(title);
        layout->title_height = fmax(layout->title_height, height + 2 * TITLE_PAD_Y);
    }
    for (size_t r = 0; r < table->rows_count; r++) {
        layout->heights[r] = table->row_height;
        for (int c = 0; c < table->columns_count; c++) {
            if (!is_merged(table, c)) layout->heights[r] = fmax(layout->heights[r], cell_height(layout, r, c));
        }
    }
    return 0;
}

/* --- drawing ------------------------------------------------------------------------------------------ */

/* The ground before the texts, so that none is painted over. */
static void titles_draw(struct layout *layout)
{
    struct page *page = layout->page;
    cairo_set_source_rgb(page->cairo, TITLE_GREY, TITLE_GREY, TITLE_GREY);
    cairo_rectangle(page->cairo, page->left, page->y, page->right - page->left, layout->title_height);
    cairo_fill(page->cairo);
    for (int c = 0; c < layout->table->columns_count; c++) {
        double height;
        PangoLayout *title = title_layout(layout, c);
        page_layout_size(title, NULL, &height);
        page_show(page, title, layout->x[c] + PAD_X, page->y + (layout->title_height - height) / 2);
        g_object_unref(title);
    }
    for (int c = 0; c <= layout->table->columns_count; c++)
        page_line(page, layout->x[c], page->y, layout->x[c], page->y + layout->title_height, THIN);
    page_line(page, page->left, page->y, page->right, page->y, THIN);
    page->y += layout->title_height;
    page_line(page, page->left, page->y, page->right, page->y, THICK);
}

/* Lines of the text from *line on, as many as fit; moves *line behind them. Returns their height. */
static double lines_draw(struct page *page, PangoLayout *text, int *line, double x, double y, double most)
{
    PangoLayoutIter *at = pango_layout_get_iter(text);
    PangoRectangle logical;
    double from = 0, used = 0;
    int number = 0, first = *line;
    do {
        int top, bottom;
        pango_layout_iter_get_line_yrange(at, &top, &bottom);
        if (number < first) continue;
        if (number == first) from = (double)top / PANGO_SCALE;
        double below = (double)bottom / PANGO_SCALE - from;
        if (below > most) break;
        pango_layout_iter_get_line_extents(at, NULL, &logical);
        cairo_set_source_rgb(page->cairo, 0, 0, 0);
        cairo_move_to(page->cairo, x + (double)logical.x / PANGO_SCALE,
                      y + (double)pango_layout_iter_get_baseline(at) / PANGO_SCALE - from);
        pango_cairo_show_layout_line(page->cairo, pango_layout_iter_get_line_readonly(at));
        used = below;
        *line = number + 1;
    } while (number++, pango_layout_iter_next_line(at));
    pango_layout_iter_free(at);
    return used;
}

static void mark_draw(const struct layout *layout, const struct table_cell *cell, int column, double height)
{
    if (cell->mark == TABLE_NO_MARK) return;
    page_tick_box(layout->page, (layout->x[column] + layout->x[column + 1]) / 2, layout->page->y + height / 2, BOX_SIZE,
                  cell->mark == TABLE_TICKED);
}

static void cell_draw(const struct layout *layout, size_t row, int column, double height)
{
    const struct table_cell *cell = cell_at(layout->table, row, column);
    mark_draw(layout, cell, column, height);
    if (text_of(cell)[0] == '\0') return;
    double text_height;
    PangoLayout *text = cell_layout(layout, row, column);
    page_layout_size(text, NULL, &text_height);
    page_show(layout->page, text, layout->x[column] + PAD_X, layout->page->y + fmax((height - text_height) / 2, 0));
    g_object_unref(text);
}

static void verticals_draw(const struct layout *layout, double top)
{
    for (int c = 0; c <= layout->table->columns_count; c++)
        page_line(layout->page, layout->x[c], top, layout->x[c], layout->page->y, THIN);
}

/* Rows from first up to end, the last one grown by that much: what of a group stands on this page. */
static void piece_draw(const struct layout *layout, size_t first, size_t end, double grown)
{
    const struct table *table = layout->table;
    struct page *page = layout->page;
    double top = page->y;
    for (size_t r = first; r < end; r++) {
        double height = layout->heights[r] + (r + 1 == end ? grown : 0);
        for (int c = 0; c < table->columns_count; c++) {
            if (!is_merged(table, c)) cell_draw(layout, r, c, height);
        }
        page->y += height;
        page_line(page, r + 1 < end && table->merges_first ? layout->x[1] : page->left, page->y, page->right, page->y,
                  r + 1 == end && table->merges_first ? THICK : THIN);
    }
    verticals_draw(layout, top);
    if (!table->merges_first) return;
    double below = page->y;
    page->y = top;
    cell_draw(layout, first, 0, below - top);
    page->y = below;
}

/* A row that no page can hold goes on over pages, line by line. */
static int tall_row_draw(struct layout *layout, size_t row)
{
    const struct table *table = layout->table;
    struct page *page = layout->page;
    int lines[TABLE_COLUMNS_MAX] = {0};
    bool has_more;
    do {
        double top = page->y, used = 0;
        has_more = false;
        for (int c = 0; c < table->columns_count; c++) {
            PangoLayout *text = cell_layout(layout, row, c);
            int begun = lines[c], all = pango_layout_get_line_count(text);
            if (is_merged(table, c)) lines[c] = begun = 0; /* named again on each page */
            used = fmax(used, lines_draw(page, text, &lines[c], layout->x[c] + PAD_X, top + PAD_Y,
                                         page_room(page) - 2 * PAD_Y));
            g_object_unref(text);
            if (lines[c] == begun && begun < all) return MDG_ERR_TOO_LARGE; /* not even one line fits */
            has_more |= lines[c] < all && !is_merged(table, c);
        }
        page->y = top + used + 2 * PAD_Y;
        page_line(page, page->left, page->y, page->right, page->y, has_more ? THIN : THICK);
        verticals_draw(layout, top);
        if (has_more) {
            page_next(page);
            titles_draw(layout);
        }
    } while (has_more);
    return 0;
}

/* The rows of first's group that fit here, behind them *grown that the last needs so that the name has room.
 * Returns the first row that does not. */
static size_t piece_fit(const struct layout *layout, size_t first, double *grown)
{
    const struct table *table = layout->table;
    double sum = 0, room = page_room(layout->page);
    size_t r = first;
    *grown = 0;
    while (r < table->rows_count && (r == first || is_same_group(table, r - 1, r)) && sum + layout->heights[r] <= room)
        sum += layout->heights[r++];
    if (r == first || !table->merges_first) return r;
    *grown = fmax(cell_height(layout, first, 0) - sum, 0);
    return sum + *grown <= room ? r : first;
}

/* The titles never stand alone at the foot of a page. */
static double first_height(const struct layout *layout)
{
    if (layout->table->rows_count == 0) return 0;
    return layout->table->merges_first ? fmax(layout->heights[0], cell_height(layout, 0, 0)) : layout->heights[0];
}

int table_draw(struct page *page, const struct table *table)
{
    struct layout layout;
    int rc = layout_init(&layout, page, table);
    size_t row = 0;
    bool is_fresh = false; /* nothing but the titles stands on this page */
    if (rc == 0) {
        if (layout.title_height + first_height(&layout) > page_room(page) && page->y > page->top) page_next(page);
        is_fresh = page->y <= page->top;
        titles_draw(&layout);
    }
    while (rc == 0 && row < table->rows_count) {
        double grown;
        size_t end = piece_fit(&layout, row, &grown);
        if (end > row) {
            piece_draw(&layout, row, end, grown);
            row = end;
            is_fresh = false;
        } else if (!is_fresh) {
            page_next(page);
            titles_draw(&layout);
            is_fresh = true;
        } else if (table->merges_first && cell_height(&layout, row, 0) > page_room(page)) {
            rc = MDG_ERR_TOO_LARGE;
        } else {
            rc = tall_row_draw(&layout, row++);
            is_fresh = false;
        }
    }
    free(layout.heights);
    return rc;
}

double table_height(struct page *page, const struct table *table)
{
    struct layout layout;
    double height = 0;
    if (layout_init(&layout, page, table) == 0) {
        height = layout.title_height;
        for (size_t r = 0; r < table->rows_count; r++) height += layout.heights[r];
    }
    free(layout.heights);
    return height;
}
