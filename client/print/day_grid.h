/* client/print/day_grid.h - rooms × time for a day in black and white: each state has its pattern and its sign. */
#ifndef MADOGUCHI_PRINT_DAY_GRID_H
#define MADOGUCHI_PRINT_DAY_GRID_H

#include <stddef.h>

#include "client/print/desk_day.h"
#include "client/print/page.h"

struct grid_block {
    int from_minute, to_minute; /* of the day; what lies outside the grid is cut off */
    enum desk_state state;
    const char *text;
};

struct grid_row {
    const char *name;
    const struct grid_block *blocks; /* later ones lie above earlier ones */
    size_t blocks_count;
};

struct day_grid {
    int from_minute, to_minute; /* whole hours */
    const struct grid_row *rows;
    size_t rows_count;
};

/* At page->y; goes on over pages by whole rows. */
void day_grid_draw(struct page *page, const struct day_grid *grid);
/* One line below it: sign, word and pattern of these states. */
void day_grid_legend(struct page *page, const bool has_state[DESK_STATES_COUNT]);

#endif
