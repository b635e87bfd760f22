#include "client/print/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cairo-pdf.h>

#include "common/error.h"
#include "common/locale.h"

#define FONT_FAMILY "Noto Sans CJK JP"
#define LANGUAGE "ja" /* of the glyphs: the same characters are drawn differently in Chinese */

#define HEAD_TOP 30.0
#define FOOT_LINE_Y 808.5
#define FOOT_TEXT_Y 812.0
#define GAP_AFTER_HEAD 5.0
#define GAP_BEFORE_FOOT 8.0

static const struct page_font SMALL = {10, false}, TITLE = {20, true}, DATE = {14.5, true}, NOTE = {11, false},
                              FOOT = {8, false}, FOOT_BOLD = {8, true};

/* --- text --------------------------------------------------------------------------------------------- */

static PangoLayout *layout_new(struct page *page, const char *text, struct page_font font)
{
    PangoLayout *layout = pango_layout_new(page->pango);
    PangoFontDescription *description = pango_font_description_new();
    pango_font_description_set_family_static(description, FONT_FAMILY);
    pango_font_description_set_weight(description, font.is_bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_absolute_size(description, font.size * PANGO_SCALE);
    pango_layout_set_font_description(layout, description);
    pango_font_description_free(description);
    PangoAttrList *attributes = pango_attr_list_new();
    pango_attr_list_insert(attributes, pango_attr_insert_hyphens_new(FALSE)); /* a name has none where a line ends */
    pango_layout_set_attributes(layout, attributes);
    pango_attr_list_unref(attributes);
    pango_layout_set_text(layout, text, -1);
    page->unknown_glyphs += pango_layout_get_unknown_glyphs_count(layout);
    return layout;
}

PangoLayout *page_layout(struct page *page, const char *text, struct page_font font, double width)
{
    PangoLayout *layout = layout_new(page, text, font);
    if (width > 0) {
        pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
        pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    }
    return layout;
}

PangoLayout *page_layout_cut(struct page *page, const char *text, struct page_font font, double width)
{
    PangoLayout *layout = layout_new(page, text, font);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_width(layout, (int)(fmax(width, 1) * PANGO_SCALE));
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    return layout;
}

void page_layout_size(PangoLayout *layout, double *width, double *height)
{
    PangoRectangle logical;
    pango_layout_get_extents(layout, NULL, &logical);
    if (width) *width = (double)logical.width / PANGO_SCALE;
    if (height) *height = (double)logical.height / PANGO_SCALE;
}

void page_show(struct page *page, PangoLayout *layout, double x, double y)
{
    cairo_set_source_rgb(page->cairo, 0, 0, 0);
    cairo_move_to(page->cairo, x, y);
    pango_cairo_show_layout(page->cairo, layout);
}

double page_text(struct page *page, const char *text, struct page_font font, double x, double y, enum page_align align)
{
    double width;
    PangoLayout *layout = page_layout(page, text, font, 0);
    page_layout_size(layout, &width, NULL);
    if (align == PAGE_CENTRE) x -= width / 2;
    if (align == PAGE_RIGHT) x -= width;
    page_show(page, layout, x, y);
    g_object_unref(layout);
    return width;
}

/* One line that ends at x or begins there, cut where it would be wider than most. */
static double text_within(struct page *page, const char *text, struct page_font font, double x, double y,
                          enum page_align align, double most)
{
    double width;
    PangoLayout *layout = page_layout(page, text, font, 0);
    page_layout_size(layout, &width, NULL);
    if (width > most) {
        g_object_unref(layout);
        layout = page_layout_cut(page, text, font, most);
        width = most;
    }
    page_show(page, layout, align == PAGE_RIGHT ? x - width : x, y);
    g_object_unref(layout);
    return width;
}

/* --- lines -------------------------------------------------------------------------------------------- */

void page_line(struct page *page, double x1, double y1, double x2, double y2, double width)
{
    cairo_set_source_rgb(page->cairo, 0, 0, 0);
    cairo_set_line_width(page->cairo, width);
    cairo_move_to(page->cairo, x1, y1);
    cairo_line_to(page->cairo, x2, y2);
    cairo_stroke(page->cairo);
}

void page_tick_box(struct page *page, double x, double y, double size, bool is_ticked)
{
    cairo_set_source_rgb(page->cairo, 0, 0, 0);
    cairo_set_line_width(page->cairo, 0.7);
    cairo_rectangle(page->cairo, x - size / 2, y - size / 2, size, size);
    cairo_stroke(page->cairo);
    if (!is_ticked) return;
    cairo_set_line_width(page->cairo, 1.4);
    cairo_move_to(page->cairo, x - size * 0.34, y);
    cairo_line_to(page->cairo, x - size * 0.08, y + size * 0.3);
    cairo_line_to(page->cairo, x + size * 0.38, y - size * 0.34);
    cairo_stroke(page->cairo);
}

/* --- head and foot ------------------------------------------------------------------------------------ */

/* Both sides stand on one bottom line, so titles and dates of different size align. */
static void head_draw(struct page *page)
{
    const struct page_frame *frame = page->frame;
    double half = (page->right - page->left) * 0.56, rest = (page->right - page->left) * 0.42;
    double y = HEAD_TOP;
    text_within(page, frame->organisation, SMALL, page->left, y, PAGE_LEFT, half);
    text_within(page, frame->title, TITLE, page->left, y + 10, PAGE_LEFT, half);
    text_within(page, frame->date, DATE, page->right, y + 3, PAGE_RIGHT, rest);
    text_within(page, frame->note, NOTE, page->right, y + 21, PAGE_RIGHT, rest);
    y += 37.5;
    page_line(page, page->left, y, page->right, y, 1.6);
    page->top = y + GAP_AFTER_HEAD;
    page->y = page->top;
}

static void foot_draw(struct page *page)
{
    char number[32];
    double width = page->right - page->left;
    page_line(page, page->left, FOOT_LINE_Y, page->right, FOOT_LINE_Y, 0.6);
    snprintf(number, sizeof number, "%d / %d", page->number, page->count > 0 ? page->count : page->number);
    double taken = page_text(page, number, FOOT_BOLD, page->right, FOOT_TEXT_Y, PAGE_RIGHT) + 14;
    taken += text_within(page, page->frame->foot_right, FOOT, page->right - taken, FOOT_TEXT_Y, PAGE_RIGHT, width / 2);
    text_within(page, page->frame->foot_left, FOOT, page->left, FOOT_TEXT_Y, PAGE_LEFT, width - taken - 10);
}

void page_next(struct page *page)
{
    foot_draw(page);
    cairo_show_page(page->cairo);
    page->number++;
    head_draw(page);
}

double page_room(const struct page *page)
{
    return page->bottom - page->y;
}

/* --- the file ----------------------------------------------------------------------------------------- */

/* Its size grows with what is written; a failure is Cairo's CAIRO_STATUS_WRITE_ERROR. */
static cairo_status_t on_bytes(void *arg, const unsigned char *bytes, unsigned length)
{
    struct page_file *file = arg;
    uint8_t *grown = realloc(file->bytes, file->length + length);
    if (!grown) return CAIRO_STATUS_NO_MEMORY;
    file->bytes = grown;
    memcpy(file->bytes + file->length, bytes, length);
    file->length += length;
    return CAIRO_STATUS_SUCCESS;
}

static int error_of_status(cairo_status_t status)
{
    if (status == CAIRO_STATUS_SUCCESS) return 0;
    return status == CAIRO_STATUS_NO_MEMORY ? MDG_ERR_MEMORY : MDG_ERR_IO;
}

static void metadata_set(cairo_surface_t *surface, const struct page_frame *frame)
{
    char made[32];
    time_t seconds = (time_t)(frame->made_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(made, sizeof made, "%Y-%m-%dT%H:%M:%SZ", &utc);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, made);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_MOD_DATE, made);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, frame->title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, frame->organisation);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "madoguchi " MDG_VERSION);
}

/* Letters stand where the font says, not on the pixels of a screen. */
static void metrics_set(PangoContext *pango)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(pango, options);
    cairo_font_options_destroy(options);
    pango_context_set_round_glyph_positions(pango, FALSE);
    pango_context_set_language(pango, pango_language_from_string(LANGUAGE));
}

/* count 0: only to learn how many pages there are. */
static int draw_once(const struct page_frame *frame, PangoFontMap *fonts, page_draw_cb *draw, void *arg, int count,
                     struct page_file *file)
{
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(count > 0 ? on_bytes : NULL, file, PAGE_WIDTH, PAGE_HEIGHT);
    metadata_set(surface, frame);
    struct page page = {.cairo = cairo_create(surface),
                        .left = PAGE_MARGIN,
                        .right = PAGE_WIDTH - PAGE_MARGIN,
                        .bottom = FOOT_LINE_Y - GAP_BEFORE_FOOT,
                        .number = 1,
                        .frame = frame,
                        .count = count,
                        .pango = pango_font_map_create_context(fonts)};
    metrics_set(page.pango);
    pango_cairo_update_context(page.cairo, page.pango);
    head_draw(&page);
    int rc = draw(&page, arg);
    foot_draw(&page);
    cairo_show_page(page.cairo);
    if (rc == 0) rc = error_of_status(cairo_status(page.cairo));
    cairo_destroy(page.cairo);
    cairo_surface_finish(surface); /* the last bytes are written here */
    if (rc == 0) rc = error_of_status(cairo_surface_status(surface));
    cairo_surface_destroy(surface);
    g_object_unref(page.pango);
    file->pages = page.number;
    file->unknown_glyphs = page.unknown_glyphs;
    return rc;
}

int page_print(const struct page_frame *frame, page_draw_cb *draw, void *arg, struct page_file *out)
{
    *out = (struct page_file){0};
    PangoFontMap *fonts = pango_cairo_font_map_new();
    int rc = draw_once(frame, fonts, draw, arg, 0, out);
    if (rc == 0) rc = draw_once(frame, fonts, draw, arg, out->pages, out);
    g_object_unref(fonts);
    if (rc != 0) page_file_fini(out);
    return rc;
}

void page_file_fini(struct page_file *file)
{
    free(file->bytes);
    *file = (struct page_file){0};
}
