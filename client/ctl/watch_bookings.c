#include "client/ctl/watch_bookings.h"

#include <stdio.h>

#include "client/ctl/booking_text.h"
#include "client/ctl/group_book.h"
#include "client/ctl/output.h"

#define NAME_BYTES 201

const Mdg__Booking *watch_booking_of(const Mdg__Row *row)
{
    if (row->is_removed || !row->body || row->body->domain_case != MDG__BODY__DOMAIN_BOOKINGS) return NULL;
    return row->body->bookings->of_case == MDG__BOOKINGS__OF_BOOKING_ROW ? row->body->bookings->booking_row : NULL;
}

/* The group, where there is one that this terminal knows; else who is said to come. */
static void who_comes(struct ctl *ctl, const Mdg__Booking *booking, char out[NAME_BYTES])
{
    Mdg__Row *row = NULL;
    snprintf(out, NAME_BYTES, "%s", booking->applicant);
    if (booking->group_id == 0 || mdg_replica_get(ctl->client, ROW_GROUP, booking->group_id, &row) != 0) return;
    if (row->body && row->body->domain_case == MDG__BODY__DOMAIN_GROUPS &&
        row->body->groups->of_case == MDG__GROUPS__OF_GROUP_ROW)
        snprintf(out, NAME_BYTES, "%s", row->body->groups->group_row->name);
    mdg__row__free_unpacked(row, NULL);
}

/* Rooms are few, and their names may have changed since the last line. */
void watch_booking_text(struct ctl *ctl, const Mdg__Booking *booking, char *out, size_t size)
{
    struct room_book book = {0};
    char span[160], who[NAME_BYTES];
    room_book_load(ctl, &book);
    booking_span_text(&book, booking->room_id, booking->start_us, booking->end_us, span, sizeof span);
    who_comes(ctl, booking, who);
    snprintf(out, size, "%s  %s  %s%s%s", span, word_text(booking_state_word(booking->state)), who,
             who[0] && booking->title[0] ? ": " : "", booking->title);
    room_book_fini(&book);
}

json_t *watch_booking_json(struct ctl *ctl, const Mdg__Booking *booking)
{
    struct room_book book = {0};
    room_book_load(ctl, &book);
    json_t *document = booking_json(&book, booking);
    room_book_fini(&book);
    return document;
}
