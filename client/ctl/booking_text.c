#include "client/ctl/booking_text.h"

#include <stdio.h>
#include <string.h>

#include "client/ctl/output.h"
#include "common/day.h"
#include "common/locale.h"
#include "common/sentence.h"

#define NAME_BYTES 60 /* of a title or an applicant within a sentence */

const char *booking_state_word(Mdg__BookingState state)
{
    static const char *const WORDS[] = {"none",     "tentative", "confirmed", "in_use", "ended",
                                        "rejected", "cancelled", "no_show",   "lapsed"};
    return (unsigned)state < sizeof WORDS / sizeof WORDS[0] ? WORDS[state] : WORDS[0];
}

json_t *booking_json(const struct room_book *book, const Mdg__Booking *b)
{
    return json_pack("{s:I, s:I, s:I, s:s, s:I, s:s, s:s, s:I, s:I, s:i, s:s, s:b, s:i, s:s, s:I, s:I, s:b}", "id",
                     (json_int_t)b->id, "rev", (json_int_t)b->rev, "room_id", (json_int_t)b->room_id, "room",
                     room_book_name(book, b->room_id), "group_id", (json_int_t)b->group_id, "applicant", b->applicant,
                     "title", b->title, "start_us", (json_int_t)b->start_us, "end_us", (json_int_t)b->end_us, "people",
                     (int)b->people, "state", booking_state_word(b->state), "is_public", b->is_public, "lapse_day",
                     (int)b->lapse_day, "reason", b->reason, "person_id", (json_int_t)b->person_id, "changed_us",
                     (json_int_t)b->changed_us, "is_record", b->is_record);
}

void booking_span_text(const struct room_book *book, int64_t room_id, int64_t start_us, int64_t end_us, char *out,
                       size_t size)
{
    char from[MOMENT_BYTES], to[MOMENT_BYTES];
    int minute = 0;
    moment_text(start_us, from, sizeof from);
    if (day_of_us(start_us) == day_minute_of_us(end_us, &minute))
        snprintf(to, sizeof to, "%02d:%02d", minute / 60, minute % 60);
    else
        moment_text(end_us, to, sizeof to);
    snprintf(out, size, "%s %s–%s", room_book_name(book, room_id), from, to);
}

const Mdg__BookingAnswer *booking_answer_of(const Mdg__Response *response)
{
    const Mdg__Body *body = response ? response->body : NULL;
    if (!body || body->domain_case != MDG__BODY__DOMAIN_BOOKINGS) return NULL;
    switch (body->bookings->of_case) {
    case MDG__BOOKINGS__OF_REQUESTED:
    case MDG__BOOKINGS__OF_CONFIRMED:
    case MDG__BOOKINGS__OF_REJECTED:
    case MDG__BOOKINGS__OF_CHANGED:
    case MDG__BOOKINGS__OF_CANCELLED:
    case MDG__BOOKINGS__OF_STARTED:
    case MDG__BOOKINGS__OF_ENDED:
    case MDG__BOOKINGS__OF_NOT_SHOWN:
    case MDG__BOOKINGS__OF_RECORDED:
    case MDG__BOOKINGS__OF_GOT:
        return body->bookings->requested; /* one union: the arms have the same message */
    default:
        return NULL;
    }
}

/* --- a refusal ---------------------------------------------------------------------------------------- */

static void problem_add(struct ctl *ctl, const char *line)
{
    size_t length = strlen(ctl->problem);
    if (length + strlen(line) + 2 > sizeof ctl->problem) return; /* whole lines or none */
    snprintf(ctl->problem + length, sizeof ctl->problem - length, "\n%s", line);
}

/* At most NAME_BYTES of it, cut at a character. */
static void name_cut(const char *name, char out[NAME_BYTES + 4])
{
    size_t length = strlen(name);
    if (length <= NAME_BYTES) {
        snprintf(out, NAME_BYTES + 4, "%s", name);
        return;
    }
    length = NAME_BYTES;
    while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80) length--;
    snprintf(out, NAME_BYTES + 4, "%.*s…", (int)length, name);
}

static void explain_clash(struct ctl *ctl, const struct room_book *book, const Mdg__Booking *clash)
{
    char span[160], title[NAME_BYTES + 4], applicant[NAME_BYTES + 4], line[400];
    booking_span_text(book, clash->room_id, clash->start_us, clash->end_us, span, sizeof span);
    name_cut(clash->title, title);
    name_cut(clash->applicant, applicant);
    snprintf(line, sizeof line, _("There already: %s"), span);
    size_t length = strlen(line);
    if (title[0]) length += (size_t)snprintf(line + length, sizeof line - length, " %s", title);
    if (applicant[0] && length < sizeof line) snprintf(line + length, sizeof line - length, " (%s)", applicant);
    problem_add(ctl, line);
}

static void explain_free(struct ctl *ctl, const struct room_book *book, const Mdg__BookingAnswer *answer)
{
    json_t *alternatives = json_array();
    for (size_t i = 0; i < answer->n_alternatives; i++) {
        const Mdg__BookingAlternative *free = answer->alternatives[i];
        char span[160], line[200];
        booking_span_text(book, free->room_id, free->start_us, free->end_us, span, sizeof span);
        snprintf(line, sizeof line, _("Free: %s"), span);
        problem_add(ctl, line);
        json_array_append_new(alternatives, json_pack("{s:I, s:s, s:I, s:I}", "room_id", (json_int_t)free->room_id,
                                                      "room", room_book_name(book, free->room_id), "start_us",
                                                      (json_int_t)free->start_us, "end_us", (json_int_t)free->end_us));
    }
    json_object_set_new(ctl->refusal, "alternatives", alternatives);
}

void booking_refusal_explain(struct ctl *ctl, const struct room_book *book)
{
    const Mdg__BookingAnswer *answer = booking_answer_of(ctl->refused);
    if (!answer || !ctl->refusal) return;
    if (answer->clash) {
        json_object_set_new(ctl->refusal, "clash", booking_json(book, answer->clash));
        explain_clash(ctl, book, answer->clash);
        explain_free(ctl, book, answer);
    } else if (answer->booking) {
        char span[160], line[300];
        const Mdg__Booking *now = answer->booking;
        json_object_set_new(ctl->refusal, "booking", booking_json(book, now));
        booking_span_text(book, now->room_id, now->start_us, now->end_us, span, sizeof span);
        snprintf(line, sizeof line, _("It now stands as: %s, %s"), span, word_text(booking_state_word(now->state)));
        problem_add(ctl, line);
    }
}
