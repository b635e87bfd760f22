#include "client/print/day_grid.h"

#include <math.h>
#include <stdio.h>

#define NAME_WIDTH 70.0
#define NAME_PAD 4.0
#define HOUR_ROW_HEIGHT 14.5
#define ROW_HEIGHT 20.2
#define ROW_TWO_LINES 27.0
#define BLOCK_GAP 1.3
#define RADIUS 2.2
#define BAR_WIDTH 3.6 /* the left bar of what is booked */
#define STRIPE_GAP 5.4
#define DOT_GAP 4.2
#define NARROW 18.0
#define LEGEND_HEIGHT 14.0
#define LEGEND_GAP 12.0
#define LEGEND_SWATCH 20.0

static const struct page_font HOUR = {8.8, false}, NAME = {9.2, true}, BLOCK = {7.9, true}, BLOCK_LIGHT = {7.9, false},
                              LEGEND = {8.6, false};

struct box {
    double x, y, width, height;
};

/* How a state is drawn; the sign and the word do the rest. */
enum pattern { PATTERN_NONE, PATTERN_STRIPES, PATTERN_BACK_STRIPES, PATTERN_DOTS };

static const struct look {
    enum pattern pattern;
    double stripe_width, stripe_grey;
    double edge; /* width of the line around it; 0: none */
    bool is_dashed, has_bar, is_light;
} LOOKS[DESK_STATES_COUNT] = {
    [DESK_FREE] = {PATTERN_NONE, 0, 0, 0, false, false, true},
    [DESK_TENTATIVE] = {PATTERN_STRIPES, 0.7, 0.35, 0.8, true, false, false},
    [DESK_CONFIRMED] = {PATTERN_NONE, 0, 0, 0.9, false, true, false},
    [DESK_WAITING] = {PATTERN_DOTS, 0.85, 0.25, 1.3, false, false, false},
    [DESK_IN_USE] = {PATTERN_NONE, 0, 0, 2.4, false, true, false},
    [DESK_ENDED] = {PATTERN_NONE, 0, 0, 0.5, false, false, true},
    [DESK_NO_SHOW] = {PATTERN_NONE, 0, 0, 0.5, true, false, true},
    [DESK_UNAVAILABLE] = {PATTERN_BACK_STRIPES, 1.2, 0.6, 0.5, false, false, false},
};

/* --- patterns ----------------------------------------------------------------------------------------- */

static void box_path(cairo_t *cairo, struct box box)
{
    double radius = fmin(RADIUS, fmin(box.width, box.height) / 2), right = box.x + box.width,
           below = box.y + box.height;
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, right - radius, box.y + radius, radius, -G_PI / 2, 0);
    cairo_arc(cairo, right - radius, below - radius, radius, 0, G_PI / 2);
    cairo_arc(cairo, box.x + radius, below - radius, radius, G_PI / 2, G_PI);
    cairo_arc(cairo, box.x + radius, box.y + radius, radius, G_PI, 3 * G_PI / 2);
    cairo_close_path(cairo);
}

/* Lines of the page, not of the box: neighbours go together, and nothing depends on the box's place. */
static void stripes_draw(cairo_t *cairo, struct box box, const struct look *look)
{
    double reach = box.height, first = floor((box.x - reach) / STRIPE_GAP) * STRIPE_GAP;
    cairo_set_line_width(cairo, look->stripe_width);
    for (double x = first; x < box.x + box.width + reach; x += STRIPE_GAP) {
        bool is_back = look->pattern == PATTERN_BACK_STRIPES;
        cairo_move_to(cairo, is_back ? x : x + reach, box.y);
        cairo_line_to(cairo, is_back ? x + reach : x, box.y + box.height);
    }
    cairo_stroke(cairo);
}

static void dots_draw(cairo_t *cairo, struct box box, const struct look *look)
{
    for (double y = box.y + DOT_GAP / 2; y < box.y + box.height; y += DOT_GAP) {
        for (double x = ceil(box.x / DOT_GAP) * DOT_GAP; x < box.x + box.width; x += DOT_GAP) {
            cairo_new_sub_path(cairo);
            cairo_arc(cairo, x, y, look->stripe_width, 0, 2 * G_PI);
        }
    }
    cairo_fill(cairo);
}

static void ground_draw(cairo_t *cairo, struct box box, const struct look *look)
{
    cairo_save(cairo);
    box_path(cairo, box);
    cairo_clip(cairo);
    cairo_set_source_rgb(cairo, 1, 1, 1); /* the hours' lines do not shine through */
    cairo_paint(cairo);
    cairo_set_source_rgb(cairo, look->stripe_grey, look->stripe_grey, look->stripe_grey);
    if (look->pattern == PATTERN_STRIPES || look->pattern == PATTERN_BACK_STRIPES) stripes_draw(cairo, box, look);
    if (look->pattern == PATTERN_DOTS) dots_draw(cairo, box, look);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    if (look->has_bar) {
        cairo_rectangle(cairo, box.x, box.y, BAR_WIDTH, box.height);
        cairo_fill(cairo);
    }
    cairo_restore(cairo);
    if (look->edge <= 0) return;
    const double dashes[] = {2.4, 1.6};
    double inset = look->edge / 2;
    cairo_save(cairo);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    cairo_set_line_width(cairo, look->edge);
    if (look->is_dashed) cairo_set_dash(cairo, dashes, 2, 0);
    box_path(cairo, (struct box){box.x + inset, box.y + inset, box.width - look->edge, box.height - look->edge});
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

/* The sign first, so that it stays when the text is cut; on a pattern both stand on white. */
static void block_text(struct page *page, struct box box, const struct look *look, enum desk_state state,
                       const char *text)
{
    char line[700];
    double pad = (look->has_bar ? BAR_WIDTH : look->edge) + 1.2, width, height;
    double room = box.width - pad - look->edge - 0.8;
    snprintf(line, sizeof line, "%s%s", desk_state_sign(state), text);
    PangoLayout *layout = page_layout_cut(page, line, look->is_light ? BLOCK_LIGHT : BLOCK, room);
    page_layout_size(layout, &width, &height);
    if (room < BLOCK.size * 2) { /* no room for more than the sign */
        g_object_unref(layout);
        layout = page_layout(page, desk_state_sign(state), BLOCK, 0);
        page_layout_size(layout, &width, &height);
    }
    double x = box.x + pad, y = box.y + (box.height - height) / 2;
    if (look->pattern != PATTERN_NONE) {
        cairo_set_source_rgb(page->cairo, 1, 1, 1);
        cairo_rectangle(page->cairo, x - 0.8, box.y + look->edge + 0.4, fmin(width + 2, box.width - pad - look->edge),
                        box.height - 2 * look->edge - 0.8);
        cairo_fill(page->cairo);
    }
    page_show(page, layout, x, y);
    g_object_unref(layout);
}

static void block_draw(struct page *page, struct box box, const struct grid_block *block)
{
    struct look look = LOOKS[block->state];
    if (box.width < NARROW) look.has_bar = false; /* the sign needs the place */
    ground_draw(page->cairo, box, &look);
    block_text(page, box, &look, block->state, block->text);
}

/* --- the grid ----------------------------------------------------------------------------------------- */

static double minute_x(const struct page *page, const struct day_grid *grid, int minute)
{
    double left = page->left + NAME_WIDTH;
    return left + (page->right - left) * (minute - grid->from_minute) / (grid->to_minute - grid->from_minute);
}

static void hours_draw(struct page *page, const struct day_grid *grid)
{
    page_line(page, page->left, page->y, page->right, page->y, 0.6);
    for (int minute = grid->from_minute; minute < grid->to_minute; minute += 60) {
        char hour[16];
        double x = minute_x(page, grid, minute);
        snprintf(hour, sizeof hour, "%d", minute / 60);
        page_line(page, x, page->y, x, page->y + HOUR_ROW_HEIGHT, 0.4);
        page_text(page, hour, HOUR, x + 2.4, page->y + 0.6, PAGE_LEFT);
    }
    page_line(page, page->left, page->y, page->left, page->y + HOUR_ROW_HEIGHT, 0.6);
    page_line(page, page->right, page->y, page->right, page->y + HOUR_ROW_HEIGHT, 0.6);
    page->y += HOUR_ROW_HEIGHT;
    page_line(page, page->left, page->y, page->right, page->y, 0.6);
}

/* Up to two lines; what is longer is cut here and stands whole in the list. */
static PangoLayout *name_layout(struct page *page, const char *name)
{
    PangoLayout *layout = page_layout(page, name, NAME, NAME_WIDTH - 2 * NAME_PAD);
    pango_layout_set_height(layout, -2);
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    return layout;
}

static void row_draw(struct page *page, const struct day_grid *grid, const struct grid_row *row, double height)
{
    double top = page->y, name_height;
    for (int minute = grid->from_minute; minute < grid->to_minute; minute += 60) {
        double x = minute_x(page, grid, minute);
        page_line(page, x, top, x, top + height, minute == grid->from_minute ? 0.6 : 0.3);
    }
    PangoLayout *name = name_layout(page, row->name);
    page_layout_size(name, NULL, &name_height);
    page_show(page, name, page->left + NAME_PAD, top + (height - name_height) / 2);
    g_object_unref(name);
    for (size_t i = 0; i < row->blocks_count; i++) {
        const struct grid_block *block = &row->blocks[i];
        int from = block->from_minute > grid->from_minute ? block->from_minute : grid->from_minute;
        int to = block->to_minute < grid->to_minute ? block->to_minute : grid->to_minute;
        if (from >= to) continue;
        double x = minute_x(page, grid, from);
        struct box box = {x + 0.4, top + BLOCK_GAP, minute_x(page, grid, to) - x - 0.8, height - 2 * BLOCK_GAP};
        block_draw(page, box, block);
    }
    page->y = top + height;
    page_line(page, page->left, top, page->left, page->y, 0.6);
    page_line(page, page->right, top, page->right, page->y, 0.6);
    page_line(page, page->left, page->y, page->right, page->y, 0.6);
}

void day_grid_draw(struct page *page, const struct day_grid *grid)
{
    if (page_room(page) < HOUR_ROW_HEIGHT + ROW_TWO_LINES) page_next(page);
    hours_draw(page, grid);
    for (size_t i = 0; i < grid->rows_count; i++) {
        PangoLayout *name = name_layout(page, grid->rows[i].name);
        double height = pango_layout_get_line_count(name) > 1 ? ROW_TWO_LINES : ROW_HEIGHT;
        g_object_unref(name);
        if (height > page_room(page)) {
            page_next(page);
            hours_draw(page, grid);
        }
        row_draw(page, grid, &grid->rows[i], height);
    }
}

void day_grid_legend(struct page *page, const bool has_state[DESK_STATES_COUNT])
{
    double x = page->left;
    page->y += 3;
    for (int state = 0; state < DESK_STATES_COUNT; state++) {
        if (!has_state[state]) continue;
        char text[120];
        double width, swatch = state == DESK_FREE ? 0 : LEGEND_SWATCH + 4;
        snprintf(text, sizeof text, "%s %s", desk_state_sign((enum desk_state)state),
                 desk_state_word((enum desk_state)state));
        PangoLayout *layout = page_layout(page, text, LEGEND, 0);
        page_layout_size(layout, &width, NULL);
        if (x + swatch + width > page->right && x > page->left) {
            x = page->left;
            page->y += LEGEND_HEIGHT;
        }
        if (page_room(page) < LEGEND_HEIGHT) page_next(page);
        if (swatch > 0) ground_draw(page->cairo, (struct box){x, page->y + 1.8, LEGEND_SWATCH, 9.4}, &LOOKS[state]);
        page_show(page, layout, x + swatch, page->y);
        g_object_unref(layout);
        x += swatch + width + LEGEND_GAP;
    }
    page->y += LEGEND_HEIGHT;
}
