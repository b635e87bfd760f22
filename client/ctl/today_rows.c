#include "client/ctl/today_rows.h"

#include <stdio.h>
#include <string.h>

#include "client/ctl/visit_names.h"
#include "common/day.h"
#include "common/holiday.h"
#include "common/locale.h"

#define DAY_HOLIDAY 128u
#define ADVICE "相談"

/* --- opening hours ------------------------------------------------------------------------------------ */

static void take_opening_hours(struct today_rows *rows, const Mdg__OpeningHours *hours)
{
    if (hours->from_day > rows->day->day || hours->from_day < rows->hours_from_day) return;
    uint32_t weekday = UINT32_C(1) << day_weekday(rows->day->day);
    rows->hours_from_day = hours->from_day;
    rows->weekly = rows->holiday = (struct desk_hours){.is_known = true};
    for (size_t i = 0; i < hours->n_spans; i++) {
        const Mdg__OpenSpan *span = hours->spans[i];
        struct desk_hours open = {
            .is_known = true, .is_open = true, .open_minute = span->open_minute, .close_minute = span->close_minute};
        if (span->days & weekday) rows->weekly = open;
        if (span->days & DAY_HOLIDAY) rows->holiday = open;
    }
}

static void take_hours(struct today_rows *rows, const Mdg__Hours *hours)
{
    if (hours->of_case == MDG__HOURS__OF_OPENING_HOURS_ROW) {
        take_opening_hours(rows, hours->opening_hours_row);
    } else if (hours->of_case == MDG__HOURS__OF_CLOSED_DAY_ROW) {
        const Mdg__ClosedDay *closed = hours->closed_day_row;
        if (closed->from_day <= rows->day->day && rows->day->day <= closed->to_day)
            snprintf(rows->closed_reason, sizeof rows->closed_reason, "%s", closed->reason);
    } else if (hours->of_case == MDG__HOURS__OF_HOLIDAY_ROW) {
        const Mdg__Holiday *holiday = hours->holiday_row;
        if (holiday->day / 10000 == rows->day->day / 10000) rows->is_year_imported = true;
        if (holiday->day == rows->day->day)
            snprintf(rows->holiday_name, sizeof rows->holiday_name, "%s", holiday->name);
    }
}

void today_rows_end(struct today_rows *rows)
{
    struct desk_day *day = rows->day;
    const char *by_law = rows->is_year_imported ? NULL : holiday_of_day(day->day);
    const char *holiday = rows->holiday_name[0] ? rows->holiday_name : by_law;
    day->hours = holiday ? rows->holiday : rows->weekly;
    if (rows->closed_reason[0]) day->hours = (struct desk_hours){.is_known = true};
    day->hours.holiday = arena_strdup(&day->arena, holiday ? holiday : "");
    day->hours.closed_reason = arena_strdup(&day->arena, rows->closed_reason);
    if ((!day->hours.holiday || !day->hours.closed_reason) && rows->rc == 0) rows->rc = MDG_ERR_MEMORY;
    if (!day->hours.holiday) day->hours.holiday = "";
    if (!day->hours.closed_reason) day->hours.closed_reason = "";
}

/* --- rooms, bookings, cases --------------------------------------------------------------------------- */

static int take_room(struct today_rows *rows, const Mdg__Room *room)
{
    return desk_day_add_room(rows->day, &(struct desk_room){.id = room->id,
                                                            .name = room->name,
                                                            .position = room->position,
                                                            .is_always_open = room->is_always_open,
                                                            .is_retired = room->is_retired});
}

/* What was rejected, cancelled or has lapsed takes no room and is not the desk's work. */
static bool state_of(Mdg__BookingState state, enum desk_state *out)
{
    switch (state) {
    case MDG__BOOKING_STATE__BOOKING_TENTATIVE:
        *out = DESK_TENTATIVE;
        return true;
    case MDG__BOOKING_STATE__BOOKING_CONFIRMED:
        *out = DESK_CONFIRMED;
        return true;
    case MDG__BOOKING_STATE__BOOKING_IN_USE:
        *out = DESK_IN_USE;
        return true;
    case MDG__BOOKING_STATE__BOOKING_ENDED:
        *out = DESK_ENDED;
        return true;
    case MDG__BOOKING_STATE__BOOKING_NO_SHOW:
        *out = DESK_NO_SHOW;
        return true;
    default:
        return false;
    }
}

static int take_booking(struct today_rows *rows, int64_t rev, const Mdg__Booking *booking)
{
    struct desk_booking taken = {.id = booking->id,
                                 .rev = rev,
                                 .room_id = booking->room_id,
                                 .group_id = booking->group_id,
                                 .start_us = booking->start_us,
                                 .end_us = booking->end_us,
                                 .who = booking->applicant,
                                 .purpose = booking->title,
                                 .people = booking->people,
                                 .lapse_day = booking->lapse_day};
    return state_of(booking->state, &taken.state) ? desk_day_add_booking(rows->day, &taken) : 0;
}

static int take_case(struct today_rows *rows, const Mdg__ConsultationHead *head)
{
    if (head->is_closed || head->follow_up_day == 0 || head->follow_up_day > rows->day->day) return 0;
    bool is_mine = head->owner_id != 0 && head->owner_id == rows->person_id;
    return desk_day_add_case(rows->day, &(struct desk_case){.id = head->id,
                                                            .owner_id = head->owner_id,
                                                            .fiscal_year = head->fiscal_year,
                                                            .number = head->number,
                                                            .follow_up_day = head->follow_up_day,
                                                            .owner = is_mine ? rows->person_name : ""});
}

void today_take_row(const Mdg__Row *row, void *arg)
{
    struct today_rows *rows = arg;
    const Mdg__Body *body = row->body;
    int rc = 0;
    if (!body || row->is_removed) return;
    if (body->domain_case == MDG__BODY__DOMAIN_HOURS)
        take_hours(rows, body->hours);
    else if (body->domain_case == MDG__BODY__DOMAIN_ROOMS && body->rooms->of_case == MDG__ROOMS__OF_ROOM_ROW)
        rc = take_room(rows, body->rooms->room_row);
    else if (body->domain_case == MDG__BODY__DOMAIN_BOOKINGS &&
             body->bookings->of_case == MDG__BOOKINGS__OF_BOOKING_ROW)
        rc = take_booking(rows, row->rev, body->bookings->booking_row);
    else if (body->domain_case == MDG__BODY__DOMAIN_CONSULTATIONS &&
             body->consultations->of_case == MDG__CONSULTATIONS__OF_HEAD_ROW)
        rc = take_case(rows, body->consultations->head_row);
    if (rows->rc == 0) rows->rc = rc;
}

/* --- names -------------------------------------------------------------------------------------------- */

/* Advice shows nobody: where the room is for it, or where a person alone has booked it as such. */
static bool is_advice(const struct desk_day *day, const struct desk_booking *booking)
{
    const struct desk_room *room = desk_room_find(day, booking->room_id);
    if (room && strstr(room->name, ADVICE)) return true;
    return booking->group_id == 0 && strstr(booking->purpose, ADVICE);
}

int today_name(struct desk_day *day, struct desk_booking *booking, const char *group_name)
{
    booking->is_consultation = is_advice(day, booking);
    if (booking->is_consultation) {
        booking->who = _("Consultation");
        booking->purpose = "";
        return 0;
    }
    if (group_name && group_name[0]) {
        booking->who = arena_strdup(&day->arena, group_name);
        return booking->who ? 0 : MDG_ERR_MEMORY;
    }
    if (booking->who[0] == '\0') { /* a course of the house, or a view that shows no names */
        booking->who = booking->purpose;
        booking->purpose = "";
    }
    return 0;
}

static int name_all(struct ctl *ctl, struct desk_day *day, struct desk_booking *bookings, size_t count)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        Mdg__Row *row = NULL;
        const char *name = NULL;
        if (bookings[i].group_id != 0 && mdg_replica_get(ctl->client, ROW_GROUP, bookings[i].group_id, &row) == 0 &&
            row->body && row->body->domain_case == MDG__BODY__DOMAIN_GROUPS &&
            row->body->groups->of_case == MDG__GROUPS__OF_GROUP_ROW)
            name = row->body->groups->group_row->name;
        rc = today_name(day, &bookings[i], name);
        if (row) mdg__row__free_unpacked(row, NULL);
    }
    return rc;
}

/* --- counts ------------------------------------------------------------------------------------------- */

static const json_t *row_find(const json_t *rows, int64_t id)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (json_integer_value(json_object_get(row, "id")) == id) return row;
    }
    return NULL;
}

static struct desk_count count_of(const struct visit_names *names, int64_t place_id, int64_t purpose_id)
{
    const json_t *place = row_find(names->places, place_id), *purpose = row_find(names->purposes, purpose_id);
    return (struct desk_count){
        .place_id = place_id,
        .purpose_id = purpose_id,
        .place = json_string_value(json_object_get(place, "name")),
        .purpose = json_string_value(json_object_get(purpose, "name")),
        .place_position = (int)json_integer_value(json_object_get(place, "position")),
        .purpose_position = (int)json_integer_value(json_object_get(purpose, "position")),
        .is_offered = purpose && !json_is_true(json_object_get(purpose, "is_retired")) &&
                      !json_is_true(json_object_get(place, "is_retired")),
    };
}

struct taking_counts {
    struct desk_day *day;
    const struct visit_names *names;
    int rc;
};

static void take_visit_day(const Mdg__Row *row, void *arg)
{
    struct taking_counts *taking = arg;
    if (taking->rc != 0 || !row->body || row->body->domain_case != MDG__BODY__DOMAIN_VISITS ||
        row->body->visits->of_case != MDG__VISITS__OF_VISIT_DAY_ROW)
        return;
    const Mdg__VisitDay *total = row->body->visits->visit_day_row;
    struct desk_day *day = taking->day;
    if (total->day != day->day) return;
    size_t i = 0;
    while (i < day->counts_count &&
           (day->counts[i].place_id != total->place_id || day->counts[i].purpose_id != total->purpose_id))
        i++;
    if (i == day->counts_count) {
        struct desk_count count = count_of(taking->names, total->place_id, total->purpose_id);
        taking->rc = desk_day_add_count(day, &count);
        if (taking->rc != 0) return;
    }
    day->counts[i].people += total->people;
    day->counts[i].lines += total->lines;
    day->counts[i].estimated += total->estimated;
}

/* Every purpose in use has a line, also while nobody was counted. */
static int counts_load(struct ctl *ctl, struct desk_day *day)
{
    struct visit_names names = {0};
    struct taking_counts taking = {day, &names, 0};
    int rc = visit_names_load(ctl, &names);
    for (size_t i = 0; rc == 0 && i < json_array_size(names.purposes); i++) {
        const json_t *purpose = json_array_get(names.purposes, i);
        struct desk_count count = count_of(&names, json_integer_value(json_object_get(purpose, "place_id")),
                                           json_integer_value(json_object_get(purpose, "id")));
        if (count.is_offered) rc = desk_day_add_count(day, &count);
    }
    if (rc == 0) rc = mdg_replica_each(ctl->client, ROW_VISIT_DAY, take_visit_day, &taking);
    visit_names_fini(&names);
    return rc == 0 ? taking.rc : rc;
}

/* --- all ---------------------------------------------------------------------------------------------- */

int today_load(struct ctl *ctl, int32_t local_day, struct desk_day *day)
{
    static const uint32_t KINDS[] = {ROW_OPENING_HOURS, ROW_CLOSED_DAY, ROW_HOLIDAY,
                                     ROW_ROOM,          ROW_BOOKING,    ROW_CONSULTATION};
    struct mdg_state state;
    mdg_client_state(ctl->client, &state);
    struct today_rows rows = {.day = day, .person_id = state.person_id, .person_name = state.person_name};
    desk_day_init(day, local_day);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof KINDS / sizeof KINDS[0]; i++)
        rc = mdg_replica_each(ctl->client, KINDS[i], today_take_row, &rows);
    today_rows_end(&rows);
    if (rc == 0) rc = rows.rc;
    if (rc == 0) rc = name_all(ctl, day, day->bookings, day->bookings_count);
    if (rc == 0) rc = name_all(ctl, day, day->pending, day->pending_count);
    if (rc == 0) rc = counts_load(ctl, day);
    desk_day_finish(day);
    return rc;
}
