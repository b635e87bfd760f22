/* client/ctl/bookings.c - who has which room when: asking, granting, changing, calling off, and what happened. */
#include <stdio.h>
#include <string.h>

#include "client/ctl/booking_text.h"
#include "client/ctl/families.h"
#include "client/ctl/group_book.h"
#include "client/ctl/moment.h"
#include "client/ctl/output.h"
#include "client/ctl/sending.h"
#include "common/day.h"
#include "common/locale.h"

#define PEOPLE_MAX 9999

/* --- options ------------------------------------------------------------------------------------------ */

static int people_option(struct ctl *ctl, int32_t *people)
{
    const char *text = option_text(&ctl->options, "people");
    int64_t number = *people;
    if (text && number_parse(text, 0, PEOPLE_MAX, &number) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--people: please give a number from 0 to %d."), PEOPLE_MAX);
    *people = (int32_t)number;
    return 0;
}

/* A time alone as the end is one of the day on which it begins. */
static int span_options(struct ctl *ctl, int64_t *start_us, int64_t *end_us)
{
    const char *from = option_text(&ctl->options, "from"), *to = option_text(&ctl->options, "to");
    int64_t now_us = mdg_client_now_us(ctl->client), length_us = *end_us - *start_us;
    if (from && moment_parse(from, now_us, start_us) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--from: please give a time such as 13:00 or 2026-11-24 13:00."));
    if (to && moment_parse(to, strlen(to) > 8 ? now_us : *start_us, end_us) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--to: please give a time such as 13:00 or 2026-11-24 13:00."));
    if (from && !to) *end_us = *start_us + length_us; /* moved as it is */
    return 0;
}

static int group_option(struct ctl *ctl, int64_t *group_id)
{
    const char *wanted = option_text(&ctl->options, "group");
    struct group_book book = {0};
    const json_t *group = NULL;
    if (!wanted) return 0;
    int rc = group_book_load(ctl, &book);
    if (rc == 0) rc = group_book_find(ctl, &book, wanted, &group);
    if (rc == 0) *group_id = json_integer_value(json_object_get(group, "id"));
    group_book_fini(&book);
    return rc;
}

static int id_operand(struct ctl *ctl, int64_t *id)
{
    if (number_parse(ctl->options.operand, 1, INT64_MAX, id) == 0) return 0;
    return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give the number of the booking; “booking list” shows it."));
}

/* --- sending ------------------------------------------------------------------------------------------ */

/* Asks the server, who answers with what stands there now. Without it, what may wait is kept (flag may_wait). */
static int bookings_send(struct ctl *ctl, Mdg__Bookings *bookings, bool may_wait, const struct room_book *book)
{
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Response *response = NULL;
    struct sending sending;
    char span[200];
    body.domain_case = MDG__BODY__DOMAIN_BOOKINGS;
    body.bookings = bookings;
    if (!ctl_is_online(ctl) && may_wait) {
        int rc = sending_submit(ctl, &body, false, &sending);
        return rc == 0 ? sending_done(ctl, &sending, json_object(), _("The booking was sent.")) : rc;
    }
    int rc = ctl_call(ctl, &body, CTL_WRITE, NULL, &response);
    if (rc != 0) {
        booking_refusal_explain(ctl, book);
        return rc;
    }
    const Mdg__BookingAnswer *answer = booking_answer_of(response);
    const Mdg__Booking *booking = answer ? answer->booking : NULL;
    if (booking) {
        json_t *document = booking_json(book, booking);
        json_object_set_new(document, "is_over_capacity", json_boolean(answer->is_over_capacity));
        booking_span_text(book, booking->room_id, booking->start_us, booking->end_us, span, sizeof span);
        rc = output_done(ctl, document, _("Booking %lld: %s, %s."), (long long)booking->id, span,
                         word_text(booking_state_word(booking->state)));
        if (answer->is_over_capacity && !ctl->options.is_json)
            puts(_("These are more people than the room holds. Please look for a larger one."));
    } else { /* a key that was answered before brings no more than this */
        rc = output_done(ctl, json_pack("{s:I}", "id", (json_int_t)response->object_id), _("Booking %lld is stored."),
                         (long long)response->object_id);
    }
    mdg__response__free_unpacked(response, NULL);
    return rc;
}

static unsigned waiting_flags(const struct ctl *ctl)
{
    return CTL_FEED | (option_is_set(&ctl->options, "now") ? 0 : CTL_OUTBOX | CTL_MAY_OFFLINE);
}

/* --- request, record ---------------------------------------------------------------------------------- */

static int run_request(struct ctl *ctl)
{
    Mdg__BookingRequest request = MDG__BOOKING_REQUEST__INIT;
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    struct room_book book = {0};
    const json_t *room = NULL;
    const char *applicant = option_text(&ctl->options, "applicant"), *until = option_text(&ctl->options, "hold-until");
    bookings.of_case = MDG__BOOKINGS__OF_REQUEST;
    bookings.request = &request;
    request.title = (char *)option_text(&ctl->options, "title");
    if (applicant) request.applicant = (char *)applicant;
    request.is_public = option_is_set(&ctl->options, "public");
    request.is_confirmed = option_is_set(&ctl->options, "confirmed");
    int rc = ctl_open(ctl, waiting_flags(ctl));
    if (rc == 0) rc = room_book_load(ctl, &book);
    if (rc == 0) rc = room_book_find(ctl, &book, option_text(&ctl->options, "room"), &room);
    if (rc == 0) rc = span_options(ctl, &request.start_us, &request.end_us);
    if (rc == 0) rc = people_option(ctl, &request.people);
    if (rc == 0) rc = group_option(ctl, &request.group_id);
    if (rc == 0 && until && moment_day_parse(until, mdg_client_now_us(ctl->client), &request.lapse_day) != 0)
        rc = ctl_fail(ctl, MDG_ERR_INVALID, _("--hold-until: please give a day such as 2026-11-24."));
    if (rc == 0) request.room_id = room_id_of(room);
    if (rc == 0) rc = bookings_send(ctl, &bookings, true, &book);
    room_book_fini(&book);
    return rc;
}

static int run_record(struct ctl *ctl)
{
    Mdg__BookingRecord record = MDG__BOOKING_RECORD__INIT;
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    struct room_book book = {0};
    const json_t *room = NULL;
    const char *applicant = option_text(&ctl->options, "applicant");
    bookings.of_case = MDG__BOOKINGS__OF_RECORD;
    bookings.record = &record;
    record.title = (char *)option_text(&ctl->options, "title");
    if (applicant) record.applicant = (char *)applicant;
    int rc = ctl_open(ctl, waiting_flags(ctl));
    if (rc == 0) rc = room_book_load(ctl, &book);
    if (rc == 0) rc = room_book_find(ctl, &book, option_text(&ctl->options, "room"), &room);
    if (rc == 0) rc = span_options(ctl, &record.start_us, &record.end_us);
    if (rc == 0) rc = people_option(ctl, &record.people);
    if (rc == 0) rc = group_option(ctl, &record.group_id);
    if (rc == 0) record.room_id = room_id_of(room);
    if (rc == 0) rc = bookings_send(ctl, &bookings, true, &book);
    room_book_fini(&book);
    return rc;
}

/* --- a booking as it was seen ------------------------------------------------------------------------- */

/* A copy that the caller frees with mdg__booking__free_unpacked(); NULL: out of memory. */
static Mdg__Booking *booking_copy(const Mdg__Booking *from)
{
    uint8_t bytes[4096];
    size_t length = mdg__booking__get_packed_size(from);
    if (length > sizeof bytes) return NULL;
    mdg__booking__pack(from, bytes);
    return mdg__booking__unpack(NULL, length, bytes);
}

static int booking_ask(struct ctl *ctl, int64_t id, Mdg__Booking **out)
{
    Mdg__BookingGet get = MDG__BOOKING_GET__INIT;
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Response *response = NULL;
    get.booking_id = id;
    bookings.of_case = MDG__BOOKINGS__OF_GET;
    bookings.get = &get;
    body.domain_case = MDG__BODY__DOMAIN_BOOKINGS;
    body.bookings = &bookings;
    int rc = ctl_call(ctl, &body, CTL_READ, NULL, &response);
    if (rc != 0) return rc;
    const Mdg__BookingAnswer *answer = booking_answer_of(response);
    *out = answer && answer->booking ? booking_copy(answer->booking) : NULL;
    mdg__response__free_unpacked(response, NULL);
    return *out ? 0 : MDG_ERR_MALFORMED;
}

/* What this screen shows: from the replica; where that shows less than there is, or lacks it, from the server. */
static int booking_seen(struct ctl *ctl, int64_t id, Mdg__Booking **out)
{
    Mdg__Row *row = NULL;
    struct mdg_centre centre;
    mdg_client_centre(ctl->client, &centre);
    bool is_redacted = centre.terminal_kind == MDG__TERMINAL_KIND__TERMINAL_LOUNGE;
    int rc = is_redacted ? MDG_ERR_NOT_FOUND : mdg_replica_get(ctl->client, ROW_BOOKING, id, &row);
    if (rc == MDG_ERR_NOT_FOUND) return booking_ask(ctl, id, out);
    if (rc == 0) *out = booking_copy(row->body->bookings->booking_row);
    if (row) mdg__row__free_unpacked(row, NULL);
    return rc == 0 && !*out ? MDG_ERR_MEMORY : rc;
}

/* The rev that the person saw, or what this terminal shows now. */
static int rev_of(struct ctl *ctl, const Mdg__Booking *seen, int64_t *rev)
{
    const char *text = option_text(&ctl->options, "rev");
    *rev = seen->rev;
    if (text && number_parse(text, 0, INT64_MAX, rev) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--rev: please give the rev that “booking show --json” told."));
    return 0;
}

/* --- change ------------------------------------------------------------------------------------------- */

static int change_fill(struct ctl *ctl, const struct room_book *book, const Mdg__Booking *seen,
                       Mdg__BookingChange *change)
{
    const json_t *room = NULL;
    const char *wanted = option_text(&ctl->options, "room"), *title = option_text(&ctl->options, "title");
    change->booking_id = seen->id;
    change->room_id = seen->room_id;
    change->start_us = seen->start_us;
    change->end_us = seen->end_us;
    change->title = (char *)(title ? title : seen->title);
    change->people = seen->people;
    change->is_public = seen->is_public;
    if (option_is_set(&ctl->options, "public")) change->is_public = true;
    if (option_is_set(&ctl->options, "private")) change->is_public = false;
    int rc = rev_of(ctl, seen, &change->rev);
    if (rc == 0 && wanted) rc = room_book_find(ctl, book, wanted, &room);
    if (room) change->room_id = room_id_of(room);
    if (rc == 0) rc = span_options(ctl, &change->start_us, &change->end_us);
    return rc == 0 ? people_option(ctl, &change->people) : rc;
}

static int run_change(struct ctl *ctl)
{
    Mdg__BookingChange change = MDG__BOOKING_CHANGE__INIT;
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    Mdg__Booking *seen = NULL;
    struct room_book book = {0};
    int64_t id;
    bookings.of_case = MDG__BOOKINGS__OF_CHANGE;
    bookings.change = &change;
    int rc = id_operand(ctl, &id);
    if (rc == 0) rc = ctl_open(ctl, waiting_flags(ctl));
    if (rc == 0) rc = room_book_load(ctl, &book);
    if (rc == 0) rc = booking_seen(ctl, id, &seen);
    if (rc == 0) rc = change_fill(ctl, &book, seen, &change);
    if (rc == 0) rc = bookings_send(ctl, &bookings, true, &book);
    if (seen) mdg__booking__free_unpacked(seen, NULL);
    room_book_fini(&book);
    return rc;
}

/* --- steps -------------------------------------------------------------------------------------------- */

/* Fills the arm's message; the messages differ only in their names, so each is written out. */
union step {
    Mdg__BookingConfirm confirm;
    Mdg__BookingReject reject;
    Mdg__BookingCancel cancel;
    Mdg__BookingStart start;
    Mdg__BookingEnd end;
    Mdg__BookingNoShow no_show;
};

static void step_fill(Mdg__Bookings *bookings, Mdg__Bookings__OfCase arm, union step *step, int64_t id, int64_t rev,
                      const char *reason)
{
    bookings->of_case = arm;
    switch (arm) {
    case MDG__BOOKINGS__OF_CONFIRM:
        step->confirm = (Mdg__BookingConfirm)MDG__BOOKING_CONFIRM__INIT;
        step->confirm.booking_id = id;
        step->confirm.rev = rev;
        bookings->confirm = &step->confirm;
        break;
    case MDG__BOOKINGS__OF_REJECT:
        step->reject = (Mdg__BookingReject)MDG__BOOKING_REJECT__INIT;
        step->reject.booking_id = id;
        step->reject.rev = rev;
        step->reject.reason = (char *)reason;
        bookings->reject = &step->reject;
        break;
    case MDG__BOOKINGS__OF_CANCEL:
        step->cancel = (Mdg__BookingCancel)MDG__BOOKING_CANCEL__INIT;
        step->cancel.booking_id = id;
        step->cancel.rev = rev;
        step->cancel.reason = (char *)reason;
        bookings->cancel = &step->cancel;
        break;
    case MDG__BOOKINGS__OF_START:
        step->start = (Mdg__BookingStart)MDG__BOOKING_START__INIT;
        step->start.booking_id = id;
        step->start.rev = rev;
        bookings->start = &step->start;
        break;
    case MDG__BOOKINGS__OF_END:
        step->end = (Mdg__BookingEnd)MDG__BOOKING_END__INIT;
        step->end.booking_id = id;
        step->end.rev = rev;
        bookings->end = &step->end;
        break;
    default:
        step->no_show = (Mdg__BookingNoShow)MDG__BOOKING_NO_SHOW__INIT;
        step->no_show.booking_id = id;
        step->no_show.rev = rev;
        bookings->no_show = &step->no_show;
        break;
    }
}

static int run_step(struct ctl *ctl, Mdg__Bookings__OfCase arm)
{
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    Mdg__Booking *seen = NULL;
    struct room_book book = {0};
    union step step;
    int64_t id, rev = 0;
    bool may_wait = arm == MDG__BOOKINGS__OF_CANCEL;
    int rc = id_operand(ctl, &id);
    if (rc == 0) rc = ctl_open(ctl, may_wait ? waiting_flags(ctl) : CTL_FEED);
    if (rc == 0) rc = room_book_load(ctl, &book);
    if (rc == 0) rc = booking_seen(ctl, id, &seen);
    if (rc == 0) rc = rev_of(ctl, seen, &rev);
    if (rc == 0) {
        step_fill(&bookings, arm, &step, id, rev, option_text(&ctl->options, "reason"));
        rc = bookings_send(ctl, &bookings, may_wait, &book);
    }
    if (seen) mdg__booking__free_unpacked(seen, NULL);
    room_book_fini(&book);
    return rc;
}

static int run_confirm(struct ctl *ctl)
{
    return run_step(ctl, MDG__BOOKINGS__OF_CONFIRM);
}

static int run_reject(struct ctl *ctl)
{
    return run_step(ctl, MDG__BOOKINGS__OF_REJECT);
}

static int run_cancel(struct ctl *ctl)
{
    return run_step(ctl, MDG__BOOKINGS__OF_CANCEL);
}

static int run_start(struct ctl *ctl)
{
    return run_step(ctl, MDG__BOOKINGS__OF_START);
}

static int run_end(struct ctl *ctl)
{
    return run_step(ctl, MDG__BOOKINGS__OF_END);
}

static int run_no_show(struct ctl *ctl)
{
    return run_step(ctl, MDG__BOOKINGS__OF_NO_SHOW);
}

/* --- looking ------------------------------------------------------------------------------------------ */

static const struct column LIST_COLUMNS[] = {{N_("Number"), "id", CELL_NUMBER},
                                             {N_("Room"), "room", CELL_TEXT},
                                             {N_("From"), "start_us", CELL_INSTANT},
                                             {N_("To"), "end_us", CELL_INSTANT},
                                             {N_("State"), "state", CELL_WORD},
                                             {N_("Title"), "title", CELL_TEXT},
                                             {N_("Applicant"), "applicant", CELL_TEXT},
                                             {N_("People"), "people", CELL_NUMBER},
                                             {NULL, NULL, CELL_TEXT}};

static const struct column SHOW_COLUMNS[] = {{N_("Number"), "id", CELL_TEXT},
                                             {N_("Room"), "room", CELL_TEXT},
                                             {N_("From"), "start_us", CELL_INSTANT},
                                             {N_("To"), "end_us", CELL_INSTANT},
                                             {N_("State"), "state", CELL_WORD},
                                             {N_("Title"), "title", CELL_TEXT},
                                             {N_("Title is public"), "is_public", CELL_MARK},
                                             {N_("Applicant"), "applicant", CELL_TEXT},
                                             {N_("People"), "people", CELL_TEXT},
                                             {N_("Held until"), "lapse_day", CELL_DAY},
                                             {N_("Reason"), "reason", CELL_TEXT},
                                             {N_("Changed"), "changed_us", CELL_INSTANT},
                                             {NULL, NULL, CELL_TEXT}};

static int list_all(struct ctl *ctl, const struct room_book *book, Mdg__BookingList *list, json_t *rows)
{
    bool has_more = true;
    int rc = 0;
    while (rc == 0 && has_more) {
        Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
        Mdg__Body body = MDG__BODY__INIT;
        Mdg__Response *response = NULL;
        bookings.of_case = MDG__BOOKINGS__OF_LIST;
        bookings.list = list;
        body.domain_case = MDG__BODY__DOMAIN_BOOKINGS;
        body.bookings = &bookings;
        has_more = false;
        rc = ctl_call(ctl, &body, CTL_READ, NULL, &response);
        if (rc != 0) break;
        if (response->body && response->body->domain_case == MDG__BODY__DOMAIN_BOOKINGS &&
            response->body->bookings->of_case == MDG__BOOKINGS__OF_LISTED) {
            const Mdg__BookingListed *listed = response->body->bookings->listed;
            for (size_t i = 0; i < listed->n_bookings; i++) {
                json_array_append_new(rows, booking_json(book, listed->bookings[i]));
                list->after_us = listed->bookings[i]->start_us;
                list->after_id = listed->bookings[i]->id;
            }
            has_more = listed->has_more && listed->n_bookings > 0;
        }
        mdg__response__free_unpacked(response, NULL);
    }
    return rc;
}

static int day_option(struct ctl *ctl, const char *name, int32_t *day)
{
    const char *text = option_text(&ctl->options, name);
    if (!text || moment_day_parse(text, mdg_client_now_us(ctl->client), day) == 0) return 0;
    return ctl_fail(ctl, MDG_ERR_INVALID, _("--%s: please give a day such as 2026-11-24."), name);
}

static int run_list(struct ctl *ctl)
{
    Mdg__BookingList list = MDG__BOOKING_LIST__INIT;
    struct room_book book = {0};
    const json_t *room = NULL;
    const char *wanted = option_text(&ctl->options, "room");
    json_t *document = json_pack("{s:[]}", "bookings");
    int rc = ctl_open(ctl, CTL_FEED);
    int32_t from_day = rc == 0 ? day_of_us(mdg_client_now_us(ctl->client)) : 0;
    if (rc == 0) rc = day_option(ctl, "from", &from_day);
    int32_t to_day = from_day;
    if (rc == 0) rc = day_option(ctl, "to", &to_day);
    if (rc == 0) rc = room_book_load(ctl, &book);
    if (rc == 0 && wanted) rc = room_book_find(ctl, &book, wanted, &room);
    if (rc == 0) rc = group_option(ctl, &list.group_id);
    if (rc == 0) {
        if (room) list.room_id = room_id_of(room);
        list.from_us = day_to_us(from_day, 0);
        list.to_us = day_to_us(day_add(to_day, 1), 0);
        list.with_ended = option_is_set(&ctl->options, "all");
        rc = list_all(ctl, &book, &list, json_object_get(document, "bookings"));
    }
    room_book_fini(&book);
    if (rc == 0) return output_table(ctl, document, "bookings", LIST_COLUMNS);
    json_decref(document);
    return rc;
}

static int run_show(struct ctl *ctl)
{
    Mdg__Booking *seen = NULL;
    struct room_book book = {0};
    int64_t id;
    int rc = id_operand(ctl, &id);
    if (rc == 0) rc = ctl_open(ctl, CTL_FEED | CTL_MAY_OFFLINE);
    if (rc == 0) rc = room_book_load(ctl, &book);
    if (rc == 0) rc = booking_seen(ctl, id, &seen);
    if (rc == 0) rc = output_facts(ctl, booking_json(&book, seen), SHOW_COLUMNS);
    if (seen) mdg__booking__free_unpacked(seen, NULL);
    room_book_fini(&book);
    return rc;
}

/* --- the table ---------------------------------------------------------------------------------------- */

#define OPTION_ROOM                                                     \
    {                                                                   \
        "room", "ROOM", N_("which one, by name or number"), false, NULL \
    }
#define OPTION_FROM                                                                  \
    {                                                                                \
        "from", "TIME", N_("from when on, as 13:00 or 2026-11-24 13:00"), true, NULL \
    }
#define OPTION_TO                                                                       \
    {                                                                                   \
        "to", "TIME", N_("until when; a time alone is one of the same day"), true, NULL \
    }
#define OPTION_TITLE                                \
    {                                               \
        "title", "TEXT", N_("what for"), true, NULL \
    }
#define OPTION_APPLICANT                                                       \
    {                                                                          \
        "applicant", "NAME", N_("who asks, where it is no group"), false, NULL \
    }
#define OPTION_GROUP                                                               \
    {                                                                              \
        "group", "GROUP", N_("a registered group, by number or name"), false, NULL \
    }
#define OPTION_PEOPLE                                        \
    {                                                        \
        "people", "N", N_("how many will come"), false, NULL \
    }
#define OPTION_REV                                                                              \
    {                                                                                           \
        "rev", "REV", N_("the version that you saw (the one this terminal shows)"), false, NULL \
    }
#define OPTION_REASON                           \
    {                                           \
        "reason", "TEXT", N_("why"), true, NULL \
    }
#define OPTION_NOW                                                    \
    {                                                                 \
        "now", NULL, N_("insist on the server's answer"), false, NULL \
    }
#define END                           \
    {                                 \
        NULL, NULL, NULL, false, NULL \
    }

const struct ctl_command BOOKING_COMMANDS[] = {
    {"booking request",
     NULL,
     N_("Ask for a room. A clash says who has it and what is free."),
     run_request,
     {OPTION_ROOM,
      OPTION_FROM,
      OPTION_TO,
      OPTION_TITLE,
      OPTION_APPLICANT,
      OPTION_GROUP,
      OPTION_PEOPLE,
      {"public", NULL, N_("the title may stand on the public board"), false, NULL},
      {"hold-until", "DAY", N_("the last day on which it is held (by the centre's rule)"), false, NULL},
      {"confirmed", NULL, N_("grant it at once"), false, NULL},
      OPTION_NOW,
      END}},
    {"booking confirm", "ID", N_("Grant a request."), run_confirm, {OPTION_REV, END}},
    {"booking reject", "ID", N_("Refuse a request."), run_reject, {OPTION_REASON, OPTION_REV, END}},
    {"booking change",
     "ID",
     N_("Change a booking; what is not given stays as it is."),
     run_change,
     {OPTION_ROOM,
      {"from", "TIME", N_("from when on, as 13:00 or 2026-11-24 13:00"), false, NULL},
      {"to", "TIME", N_("until when; a time alone is one of the same day"), false, NULL},
      {"title", "TEXT", N_("what for"), false, NULL},
      OPTION_PEOPLE,
      {"public", NULL, N_("the title may stand on the public board"), false, NULL},
      {"private", NULL, N_("the title may not stand on the public board"), false, NULL},
      OPTION_REV,
      OPTION_NOW,
      END}},
    {"booking cancel",
     "ID",
     N_("Call a booking off. It stays on record."),
     run_cancel,
     {OPTION_REASON, OPTION_REV, OPTION_NOW, END}},
    {"booking start", "ID", N_("The room was taken into use."), run_start, {OPTION_REV, END}},
    {"booking end", "ID", N_("The room was left; the rest of the time is free."), run_end, {OPTION_REV, END}},
    {"booking no-show", "ID", N_("Nobody came."), run_no_show, {OPTION_REV, END}},
    {"booking record",
     NULL,
     N_("Key in what already happened (office)."),
     run_record,
     {OPTION_ROOM, OPTION_FROM, OPTION_TO, OPTION_TITLE, OPTION_APPLICANT, OPTION_GROUP, OPTION_PEOPLE, OPTION_NOW,
      END}},
    {"booking list",
     NULL,
     N_("List bookings."),
     run_list,
     {{"from", "DAY", N_("first day (today)"), false, NULL},
      {"to", "DAY", N_("last day (the first one)"), false, NULL},
      OPTION_ROOM,
      OPTION_GROUP,
      {"all", NULL, N_("also those that were rejected, called off or lapsed"), false, NULL},
      END}},
    {"booking show", "ID", N_("Show one booking."), run_show, {END}},
    {NULL, NULL, NULL, NULL, {END}},
};
