/* client/ctl/booking_text.h - a booking as JSON and as a line, and a clash with what is free instead. */
#ifndef MADOGUCHI_CLIENT_CTL_BOOKING_TEXT_H
#define MADOGUCHI_CLIENT_CTL_BOOKING_TEXT_H

#include "client/ctl/room_book.h"

#define ROW_BOOKING 11201u

/* "tentative", …, "none". */
const char *booking_state_word(Mdg__BookingState state);
json_t *booking_json(const struct room_book *book, const Mdg__Booking *booking);
/* "和室 2026/11/24(火) 10:00–12:00" */
void booking_span_text(const struct room_book *book, int64_t room_id, int64_t start_us, int64_t end_us, char *out,
                       size_t size);

/* The answer in any arm of a call about bookings; NULL: there is none. */
const Mdg__BookingAnswer *booking_answer_of(const Mdg__Response *response);
/* Puts what the refusal brought along into the refusal's JSON and behind its sentence: who has the room, what is free,
 * or how the booking stands now. */
void booking_refusal_explain(struct ctl *ctl, const struct room_book *book);

#endif
