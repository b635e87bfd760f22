/* client/print/page.h - sheets of A4 on Cairo and Pango, without a display: black on white, a head and a foot on every
 * page, the same bytes for the same data. A sheet is drawn twice: once to count its pages, once for good, so a drawing
 * callback must do the same both times. Lengths are points (1/72 inch). One thread at a time.
 * Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_PRINT_PAGE_H
#define MADOGUCHI_PRINT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pango/pangocairo.h>

#define PAGE_WIDTH 595.28 /* A4 upright */
#define PAGE_HEIGHT 841.89
#define PAGE_MARGIN 35.4

/* Of all pages. Texts are borrowed while printing. */
struct page_frame {
    const char *organisation, *title;   /* left, above each other */
    const char *date, *note;            /* right, above each other */
    const char *foot_left, *foot_right; /* the number of the page stands behind the latter */
    int64_t made_us;                    /* stands in the file as its time of making */
};

/* While drawing. Whoever draws moves y down; page_next() when there is no room any more. */
struct page {
    cairo_t *cairo;
    double left, right; /* between the margins */
    double top, bottom; /* between head and foot */
    double y;
    int number;
    /* For page.c alone. */
    const struct page_frame *frame;
    PangoContext *pango;
    int count; /* 0 while counting */
    int unknown_glyphs;
};

typedef int page_draw_cb(struct page *page, void *arg);

struct page_file {
    uint8_t *bytes; /* a PDF; owned, page_file_fini() */
    size_t length;
    int pages;
    int unknown_glyphs; /* characters that no font on this machine has: a font is missing */
};

/* MDG_ERR_MEMORY, MDG_ERR_IO (Cairo failed), or what draw returned. */
int page_print(const struct page_frame *frame, page_draw_cb *draw, void *arg, struct page_file *out);
void page_file_fini(struct page_file *file);

/* Ends this page, and begins the next with its head. */
void page_next(struct page *page);
/* What is left of this page below y. */
double page_room(const struct page *page);

/* --- text --------------------------------------------------------------------------------------------- */

struct page_font {
    double size; /* points */
    bool is_bold;
};

/* width 0: one line as long as it is; else wrapped, within words where they are longer than a line. The caller
 * releases it with g_object_unref(). Never NULL. */
PangoLayout *page_layout(struct page *page, const char *text, struct page_font font, double width);
/* The same in one line, cut with … where it is too long. */
PangoLayout *page_layout_cut(struct page *page, const char *text, struct page_font font, double width);
void page_layout_size(PangoLayout *layout, double *width, double *height);
void page_show(struct page *page, PangoLayout *layout, double x, double y);

enum page_align { PAGE_LEFT, PAGE_CENTRE, PAGE_RIGHT };
/* One line at x (its left end, middle or right end) and y (its top). Returns its width. */
double page_text(struct page *page, const char *text, struct page_font font, double x, double y, enum page_align align);

/* --- lines -------------------------------------------------------------------------------------------- */

void page_line(struct page *page, double x1, double y1, double x2, double y2, double width);
/* A box to be ticked by hand; ticked already when is_ticked. x and y are its middle. */
void page_tick_box(struct page *page, double x, double y, double size, bool is_ticked);

#endif
