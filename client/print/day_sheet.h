/* client/print/day_sheet.h - the desk's day on paper: rooms × time, the list by room with boxes for arrived, ended and
 * people, and the tally sheet for when the screens fail. */
#ifndef MADOGUCHI_PRINT_DAY_SHEET_H
#define MADOGUCHI_PRINT_DAY_SHEET_H

#include <stdint.h>

#include "client/print/desk_day.h"
#include "client/print/page.h"

#define DAY_SHEET_HASH_BYTES 8 /* of the head of the record: enough to compare by eye */

struct day_sheet {
    const struct desk_day *day; /* finished */
    const char *centre;
    /* Who printed when, where and why. */
    int64_t printed_us;
    const char *terminal, *person, *purpose;
    /* The head of the record of who did what. */
    int64_t audit_seq; /* 0: not known */
    uint8_t audit_hash[DAY_SHEET_HASH_BYTES];
    int64_t offline_since_us; /* 0: the server was there */
};

/* 0 or what page_print() says. */
int day_sheet_print(const struct day_sheet *sheet, struct page_file *out);

#endif
