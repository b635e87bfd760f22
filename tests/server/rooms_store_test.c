/* tests/server/rooms_store_test.c - rooms and what is free in them, and what each view holds of rooms and bookings. */
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
#include "server/rooms/room_store.h"
#include "server/rooms/rooms_domain.h"
#include "tests/support/booking_fixture.h"

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])
#define BOOKING_OP(name) MDG__BOOKINGS__OF_##name

static int rooms_domain(struct house_of_rooms *house, const struct caller *caller, uint32_t op, const void *message)
{
    return centre_call(house->centre, caller, &ROOMS_DOMAIN, op, message);
}

/* --- saving */

static void test_saving(void **state)
{
    struct house_of_rooms *house = *state;
    struct room room;
    Mdg__RoomSave save = MDG__ROOM_SAVE__INIT;
    save.name = (char *)"ＳＭＡＬＬ"; /* the same name in other letters */
    save.kind = MDG__ROOM_KIND__ROOM_KIND_ROOM;
    rooms_assert_refused(house, rooms_domain(house, &house->office, MDG__ROOMS__OF_SAVE, &save), MDG_ERR_CONFLICT,
                         "name", "taken");
    save.kind = MDG__ROOM_KIND__ROOM_KIND_NONE;
    rooms_assert_refused(house, rooms_domain(house, &house->office, MDG__ROOMS__OF_SAVE, &save), MDG_ERR_INVALID,
                         "kind", "required");
    save.kind = MDG__ROOM_KIND__ROOM_KIND_PANEL;
    save.id = 4711;
    rooms_assert_refused(house, rooms_domain(house, &house->office, MDG__ROOMS__OF_SAVE, &save), MDG_ERR_NOT_FOUND,
                         "id", "room");
    save.id = house->large;
    save.name = (char *)"panels";
    save.note = (char *)"key at the counter";
    save.rev = 1;
    rooms_assert_refused(house, rooms_domain(house, &house->office, MDG__ROOMS__OF_SAVE, &save), MDG_ERR_STALE, "rev",
                         "changed");
    const Mdg__RoomSaved *saved = house->centre->rq.answer->rooms->saved;
    assert_string_equal(saved->room->name, "large");
    assert_int_equal(saved->room->capacity, 40);
    save.rev = saved->rev;
    assert_int_equal(rooms_domain(house, &house->office, MDG__ROOMS__OF_SAVE, &save), 0);
    assert_int_equal(room_get(house->centre->db, house->large, &room), 0);
    assert_string_equal(room.name, "panels");
    assert_string_equal(room.note, "key at the counter");
    assert_int_equal(room.kind, ROOM_PANEL);
    assert_int_equal(room.rev, house->centre->rq.rev);
}

/* --- what is free */

static const Mdg__Available *available(struct house_of_rooms *house, const struct caller *caller, int64_t room,
                                       int32_t people, int64_t from_us, int64_t to_us)
{
    Mdg__Availability ask = MDG__AVAILABILITY__INIT;
    ask.room_id = room;
    ask.people = people;
    ask.from_us = from_us;
    ask.to_us = to_us;
    int rc = rooms_domain(house, caller, MDG__ROOMS__OF_AVAILABILITY, &ask);
    return rc == 0 ? house->centre->rq.answer->rooms->available : NULL;
}

static void assert_free(const Mdg__FreeSpan *span, int64_t room, int64_t from_us, int64_t to_us)
{
    assert_int_equal(span->room_id, room);
    assert_int_equal(span->from_us, from_us);
    assert_int_equal(span->to_us, to_us);
}

static void test_what_is_free(void **state)
{
    struct house_of_rooms *house = *state;
    struct caller lounge = centre_caller(KIND_LOUNGE, 13, 0, 0); /* nobody signed in */
    const int64_t day = rooms_at(20250617, 0, 0), next = rooms_at(20250618, 0, 0);
    rooms_book(house, house->small, 12, 14);
    rooms_book(house, house->hall, 0, 3);
    int64_t gone = rooms_book(house, house->large, 10, 17);
    assert_int_equal(rooms_step(house, &house->counter, BOOKING_OP(CANCEL), gone), 0);

    const Mdg__Available *all = available(house, &lounge, 0, 0, day, next);
    assert_int_equal(all->n_spans, 5);
    assert_free(all->spans[0], house->small, rooms_at(20250617, 10, 0), rooms_at(20250617, 12, 0));
    assert_free(all->spans[1], house->small, rooms_at(20250617, 14, 0), rooms_at(20250617, 17, 0));
    assert_free(all->spans[2], house->large, rooms_at(20250617, 10, 0), rooms_at(20250617, 17, 0));
    assert_free(all->spans[3], house->lobby, rooms_at(20250617, 10, 0), rooms_at(20250617, 17, 0));
    assert_free(all->spans[4], house->hall, rooms_at(20250617, 3, 0), next);
    assert_false(all->has_more);

    assert_int_equal(available(house, &lounge, house->small, 0, day, next)->n_spans, 2);
    assert_int_equal(available(house, &lounge, 0, 9, day, next)->n_spans, 3); /* the lobby does not say how many */
    const Mdg__Available *hour =
        available(house, &lounge, 0, 0, rooms_at(20250617, 11, 30), rooms_at(20250617, 12, 30));
    assert_free(hour->spans[0], house->small, rooms_at(20250617, 11, 30), rooms_at(20250617, 12, 0));
    /* Closed on Sunday morning, but for the hall. */
    const Mdg__Available *sunday = available(house, &lounge, 0, 0, rooms_at(20250622, 9, 0), rooms_at(20250622, 12, 0));
    assert_int_equal(sunday->n_spans, 1);
    assert_int_equal(sunday->spans[0]->room_id, house->hall);
}

static void test_a_door_asks_for_its_own_room(void **state)
{
    struct house_of_rooms *house = *state;
    const int64_t day = rooms_at(20250617, 0, 0), next = rooms_at(20250618, 0, 0);
    const Mdg__Available *own = available(house, &house->door, 0, 0, day, next);
    assert_int_equal(own->n_spans, 1);
    assert_int_equal(own->spans[0]->room_id, house->small);
    assert_int_equal(available(house, &house->door, house->small, 0, day, next)->n_spans, 1);
    assert_null(available(house, &house->door, house->large, 0, day, next));
    rooms_assert_refused(house, house->centre->rq.refusal.code, MDG_ERR_NOT_FOUND, "room_id", "room");
}

static void test_bad_spans(void **state)
{
    struct house_of_rooms *house = *state;
    const int64_t day = rooms_at(20250617, 0, 0);
    const struct {
        const char *name;
        int64_t from, to, room;
        int code;
        const char *field, *rule;
    } CASES[] = {
        {"upside down", day, day - 1, 0, MDG_ERR_INVALID, "to_us", "before_from"},
        {"nothing", day, day, 0, MDG_ERR_INVALID, "to_us", "before_from"},
        {"a year", day, day + 366 * US_PER_DAY, 0, MDG_ERR_INVALID, "to_us", "too_wide"},
        {"no such room", day, day + 1, 4711, MDG_ERR_NOT_FOUND, "room_id", "room"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        if (available(house, &house->counter, CASES[i].room, 0, CASES[i].from, CASES[i].to))
            fail_msg("%s", CASES[i].name);
        rooms_assert_refused(house, house->centre->rq.refusal.code, CASES[i].code, CASES[i].field, CASES[i].rule);
    }
    assert_non_null(available(house, &house->counter, 0, 0, day, day + 31 * US_PER_DAY));
}

static void test_more_than_an_answer_holds(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingRequest request = rooms_request(house->hall, 0, 1);
    for (int i = 0; i < 520; i++) {
        request.start_us = rooms_at(20250617, 0, 0) + 2 * i * US_PER_MINUTE;
        request.end_us = request.start_us + US_PER_MINUTE;
        assert_int_equal(rooms_call(house, &house->counter, BOOKING_OP(REQUEST), &request), 0);
    }
    const Mdg__Available *all =
        available(house, &house->counter, house->hall, 0, rooms_at(20250617, 0, 0), rooms_at(20250618, 0, 0));
    assert_int_equal(all->n_spans, 500);
    assert_true(all->has_more);
}

/* --- views */

struct seen {
    size_t rows, removed;
    char titles[8][32], applicants[8][32];
    int64_t ids[8];
};

static struct seen seen_of(struct house_of_rooms *house, struct feed_view view, int64_t from_rev)
{
    const struct feed_source *sources[8];
    struct seen seen = {0};
    struct arena arena;
    struct feed_part part;
    const struct feed_row *const *rows;
    size_t count;
    for (size_t i = 0; i < BOOKINGS_DOMAIN.sources_count; i++) sources[i] = &BOOKINGS_DOMAIN.sources[i];
    struct feed_options options = {.sources = sources, .sources_count = BOOKINGS_DOMAIN.sources_count};
    arena_init(&arena, 1u << 20);
    centre_must(
        feed_collect(house->centre->db, &options, view, from_rev, house->centre->now_us, &arena, &part, &rows, &count),
        "collect");
    for (size_t i = 0; i < count; i++) {
        const Mdg__Row *row = rows[i]->message;
        seen.removed += rows[i]->is_removed;
        if (rows[i]->is_removed) continue;
        assert_true(seen.rows < 8);
        const Mdg__Booking *b = row->body->bookings->booking_row;
        seen.ids[seen.rows] = b->id;
        snprintf(seen.applicants[seen.rows], 32, "%s", b->applicant);
        snprintf(seen.titles[seen.rows++], 32, "%s", b->title);
    }
    arena_fini(&arena);
    return seen;
}

static void test_what_views_hold_of_bookings(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingRequest request = rooms_request(house->small, 10, 12);
    int64_t secret = rooms_book(house, house->small, 14, 16);
    request.is_public = true;
    request.title = (char *)"open day";
    assert_int_equal(rooms_call(house, &house->counter, BOOKING_OP(REQUEST), &request), 0);
    int64_t elsewhere = rooms_book(house, house->large, 10, 12);
    (void)secret;

    struct seen desk = seen_of(house, (struct feed_view){VIEW_DESK, 0}, 0);
    assert_int_equal(desk.rows, 3);
    assert_string_equal(desk.titles[0], "choir");
    assert_string_equal(desk.applicants[0], "Tanaka");
    struct seen public_view = seen_of(house, (struct feed_view){VIEW_PUBLIC, 0}, 0);
    assert_int_equal(public_view.rows, 3);
    assert_string_equal(public_view.titles[0], "");
    assert_string_equal(public_view.titles[1], "open day");
    assert_string_equal(public_view.applicants[1], "");
    assert_int_equal(seen_of(house, (struct feed_view){VIEW_COUNCIL, 0}, 0).rows, 0);
    struct feed_view door = {VIEW_DOOR, house->small};
    struct seen own = seen_of(house, door, 0);
    assert_int_equal(own.rows, 2);
    assert_string_equal(own.titles[0], "choir");
    assert_string_equal(own.applicants[0], "");

    /* One that comes from another room appears, and leaves again when it goes. */
    int64_t rev = house->centre->rq.rev;
    struct booking b = rooms_booking(house, elsewhere);
    Mdg__BookingChange change = MDG__BOOKING_CHANGE__INIT;
    change.booking_id = b.id;
    change.rev = b.rev;
    change.room_id = house->small;
    change.start_us = rooms_at(20250617, 16, 0);
    change.end_us = rooms_at(20250617, 17, 0);
    change.title = (char *)"moved";
    assert_int_equal(rooms_call(house, &house->counter, BOOKING_OP(CHANGE), &change), 0);
    struct seen came = seen_of(house, door, rev);
    assert_int_equal(came.rows, 1);
    assert_int_equal(came.ids[0], elsewhere);
    rev = change.rev = house->centre->rq.rev;
    change.room_id = house->large;
    assert_int_equal(rooms_call(house, &house->counter, BOOKING_OP(CHANGE), &change), 0);
    struct seen went = seen_of(house, door, rev);
    assert_int_equal(went.rows, 0);
    assert_int_equal(went.removed, 1);
    assert_int_equal(seen_of(house, (struct feed_view){VIEW_DESK, 0}, rev).removed, 0);
}

static void test_the_horizon(void **state)
{
    struct house_of_rooms *house = *state;
    Mdg__BookingRecord record = MDG__BOOKING_RECORD__INIT;
    record.room_id = house->hall;
    record.applicant = (char *)"Sato";
    record.title = (char *)"market";
    record.start_us = rooms_at(20250501, 10, 0);
    record.end_us = rooms_at(20250516, 0, 0); /* its last day is the 15th, one too early */
    assert_int_equal(rooms_call(house, &house->office, BOOKING_OP(RECORD), &record), 0);
    assert_int_equal(seen_of(house, (struct feed_view){VIEW_DESK, 0}, 0).rows, 0);
    record.start_us = record.end_us;
    record.end_us = rooms_at(20250516, 1, 0);
    assert_int_equal(rooms_call(house, &house->office, BOOKING_OP(RECORD), &record), 0);
    assert_int_equal(seen_of(house, (struct feed_view){VIEW_DESK, 0}, 0).rows, 1);
    /* What was called off stays in the view, with its state. */
    int64_t id = rooms_book(house, house->small, 10, 12);
    assert_int_equal(rooms_step(house, &house->counter, BOOKING_OP(CANCEL), id), 0);
    assert_int_equal(seen_of(house, (struct feed_view){VIEW_DESK, 0}, 0).rows, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rooms_setup, rooms_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_saving),
        TEST(test_what_is_free),
        TEST(test_a_door_asks_for_its_own_room),
        TEST(test_bad_spans),
        TEST(test_more_than_an_answer_holds),
        TEST(test_what_views_hold_of_bookings),
        TEST(test_the_horizon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
