#include "client/print/day_sheet.h"

#include <stdio.h>
#include <string.h>

#include "client/print/day_grid.h"
#include "client/print/table.h"
#include "common/day.h"
#include "common/era.h"
#include "common/error.h"
#include "common/locale.h"
#include "common/sentence.h"

#define MINUTES_OF_DAY 1440
#define LINE_BYTES 700
#define CASES_NAMED 10
#define TALLY_COLUMNS 9     /* more would be too narrow to count in */
#define TALLY_HOURS_MOST 12 /* of a longer day all columns take several hours */

static const struct page_font TEXT = {9.6, false}, TEXT_BOLD = {9.6, true}, SMALL = {8.8, false},
                              SECTION = {12.4, true};

/* One printing: what is put together in the day's arena once and drawn twice. */
struct making {
    const struct day_sheet *sheet;
    struct arena arena;
    struct day_grid grid;
    bool has_state[DESK_STATES_COUNT];
    struct table_cell *list;
    size_t list_rows;
};

static void clock_text(int minute, char out[16])
{
    snprintf(out, 16, "%d:%02d", minute / 60, minute % 60);
}

/* Minutes of the sheet's day; what began before it or goes on after it is cut there. */
static int minute_within(const struct desk_day *day, int64_t at_us)
{
    int minute = 0;
    if (at_us <= day->from_us) return 0;
    if (at_us >= day->to_us) return MINUTES_OF_DAY;
    day_minute_of_us(at_us, &minute);
    return minute;
}

static bool has_opened(const struct desk_hours *hours)
{
    return hours->is_known && hours->is_open;
}

/* --- the head ----------------------------------------------------------------------------------------- */

static void hours_text(const struct desk_hours *hours, char *out, size_t size)
{
    char open[16], close[16];
    clock_text(hours->open_minute, open);
    clock_text(hours->close_minute, close);
    if (!hours->is_known)
        snprintf(out, size, "%s", _("Opening hours are not set"));
    else if (!hours->is_open)
        snprintf(out, size, "%s %s", _("Closed"), hours->closed_reason[0] ? hours->closed_reason : hours->holiday);
    else
        snprintf(out, size, "%s %s–%s%s%s", _("Open"), open, close, hours->holiday[0] ? " ・ " : "", hours->holiday);
}

static void foot_texts(const struct day_sheet *sheet, char *left, char *right, size_t size)
{
    char at[MOMENT_BYTES], since[MOMENT_BYTES];
    moment_text(sheet->printed_us, at, sizeof at);
    snprintf(left, size, _("Printed %s ・ %s ・ %s ・ for %s"), at, sheet->terminal, sheet->person, sheet->purpose);
    right[0] = '\0';
    if (sheet->audit_seq > 0) {
        const uint8_t *h = sheet->audit_hash;
        snprintf(right, size, _("Head of the record: no. %lld %02X%02X %02X%02X %02X%02X %02X%02X"),
                 (long long)sheet->audit_seq, h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]);
    } else if (sheet->offline_since_us != 0) {
        moment_text(sheet->offline_since_us, since, sizeof since);
        snprintf(right, size, _("Without the server since %s"), since);
    }
}

/* "2件（相-2026-031 桔梗、相-2026-044 桔梗）": the first ones by name, and how many there are. */
static void cases_text(const struct desk_day *day, char *out, size_t size)
{
    char list[LINE_BYTES] = "", count[64];
    size_t length = 0, named = day->cases_count < CASES_NAMED ? day->cases_count : CASES_NAMED;
    snprintf(count, sizeof count, ngettext("%d case", "%d cases", day->cases_count), (int)day->cases_count);
    for (size_t i = 0; i < named && length < sizeof list; i++) {
        const struct desk_case *due = &day->cases[i];
        int wrote =
            snprintf(list + length, sizeof list - length, _("%sconsultation %d-%03d%s%s"), i == 0 ? "" : _(", "),
                     due->fiscal_year, due->number, due->owner[0] ? " " : "", due->owner);
        if (wrote < 0) break;
        length += (size_t)wrote;
    }
    if (named == 0)
        snprintf(out, size, "%s", count);
    else
        snprintf(out, size, _("%s (%s%s)"), count, list, named < day->cases_count ? " …" : "");
}

/* What waits for an answer, and a line for whoever is at the desk. */
static void waiting_draw(struct page *page, const struct making *making)
{
    const struct desk_day *day = making->sheet->day;
    char line[LINE_BYTES];
    double x = page->left, y = page->y + 1, height;
    static const char RULE[] = "________________";
    snprintf(line, sizeof line, "%s %s", _("At the desk"), RULE);
    double right = page->right - page_text(page, line, TEXT, page->right, y, PAGE_RIGHT) - 8;
    snprintf(line, sizeof line, "%s %s ", desk_state_sign(DESK_TENTATIVE), _("Requests to decide"));
    x += page_text(page, line, TEXT_BOLD, x, y, PAGE_LEFT);
    snprintf(line, sizeof line, ngettext("%d request", "%d requests", day->pending_count), (int)day->pending_count);
    x += page_text(page, line, TEXT, x, y, PAGE_LEFT) + 13;
    snprintf(line, sizeof line, "%s ", _("Follow-ups"));
    x += page_text(page, line, TEXT_BOLD, x, y, PAGE_LEFT);

    cases_text(day, line, sizeof line);
    PangoLayout *cases = page_layout(page, line, TEXT, right - x > 60 ? right - x : 60);
    page_layout_size(cases, NULL, &height);
    page_show(page, cases, x, y);
    g_object_unref(cases);
    page->y = y + height + 4;
}

/* --- rooms × time ------------------------------------------------------------------------------------- */

static void axis_fit(struct day_grid *grid, const struct desk_day *day)
{
    int from = has_opened(&day->hours) ? day->hours.open_minute : MINUTES_OF_DAY;
    int to = has_opened(&day->hours) ? day->hours.close_minute : 0;
    for (size_t i = 0; i < day->bookings_count; i++) {
        int start = minute_within(day, day->bookings[i].start_us), end = minute_within(day, day->bookings[i].end_us);
        if (start < from) from = start;
        if (end > to) to = end;
    }
    if (from >= to) { /* nothing says when */
        from = 9 * 60;
        to = 18 * 60;
    }
    grid->from_minute = from / 60 * 60;
    grid->to_minute = (to + 59) / 60 * 60;
}

static void block_add(struct making *making, struct grid_block *blocks, size_t *count, struct grid_block block)
{
    making->has_state[block.state] = true;
    blocks[(*count)++] = block;
}

/* Outside the opening hours a room is not available, unless it is always open. */
static void closed_add(struct making *making, const struct desk_room *room, struct grid_block *blocks, size_t *count)
{
    const struct desk_hours *hours = &making->sheet->day->hours;
    const struct day_grid *grid = &making->grid;
    if (room->is_always_open || !hours->is_known) return;
    if (!hours->is_open) {
        block_add(making, blocks, count,
                  (struct grid_block){grid->from_minute, grid->to_minute, DESK_UNAVAILABLE, _("Closed")});
        return;
    }
    if (grid->from_minute < hours->open_minute)
        block_add(making, blocks, count,
                  (struct grid_block){grid->from_minute, hours->open_minute, DESK_UNAVAILABLE, _("out of hours")});
    if (hours->close_minute < grid->to_minute)
        block_add(making, blocks, count,
                  (struct grid_block){hours->close_minute, grid->to_minute, DESK_UNAVAILABLE, _("out of hours")});
}

static int row_make(struct making *making, const struct desk_room *room, struct grid_row *row)
{
    const struct desk_day *day = making->sheet->day;
    struct grid_block *blocks = arena_alloc(&making->arena, (day->bookings_count + 2) * sizeof *blocks);
    if (!blocks) return MDG_ERR_MEMORY;
    *row = (struct grid_row){.name = room->name, .blocks = blocks};
    closed_add(making, room, blocks, &row->blocks_count);
    for (size_t i = 0; i < day->bookings_count; i++) {
        const struct desk_booking *booking = &day->bookings[i];
        if (booking->room_id != room->id) continue;
        block_add(making, blocks, &row->blocks_count,
                  (struct grid_block){minute_within(day, booking->start_us), minute_within(day, booking->end_us),
                                      desk_booking_state(booking, making->sheet->printed_us), booking->who});
    }
    return 0;
}

static int grid_make(struct making *making)
{
    const struct desk_day *day = making->sheet->day;
    struct grid_row *rows = arena_alloc(&making->arena, (day->rooms_count + 1) * sizeof *rows);
    if (!rows) return MDG_ERR_MEMORY;
    axis_fit(&making->grid, day);
    making->grid.rows = rows;
    making->has_state[DESK_FREE] = true;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < day->rooms_count; i++) {
        if (day->rooms[i].is_retired) continue;
        rc = row_make(making, &day->rooms[i], &rows[making->grid.rows_count++]);
    }
    return rc;
}

/* --- the list ----------------------------------------------------------------------------------------- */

static const char *time_text(struct arena *arena, const struct desk_day *day, const struct desk_booking *booking)
{
    char start[32] = "", end[32] = "", from[16], to[16];
    int32_t start_day = day_of_us(booking->start_us), end_day = day_of_us(booking->end_us);
    int minute = 0;
    day_minute_of_us(booking->start_us, &minute);
    clock_text(minute, from);
    day_minute_of_us(booking->end_us, &minute);
    clock_text(minute, to);
    if (start_day != day->day)
        snprintf(start, sizeof start, "%d/%d ", (int)(start_day / 100 % 100), (int)(start_day % 100));
    if (end_day != day->day && booking->end_us != day->to_us)
        snprintf(end, sizeof end, "%d/%d ", (int)(end_day / 100 % 100), (int)(end_day % 100));
    else if (booking->end_us == day->to_us)
        snprintf(to, sizeof to, "24:00");
    return arena_printf(arena, "%s%s–%s%s", start, from, end, to);
}

enum list_column {
    LIST_ROOM,
    LIST_TIME,
    LIST_WHO,
    LIST_PURPOSE,
    LIST_PEOPLE,
    LIST_STATE,
    LIST_CAME,
    LIST_ENDED,
    LIST_COUNTED,
    LIST_COLUMNS
};

static int list_row_make(struct making *making, const struct desk_booking *booking, struct table_cell *cells)
{
    const struct desk_day *day = making->sheet->day;
    const struct desk_room *room = desk_room_find(day, booking->room_id);
    enum desk_state state = desk_booking_state(booking, making->sheet->printed_us);
    bool has_come = state == DESK_IN_USE || state == DESK_ENDED;
    cells[LIST_ROOM].text = room ? room->name : "?";
    cells[LIST_TIME].text = time_text(&making->arena, day, booking);
    cells[LIST_WHO].text = booking->who;
    cells[LIST_PURPOSE].text = booking->purpose;
    cells[LIST_PEOPLE].text = booking->people > 0 ? arena_printf(&making->arena, _("%d p."), booking->people) : "";
    cells[LIST_STATE].text = arena_printf(&making->arena, "%s %s", desk_state_sign(state), desk_state_word(state));
    cells[LIST_CAME].mark = has_come ? TABLE_TICKED : TABLE_BOX;
    cells[LIST_ENDED].mark = state == DESK_ENDED ? TABLE_TICKED : TABLE_BOX;
    return cells[LIST_TIME].text && cells[LIST_PEOPLE].text && cells[LIST_STATE].text ? 0 : MDG_ERR_MEMORY;
}

static int list_make(struct making *making)
{
    const struct desk_day *day = making->sheet->day;
    making->list = arena_alloc(&making->arena, (day->bookings_count + 1) * LIST_COLUMNS * sizeof *making->list);
    if (!making->list) return MDG_ERR_MEMORY;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < day->bookings_count; i++)
        rc = list_row_make(making, &day->bookings[i], making->list + making->list_rows++ * LIST_COLUMNS);
    return rc;
}

static int list_draw(struct page *page, const struct making *making)
{
    const struct table_column columns[LIST_COLUMNS] = {
        [LIST_ROOM] = {_("Room"), 103, PAGE_LEFT, PAGE_LEFT, true},
        [LIST_TIME] = {_("Span"), 101, PAGE_RIGHT, PAGE_LEFT, false},
        [LIST_WHO] = {_("Group"), 171, PAGE_LEFT, PAGE_LEFT, true},
        [LIST_PURPOSE] = {_("Purpose"), 127, PAGE_LEFT, PAGE_LEFT, false},
        [LIST_PEOPLE] = {_("Plan"), 56, PAGE_RIGHT, PAGE_LEFT, false},
        [LIST_STATE] = {_("State"), 100, PAGE_LEFT, PAGE_LEFT, false},
        [LIST_CAME] = {_("In"), 49, PAGE_CENTRE, PAGE_CENTRE, false},
        [LIST_ENDED] = {_("Out"), 48, PAGE_CENTRE, PAGE_CENTRE, false},
        [LIST_COUNTED] = {_("People"), 59, PAGE_LEFT, PAGE_LEFT, false},
    };
    if (making->list_rows == 0) {
        page_text(page, _("Nothing is booked."), TEXT, page->left, page->y + 2, PAGE_LEFT);
        page->y += 18;
        return 0;
    }
    return table_draw(page, &(struct table){.columns = columns,
                                            .columns_count = LIST_COLUMNS,
                                            .cells = making->list,
                                            .rows_count = making->list_rows,
                                            .merges_first = true,
                                            .font_size = 9.5,
                                            .row_height = 18.8});
}

/* --- the tally sheet ---------------------------------------------------------------------------------- */

struct tally {
    char titles[TABLE_COLUMNS_MAX][32];
    struct table_column columns[TABLE_COLUMNS_MAX];
    int columns_count;
};

static void tally_column(struct tally *tally, const char *title, double width)
{
    int c = tally->columns_count++;
    snprintf(tally->titles[c], sizeof tally->titles[c], "%s", title);
    tally->columns[c] =
        (struct table_column){tally->titles[c], width, c == 0 ? PAGE_LEFT : PAGE_CENTRE, PAGE_CENTRE, c == 0};
}

/* A column an hour; of a long day the evening is one, of a very long one each takes as many hours. */
static void tally_columns(struct tally *tally, const struct desk_day *day)
{
    int first = has_opened(&day->hours) ? day->hours.open_minute / 60 : 9;
    int end = has_opened(&day->hours) ? (day->hours.close_minute + 59) / 60 : 18;
    int hours = end - first, each = 1, alone = TALLY_COLUMNS;
    char title[32];
    if (hours > TALLY_COLUMNS) alone--; /* the last column takes the evening */
    if (hours > TALLY_HOURS_MOST) each = (hours + TALLY_COLUMNS - 1) / TALLY_COLUMNS;
    tally_column(tally, _("Purpose"), 103);
    for (int hour = first, columns = 1; hour < end; columns++) {
        int next = each == 1 && columns > alone ? end : hour + each;
        if (next > end) next = end;
        if (next == hour + 1)
            snprintf(title, sizeof title, _("%d h"), hour);
        else
            snprintf(title, sizeof title, _("%d–%d h"), hour, next - 1);
        tally_column(tally, title, 72);
        hour = next;
    }
    tally_column(tally, _("Sum"), 65);
}

/* The purposes in use of one place, then the line for looking and finding nobody. */
static int tally_rows(struct making *making, const struct tally *tally, size_t *at, struct table *table)
{
    const struct desk_day *day = making->sheet->day;
    int64_t place_id = day->counts[*at].place_id;
    size_t columns = (size_t)tally->columns_count, most = day->counts_count - *at + 1;
    struct table_cell *cells = arena_alloc(&making->arena, most * columns * sizeof *cells);
    if (!cells) return MDG_ERR_MEMORY;
    *table = (struct table){.columns = tally->columns,
                            .columns_count = tally->columns_count,
                            .cells = cells,
                            .font_size = 9.5,
                            .row_height = 21.6};
    for (; *at < day->counts_count && day->counts[*at].place_id == place_id; (*at)++) {
        const struct desk_count *count = &day->counts[*at];
        if (count->purpose_id == 0 || !count->is_offered) continue;
        const char *text = arena_printf(&making->arena, "%d %s", count->purpose_position, count->purpose);
        if (!text) return MDG_ERR_MEMORY;
        cells[table->rows_count++ * columns].text = text;
    }
    struct table_cell *nobody = &cells[table->rows_count++ * columns];
    nobody->text = _("Looked: 0 people");
    for (size_t c = 1; c + 1 < columns; c++) nobody[c].mark = TABLE_BOX;
    return 0;
}

static void tally_title(struct page *page, const char *place)
{
    char title[LINE_BYTES], hint[LINE_BYTES];
    snprintf(title, sizeof title, "%s%s%s", _("Visitors by hand"), place[0] ? " " : "", place);
    double x = page->left + page_text(page, title, SECTION, page->left, page->y, PAGE_LEFT) + 9;
    snprintf(hint, sizeof hint, "%s ____________",
             _("Where the screen cannot count: strokes. Enter them later under this date. Entered by"));
    page_text(page, hint, SMALL, x, page->y + 3.6, PAGE_LEFT);
    page->y += 18.5;
}

static int tallies_draw(struct page *page, struct making *making)
{
    const struct desk_day *day = making->sheet->day;
    struct tally tally = {0};
    tally_columns(&tally, day);
    bool has_places = day->counts_count > 0 && day->counts[0].place_id != day->counts[day->counts_count - 1].place_id;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < day->counts_count;) {
        const char *place = day->counts[at].place;
        struct table table;
        rc = tally_rows(making, &tally, &at, &table);
        if (rc != 0) break;
        page->y += 8;
        if (page->y > page->top && 20 + table_height(page, &table) > page_room(page)) page_next(page);
        tally_title(page, has_places ? place : "");
        rc = table_draw(page, &table);
    }
    return rc;
}

/* --- the sheet ---------------------------------------------------------------------------------------- */

static int sheet_draw(struct page *page, void *arg)
{
    struct making *making = arg;
    waiting_draw(page, making);
    day_grid_draw(page, &making->grid);
    day_grid_legend(page, making->has_state);
    page->y += 3;
    int rc = list_draw(page, making);
    return rc == 0 ? tallies_draw(page, making) : rc;
}

int day_sheet_print(const struct day_sheet *sheet, struct page_file *out)
{
    struct making making = {.sheet = sheet};
    char date[ERA_DATE_BYTES], note[LINE_BYTES], left[LINE_BYTES], right[LINE_BYTES];
    era_date(sheet->day->day, date, sizeof date);
    hours_text(&sheet->day->hours, note, sizeof note);
    foot_texts(sheet, left, right, LINE_BYTES);
    const struct page_frame frame = {.organisation = sheet->centre,
                                     .title = _("Schedule of the day"),
                                     .date = date,
                                     .note = note,
                                     .foot_left = left,
                                     .foot_right = right,
                                     .made_us = sheet->printed_us};
    *out = (struct page_file){0};
    arena_init(&making.arena, 64u << 20);
    int rc = grid_make(&making);
    if (rc == 0) rc = list_make(&making);
    if (rc == 0) rc = page_print(&frame, sheet_draw, &making, out);
    arena_fini(&making.arena);
    return rc;
}
