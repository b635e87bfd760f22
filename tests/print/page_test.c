/* tests/print/page_test.c - pages and tables, read back with pdftotext: nothing is cut, titles and merged names stand
 * on every page, and the same data make the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/print/day_grid.h"
#include "client/print/table.h"
#include "common/error.h"
#include "common/locale.h"
#include "tests/client/temp_dir.h"

static const struct page_frame FRAME = {.organisation = "centre",
                                        .title = "TITLE",
                                        .date = "DATE",
                                        .note = "NOTE",
                                        .foot_left = "FOOTLEFT",
                                        .foot_right = "FOOTRIGHT",
                                        .made_us = 1750000000000000};

/* --- reading back ------------------------------------------------------------------------------------- */

struct text {
    char *pages[100]; /* owned */
    int count;
};

static void text_free(struct text *text)
{
    for (int i = 0; i < text->count; i++) free(text->pages[i]);
    *text = (struct text){0};
}

/* Without the blanks, which depend on where letters stand. */
static char *bare_text(const char *page)
{
    char *bare = calloc(1, strlen(page) + 1), *to = bare;
    assert_non_null(bare);
    for (; *page; page++) {
        if (*page != ' ') *to++ = *page;
    }
    return bare;
}

/* The text of each page. */
static void text_read(const struct page_file *file, struct text *text)
{
    char dir[TEMP_PATH_BYTES], path[TEMP_PATH_BYTES + 8], command[2 * TEMP_PATH_BYTES];
    temp_dir_make(dir);
    snprintf(path, sizeof path, "%s/t.pdf", dir);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(file->bytes, 1, file->length, out), file->length);
    assert_int_equal(fclose(out), 0);
    snprintf(command, sizeof command, "pdftotext -enc UTF-8 -layout %s -", path);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    size_t size = 1u << 20, length = 0;
    char *all = calloc(1, size);
    assert_non_null(all);
    length = fread(all, 1, size - 1, in);
    assert_int_equal(pclose(in), 0);
    *text = (struct text){0};
    for (char *page = all, *end; page < all + length && text->count < 100; page = end + 1) {
        end = strchr(page, '\f');
        if (!end) break;
        *end = '\0';
        text->pages[text->count++] = bare_text(page);
    }
    free(all);
    temp_dir_remove(dir);
}

static int occurrences(const char *text, const char *what)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) count++;
    return count;
}

static int in_all(const struct text *text, const char *what)
{
    int count = 0;
    for (int i = 0; i < text->count; i++) count += occurrences(text->pages[i], what);
    return count;
}

/* --- tables ------------------------------------------------------------------------------------------- */

#define COLUMNS 3
static const struct table_column TABLE_OF_THREE[COLUMNS] = {{"FIRST", 20, PAGE_LEFT, PAGE_LEFT, true},
                                                            {"SECOND", 40, PAGE_LEFT, PAGE_LEFT, false},
                                                            {"THIRD", 40, PAGE_RIGHT, PAGE_CENTRE, false}};

struct sample {
    struct table table;
    double from_y; /* how far down the first page it begins */
    double height; /* what table_height() says; set while drawing */
};

static int sample_draw(struct page *page, void *arg)
{
    struct sample *sample = arg;
    page->y += sample->from_y;
    sample->height = table_height(page, &sample->table);
    return table_draw(page, &sample->table);
}

/* Rows of three cells; the texts are the caller's. */
static int print_rows(const struct table_cell *cells, size_t rows, bool merges_first, double from_y, struct text *text)
{
    struct sample sample = {.table = {.columns = TABLE_OF_THREE,
                                      .columns_count = COLUMNS,
                                      .cells = cells,
                                      .rows_count = rows,
                                      .merges_first = merges_first,
                                      .font_size = 9,
                                      .row_height = 18},
                            .from_y = from_y};
    struct page_file file;
    int rc = page_print(&FRAME, sample_draw, &sample, &file);
    *text = (struct text){0};
    if (rc != 0) return rc;
    text_read(&file, text);
    assert_int_equal(text->count, file.pages);
    assert_int_equal(file.unknown_glyphs, 0);
    page_file_fini(&file);
    return 0;
}

static struct table_cell *cells_new(size_t rows, char (*names)[32], size_t group)
{
    struct table_cell *cells = calloc(rows * COLUMNS, sizeof *cells);
    assert_non_null(cells);
    for (size_t r = 0; r < rows; r++) {
        snprintf(names[2 * r], 32, "group%zu.", group > 0 ? r / group : 0);
        snprintf(names[2 * r + 1], 32, "row%zu.", r);
        cells[r * COLUMNS].text = names[2 * r];
        cells[r * COLUMNS + 1].text = names[2 * r + 1];
    }
    return cells;
}

static void test_rows_go_on_over_pages(void **state)
{
    static const struct {
        const char *name;
        size_t rows;
        double from_y;
        int pages;
    } CASES[] = {
        {"no row", 0, 0, 1},
        {"one", 1, 0, 1},
        {"a page", 35, 0, 1},
        {"one too many", 45, 0, 2},
        {"many", 400, 0, 11},
        {"begins low: titles do not stand alone", 3, 690, 2},
        {"begins lower still", 3, 719, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char(*names)[32] = calloc(2 * CASES[i].rows + 2, sizeof *names);
        struct table_cell *cells = cells_new(CASES[i].rows + (CASES[i].rows == 0), names, 1);
        struct text text;
        char row[32];
        assert_int_equal(print_rows(cells, CASES[i].rows, false, CASES[i].from_y, &text), 0);
        if (text.count != CASES[i].pages) fail_msg("%s: %d pages", CASES[i].name, text.count);
        for (int p = 0; p < text.count; p++) {
            bool has_table = CASES[i].from_y < 700 || p > 0;
            char number[32];
            snprintf(number, sizeof number, "%d/%d\n", p + 1, text.count);
            if (occurrences(text.pages[p], "TITLE") != 1 || occurrences(text.pages[p], "FOOTLEFT") != 1 ||
                occurrences(text.pages[p], "FOOTRIGHT") != 1 || occurrences(text.pages[p], number) != 1)
                fail_msg("%s: head or foot of page %d: %s", CASES[i].name, p + 1, text.pages[p]);
            if (has_table && text.count > 1 && CASES[i].from_y == 0 && occurrences(text.pages[p], "SECOND") != 1)
                fail_msg("%s: no titles on page %d", CASES[i].name, p + 1);
            if (occurrences(text.pages[p], "SECOND") == 1 && CASES[i].rows > 0 && !strstr(text.pages[p], "row"))
                fail_msg("%s: titles alone on page %d", CASES[i].name, p + 1);
        }
        for (size_t r = 0; r < CASES[i].rows; r++) {
            snprintf(row, sizeof row, "row%zu.", r);
            if (in_all(&text, row) != 1)
                fail_msg("%s: %s stands there %d times", CASES[i].name, row, in_all(&text, row));
        }
        text_free(&text);
        free(cells);
        free(names);
    }
}

static void test_merged_names_stand_on_every_page(void **state)
{
    enum { ROWS = 120, GROUP = 50 };
    char(*names)[32] = calloc(2 * ROWS, sizeof *names);
    struct table_cell *cells = cells_new(ROWS, names, GROUP);
    struct text text;
    (void)state;
    assert_int_equal(print_rows(cells, ROWS, true, 0, &text), 0);
    assert_true(text.count > 2);
    for (int p = 0; p < text.count; p++) {
        for (int g = 0; g < 3; g++) {
            char name[32], row[32];
            bool has_row = false;
            snprintf(name, sizeof name, "group%d.", g);
            for (int r = g * GROUP; r < (g + 1) * GROUP && r < ROWS; r++) {
                snprintf(row, sizeof row, "row%d.", r);
                has_row |= strstr(text.pages[p], row) != NULL;
            }
            assert_int_equal(occurrences(text.pages[p], name), has_row); /* once where rows of it stand, else not */
        }
    }
    text_free(&text);
    free(cells);
    free(names);
}

/* Texts of three-letter syllables with an end of their own; blanks and line ends of the page are taken out. */
static char *long_text(const char *syllable, size_t characters, const char *end)
{
    size_t count = characters / 3, length = strlen(syllable);
    char *text = calloc(1, count * length + strlen(end) + 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) memcpy(text + i * length, syllable, length);
    memcpy(text + count * length, end, strlen(end));
    return text;
}

static void test_long_texts_are_whole(void **state)
{
    static const struct {
        const char *name;
        size_t merged, second, third; /* characters */
        double from_y;
    } CASES[] = {
        {"200 characters", 30, 200, 200, 0},
        {"a merged name of 200 over one short row", 200, 3, 3, 0},
        {"a merged name of 200 low on the page", 200, 3, 3, 600},
        {"a row longer than a page", 30, 3600, 300, 0},
        {"a row of three pages that begins low", 30, 4500, 30, 500},
        {"both columns longer than a page", 30, 3300, 4500, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *merged = long_text("mer", CASES[i].merged, "END1"), *second = long_text("sec", CASES[i].second, "END2"),
             *third = long_text("thi", CASES[i].third, "END3");
        const struct table_cell cells[2 * COLUMNS] = {
            {.text = merged}, {.text = second}, {.text = third}, {.text = "other"}, {.text = "after"}};
        struct text text;
        assert_int_equal(print_rows(cells, 2, true, CASES[i].from_y, &text), 0);
        int rows_pages = 0;
        for (int p = 0; p < text.count; p++)
            rows_pages += strstr(text.pages[p], "sec") || strstr(text.pages[p], "END2");
        /* A syllable is broken where a line ends, so letters are counted that stand nowhere else. */
        size_t seconds = (size_t)in_all(&text, "s"), thirds = (size_t)in_all(&text, "i");
        if (in_all(&text, "after") != 1) fail_msg("%s: the row after it", CASES[i].name);
        if (seconds != CASES[i].second / 3 || thirds != CASES[i].third / 3)
            fail_msg("%s: %zu of %zu and %zu of %zu letters", CASES[i].name, seconds, CASES[i].second / 3, thirds,
                     CASES[i].third / 3);
        if ((size_t)in_all(&text, "m") != CASES[i].merged / 3 * (size_t)rows_pages)
            fail_msg("%s: the merged name: %d letters on %d pages", CASES[i].name, in_all(&text, "m"), rows_pages);
        text_free(&text);
        free(merged);
        free(second);
        free(third);
    }
}

static void test_a_merged_name_longer_than_a_page_is_refused(void **state)
{
    char *merged = long_text("mer", 3000, "");
    const struct table_cell cells[COLUMNS] = {{.text = merged}, {.text = "row"}};
    struct text text;
    (void)state;
    assert_int_equal(print_rows(cells, 1, true, 0, &text), MDG_ERR_TOO_LARGE);
    free(merged);
}

static void test_the_same_data_make_the_same_bytes(void **state)
{
    static const struct table_cell CELLS[COLUMNS] = {{.text = "会議室"}, {.text = "例会"}, {.mark = TABLE_TICKED}};
    struct sample sample = {.table = {.columns = TABLE_OF_THREE,
                                      .columns_count = COLUMNS,
                                      .cells = CELLS,
                                      .rows_count = 1,
                                      .font_size = 9,
                                      .row_height = 18}};
    struct page_file first, second;
    (void)state;
    assert_int_equal(page_print(&FRAME, sample_draw, &sample, &first), 0);
    assert_int_equal(page_print(&FRAME, sample_draw, &sample, &second), 0);
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.bytes, second.bytes, first.length);
    assert_true(sample.height > 18);
    page_file_fini(&first);
    page_file_fini(&second);
}

static int refuse_draw(struct page *page, void *arg)
{
    (void)page;
    (void)arg;
    return MDG_ERR_CONFLICT;
}

static int strange_draw(struct page *page, void *arg)
{
    (void)arg;
    page_text(page, "\xf3\xb0\x80\x80", (struct page_font){9, false}, page->left, page->y, PAGE_LEFT);
    return 0;
}

static void test_what_goes_wrong_is_told(void **state)
{
    struct page_file file;
    (void)state;
    assert_int_equal(page_print(&FRAME, refuse_draw, NULL, &file), MDG_ERR_CONFLICT);
    assert_null(file.bytes);
    assert_int_equal(page_print(&FRAME, strange_draw, NULL, &file), 0); /* a private character: in no font */
    assert_int_equal(file.unknown_glyphs, 1);
    page_file_fini(&file);
}

/* --- the grid ----------------------------------------------------------------------------------------- */

static int grid_draw(struct page *page, void *arg)
{
    day_grid_draw(page, arg);
    bool all[DESK_STATES_COUNT];
    for (int i = 0; i < DESK_STATES_COUNT; i++) all[i] = true;
    day_grid_legend(page, all);
    return 0;
}

static void test_the_grid_shows_each_state_by_sign_and_word(void **state)
{
    enum { ROWS = 90 };
    static struct grid_block blocks[DESK_STATES_COUNT];
    static struct grid_row rows[ROWS];
    static char names[ROWS][32];
    struct day_grid grid = {.from_minute = 540, .to_minute = 1260, .rows = rows, .rows_count = ROWS};
    struct page_file file;
    struct text text;
    (void)state;
    for (int i = 1; i < DESK_STATES_COUNT; i++)
        blocks[i - 1] = (struct grid_block){540 + 90 * (i - 1), 620 + 90 * (i - 1), (enum desk_state)i, "b"};
    for (int r = 0; r < ROWS; r++) {
        snprintf(names[r], sizeof names[r], "room%d.", r);
        rows[r] = (struct grid_row){names[r], blocks, DESK_STATES_COUNT - 1};
    }
    assert_int_equal(page_print(&FRAME, grid_draw, &grid, &file), 0);
    text_read(&file, &text);
    assert_true(text.count >= 3);
    for (int r = 0; r < ROWS; r++) assert_int_equal(in_all(&text, names[r]), 1);
    for (int i = 0; i < DESK_STATES_COUNT; i++) {
        assert_true(in_all(&text, desk_state_sign((enum desk_state)i)) >= (i > 0 ? ROWS : 1));
        char *word = bare_text(desk_state_word((enum desk_state)i));
        assert_int_equal(in_all(&text, word), 1);
        free(word);
    }
    for (int p = 0; p < text.count; p++) assert_non_null(strstr(text.pages[p], "TITLE"));
    text_free(&text);
    page_file_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_go_on_over_pages),
        cmocka_unit_test(test_merged_names_stand_on_every_page),
        cmocka_unit_test(test_long_texts_are_whole),
        cmocka_unit_test(test_a_merged_name_longer_than_a_page_is_refused),
        cmocka_unit_test(test_the_same_data_make_the_same_bytes),
        cmocka_unit_test(test_what_goes_wrong_is_told),
        cmocka_unit_test(test_the_grid_shows_each_state_by_sign_and_word),
    };
    locale_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
