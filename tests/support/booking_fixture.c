#include "tests/support/booking_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/bookings/bookings_domain.h"
#include "server/hours/hours_domain.h"
#include "server/rooms/rooms_domain.h"

#define DAY 20250617

int64_t rooms_at(int32_t day, int hour, int minute)
{
    return day_to_us(day, hour * 60 + minute);
}

int64_t rooms_make(struct house_of_rooms *house, const char *name, Mdg__RoomKind kind, int32_t capacity,
                   int32_t position, bool is_always_open)
{
    Mdg__RoomSave save = MDG__ROOM_SAVE__INIT;
    save.name = (char *)name;
    save.kind = kind;
    save.capacity = capacity;
    save.position = position;
    save.is_always_open = is_always_open;
    centre_must(centre_call(house->centre, &house->office, &ROOMS_DOMAIN, MDG__ROOMS__OF_SAVE, &save), name);
    return house->centre->rq.object_id;
}

static void open_the_house(struct house_of_rooms *house)
{
    Mdg__OpenSpan weekdays = MDG__OPEN_SPAN__INIT, sunday = MDG__OPEN_SPAN__INIT;
    Mdg__OpenSpan *spans[] = {&weekdays, &sunday};
    Mdg__OpeningHoursSave save = MDG__OPENING_HOURS_SAVE__INIT;
    weekdays.days = 2 + 4 + 8 + 16 + 32 + 64 + 128;
    weekdays.open_minute = 600;
    weekdays.close_minute = sunday.close_minute = 1020;
    sunday.days = 1;
    sunday.open_minute = 780;
    save.from_day = 20250616;
    save.spans = spans;
    save.n_spans = 2;
    centre_must(centre_call(house->centre, &house->office, &HOURS_DOMAIN, MDG__HOURS__OF_SAVE, &save), "hours");
}

#define SQL_GROUP(id, number, person)                                                                         \
    "INSERT INTO civic_group (id, number, name, reading, field, from_day, to_day, is_ended, note, person_id," \
    " created_us, rev) VALUES (" #id ", " #number ", 'Sumire', '', '', 20250401, 20260331, 0, '', " #person ", 0, 1)"

int rooms_setup(void **state)
{
    void *centre;
    struct house_of_rooms *house = calloc(1, sizeof *house);
    if (!house || centre_setup(&centre) != 0) return -1;
    house->centre = centre;
    house->centre->now_us = rooms_at(20250616, 8, 0);
    house->counter = centre_caller(KIND_COUNTER, 11, 21, ROLE_BIT_DESK);
    house->office = centre_caller(KIND_OFFICE, 12, 22, ROLE_BIT_OFFICE);
    house->lounge = centre_caller(KIND_LOUNGE, 13, 31, ROLE_BIT_GROUP);
    house->other_lounge = centre_caller(KIND_LOUNGE, 13, 32, ROLE_BIT_GROUP);
    house->consultant = centre_caller(KIND_OFFICE, 12, 23, ROLE_BIT_CONSULTATION);
    house->door = centre_caller(KIND_DOOR, 14, 0, 0);
    house->clock = centre_caller(KIND_CLOCK, 0, 0, 0);
    house->small = rooms_make(house, "small", MDG__ROOM_KIND__ROOM_KIND_ROOM, 8, 1, false);
    house->large = rooms_make(house, "large", MDG__ROOM_KIND__ROOM_KIND_ROOM, 40, 2, false);
    house->hall = rooms_make(house, "hall", MDG__ROOM_KIND__ROOM_KIND_ROOM, 200, 5, true);
    house->lobby = rooms_make(house, "lobby", MDG__ROOM_KIND__ROOM_KIND_LOBBY, 0, 3, false);
    house->door.room_id = house->small;
    open_the_house(house);
    house->group = 901;
    house->other_group = 902;
    centre_must(db_exec(house->centre->db, SQL_GROUP(901, 1, 31) ";" SQL_GROUP(902, 2, 32)), "groups");
    *state = house;
    return 0;
}

int rooms_teardown(void **state)
{
    struct house_of_rooms *house = *state;
    void *centre = house->centre;
    free(house);
    return centre_teardown(&centre);
}

Mdg__BookingRequest rooms_request(int64_t room_id, int from_hour, int to_hour)
{
    Mdg__BookingRequest request = MDG__BOOKING_REQUEST__INIT;
    request.room_id = room_id;
    request.applicant = (char *)"Tanaka";
    request.title = (char *)"choir";
    request.start_us = rooms_at(DAY, from_hour, 0);
    request.end_us = rooms_at(DAY, to_hour, 0);
    request.people = 10;
    request.is_confirmed = true;
    return request;
}

int rooms_call(struct house_of_rooms *house, const struct caller *caller, uint32_t op, const void *message)
{
    return centre_call(house->centre, caller, &BOOKINGS_DOMAIN, op, message);
}

int64_t rooms_book(struct house_of_rooms *house, int64_t room_id, int from_hour, int to_hour)
{
    Mdg__BookingRequest request = rooms_request(room_id, from_hour, to_hour);
    centre_must(rooms_call(house, &house->counter, MDG__BOOKINGS__OF_REQUEST, &request), "request");
    return house->centre->rq.object_id;
}

struct booking rooms_booking(struct house_of_rooms *house, int64_t id)
{
    static const struct booking_scope ALL = {0};
    struct booking b;
    centre_must(booking_get(house->centre->db, id, &ALL, &b), "booking_get");
    return b;
}

int rooms_step(struct house_of_rooms *house, const struct caller *caller, uint32_t op, int64_t id)
{
    int64_t rev = rooms_booking(house, id).rev;
    Mdg__BookingConfirm plain = MDG__BOOKING_CONFIRM__INIT;
    Mdg__BookingReject reject = MDG__BOOKING_REJECT__INIT;
    Mdg__BookingCancel cancel = MDG__BOOKING_CANCEL__INIT;
    Mdg__BookingStart start = MDG__BOOKING_START__INIT;
    Mdg__BookingEnd end = MDG__BOOKING_END__INIT;
    Mdg__BookingNoShow no_show = MDG__BOOKING_NO_SHOW__INIT;
    plain.booking_id = reject.booking_id = cancel.booking_id = start.booking_id = end.booking_id = no_show.booking_id =
        id;
    plain.rev = reject.rev = cancel.rev = start.rev = end.rev = no_show.rev = rev;
    reject.reason = cancel.reason = (char *)"it rains";
    const void *message = op == MDG__BOOKINGS__OF_CONFIRM  ? (const void *)&plain
                          : op == MDG__BOOKINGS__OF_REJECT ? (const void *)&reject
                          : op == MDG__BOOKINGS__OF_CANCEL ? (const void *)&cancel
                          : op == MDG__BOOKINGS__OF_START  ? (const void *)&start
                          : op == MDG__BOOKINGS__OF_END    ? (const void *)&end
                                                           : (const void *)&no_show;
    return rooms_call(house, caller, op, message);
}

void rooms_assert_refused(struct house_of_rooms *house, int rc, int code, const char *field, const char *rule)
{
    const struct refusal *refusal = &house->centre->rq.refusal;
    if (rc != code) fail_msg("%s, not %s", mdg_error_name(rc), mdg_error_name(code));
    assert_int_equal(refusal->code, code);
    assert_string_equal(refusal->field ? refusal->field : "", field ? field : "");
    assert_string_equal(refusal->rule, rule);
}
