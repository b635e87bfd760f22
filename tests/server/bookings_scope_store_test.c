/* tests/server/bookings_scope_store_test.c - whose bookings a caller sees and touches, in single calls and in lists. */
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

/* --- whose */

static void test_a_group_sees_and_touches_its_own(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    request.is_confirmed = false;
    assert_int_equal(rooms_call(house, &house->lounge, OP(REQUEST), &request), 0);
    int64_t own = house->centre->rq.object_id;
    Mdg__BookingGet get = MDG__BOOKING_GET__INIT;
    get.booking_id = own;
    assert_int_equal(rooms_call(house, &house->lounge, OP(GET), &get), 0);
    assert_string_equal(house->centre->rq.answer->bookings->got->booking->title, "choir");
    rooms_assert_refused(house, rooms_call(house, &house->other_lounge, OP(GET), &get), MDG_ERR_NOT_FOUND, "booking_id",
                         "booking");
    const uint32_t steps[] = {OP(CANCEL)};
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        rooms_assert_refused(house, rooms_step(house, &house->other_lounge, steps[i], own), MDG_ERR_NOT_FOUND,
                             "booking_id", "booking");
    struct booking b = rooms_booking(house, own);
    Mdg__BookingChange change = change_of(&b);
    rooms_assert_refused(house, rooms_call(house, &house->other_lounge, OP(CHANGE), &change), MDG_ERR_NOT_FOUND,
                         "booking_id", "booking");
    /* In another's name, or granted by itself. */
    request = rooms_request(house->large, 10, 12);
    request.is_confirmed = false;
    request.group_id = house->other_group;
    rooms_assert_refused(house, rooms_call(house, &house->lounge, OP(REQUEST), &request), MDG_ERR_NOT_FOUND, "group_id",
                         "group");
    request.group_id = house->group;
    request.is_confirmed = true;
    rooms_assert_refused(house, rooms_call(house, &house->lounge, OP(REQUEST), &request), MDG_ERR_FORBIDDEN,
                         "is_confirmed", "desk_only");
    rooms_assert_refused(house, rooms_call(house, &house->consultant, OP(REQUEST), &request), MDG_ERR_FORBIDDEN,
                         "is_confirmed", "desk_only");
    struct caller nobody = centre_caller(KIND_LOUNGE, 13, 77, ROLE_BIT_GROUP);
    rooms_assert_refused(house, rooms_call(house, &nobody, OP(REQUEST), &request), MDG_ERR_FORBIDDEN, NULL, "no_group");
    centre_must(db_exec(house->centre->db, "UPDATE civic_group SET to_day = 20250615 WHERE id = 901"), "term");
    request.is_confirmed = false;
    rooms_assert_refused(house, rooms_call(house, &house->lounge, OP(REQUEST), &request), MDG_ERR_STATE, "group_id",
                         "group_ended");
}

static void test_a_clash_tells_a_group_no_more_than_room_and_times(void **state)
{
    struct house_of_rooms *house = *state;
    int64_t own = 0;
    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    request.is_confirmed = false;
    request.is_public = true;
    assert_int_equal(rooms_call(house, &house->lounge, OP(REQUEST), &request), 0);
    own = house->centre->rq.object_id;
    assert_int_equal(rooms_call(house, &house->other_lounge, OP(REQUEST), &request), MDG_ERR_CONFLICT);
    const Mdg__BookingAnswer *answer = house->centre->rq.answer->bookings->requested;
    assert_int_equal(answer->clash->room_id, house->small);
    assert_int_equal(answer->clash->start_us, request.start_us);
    assert_int_equal(answer->clash->end_us, request.end_us);
    assert_string_equal(answer->clash->title, "");
    assert_string_equal(answer->clash->applicant, "");
    assert_int_equal(answer->clash->group_id, 0);
    assert_int_equal(answer->clash->person_id, 0);
    assert_int_equal(answer->clash->people, 0);
    assert_int_equal(answer->n_alternatives, 3);
    /* Its own it sees whole. */
    assert_int_equal(rooms_call(house, &house->lounge, OP(REQUEST), &request), MDG_ERR_CONFLICT);
    assert_int_equal(house->centre->rq.refusal.object_id, own);
    assert_string_equal(house->centre->rq.answer->bookings->requested->clash->title, "choir");
}

static void test_a_door_starts_and_ends_in_its_own_room(void **state)
{
    struct house_of_rooms *house = *state;
    int64_t own = rooms_book(house, house->small, 10, 12), other = rooms_book(house, house->large, 10, 12);
    house->centre->now_us = rooms_at(20250617, 10, 0);
    rooms_assert_refused(house, rooms_step(house, &house->door, OP(START), other), MDG_ERR_NOT_FOUND, "booking_id",
                         "booking");
    assert_int_equal(rooms_step(house, &house->door, OP(START), own), 0);
    const Mdg__Booking *answer = house->centre->rq.answer->bookings->started->booking;
    assert_string_equal(answer->title, "choir");
    assert_string_equal(answer->applicant, "");
    assert_int_equal(rooms_step(house, &house->door, OP(END), own), 0);
    assert_int_equal(rooms_booking(house, other).state, BOOKING_CONFIRMED);
}

/* --- lists */

static Mdg__BookingListed *list(struct house_of_rooms *house, const struct caller *caller, Mdg__BookingList *ask)
{
    assert_int_equal(rooms_call(house, caller, OP(LIST), ask), 0);
    return house->centre->rq.answer->bookings->listed;
}

static void test_lists(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingList ask = MDG__BOOKING_LIST__INIT;
    int64_t late = rooms_book(house, house->small, 14, 16), early = rooms_book(house, house->large, 10, 12);
    int64_t gone = rooms_book(house, house->small, 10, 11);
    assert_int_equal(rooms_step(house, &house->counter, OP(CANCEL), gone), 0);
    Mdg__BookingRequest request = rooms_request(house->lobby, 11, 12);
    request.is_confirmed = false;
    assert_int_equal(rooms_call(house, &house->lounge, OP(REQUEST), &request), 0);
    int64_t own = house->centre->rq.object_id;

    ask.from_us = rooms_at(20250617, 0, 0);
    ask.to_us = rooms_at(20250618, 0, 0);
    Mdg__BookingListed *listed = list(house, &house->counter, &ask);
    assert_int_equal(listed->n_bookings, 3);
    assert_int_equal(listed->bookings[0]->id, early);
    assert_int_equal(listed->bookings[1]->id, own);
    assert_int_equal(listed->bookings[2]->id, late);
    ask.with_ended = true;
    assert_int_equal(list(house, &house->counter, &ask)->n_bookings, 4);
    ask.room_id = house->small;
    assert_int_equal(list(house, &house->counter, &ask)->n_bookings, 2);
    ask.room_id = 0;
    ask.group_id = house->other_group; /* a group gets its own all the same */
    listed = list(house, &house->lounge, &ask);
    assert_int_equal(listed->n_bookings, 1);
    assert_int_equal(listed->bookings[0]->id, own);
    assert_int_equal(list(house, &house->other_lounge, &ask)->n_bookings, 0);
    ask.group_id = 0;

    /* What reaches into the span from before, or begins in its last moment. */
    ask.from_us = rooms_at(20250617, 15, 59);
    ask.to_us = rooms_at(20250617, 16, 0);
    assert_int_equal(list(house, &house->counter, &ask)->n_bookings, 1);
    ask.from_us = rooms_at(20250617, 16, 0);
    ask.to_us = rooms_at(20250617, 17, 0);
    assert_int_equal(list(house, &house->counter, &ask)->n_bookings, 0);
    ask.to_us = ask.from_us;
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(LIST), &ask), MDG_ERR_INVALID, "to_us",
                         "before_from");
    ask.to_us = ask.from_us + 500 * US_PER_DAY;
    rooms_assert_refused(house, rooms_call(house, &house->counter, OP(LIST), &ask), MDG_ERR_INVALID, "to_us",
                         "too_wide");
}

static void test_a_list_in_pages(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingList ask = MDG__BOOKING_LIST__INIT;
    Mdg__BookingRequest request = rooms_request(house->hall, 0, 1);
    for (int i = 0; i < 450; i++) {
        request.start_us = rooms_at(20250617, 0, 0) + i * US_PER_MINUTE;
        request.end_us = request.start_us + US_PER_MINUTE;
        assert_int_equal(rooms_call(house, &house->counter, OP(REQUEST), &request), 0);
        if (i % 5 != 0) continue;
        assert_int_equal(rooms_step(house, &house->counter, OP(CANCEL), house->centre->rq.object_id), 0);
    }
    ask.to_us = rooms_at(20250618, 0, 0);
    ask.from_us = rooms_at(20250617, 0, 0);
    ask.with_ended = true;
    int64_t seen = 0, last_us = 0;
    bool has_more = true;
    for (int pages = 0; has_more; pages++) {
        assert_true(pages < 4);
        Mdg__BookingListed *listed = list(house, &house->counter, &ask);
        for (size_t i = 0; i < listed->n_bookings; i++, seen++) {
            assert_true(listed->bookings[i]->start_us > last_us);
            last_us = ask.after_us = listed->bookings[i]->start_us;
            ask.after_id = listed->bookings[i]->id;
        }
        has_more = listed->has_more;
    }
    assert_int_equal(seen, 450);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rooms_setup, rooms_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_group_sees_and_touches_its_own),
        TEST(test_a_clash_tells_a_group_no_more_than_room_and_times),
        TEST(test_a_door_starts_and_ends_in_its_own_room),
        TEST(test_lists),
        TEST(test_a_list_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
