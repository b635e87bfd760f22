/* tests/support/booking_fixture.h - a centre with rooms, opening hours and two groups, and the calls about bookings. */
#ifndef MADOGUCHI_TESTS_BOOKING_FIXTURE_H
#define MADOGUCHI_TESTS_BOOKING_FIXTURE_H

#include "server/bookings/booking_store.h"
#include "tests/support/centre_fixture.h"

/* It is Monday, 2025-06-16, 08:00 in Tokyo; open every day from 10:00 to 17:00, on Sundays from 13:00. */
struct house_of_rooms {
    struct centre_fixture *centre;
    struct caller counter, office, lounge, other_lounge, door, consultant, clock;
    int64_t small, large, hall, lobby; /* rooms by position; the hall is always open; the lobby is of another kind */
    int64_t group, other_group;
};

/* cmocka's set-up and tear-down. */
int rooms_setup(void **state);
int rooms_teardown(void **state);

int64_t rooms_at(int32_t day, int hour, int minute);
/* Saves a room by the office and gives back its id. */
int64_t rooms_make(struct house_of_rooms *house, const char *name, Mdg__RoomKind kind, int32_t capacity,
                   int32_t position, bool is_always_open);

/* A request as most tests want it: a confirmed one by the counter on 2025-06-17, for 10 people. */
Mdg__BookingRequest rooms_request(int64_t room_id, int from_hour, int to_hour);
/* 0 or the refusal's code. */
int rooms_call(struct house_of_rooms *house, const struct caller *caller, uint32_t op, const void *message);
/* Requests it at the counter; the booking's id. Fails the test when it is refused. */
int64_t rooms_book(struct house_of_rooms *house, int64_t room_id, int from_hour, int to_hour);
struct booking rooms_booking(struct house_of_rooms *house, int64_t id);

/* One step by its call (confirm, reject, cancel, start, end, no_show), at the rev that stands there. */
int rooms_step(struct house_of_rooms *house, const struct caller *caller, uint32_t op, int64_t id);

/* The last call was refused so. */
void rooms_assert_refused(struct house_of_rooms *house, int rc, int code, const char *field, const char *rule);

#endif
