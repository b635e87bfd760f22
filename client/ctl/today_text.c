/* client/ctl/today_text.c - the desk's day on the screen, and as a document. */
#include <stdio.h>
#include <string.h>

#include "client/ctl/output.h"
#include "client/ctl/today.h"
#include "common/bytes.h"
#include "common/day.h"
#include "common/era.h"
#include "common/locale.h"

#define LINE_BYTES 900
#define HASH_BYTES_SHOWN 8

/* --- text --------------------------------------------------------------------------------------------- */

/* "13:00", or "11/25 13:00" of another day. */
static void clock_of(const struct desk_day *day, int64_t at_us, char *out, size_t size)
{
    int minute = 0;
    int32_t on = day_minute_of_us(at_us, &minute);
    if (on == day->day)
        snprintf(out, size, "%02d:%02d", minute / 60, minute % 60);
    else if (at_us == day->to_us)
        snprintf(out, size, "24:00");
    else
        snprintf(out, size, "%d/%d %02d:%02d", (int)(on / 100 % 100), (int)(on % 100), minute / 60, minute % 60);
}

static void padded(FILE *out, const char *text, int width)
{
    int pad = width - text_columns(text);
    fprintf(out, "%s%*s", text, pad > 0 ? pad : 0, "");
}

static void hours_print(const struct desk_day *day, FILE *out)
{
    const struct desk_hours *hours = &day->hours;
    if (!hours->is_known)
        fprintf(out, "%s", _("Opening hours are not set"));
    else if (!hours->is_open)
        fprintf(out, "%s", _("Closed"));
    else
        fprintf(out, "%s %02d:%02d–%02d:%02d", _("Open"), hours->open_minute / 60, hours->open_minute % 60,
                hours->close_minute / 60, hours->close_minute % 60);
    if (hours->closed_reason[0]) fprintf(out, "  %s", hours->closed_reason);
    if (hours->holiday[0]) fprintf(out, "  %s", hours->holiday);
}

static void head_print(const struct ctl *ctl, const struct today *today, FILE *out)
{
    struct mdg_centre centre;
    char date[MOMENT_BYTES], since[MOMENT_BYTES];
    mdg_client_centre(ctl->client, &centre);
    moment_day_text(today->day.day, date, sizeof date);
    fprintf(out, "%s  %s  ", centre.name ? centre.name : "", date);
    hours_print(&today->day, out);
    fputc('\n', out);
    if (today->is_online) return;
    moment_text(today->heard_us, since, sizeof since);
    fprintf(out, _("The server is not there. This is how it stood on %s."), since);
    if (today->unsent > 0) {
        fputs("  ", out);
        fprintf(out, ngettext("%u not sent yet.", "%u not sent yet.", today->unsent), today->unsent);
    }
    fputc('\n', out);
}

/* "■ みどりの会 –12:00", or "○ 空き". */
static void now_text(const struct today *today, const struct desk_booking *booking, char *out, size_t size)
{
    char end[24];
    if (!booking) {
        snprintf(out, size, "%s %s", desk_state_sign(DESK_FREE), desk_state_word(DESK_FREE));
        return;
    }
    enum desk_state state = desk_booking_state(booking, today->now_us);
    clock_of(&today->day, booking->end_us, end, sizeof end);
    snprintf(out, size, "%s %s  %s  –%s", desk_state_sign(state), desk_state_word(state), booking->who, end);
}

static void next_text(const struct today *today, const struct desk_booking *booking, char *out, size_t size)
{
    char start[24];
    if (!booking) {
        snprintf(out, size, "–");
        return;
    }
    enum desk_state state = desk_booking_state(booking, today->now_us);
    clock_of(&today->day, booking->start_us, start, sizeof start);
    snprintf(out, size, "%s %s–  %s", desk_state_sign(state), start, booking->who);
}

static bool is_this_day(const struct today *today)
{
    return today->day.from_us <= today->now_us && today->now_us < today->day.to_us;
}

static void rooms_print(const struct today *today, FILE *out)
{
    const struct desk_day *day = &today->day;
    char now[LINE_BYTES], next[LINE_BYTES];
    int widths[2] = {text_columns(_("Room")), text_columns(_("Now"))};
    if (!is_this_day(today) || day->rooms_count == 0) return;
    for (size_t i = 0; i < day->rooms_count; i++) {
        if (day->rooms[i].is_retired) continue;
        now_text(today, desk_room_now(day, day->rooms[i].id, today->now_us), now, sizeof now);
        if (text_columns(day->rooms[i].name) > widths[0]) widths[0] = text_columns(day->rooms[i].name);
        if (text_columns(now) > widths[1]) widths[1] = text_columns(now);
    }
    fputc('\n', out);
    padded(out, _("Room"), widths[0] + 2);
    padded(out, _("Now"), widths[1] + 2);
    fprintf(out, "%s\n", _("Next"));
    for (size_t i = 0; i < day->rooms_count; i++) {
        if (day->rooms[i].is_retired) continue;
        now_text(today, desk_room_now(day, day->rooms[i].id, today->now_us), now, sizeof now);
        next_text(today, desk_room_next(day, day->rooms[i].id, today->now_us), next, sizeof next);
        padded(out, day->rooms[i].name, widths[0] + 2);
        padded(out, now, widths[1] + 2);
        fprintf(out, "%s\n", next);
    }
}

static void booking_print(const struct today *today, const struct desk_booking *booking, FILE *out)
{
    char start[24], end[24];
    enum desk_state state = desk_booking_state(booking, today->now_us);
    clock_of(&today->day, booking->start_us, start, sizeof start);
    clock_of(&today->day, booking->end_us, end, sizeof end);
    fprintf(out, "  %s–%s  %s ", start, end, desk_state_sign(state));
    padded(out, desk_state_word(state), 12);
    fprintf(out, "%s", booking->who);
    if (booking->purpose[0]) fprintf(out, "  %s", booking->purpose);
    if (booking->people > 0) {
        fputs("  ", out);
        fprintf(out, _("%d pers."), booking->people);
    }
    fputc('\n', out);
}

static const char *room_name(const struct desk_day *day, int64_t room_id)
{
    const struct desk_room *room = desk_room_find(day, room_id);
    return room ? room->name : "?";
}

static void bookings_print(const struct today *today, FILE *out)
{
    const struct desk_day *day = &today->day;
    fprintf(out, "\n%s\n", day->bookings_count > 0 ? _("Bookings of the day") : _("Nothing is booked."));
    for (size_t i = 0; i < day->bookings_count; i++) {
        if (i == 0 || day->bookings[i].room_id != day->bookings[i - 1].room_id)
            fprintf(out, "%s\n", room_name(day, day->bookings[i].room_id));
        booking_print(today, &day->bookings[i], out);
    }
}

static void pending_print(const struct today *today, FILE *out)
{
    const struct desk_day *day = &today->day;
    fprintf(out, "\n%s %s: ", desk_state_sign(DESK_TENTATIVE), _("Requests to decide"));
    fprintf(out, ngettext("%d request", "%d requests", day->pending_count), (int)day->pending_count);
    fputc('\n', out);
    for (size_t i = 0; i < day->pending_count; i++) {
        const struct desk_booking *booking = &day->pending[i];
        char start[MOMENT_BYTES], end[24], lapse[MOMENT_BYTES];
        struct desk_day of = {.day = day_of_us(booking->start_us)};
        moment_text(booking->start_us, start, sizeof start);
        of.to_us = day_to_us(day_add(of.day, 1), 0);
        clock_of(&of, booking->end_us, end, sizeof end);
        fprintf(out, "  %s–%s  %s  %s", start, end, room_name(day, booking->room_id), booking->who);
        if (booking->lapse_day != 0) {
            moment_day_text(booking->lapse_day, lapse, sizeof lapse);
            fputs("  ", out);
            fprintf(out, _("held until %s"), lapse);
        }
        fputc('\n', out);
    }
}

static void cases_print(const struct today *today, FILE *out)
{
    const struct desk_day *day = &today->day;
    fprintf(out, "\n%s: ", _("Follow-ups"));
    fprintf(out, ngettext("%d case", "%d cases", day->cases_count), (int)day->cases_count);
    fputc('\n', out);
    for (size_t i = 0; i < day->cases_count; i++) {
        const struct desk_case *due = &day->cases[i];
        char by[MOMENT_BYTES];
        moment_day_text(due->follow_up_day, by, sizeof by);
        fputs("  ", out);
        fprintf(out, _("%sconsultation %d-%03d%s%s"), "", due->fiscal_year, due->number, due->owner[0] ? " " : "",
                due->owner);
        fprintf(out, "  %s%s%s\n", by, due->follow_up_day < day->day ? "  " : "",
                due->follow_up_day < day->day ? _("overdue") : "");
    }
}

static void counts_print(const struct today *today, FILE *out)
{
    const struct desk_day *day = &today->day;
    fprintf(out, "\n%s: ", _("Visitors so far"));
    fprintf(out, ngettext("%lld person", "%lld people", (unsigned long)desk_people_counted(day)),
            (long long)desk_people_counted(day));
    fputc('\n', out);
    for (size_t i = 0; i < day->counts_count; i++) {
        const struct desk_count *count = &day->counts[i];
        if (i == 0 || count->place_id != day->counts[i - 1].place_id) fprintf(out, "  %s:", count->place);
        if (count->purpose_id != 0)
            fprintf(out, "  %s %lld", count->purpose, (long long)count->people);
        else
            fprintf(out, "  %s %lld", _("looked, nobody there:"), (long long)count->lines);
        if (i + 1 == day->counts_count || count->place_id != day->counts[i + 1].place_id) fputc('\n', out);
    }
}

static void audit_print(const struct today *today, FILE *out)
{
    if (today->audit_seq == 0) return;
    const uint8_t *h = today->audit_hash;
    fputc('\n', out);
    fprintf(out, _("Head of the record: no. %lld %02X%02X %02X%02X %02X%02X %02X%02X"), (long long)today->audit_seq,
            h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]);
    fputc('\n', out);
}

void today_print(const struct ctl *ctl, const struct today *today, FILE *out)
{
    head_print(ctl, today, out);
    rooms_print(today, out);
    bookings_print(today, out);
    pending_print(today, out);
    cases_print(today, out);
    counts_print(today, out);
    audit_print(today, out);
}

/* --- the document ------------------------------------------------------------------------------------- */

static json_t *booking_json(const struct today *today, const struct desk_booking *booking)
{
    if (!booking) return json_null();
    enum desk_state state = desk_booking_state(booking, today->now_us);
    return json_pack("{s:I, s:I, s:I, s:s, s:I, s:I, s:s, s:s, s:s, s:i, s:b, s:i}", "id", (json_int_t)booking->id,
                     "rev", (json_int_t)booking->rev, "room_id", (json_int_t)booking->room_id, "room",
                     room_name(&today->day, booking->room_id), "start_us", (json_int_t)booking->start_us, "end_us",
                     (json_int_t)booking->end_us, "who", booking->who, "purpose", booking->purpose, "state",
                     desk_state_name(state), "people", booking->people, "is_consultation", booking->is_consultation,
                     "lapse_day", (int)booking->lapse_day);
}

static json_t *bookings_json(const struct today *today, const struct desk_booking *bookings, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(array, booking_json(today, &bookings[i]));
    return array;
}

static json_t *rooms_json(const struct today *today)
{
    json_t *rooms = json_array();
    for (size_t i = 0; i < today->day.rooms_count; i++) {
        const struct desk_room *room = &today->day.rooms[i];
        if (room->is_retired) continue;
        json_t *now = booking_json(today, desk_room_now(&today->day, room->id, today->now_us));
        json_t *next = booking_json(today, desk_room_next(&today->day, room->id, today->now_us));
        json_array_append_new(rooms, json_pack("{s:I, s:s, s:o, s:o}", "id", (json_int_t)room->id, "name", room->name,
                                               "now", now, "next", next));
    }
    return rooms;
}

static json_t *cases_json(const struct desk_day *day)
{
    json_t *cases = json_array();
    for (size_t i = 0; i < day->cases_count; i++) {
        const struct desk_case *due = &day->cases[i];
        json_array_append_new(cases, json_pack("{s:I, s:i, s:i, s:i, s:I, s:b}", "id", (json_int_t)due->id,
                                               "fiscal_year", due->fiscal_year, "number", due->number, "follow_up_day",
                                               (int)due->follow_up_day, "owner_id", (json_int_t)due->owner_id,
                                               "is_overdue", due->follow_up_day < day->day));
    }
    return cases;
}

static json_t *counts_json(const struct desk_day *day)
{
    json_t *counts = json_array();
    for (size_t i = 0; i < day->counts_count; i++) {
        const struct desk_count *count = &day->counts[i];
        json_array_append_new(counts,
                              json_pack("{s:I, s:s, s:I, s:s, s:I, s:I, s:I}", "place_id", (json_int_t)count->place_id,
                                        "place", count->place, "purpose_id", (json_int_t)count->purpose_id, "purpose",
                                        count->purpose, "people", (json_int_t)count->people, "lines",
                                        (json_int_t)count->lines, "estimated", (json_int_t)count->estimated));
    }
    return counts;
}

static json_t *audit_json(const struct today *today)
{
    char hex[2 * TODAY_HASH_BYTES + 1];
    if (today->audit_seq == 0) return json_null();
    bytes_to_hex(today->audit_hash, TODAY_HASH_BYTES, hex);
    return json_pack("{s:I, s:s}", "seq", (json_int_t)today->audit_seq, "hash", hex);
}

json_t *today_json(const struct ctl *ctl, const struct today *today)
{
    const struct desk_day *day = &today->day;
    struct mdg_centre centre;
    char era[ERA_DATE_BYTES];
    mdg_client_centre(ctl->client, &centre);
    era_date(day->day, era, sizeof era);
    json_t *hours =
        json_pack("{s:b, s:b, s:i, s:i, s:s, s:s}", "is_known", day->hours.is_known, "is_open", day->hours.is_open,
                  "open_minute", day->hours.open_minute, "close_minute", day->hours.close_minute, "holiday",
                  day->hours.holiday, "closed_reason", day->hours.closed_reason);
    return json_pack("{s:s, s:i, s:s, s:I, s:b, s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "centre",
                     centre.name ? centre.name : "", "day", (int)day->day, "era_date", era, "now_us",
                     (json_int_t)today->now_us, "is_online", today->is_online, "heard_us", (json_int_t)today->heard_us,
                     "unsent", (int)today->unsent, "hours", hours, "rooms", rooms_json(today), "bookings",
                     bookings_json(today, day->bookings, day->bookings_count), "pending",
                     bookings_json(today, day->pending, day->pending_count), "follow_ups", cases_json(day), "counts",
                     counts_json(day), "people", (json_int_t)desk_people_counted(day), "audit", audit_json(today));
}
