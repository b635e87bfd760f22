/* tests/server/bookings_store_test.c - the calls about bookings upon a database: rules, clashes, states, scopes, the
 * feed. */
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
#include "tests/support/booking_fixture.h"

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])
#define OP(name) MDG__BOOKINGS__OF_##name

/* --- the schema itself */

#define SQL_RAW(id, room, from, to, state, live)                                                                \
    "INSERT INTO booking (id, room_id, group_id, applicant, title, start_us, end_us, last_day, people, state,"  \
    " is_live, is_public, is_record, has_moved, lapse_day, reason, person_id, changed_us, rev) VALUES (" #id    \
    ", (SELECT id FROM room WHERE name = '" room "'), NULL, 'a', 't', " #from ", " #to ", 20250617, 0, " #state \
    ", " #live ", 0, 0, 0, 20250617, '', 0, 0, 1)"

static void test_the_schema_refuses_an_overlap(void **state)
{
    static const struct {
        const char *name, *sql;
        int rc;
    } CASES[] = {
        {"the first", SQL_RAW(1, "hall", 100, 200, 2, 1), 0},
        {"after it", SQL_RAW(2, "hall", 200, 300, 1, 1), 0},
        {"before it", SQL_RAW(3, "hall", 50, 100, 3, 1), 0},
        {"the same time", SQL_RAW(4, "hall", 100, 200, 2, 1), MDG_ERR_CONFLICT},
        {"its last moment", SQL_RAW(5, "hall", 199, 201, 2, 1), MDG_ERR_CONFLICT},
        {"its first moment", SQL_RAW(6, "hall", 49, 51, 4, 1), MDG_ERR_CONFLICT},
        {"around all of them", SQL_RAW(7, "hall", 0, 1000, 1, 1), MDG_ERR_CONFLICT},
        {"inside one", SQL_RAW(8, "hall", 120, 130, 1, 1), MDG_ERR_CONFLICT},
        {"one that takes nothing", SQL_RAW(9, "hall", 100, 200, 6, 0), 0},
        {"another that takes nothing", SQL_RAW(10, "hall", 100, 200, 8, 0), 0},
        {"in another room", SQL_RAW(11, "large", 100, 200, 2, 1), 0},
        {"a live one of a state that is not", SQL_RAW(12, "hall", 400, 500, 6, 1), MDG_ERR_CONFLICT},
        {"one that hides its life", SQL_RAW(13, "hall", 100, 200, 2, 0), MDG_ERR_CONFLICT},
        {"upside down", SQL_RAW(14, "hall", 500, 400, 2, 1), MDG_ERR_CONFLICT},
        {"without length", SQL_RAW(15, "hall", 500, 500, 2, 1), MDG_ERR_CONFLICT},
        {"moved onto another", "UPDATE booking SET start_us = 150, end_us = 160 WHERE id = 2", MDG_ERR_CONFLICT},
        {"made longer", "UPDATE booking SET end_us = 201 WHERE id = 1", MDG_ERR_CONFLICT},
        {"made shorter", "UPDATE booking SET end_us = 190 WHERE id = 1", 0},
        {"moved over its own place", "UPDATE booking SET start_us = 110, end_us = 200 WHERE id = 1", 0},
        {"alive again", "UPDATE booking SET state = 2, is_live = 1 WHERE id = 9", MDG_ERR_CONFLICT},
        {"to the other room", "UPDATE booking SET room_id = (SELECT id FROM room WHERE name = 'large') WHERE id = 1",
         MDG_ERR_CONFLICT},
        {"given up", "UPDATE booking SET state = 6, is_live = 0 WHERE id = 1", 0},
        {"alive in the free place", "UPDATE booking SET state = 2, is_live = 1 WHERE id = 9", 0},
        {"in no room", SQL_RAW(16, "nowhere", 100, 200, 2, 1), MDG_ERR_CONFLICT},
    };
    struct house_of_rooms *house = *state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        int rc = db_exec(house->centre->db, CASES[i].sql);
        if (rc != CASES[i].rc) fail_msg("%s: %s", CASES[i].name, mdg_error_name(rc));
    }
}

static void test_verify_finds_an_overlap(void **state)
{
    struct house_of_rooms *house = *state;
    char *complaint = NULL;
    rooms_book(house, house->small, 10, 12);
    rooms_book(house, house->small, 12, 14);
    assert_int_equal(booking_verify(house->centre->db, &complaint), 0);
    assert_null(complaint);
    centre_must(
        db_exec(house->centre->db, "DROP TRIGGER booking_update_overlap; UPDATE booking SET end_us = end_us + 1"),
        "without the trigger");
    assert_int_equal(booking_verify(house->centre->db, &complaint), MDG_ERR_CORRUPT);
    assert_non_null(strstr(complaint, "same room"));
    free(complaint);
}

/* --- requests */

static void test_requests_and_their_rules(void **state)
{
    struct house_of_rooms *house = *state;
    const struct {
        const char *name;
        int64_t room, group;
        const char *applicant;
        int64_t start, end;
        int32_t lapse_day;
        int code;
        const char *field, *rule;
    } CASES[] = {
        {"as usual", house->small, 0, "a", rooms_at(20250617, 10, 0), rooms_at(20250617, 12, 0), 0, 0, "", ""},
        {"for a group", house->large, 901, "", rooms_at(20250617, 10, 0), rooms_at(20250617, 12, 0), 0, 0, "", ""},
        {"nobody asks", house->large, 0, "", rooms_at(20250618, 10, 0), rooms_at(20250618, 12, 0), 0, MDG_ERR_INVALID,
         "applicant", "required"},
        {"no such group", house->large, 903, "", rooms_at(20250618, 10, 0), rooms_at(20250618, 12, 0), 0,
         MDG_ERR_NOT_FOUND, "group_id", "group"},
        {"no such room", 12345, 0, "a", rooms_at(20250618, 10, 0), rooms_at(20250618, 12, 0), 0, MDG_ERR_NOT_FOUND,
         "room_id", "room"},
        {"upside down", house->small, 0, "a", rooms_at(20250618, 12, 0), rooms_at(20250618, 10, 0), 0, MDG_ERR_INVALID,
         "end_us", "before_start"},
        {"for years", house->hall, 0, "a", rooms_at(20250618, 12, 0), rooms_at(20280618, 10, 0), 0, MDG_ERR_INVALID,
         "end_us", "longest"},
        {"yesterday", house->small, 0, "a", rooms_at(20250615, 14, 0), rooms_at(20250615, 15, 0), 0, MDG_ERR_INVALID,
         "start_us", "past"},
        {"next year", house->small, 0, "a", rooms_at(20260616, 14, 0), rooms_at(20260616, 15, 0), 0, MDG_ERR_INVALID,
         "start_us", "ahead"},
        {"before it opens", house->small, 0, "a", rooms_at(20250618, 9, 59), rooms_at(20250618, 11, 0), 0,
         MDG_ERR_INVALID, "start_us", "opening_hours"},
        {"after it closes", house->small, 0, "a", rooms_at(20250618, 16, 0), rooms_at(20250618, 17, 1), 0,
         MDG_ERR_INVALID, "start_us", "opening_hours"},
        {"until it closes", house->small, 0, "a", rooms_at(20250618, 16, 0), rooms_at(20250618, 17, 0), 0, 0, "", ""},
        {"overnight", house->small, 0, "a", rooms_at(20250618, 15, 0), rooms_at(20250619, 12, 0), 0, MDG_ERR_INVALID,
         "start_us", "opening_hours"},
        {"on Sunday morning", house->small, 0, "a", rooms_at(20250622, 10, 0), rooms_at(20250622, 12, 0), 0,
         MDG_ERR_INVALID, "start_us", "opening_hours"},
        {"overnight in the hall", house->hall, 0, "a", rooms_at(20250618, 15, 0), rooms_at(20250619, 12, 0), 0, 0, "",
         ""},
        {"held until after it", house->large, 0, "a", rooms_at(20250619, 10, 0), rooms_at(20250619, 12, 0), 20250620,
         MDG_ERR_INVALID, "lapse_day", "after_start"},
        {"held until yesterday", house->large, 0, "a", rooms_at(20250619, 10, 0), rooms_at(20250619, 12, 0), 20250615,
         MDG_ERR_INVALID, "lapse_day", "past"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        Mdg__BookingRequest request = rooms_request(CASES[i].room, 10, 12);
        request.group_id = CASES[i].group;
        request.applicant = (char *)CASES[i].applicant;
        request.start_us = CASES[i].start;
        request.end_us = CASES[i].end;
        request.lapse_day = CASES[i].lapse_day;
        int rc = rooms_call(house, &house->counter, OP(REQUEST), &request);
        const struct refusal *refusal = &house->centre->rq.refusal;
        if (rc != CASES[i].code ||
            (rc != 0 && (strcmp(refusal->field, CASES[i].field) != 0 || strcmp(refusal->rule, CASES[i].rule) != 0)))
            fail_msg("%s: %s %s %s", CASES[i].name, mdg_error_name(rc), refusal->field ? refusal->field : "",
                     refusal->rule ? refusal->rule : "");
    }
    assert_int_equal(centre_number(house->centre->db, "SELECT count(*) FROM booking"), 4);
}

static void test_what_is_stored_and_answered(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    request.is_confirmed = false;
    request.is_public = true;
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), 0);
    const Mdg__BookingAnswer *answer = house->centre->rq.answer->bookings->requested;
    assert_int_equal(answer->booking->id, house->centre->rq.object_id);
    assert_int_equal(answer->booking->rev, house->centre->rq.rev);
    assert_int_equal(answer->booking->state, BOOKING_TENTATIVE);
    assert_int_equal(answer->booking->lapse_day, 20250617);
    assert_int_equal(answer->booking->person_id, 21);
    assert_string_equal(answer->booking->title, "choir");
    assert_string_equal(answer->booking->applicant, "Tanaka");
    assert_true(answer->is_over_capacity); /* ten in a room for eight: said, not refused */
    assert_true(answer->booking->is_public);
}

static void test_a_retired_room(void **state)
{
    struct house_of_rooms *house = *state;
    int64_t id = rooms_book(house, house->large, 10, 12);
    centre_must(db_exec(house->centre->db, "UPDATE room SET is_retired = 1 WHERE name = 'large'"), "retire");
    Mdg__BookingRequest request = rooms_request(house->large, 13, 14);
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(REQUEST), &request), MDG_ERR_STATE, "room_id",
                         "room_retired");
    /* What stands there stays, and can be called off. */
    assert_int_equal(rooms_step(house, &house->counter, OP(CANCEL), id), 0);
}

/* --- clashes */

static void assert_alternative(const Mdg__BookingAlternative *is, int64_t room, int64_t start)
{
    assert_int_equal(is->room_id, room);
    assert_int_equal(is->start_us, start);
    assert_int_equal(is->end_us, start + 2 * US_PER_HOUR);
}

static void test_a_clash_says_who_and_what_is_free(void **state)
{
    struct house_of_rooms *house = *state;
    int64_t first = rooms_book(house, house->small, 10, 12);
    Mdg__BookingRequest request = rooms_request(house->small, 11, 13);
    request.people = 8;
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(REQUEST), &request), MDG_ERR_CONFLICT, "start_us",
                         "clash");
    const struct request *rq = &house->centre->rq;
    assert_int_equal(rq->refusal.object_id, first);
    assert_true(rq->refusal.has_answer);
    const Mdg__BookingAnswer *answer = rq->answer->bookings->requested;
    assert_int_equal(answer->clash->id, first);
    assert_string_equal(answer->clash->title, "choir");
    assert_string_equal(answer->clash->applicant, "Tanaka");
    assert_int_equal(answer->n_alternatives, 3);
    assert_alternative(answer->alternatives[0], house->small, rooms_at(20250617, 12, 0)); /* the nearest time */
    assert_alternative(answer->alternatives[1], house->large, rooms_at(20250617, 11, 0)); /* the nearest room */
    assert_alternative(answer->alternatives[2], house->small, rooms_at(20250618, 11, 0)); /* the next day */
    assert_int_equal(centre_number(house->centre->db, "SELECT count(*) FROM booking"), 1);
}

static void test_alternatives_are_really_free(void **state)
{
    struct house_of_rooms *house = *state;
    rooms_book(house, house->small, 10, 17);
    rooms_book(house, house->large, 10, 12);
    Mdg__BookingRequest request = rooms_request(house->small, 11, 13);
    request.people = 41; /* only the hall holds so many */
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(REQUEST), &request), MDG_ERR_CONFLICT, "start_us",
                         "clash");
    const Mdg__BookingAnswer *answer = house->centre->rq.answer->bookings->requested;
    assert_int_equal(answer->n_alternatives, 3);
    /* The rest of the day is taken; 15 o'clock of the day before is 20 hours away, 10 o'clock of the next 23. */
    assert_alternative(answer->alternatives[0], house->small, rooms_at(20250616, 15, 0));
    assert_alternative(answer->alternatives[1], house->hall, rooms_at(20250617, 11, 0));
    assert_alternative(answer->alternatives[2], house->small, rooms_at(20250618, 11, 0));
    for (size_t i = 0; i < 3; i++) {
        Mdg__BookingRequest again = request;
        struct booking clash;
        const Mdg__BookingAlternative *free = house->centre->rq.answer->bookings->requested->alternatives[i];
        again.room_id = free->room_id;
        again.start_us = free->start_us;
        again.end_us = free->end_us;
        assert_int_equal(booking_clash(house->centre->db, again.room_id, again.start_us, again.end_us, 0, &clash),
                         MDG_ERR_NOT_FOUND);
    }
}

static void test_alternatives_do_not_lie_in_the_past(void **state)
{
    struct house_of_rooms *house = *state;
    house->centre->now_us = rooms_at(20250617, 15, 30);
    rooms_book(house, house->small, 10, 17);
    Mdg__BookingRequest request = rooms_request(house->small, 11, 13);
    request.start_us = rooms_at(20250617, 15, 0);
    request.end_us = rooms_at(20250617, 17, 0);
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), MDG_ERR_CONFLICT);
    const Mdg__BookingAnswer *answer = house->centre->rq.answer->bookings->requested;
    assert_int_equal(answer->n_alternatives, 3);
    assert_alternative(answer->alternatives[0], house->small, rooms_at(20250618, 10, 0));
    assert_alternative(answer->alternatives[1], house->large, rooms_at(20250617, 15, 0));
    assert_alternative(answer->alternatives[2], house->small, rooms_at(20250618, 15, 0));
}

static void test_of_several_the_one_that_starts_last_is_named(void **state)
{
    struct house_of_rooms *house = *state;
    rooms_book(house, house->hall, 8, 9);
    rooms_book(house, house->hall, 10, 11);
    int64_t last = rooms_book(house, house->hall, 12, 13);
    rooms_book(house, house->hall, 16, 17);
    Mdg__BookingRequest request = rooms_request(house->hall, 7, 16);
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), MDG_ERR_CONFLICT);
    assert_int_equal(house->centre->rq.refusal.object_id, last);
    /* What no longer takes the room is in nobody's way. */
    assert_int_equal(rooms_step(house, &house->counter, OP(CANCEL), last), 0);
    request.start_us = rooms_at(20250617, 11, 0);
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), 0);
}

/* --- states */

static void test_a_life(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    request.is_confirmed = false;
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), 0);
    int64_t id = house->centre->rq.object_id;
    rooms_assert_refused(house, rooms_step(house, &house->counter, OP(START), id), MDG_ERR_STATE, "booking_id",
                         "booking_state");
    assert_int_equal(rooms_step(house, &house->counter, OP(CONFIRM), id), 0);
    assert_int_equal(rooms_booking(house, id).state, BOOKING_CONFIRMED);
    rooms_assert_refused(house, rooms_step(house, &house->counter, OP(START), id), MDG_ERR_STATE, "booking_id",
                         "too_early");
    rooms_assert_refused(house, rooms_step(house, &house->counter, OP(NO_SHOW), id), MDG_ERR_STATE, "booking_id",
                         "not_begun");
    house->centre->now_us = rooms_at(20250617, 9, 45);
    assert_int_equal(rooms_step(house, &house->counter, OP(START), id), 0);
    rooms_assert_refused(house, rooms_step(house, &house->counter, OP(CANCEL), id), MDG_ERR_STATE, "booking_id",
                         "booking_state");
    house->centre->now_us = rooms_at(20250617, 11, 0);
    assert_int_equal(rooms_step(house, &house->counter, OP(END), id), 0);
    struct booking b = rooms_booking(house, id);
    assert_int_equal(b.state, BOOKING_ENDED);
    assert_int_equal(b.end_us, rooms_at(20250617, 11, 0));
    rooms_book(house, house->small, 11, 12); /* the rest of its time is free */
    Mdg__BookingRequest before = rooms_request(house->small, 10, 11);
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &before), MDG_ERR_CONFLICT); /* it was there */
}

static void test_what_is_called_off_stays_with_who_when_and_why(void **state)
{
    struct house_of_rooms *house = *state;
    int64_t id = rooms_book(house, house->small, 10, 12);
    house->centre->now_us += US_PER_HOUR;
    assert_int_equal(rooms_step(house, &house->office, OP(CANCEL), id), 0);
    struct booking b = rooms_booking(house, id);
    assert_int_equal(b.state, BOOKING_CANCELLED);
    assert_int_equal(b.person_id, 22);
    assert_int_equal(b.changed_us, house->centre->now_us);
    assert_string_equal(b.reason, "it rains");
    assert_string_equal(house->centre->rq.reason, "it rains"); /* for the audit row */
    rooms_assert_refused(house, rooms_step(house, &house->office, OP(CANCEL), id), MDG_ERR_STATE, "booking_id",
                         "booking_state");
    assert_string_equal(house->centre->rq.refusal.args[0].value, "cancelled");

    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    request.is_confirmed = false;
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), 0);
    id = house->centre->rq.object_id;
    assert_int_equal(rooms_step(house, &house->counter, OP(REJECT), id), 0);
    assert_int_equal(rooms_booking(house, id).state, BOOKING_REJECTED);
    assert_string_equal(rooms_booking(house, id).reason, "it rains");

    id = rooms_book(house, house->small, 10, 12);
    house->centre->now_us = rooms_at(20250617, 10, 30);
    assert_int_equal(rooms_step(house, &house->counter, OP(NO_SHOW), id), 0);
    rooms_book(house, house->small, 10, 12);
}

static void test_tentative_ones_lapse_by_date(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingsLapse lapse = MDG__BOOKINGS_LAPSE__INIT;
    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    request.is_confirmed = false;
    request.start_us = rooms_at(20250620, 10, 0);
    request.end_us = rooms_at(20250620, 12, 0);
    request.lapse_day = 20250618;
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), 0);
    int64_t id = house->centre->rq.object_id;
    int64_t confirmed = rooms_book(house, house->small, 13, 14);
    const int64_t moments[] = {house->centre->now_us, rooms_at(20250618, 23, 59)};
    for (size_t i = 0; i < 2; i++) {
        house->centre->now_us = moments[i];
        rooms_assert_refused(house, rooms_call(house, &house->clock, OP(LAPSE), &lapse), MDG_ERR_STATE, NULL,
                             "nothing_due");
    }
    house->centre->now_us = rooms_at(20250619, 0, 0);
    assert_int_equal(rooms_call(house, &house->clock, OP(LAPSE), &lapse), 0);
    assert_int_equal(rooms_booking(house, id).state, BOOKING_LAPSED);
    assert_int_equal(rooms_booking(house, id).person_id, 0);
    assert_int_equal(rooms_booking(house, confirmed).state, BOOKING_CONFIRMED);
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST),
                                &(Mdg__BookingRequest){.base = request.base,
                                                       .room_id = request.room_id,
                                                       .applicant = request.applicant,
                                                       .title = request.title,
                                                       .start_us = request.start_us,
                                                       .end_us = request.end_us}),
                     0);
    assert_int_equal(rooms_call(house, &house->clock, OP(LAPSE), &lapse), MDG_ERR_STATE);
}

static void test_more_than_lapse_at_once(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingsLapse lapse = MDG__BOOKINGS_LAPSE__INIT;
    Mdg__BookingRequest request = rooms_request(house->hall, 0, 1);
    request.is_confirmed = false;
    for (int i = 0; i < 250; i++) {
        request.start_us = rooms_at(20250617, 0, 0) + i * US_PER_MINUTE;
        request.end_us = request.start_us + US_PER_MINUTE;
        assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), 0);
    }
    house->centre->now_us = rooms_at(20250618, 0, 0);
    assert_int_equal(rooms_call(house, &house->clock, OP(LAPSE), &lapse), 0);
    assert_int_equal(centre_number(house->centre->db, "SELECT count(*) FROM booking WHERE state = 8"), 200);
    assert_int_equal(rooms_call(house, &house->clock, OP(LAPSE), &lapse), 0);
    assert_int_equal(centre_number(house->centre->db, "SELECT count(*) FROM booking WHERE state = 1"), 0);
}

/* --- changes */

static Mdg__BookingChange change_of(const struct booking *b)
{
    Mdg__BookingChange change = MDG__BOOKING_CHANGE__INIT;
    change.booking_id = b->id;
    change.rev = b->rev;
    change.room_id = b->room_id;
    change.start_us = b->start_us;
    change.end_us = b->end_us;
    change.title = (char *)b->title;
    change.people = b->people;
    change.is_public = b->is_public;
    return change;
}

static void test_a_stale_edit_brings_what_stands_there(void **state)
{
    struct house_of_rooms *house = *state;
    int64_t id = rooms_book(house, house->small, 10, 12);
    struct booking seen = rooms_booking(house, id);
    Mdg__BookingChange change = change_of(&seen), late = change;
    change.title = (char *)"theatre";
    assert_int_equal(rooms_call(house, &house->counter, OP(CHANGE), &change), 0);
    late.start_us = rooms_at(20250617, 14, 0);
    late.end_us = rooms_at(20250617, 15, 0);
    rooms_assert_refused(house, rooms_call(house, &house->office, OP(CHANGE), &late), MDG_ERR_STALE, "rev", "changed");
    const Mdg__Booking *now = house->centre->rq.answer->bookings->changed->booking;
    assert_true(house->centre->rq.refusal.has_answer);
    assert_int_equal(house->centre->rq.refusal.object_id, id);
    assert_string_equal(now->title, "theatre");
    assert_int_equal(now->start_us, seen.start_us);
    assert_true(now->rev > seen.rev);
    assert_string_equal(rooms_booking(house, id).title, "theatre"); /* nothing was overwritten */
    late.rev = now->rev;
    assert_int_equal(rooms_call(house, &house->office, OP(CHANGE), &late), 0);
    assert_int_equal(rooms_booking(house, id).start_us, rooms_at(20250617, 14, 0));

    Mdg__BookingCancel cancel = MDG__BOOKING_CANCEL__INIT;
    cancel.booking_id = id;
    cancel.rev = seen.rev;
    cancel.reason = (char *)"?";
    rooms_assert_refused(house, rooms_call(house, &house->office, OP(CANCEL), &cancel), MDG_ERR_STALE, "rev",
                         "changed");
    assert_non_null(house->centre->rq.answer->bookings->cancelled->booking);
}

static void test_a_change_keeps_the_rules(void **state)
{
    struct house_of_rooms *house = *state;
    int64_t other = rooms_book(house, house->small, 14, 16);
    int64_t id = rooms_book(house, house->small, 10, 12);
    struct booking b = rooms_booking(house, id);
    Mdg__BookingChange change = change_of(&b);
    change.end_us = rooms_at(20250617, 15, 0);
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(CHANGE), &change), MDG_ERR_CONFLICT, "start_us",
                         "clash");
    assert_int_equal(house->centre->rq.refusal.object_id, other);
    assert_int_equal(house->centre->rq.answer->bookings->changed->clash->id, other);
    change.end_us = rooms_at(20250617, 18, 0);
    change.start_us = rooms_at(20250617, 16, 0);
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(CHANGE), &change), MDG_ERR_INVALID, "start_us",
                         "opening_hours");
    change.end_us = change.start_us - 1;
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(CHANGE), &change), MDG_ERR_INVALID, "end_us",
                         "before_start");
    change.start_us = rooms_at(20250617, 11, 0); /* over its own place */
    change.end_us = rooms_at(20250617, 14, 0);
    assert_int_equal(rooms_call(house, &house->counter, OP(CHANGE), &change), 0);
    b = rooms_booking(house, id);
    assert_false(b.has_moved);
    change = change_of(&b);
    change.room_id = house->large;
    assert_int_equal(rooms_call(house, &house->counter, OP(CHANGE), &change), 0);
    assert_true(rooms_booking(house, id).has_moved);
    assert_int_equal(rooms_booking(house, id).state, BOOKING_CONFIRMED);
}

static void test_a_group_that_moves_its_booking_asks_anew(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    request.is_confirmed = false;
    assert_int_equal(rooms_call(house, &house->lounge, OP(REQUEST), &request), 0);
    int64_t id = house->centre->rq.object_id;
    assert_int_equal(rooms_booking(house, id).group_id, house->group);
    assert_int_equal(rooms_step(house, &house->counter, OP(CONFIRM), id), 0);
    struct booking b = rooms_booking(house, id);
    Mdg__BookingChange change = change_of(&b);
    change.people = 5;
    assert_int_equal(rooms_call(house, &house->lounge, OP(CHANGE), &change), 0);
    b = rooms_booking(house, id);
    assert_int_equal(b.state, BOOKING_CONFIRMED);
    change = change_of(&b);
    change.start_us += US_PER_HOUR;
    assert_int_equal(rooms_call(house, &house->lounge, OP(CHANGE), &change), 0);
    assert_int_equal(rooms_booking(house, id).state, BOOKING_TENTATIVE);
    house->centre->now_us = rooms_at(20250617, 11, 30);
    rooms_assert_refused(house, rooms_step(house, &house->lounge, OP(CANCEL), id), MDG_ERR_STATE, "booking_id",
                         "has_begun");
}

/* --- records */

static void test_records(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingRecord record = MDG__BOOKING_RECORD__INIT;
    record.room_id = house->small;
    record.applicant = (char *)"Sato";
    record.title = (char *)"market";
    record.start_us = rooms_at(20170509, 3, 0); /* long ago, at night */
    record.end_us = rooms_at(20170510, 4, 0);
    assert_int_equal(rooms_call(house, &house->office, OP(RECORD), &record), 0);
    struct booking b = rooms_booking(house, house->centre->rq.object_id);
    assert_int_equal(b.state, BOOKING_ENDED);
    assert_true(b.is_record);
    rooms_assert_refused(house, rooms_call(house, &house->office, OP(RECORD), &record), MDG_ERR_CONFLICT, "start_us",
                         "clash");
    assert_int_equal(house->centre->rq.refusal.object_id, b.id);
    assert_int_equal(house->centre->rq.answer->bookings->recorded->clash->id, b.id);
    assert_int_equal(house->centre->rq.answer->bookings->recorded->n_alternatives, 0);
    record.start_us = rooms_at(20170510, 4, 0);
    record.end_us = rooms_at(20170610, 4, 0) + 1; /* one microsecond longer than 31 days */
    rooms_assert_refused(house, rooms_call(house, &house->office, OP(RECORD), &record), MDG_ERR_INVALID, "end_us",
                         "longest");

    Mdg__BookingLimitsSave limits = MDG__BOOKING_LIMITS_SAVE__INIT;
    limits.longest_minutes = 200 * 1440;
    limits.ahead_days = 10;
    limits.hold_days = 2;
    assert_int_equal(rooms_call(house, &house->office, OP(LIMITS_SAVE), &limits), 0);
    assert_int_equal(rooms_call(house, &house->office, OP(RECORD), &record), 0);
    rooms_assert_refused(house, rooms_call(house, &house->office, OP(LIMITS_SAVE), &limits), MDG_ERR_STALE, "rev",
                         "changed");
    assert_int_equal(house->centre->rq.answer->bookings->limits_saved->limits->hold_days, 2);
    limits.rev = house->centre->rq.answer->bookings->limits_saved->rev;
    assert_int_equal(rooms_call(house, &house->office, OP(LIMITS_SAVE), &limits), 0);
    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    request.start_us = rooms_at(20250627, 10, 0);
    request.end_us = rooms_at(20250627, 12, 0);
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(REQUEST), &request), MDG_ERR_INVALID, "start_us",
                         "ahead");
    /* One that still goes on is no past yet. */
    record.start_us = rooms_at(20250616, 7, 0);
    record.end_us = rooms_at(20250616, 9, 0);
    assert_int_equal(rooms_call(house, &house->office, OP(RECORD), &record), 0);
    assert_int_equal(rooms_booking(house, house->centre->rq.object_id).state, BOOKING_CONFIRMED);
}

/* --- what waited */

static void test_one_that_waited_is_judged_by_its_own_day(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    request.start_us = rooms_at(20250616, 10, 0);
    request.end_us = rooms_at(20250616, 12, 0);
    house->centre->now_us = rooms_at(20250617, 9, 0);
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(REQUEST), &request), MDG_ERR_INVALID, "start_us",
                         "past");
    house->centre->made_us = rooms_at(20250616, 9, 0);
    assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rooms_setup, rooms_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_schema_refuses_an_overlap),
        TEST(test_verify_finds_an_overlap),
        TEST(test_requests_and_their_rules),
        TEST(test_what_is_stored_and_answered),
        TEST(test_a_retired_room),
        TEST(test_a_clash_says_who_and_what_is_free),
        TEST(test_alternatives_are_really_free),
        TEST(test_alternatives_do_not_lie_in_the_past),
        TEST(test_of_several_the_one_that_starts_last_is_named),
        TEST(test_a_life),
        TEST(test_what_is_called_off_stays_with_who_when_and_why),
        TEST(test_tentative_ones_lapse_by_date),
        TEST(test_more_than_lapse_at_once),
        TEST(test_a_stale_edit_brings_what_stands_there),
        TEST(test_a_change_keeps_the_rules),
        TEST(test_a_group_that_moves_its_booking_asks_anew),
        TEST(test_records),
        TEST(test_one_that_waited_is_judged_by_its_own_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
