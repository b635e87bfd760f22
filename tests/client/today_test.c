/* tests/client/today_test.c - the desk's day out of rows: who has a room now and next, hours, what stays unnamed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/ctl/today_rows.h"
#include "common/day.h"

#define DAY 20261124 /* a Tuesday */
#define ROOM 7

static int64_t at(int clock)
{
    return day_to_us(DAY, clock / 100 * 60 + clock % 100);
}

/* --- now and next ------------------------------------------------------------------------------------- */

struct span {
    int from, to; /* 1300 is 13:00; to 0: no more */
    enum desk_state state;
};

static void test_now_and_next(void **state)
{
    /* Bookings have the numbers 1, 2, 3 in this order; 0 is nobody. */
    static const struct {
        const char *name;
        int clock;
        struct span spans[4];
        int now, next;
        enum desk_state shown; /* of now */
    } CASES[] = {
        {"an empty day", 1200, {{0}}, 0, 0, DESK_FREE},
        {"before the first", 900, {{1000, 1200, DESK_CONFIRMED}}, 0, 1, DESK_FREE},
        {"its time begins, nobody came", 1000, {{1000, 1200, DESK_CONFIRMED}}, 1, 0, DESK_WAITING},
        {"in use", 1100, {{1000, 1200, DESK_IN_USE}}, 1, 0, DESK_IN_USE},
        {"its last minute", 1159, {{1000, 1200, DESK_CONFIRMED}}, 1, 0, DESK_WAITING},
        {"its end is not its own", 1200, {{1000, 1200, DESK_CONFIRMED}}, 0, 0, DESK_FREE},
        {"one ends where the next begins",
         1200,
         {{1000, 1200, DESK_CONFIRMED}, {1200, 1300, DESK_CONFIRMED}},
         2,
         0,
         DESK_WAITING},
        {"came early", 945, {{1000, 1200, DESK_IN_USE}, {1300, 1400, DESK_CONFIRMED}}, 1, 2, DESK_IN_USE},
        {"stays too long: the next one waits",
         1215,
         {{1000, 1200, DESK_IN_USE}, {1200, 1300, DESK_CONFIRMED}},
         1,
         2,
         DESK_IN_USE},
        {"the later one stays too long",
         1405,
         {{1200, 1300, DESK_ENDED}, {1300, 1400, DESK_IN_USE}},
         2,
         0,
         DESK_IN_USE},
        {"a hold is shown as one", 1030, {{1000, 1200, DESK_TENTATIVE}}, 1, 0, DESK_TENTATIVE},
        {"left early: free", 1100, {{1000, 1200, DESK_ENDED}, {1300, 1400, DESK_TENTATIVE}}, 0, 2, DESK_FREE},
        {"nobody came: free", 1100, {{1000, 1200, DESK_NO_SHOW}}, 0, 0, DESK_FREE},
        {"the nearest of two to come",
         900,
         {{1300, 1400, DESK_CONFIRMED}, {1000, 1200, DESK_CONFIRMED}},
         0,
         2,
         DESK_FREE},
        {"what is over is not next",
         1500,
         {{1000, 1200, DESK_CONFIRMED}, {1300, 1400, DESK_TENTATIVE}},
         0,
         0,
         DESK_FREE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct desk_day day;
        desk_day_init(&day, DAY);
        desk_day_add_room(&day, &(struct desk_room){.id = ROOM, .name = "A"});
        for (int b = 0; b < 4 && CASES[i].spans[b].to != 0; b++) {
            const struct span *span = &CASES[i].spans[b];
            desk_day_add_booking(&day, &(struct desk_booking){.id = b + 1,
                                                              .room_id = ROOM,
                                                              .start_us = at(span->from),
                                                              .end_us = at(span->to),
                                                              .state = span->state});
            desk_day_add_booking(
                &day,
                &(struct desk_booking){
                    .id = b + 101, .room_id = ROOM + 1, .start_us = at(0), .end_us = at(2300), .state = DESK_IN_USE});
        }
        desk_day_finish(&day);
        const struct desk_booking *now = desk_room_now(&day, ROOM, at(CASES[i].clock));
        const struct desk_booking *next = desk_room_next(&day, ROOM, at(CASES[i].clock));
        enum desk_state shown = now ? desk_booking_state(now, at(CASES[i].clock)) : DESK_FREE;
        if ((now ? now->id : 0) != CASES[i].now || (next ? next->id : 0) != CASES[i].next || shown != CASES[i].shown)
            fail_msg("%s: now %lld as %s, next %lld", CASES[i].name, now ? (long long)now->id : 0,
                     desk_state_name(shown), next ? (long long)next->id : 0);
        desk_day_fini(&day);
    }
}

/* --- rows --------------------------------------------------------------------------------------------- */

static void take_hours(struct today_rows *rows, Mdg__Hours *hours)
{
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Row row = MDG__ROW__INIT;
    body.domain_case = MDG__BODY__DOMAIN_HOURS;
    body.hours = hours;
    row.body = &body;
    today_take_row(&row, rows);
}

static void take_opening(struct today_rows *rows, int32_t from_day, uint32_t days, int open, int close)
{
    Mdg__OpenSpan span = MDG__OPEN_SPAN__INIT, holidays = MDG__OPEN_SPAN__INIT, *spans[] = {&span, &holidays};
    Mdg__OpeningHours opening = MDG__OPENING_HOURS__INIT;
    Mdg__Hours hours = MDG__HOURS__INIT;
    span.days = days;
    span.open_minute = open;
    span.close_minute = close;
    holidays.days = 128;
    holidays.open_minute = 780;
    holidays.close_minute = 1000;
    opening.from_day = from_day;
    opening.n_spans = 2;
    opening.spans = spans;
    hours.of_case = MDG__HOURS__OF_OPENING_HOURS_ROW;
    hours.opening_hours_row = &opening;
    take_hours(rows, &hours);
}

static void take_closed(struct today_rows *rows, int32_t from_day, int32_t to_day)
{
    Mdg__ClosedDay closed = MDG__CLOSED_DAY__INIT;
    Mdg__Hours hours = MDG__HOURS__INIT;
    closed.from_day = from_day;
    closed.to_day = to_day;
    closed.reason = (char *)"repairs";
    hours.of_case = MDG__HOURS__OF_CLOSED_DAY_ROW;
    hours.closed_day_row = &closed;
    take_hours(rows, &hours);
}

static void take_holiday(struct today_rows *rows, int32_t day)
{
    Mdg__Holiday holiday = MDG__HOLIDAY__INIT;
    Mdg__Hours hours = MDG__HOURS__INIT;
    holiday.day = day;
    holiday.name = (char *)"listed";
    hours.of_case = MDG__HOURS__OF_HOLIDAY_ROW;
    hours.holiday_row = &holiday;
    take_hours(rows, &hours);
}

static void test_hours(void **state)
{
    static const struct {
        const char *name;
        int32_t day;
        int32_t later_from; /* a second set, which opens until 21:00; 0: none */
        int32_t closed_from, closed_to;
        int32_t listed; /* a day of the imported list, 0: none imported */
        int close;      /* 0: closed */
        const char *holiday, *reason;
    } CASES[] = {
        {"a weekday", 20261124, 0, 0, 0, 0, 1035, "", ""},
        {"a Sunday has no span", 20261122, 0, 0, 0, 0, 0, "", ""},
        {"a holiday by law", 20261123, 0, 0, 0, 0, 1000, "勤労感謝の日", ""},
        {"the list decides its year: none that day", 20261123, 0, 0, 0, 20260101, 1035, "", ""},
        {"the list decides its year: one that day", 20261124, 0, 0, 0, 20261124, 1000, "listed", ""},
        {"a list of another year decides nothing", 20261123, 0, 0, 0, 20250101, 1000, "勤労感謝の日", ""},
        {"the newer set holds from its day on", 20261124, 20261124, 0, 0, 0, 1260, "", ""},
        {"not before it", 20261124, 20261125, 0, 0, 0, 1035, "", ""},
        {"a closed time's first day", 20261124, 0, 20261124, 20261130, 0, 0, "", "repairs"},
        {"its last day", 20261124, 0, 20261120, 20261124, 0, 0, "", "repairs"},
        {"the day after it", 20261124, 0, 20261120, 20261123, 0, 1035, "", ""},
        {"before any hours", 20250101, 0, 0, 0, 0, -1, "元日", ""},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof CASES / sizeof CASES[0]; i++) { /* and once more with the rows turned round */
        size_t c = i / 2;
        struct desk_day day;
        desk_day_init(&day, CASES[c].day);
        struct today_rows rows = {.day = &day, .person_name = ""};
        if (i % 2 == 1 && CASES[c].later_from != 0) take_opening(&rows, CASES[c].later_from, 62, 600, 1260);
        take_opening(&rows, 20260401, 62, 600, 1035); /* Monday to Friday … */
        if (i % 2 == 0 && CASES[c].later_from != 0) take_opening(&rows, CASES[c].later_from, 62, 600, 1260);
        if (CASES[c].closed_from != 0) take_closed(&rows, CASES[c].closed_from, CASES[c].closed_to);
        if (CASES[c].listed != 0) take_holiday(&rows, CASES[c].listed);
        today_rows_end(&rows);
        const struct desk_hours *hours = &day.hours;
        bool is_right = CASES[c].close < 0 ? !hours->is_known
                                           : hours->is_known && hours->is_open == (CASES[c].close > 0) &&
                                                 hours->close_minute == CASES[c].close;
        if (rows.rc != 0 || !is_right || strcmp(hours->holiday, CASES[c].holiday) != 0 ||
            strcmp(hours->closed_reason, CASES[c].reason) != 0)
            fail_msg("%s: known %d, open %d, until %d, '%s', '%s'", CASES[c].name, hours->is_known, hours->is_open,
                     hours->close_minute, hours->holiday, hours->closed_reason);
        desk_day_fini(&day);
    }
}

static void take_booking(struct today_rows *rows, int64_t id, int64_t start_us, int64_t end_us, Mdg__BookingState is)
{
    Mdg__Booking booking = MDG__BOOKING__INIT;
    Mdg__Bookings bookings = MDG__BOOKINGS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Row row = MDG__ROW__INIT;
    booking.id = id;
    booking.room_id = ROOM;
    booking.start_us = start_us;
    booking.end_us = end_us;
    booking.state = is;
    bookings.of_case = MDG__BOOKINGS__OF_BOOKING_ROW;
    bookings.booking_row = &booking;
    body.domain_case = MDG__BODY__DOMAIN_BOOKINGS;
    body.bookings = &bookings;
    row.body = &body;
    today_take_row(&row, rows);
}

static void test_which_bookings_are_of_the_day(void **state)
{
    static const struct {
        const char *name;
        int64_t from_hour, to_hour; /* of the day; may lie outside it */
        Mdg__BookingState state;
        bool is_today, is_pending;
    } CASES[] = {
        {"confirmed", 10, 12, MDG__BOOKING_STATE__BOOKING_CONFIRMED, true, false},
        {"tentative", 10, 12, MDG__BOOKING_STATE__BOOKING_TENTATIVE, true, true},
        {"tentative, tomorrow", 34, 36, MDG__BOOKING_STATE__BOOKING_TENTATIVE, false, true},
        {"tentative, yesterday", -14, -12, MDG__BOOKING_STATE__BOOKING_TENTATIVE, false, false},
        {"ends with yesterday", -14, 0, MDG__BOOKING_STATE__BOOKING_CONFIRMED, false, false},
        {"reaches into today", -14, 1, MDG__BOOKING_STATE__BOOKING_CONFIRMED, true, false},
        {"begins with tomorrow", 24, 26, MDG__BOOKING_STATE__BOOKING_CONFIRMED, false, false},
        {"ended", 10, 12, MDG__BOOKING_STATE__BOOKING_ENDED, true, false},
        {"nobody came", 10, 12, MDG__BOOKING_STATE__BOOKING_NO_SHOW, true, false},
        {"cancelled", 10, 12, MDG__BOOKING_STATE__BOOKING_CANCELLED, false, false},
        {"rejected", 10, 12, MDG__BOOKING_STATE__BOOKING_REJECTED, false, false},
        {"lapsed", 10, 12, MDG__BOOKING_STATE__BOOKING_LAPSED, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct desk_day day;
        desk_day_init(&day, DAY);
        struct today_rows rows = {.day = &day, .person_name = ""};
        take_booking(&rows, 5, at(0) + CASES[i].from_hour * US_PER_HOUR, at(0) + CASES[i].to_hour * US_PER_HOUR,
                     CASES[i].state);
        if (rows.rc != 0 || (day.bookings_count == 1) != CASES[i].is_today ||
            (day.pending_count == 1) != CASES[i].is_pending)
            fail_msg("%s: %d of the day, %d pending", CASES[i].name, (int)day.bookings_count, (int)day.pending_count);
        desk_day_fini(&day);
    }
}

static void test_follow_ups(void **state)
{
    static const struct {
        const char *name;
        int32_t due;
        bool is_closed, is_taken;
        int64_t owner_id;
        const char *owner;
    } CASES[] = {
        {"due today, mine", DAY, false, true, 21, "me"},     {"overdue, another's", 20261101, false, true, 22, ""},
        {"tomorrow", 20261125, false, false, 21, ""},        {"without a day", 0, false, false, 21, ""},
        {"closed meanwhile", 20261101, true, false, 21, ""}, {"nobody's", DAY, false, true, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Mdg__ConsultationHead head = MDG__CONSULTATION_HEAD__INIT;
        Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
        Mdg__Body body = MDG__BODY__INIT;
        Mdg__Row row = MDG__ROW__INIT;
        struct desk_day day;
        desk_day_init(&day, DAY);
        struct today_rows rows = {.day = &day, .person_id = 21, .person_name = "me"};
        head.follow_up_day = CASES[i].due;
        head.is_closed = CASES[i].is_closed;
        head.owner_id = CASES[i].owner_id;
        consultations.of_case = MDG__CONSULTATIONS__OF_HEAD_ROW;
        consultations.head_row = &head;
        body.domain_case = MDG__BODY__DOMAIN_CONSULTATIONS;
        body.consultations = &consultations;
        row.body = &body;
        today_take_row(&row, &rows);
        if ((day.cases_count == 1) != CASES[i].is_taken) fail_msg("%s", CASES[i].name);
        if (CASES[i].is_taken && strcmp(day.cases[0].owner, CASES[i].owner) != 0) fail_msg("%s: owner", CASES[i].name);
        desk_day_fini(&day);
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *name, *room;
        int64_t group_id;
        const char *group, *applicant, *title, *who, *purpose;
    } CASES[] = {
        {"a group", "A", 3, "さくら", "", "例会", "さくら", "例会"},
        {"a person", "A", 0, NULL, "山田", "練習", "山田", "練習"},
        {"a course of the house", "A", 0, NULL, "", "講座", "講座", ""},
        {"redacted", "A", 0, NULL, "", "", "", ""},
        {"the group is not known here", "A", 3, NULL, "", "例会", "例会", ""},
        {"a person's advice", "A", 0, NULL, "山田", "法律相談", "Consultation", ""},
        {"a room for advice", "相談室", 3, "さくら", "山田", "話", "Consultation", ""},
        {"a group that talks about advice", "A", 3, "さくら", "", "相談会の準備", "さくら", "相談会の準備"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct desk_day day;
        desk_day_init(&day, DAY);
        desk_day_add_room(&day, &(struct desk_room){.id = ROOM, .name = CASES[i].room});
        desk_day_add_booking(&day, &(struct desk_booking){.id = 1,
                                                          .room_id = ROOM,
                                                          .group_id = CASES[i].group_id,
                                                          .start_us = at(1000),
                                                          .end_us = at(1200),
                                                          .who = CASES[i].applicant,
                                                          .purpose = CASES[i].title,
                                                          .state = DESK_CONFIRMED});
        assert_int_equal(today_name(&day, &day.bookings[0], CASES[i].group), 0);
        if (strcmp(day.bookings[0].who, CASES[i].who) != 0 || strcmp(day.bookings[0].purpose, CASES[i].purpose) != 0)
            fail_msg("%s: '%s', '%s'", CASES[i].name, day.bookings[0].who, day.bookings[0].purpose);
        desk_day_fini(&day);
    }
}

static void test_order(void **state)
{
    struct desk_day day;
    (void)state;
    desk_day_init(&day, DAY);
    desk_day_add_room(&day, &(struct desk_room){.id = 1, .name = "last", .position = 9});
    desk_day_add_room(&day, &(struct desk_room){.id = 2, .name = "first", .position = 1});
    for (int i = 0; i < 6; i++)
        desk_day_add_booking(&day, &(struct desk_booking){.id = i + 1,
                                                          .room_id = 1 + i % 3,
                                                          .start_us = at(1500 - i * 100),
                                                          .end_us = at(1600 - i * 100),
                                                          .state = DESK_TENTATIVE});
    desk_day_finish(&day);
    static const int64_t BY_ROOM[] = {5, 2, 4, 1, 6, 3}, BY_START[] = {6, 5, 4, 3, 2, 1};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(day.bookings[i].id, BY_ROOM[i]);
        assert_int_equal(day.pending[i].id, BY_START[i]);
    }
    desk_day_fini(&day);
}

static int in_tokyo(void **state)
{
    (void)state;
    return day_zone_set("Asia/Tokyo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_now_and_next),
        cmocka_unit_test(test_hours),
        cmocka_unit_test(test_which_bookings_are_of_the_day),
        cmocka_unit_test(test_follow_ups),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, in_tokyo, NULL);
}
