/* tests/server/hours_store_test.c - the calls of hours upon a real database: sets from a day on, closed days, what
 * comes of them with holidays, and what terminals are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/hours/hours_domain.h"
#include "server/hours/hours_store.h"
#include "tests/support/centre_fixture.h"

#define TODAY 20261123 /* a Monday, and a holiday */

struct house {
    struct centre_fixture *centre;
    struct caller office, display;
};

static int setup(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    void *centre;
    if (!house || centre_setup(&centre) != 0) return -1;
    house->centre = centre;
    house->centre->now_us = day_to_us(TODAY, 10 * 60);
    house->office = centre_caller(KIND_OFFICE, 12, 21, ROLE_BIT_OFFICE);
    house->display = centre_caller(KIND_DISPLAY, 13, 0, 0);
    *state = house;
    return 0;
}

static int teardown(void **state)
{
    struct house *house = *state;
    void *centre = house->centre;
    free(house);
    return centre_teardown(&centre);
}

static const struct request *answered(const struct house *house)
{
    return &house->centre->rq;
}

static int set_hours(struct house *house, int64_t id, int64_t rev, int32_t from_day, const struct open_span *spans,
                     int count)
{
    Mdg__OpeningHoursSave save = MDG__OPENING_HOURS_SAVE__INIT;
    Mdg__OpenSpan wire[OPEN_SPANS_MAX], *pointers[OPEN_SPANS_MAX];
    for (int i = 0; i < count; i++) {
        mdg__open_span__init(&wire[i]);
        wire[i].days = spans[i].days;
        wire[i].open_minute = spans[i].open_minute;
        wire[i].close_minute = spans[i].close_minute;
        pointers[i] = &wire[i];
    }
    save.id = id;
    save.rev = rev;
    save.from_day = from_day;
    save.spans = pointers;
    save.n_spans = (size_t)count;
    return centre_call(house->centre, &house->office, &HOURS_DOMAIN, MDG__HOURS__OF_SAVE, &save);
}

/* The sample: weekdays 10:00–17:15, weekends and holidays 13:00–17:15; later weekdays until 21:00. */
static const struct open_span SAMPLE[] = {{62, 600, 1035}, {193, 780, 1035}};
static const struct open_span LONGER[] = {{62, 600, 1260}, {193, 780, 1035}};

static int remove_hours(struct house *house, int64_t id, int64_t rev)
{
    Mdg__OpeningHoursRemove removal = MDG__OPENING_HOURS_REMOVE__INIT;
    removal.id = id;
    removal.rev = rev;
    return centre_call(house->centre, &house->office, &HOURS_DOMAIN, MDG__HOURS__OF_REMOVE, &removal);
}

static int close_days(struct house *house, int64_t id, int64_t rev, int32_t from_day, int32_t to_day,
                      const char *reason)
{
    Mdg__ClosedDaySave save = MDG__CLOSED_DAY_SAVE__INIT;
    save.id = id;
    save.rev = rev;
    save.from_day = from_day;
    save.to_day = to_day;
    save.reason = (char *)reason;
    return centre_call(house->centre, &house->office, &HOURS_DOMAIN, MDG__HOURS__OF_CLOSED_SAVE, &save);
}

static int open_again(struct house *house, int64_t id, int64_t rev)
{
    Mdg__ClosedDayRemove removal = MDG__CLOSED_DAY_REMOVE__INIT;
    removal.id = id;
    removal.rev = rev;
    return centre_call(house->centre, &house->office, &HOURS_DOMAIN, MDG__HOURS__OF_CLOSED_REMOVE, &removal);
}

static const Mdg__CalendarListed *calendar(struct house *house, int32_t from_day, int32_t to_day)
{
    Mdg__CalendarQuery query = MDG__CALENDAR_QUERY__INIT;
    query.from_day = from_day;
    query.to_day = to_day;
    centre_must(centre_call(house->centre, &house->display, &HOURS_DOMAIN, MDG__HOURS__OF_CALENDAR, &query),
                "calendar");
    return answered(house)->answer->hours->calendar_listed;
}

static void assert_refused(const struct house *house, int rc, int code, const char *field, const char *rule)
{
    const struct refusal *refusal = &answered(house)->refusal;
    if (rc != code) fail_msg("%s, not %s", mdg_error_name(rc), mdg_error_name(code));
    assert_string_equal(refusal->field, field);
    assert_string_equal(refusal->rule, rule);
}

/* --- days ------------------------------------------------------------------------------------------------- */

static void test_days_of_the_sample(void **state)
{
    static const struct {
        const char *name;
        int32_t day;
        int open_minute, close_minute;
        const char *holiday;
    } CASES[] = {
        {"before any hours", 20261122, 0, 0, ""},        {"a holiday on a Monday", 20261123, 780, 1035, "勤労感謝の日"},
        {"a Tuesday", 20261124, 600, 1035, ""},          {"a Saturday", 20261128, 780, 1035, ""},
        {"the last day of it", 20261130, 600, 1035, ""}, {"the first day of the change", 20261201, 600, 1260, ""},
        {"a Sunday after it", 20261206, 780, 1035, ""},  {"New Year, a Friday", 20270101, 780, 1035, "元日"},
    };
    struct house *house = *state;
    assert_int_equal(set_hours(house, 0, 0, 20261201, LONGER, 2), 0);
    assert_int_equal(set_hours(house, 0, 0, TODAY, SAMPLE, 2), 0);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct hours_day day;
        centre_must(hours_of_day(house->centre->db, CASES[i].day, &day), CASES[i].name);
        if (day.open_minute != CASES[i].open_minute || day.close_minute != CASES[i].close_minute ||
            day.is_open != (CASES[i].close_minute > 0) || strcmp(day.holiday, CASES[i].holiday) != 0)
            fail_msg("%s: %d to %d, %s", CASES[i].name, day.open_minute, day.close_minute, day.holiday);
    }
}

static void test_calendar(void **state)
{
    struct house *house = *state;
    assert_int_equal(set_hours(house, 0, 0, TODAY, SAMPLE, 2), 0);
    assert_int_equal(close_days(house, 0, 0, 20261229, 20270103, "年末年始"), 0);
    const Mdg__CalendarListed *listed = calendar(house, 20261228, 20270104);
    assert_int_equal(listed->n_days, 8);
    assert_int_equal(listed->days[0]->close_minute, 1035);
    for (int i = 1; i <= 6; i++) {
        assert_int_equal(listed->days[i]->close_minute, 0);
        assert_string_equal(listed->days[i]->closed_reason, "年末年始");
    }
    assert_int_equal(listed->days[4]->day, 20270101);
    assert_string_equal(listed->days[4]->holiday, "元日");
    assert_string_equal(listed->days[4]->era_date, "令和9年1月1日(金)");
    assert_int_equal(listed->days[7]->open_minute, 600);

    Mdg__CalendarQuery query = MDG__CALENDAR_QUERY__INIT;
    query.from_day = 20260101;
    query.to_day = 20270205;
    int rc = centre_call(house->centre, &house->display, &HOURS_DOMAIN, MDG__HOURS__OF_CALENDAR, &query);
    assert_refused(house, rc, MDG_ERR_INVALID, "to_day", "too_long");
}

/* --- sets ------------------------------------------------------------------------------------------------- */

static void test_changing_sets(void **state)
{
    struct house *house = *state;
    assert_int_equal(set_hours(house, 0, 0, 20261201, SAMPLE, 2), 0);
    int64_t id = answered(house)->object_id, rev = answered(house)->rev;
    assert_refused(house, set_hours(house, 0, 0, 20261122, SAMPLE, 2), MDG_ERR_INVALID, "from_day", "past");
    assert_refused(house, set_hours(house, 7, rev, 20261201, SAMPLE, 2), MDG_ERR_NOT_FOUND, "id", "hours");
    assert_refused(house, set_hours(house, 0, 0, 20261202, (struct open_span[]){{62, 600, 540}}, 1), MDG_ERR_INVALID,
                   "spans.close_minute", "before_from");

    /* A day begins one set; the answer shows which. */
    assert_refused(house, set_hours(house, 0, 0, 20261201, LONGER, 2), MDG_ERR_CONFLICT, "from_day", "day_taken");
    assert_true(answered(house)->refusal.has_answer);
    assert_int_equal(answered(house)->refusal.object_id, id);
    const Mdg__OpeningHoursSeen *seen = answered(house)->answer->hours->save_seen;
    assert_int_equal(seen->row->id, id);
    assert_int_equal(seen->row->spans[0]->close_minute, 1035);

    assert_int_equal(set_hours(house, id, rev, 20261201, LONGER, 2), 0);
    int64_t newer = answered(house)->rev;
    assert_true(newer > rev);
    assert_refused(house, set_hours(house, id, rev, 20261201, SAMPLE, 2), MDG_ERR_STALE, "rev", "changed");
    seen = answered(house)->answer->hours->save_seen;
    assert_int_equal(seen->rev, newer);
    assert_int_equal(seen->row->spans[0]->close_minute, 1260);
    assert_int_equal(set_hours(house, id, newer, 20261205, SAMPLE, 1), 0);
    newer = answered(house)->rev;
    assert_refused(house, remove_hours(house, id, rev), MDG_ERR_STALE, "rev", "changed");
    assert_int_equal(answered(house)->answer->hours->remove_seen->row->from_day, 20261205);
    assert_int_equal(remove_hours(house, id, newer), 0);
    assert_refused(house, remove_hours(house, id, newer), MDG_ERR_NOT_FOUND, "id", "hours");
    assert_int_equal(set_hours(house, 0, 0, 20261205, SAMPLE, 2), 0); /* its day is free again */
}

static void test_past_sets_stay(void **state)
{
    struct house *house = *state;
    assert_int_equal(set_hours(house, 0, 0, TODAY, SAMPLE, 2), 0);
    int64_t id = answered(house)->object_id, rev = answered(house)->rev;
    assert_refused(house, remove_hours(house, id, rev), MDG_ERR_STATE, "id", "begun");
    assert_int_equal(set_hours(house, id, rev, TODAY, LONGER, 2), 0); /* a slip of today can be mended today */
    rev = answered(house)->rev;
    house->centre->now_us += US_PER_DAY;
    assert_refused(house, set_hours(house, id, rev, 20261124, SAMPLE, 2), MDG_ERR_STATE, "id", "begun");
    assert_refused(house, set_hours(house, id, rev, TODAY, SAMPLE, 2), MDG_ERR_INVALID, "from_day", "past");
    struct hours_day day;
    centre_must(hours_of_day(house->centre->db, 20261125, &day), "hours_of_day");
    assert_int_equal(day.close_minute, 1260);
}

/* --- closed days ------------------------------------------------------------------------------------------ */

static void test_closed_days(void **state)
{
    struct house *house = *state;
    assert_int_equal(close_days(house, 0, 0, 20261229, 20270103, "年末年始"), 0);
    int64_t id = answered(house)->object_id, rev = answered(house)->rev;
    assert_refused(house, close_days(house, 0, 0, 20270103, 20270110, "工事"), MDG_ERR_CONFLICT, "from_day",
                   "closed_already_then");
    assert_string_equal(answered(house)->answer->hours->closed_save_seen->row->reason, "年末年始");
    assert_int_equal(close_days(house, 0, 0, 20270104, 20270110, "工事"), 0);
    assert_refused(house, close_days(house, id, rev, 20261229, 20270104, "年末年始"), MDG_ERR_CONFLICT, "from_day",
                   "closed_already_then");
    assert_int_equal(close_days(house, id, rev, 20261228, 20270103, "年末年始"), 0); /* not with itself */
    assert_refused(house, close_days(house, id, rev, 20261227, 20270103, "年末年始"), MDG_ERR_STALE, "rev", "changed");
    rev = answered(house)->answer->hours->closed_save_seen->rev;
    assert_refused(house, close_days(house, 0, 0, 20261122, 20261130, "昨日から"), MDG_ERR_INVALID, "from_day", "past");
    assert_refused(house, close_days(house, 0, 0, 20270201, 20290201, "ずっと"), MDG_ERR_INVALID, "to_day", "too_long");
    assert_refused(house, close_days(house, 0, 0, 20270202, 20270201, "逆"), MDG_ERR_INVALID, "to_day", "before_from");

    house->centre->now_us = day_to_us(20261230, 600);
    assert_refused(house, open_again(house, id, rev), MDG_ERR_STATE, "id", "begun");
    assert_refused(house, close_days(house, id, rev, 20261230, 20270103, "年末年始"), MDG_ERR_STATE, "from_day",
                   "begun");
    assert_int_equal(close_days(house, id, rev, 20261228, 20261231, "年末"), 0);
    rev = answered(house)->rev;
    house->centre->now_us = day_to_us(20270102, 600);
    assert_refused(house, close_days(house, id, rev, 20261228, 20270103, "年末年始"), MDG_ERR_STATE, "id", "over");
}

static void test_taking_back_closed_days(void **state)
{
    struct house *house = *state;
    assert_int_equal(close_days(house, 0, 0, 20261210, 20261210, "点検"), 0);
    int64_t id = answered(house)->object_id, rev = answered(house)->rev;
    assert_refused(house, open_again(house, id, rev - 1), MDG_ERR_STALE, "rev", "changed");
    assert_int_equal(open_again(house, id, rev), 0);
    assert_refused(house, open_again(house, id, rev), MDG_ERR_NOT_FOUND, "id", "closed_day");
    struct hours_day day;
    centre_must(hours_of_day(house->centre->db, 20261210, &day), "hours_of_day");
    assert_string_equal(day.closed_reason, "");
}

/* --- holidays --------------------------------------------------------------------------------------------- */

static void put_holiday(struct house *house, int32_t day, const char *name, bool is_removed)
{
    struct turn turn;
    struct holiday holiday = {.day = day, .is_removed = is_removed};
    snprintf(holiday.name, sizeof holiday.name, "%s", name);
    centre_must(turn_begin(&turn, house->centre->db), "turn_begin");
    holiday.rev = turn_next_rev(&turn);
    centre_must(holiday_put(&turn, &holiday), "holiday_put");
    centre_must(turn_commit(&turn), "turn_commit");
}

static void test_an_imported_year_is_decided_by_the_list(void **state)
{
    struct house *house = *state;
    char name[HOLIDAY_NAME_BYTES_MAX + 1];
    int years;
    put_holiday(house, 20270105, "特別の日", false);
    centre_must(holiday_on(house->centre->db, 20270105, name), "holiday_on");
    assert_string_equal(name, "特別の日");
    centre_must(holiday_on(house->centre->db, 20270101, name), "holiday_on");
    assert_string_equal(name, ""); /* the list does not have it, so it is none */
    centre_must(holiday_on(house->centre->db, 20280101, name), "holiday_on");
    assert_string_equal(name, "元日"); /* of a year without a list */
    centre_must(holiday_years(house->centre->db, &years), "holiday_years");
    assert_int_equal(years, 1);
    put_holiday(house, 20270105, "特別の日", true);
    centre_must(holiday_on(house->centre->db, 20270105, name), "holiday_on");
    assert_string_equal(name, "");
    centre_must(holiday_on(house->centre->db, 20270101, name), "holiday_on");
    assert_string_equal(name, "元日");
}

/* --- the feed --------------------------------------------------------------------------------------------- */

struct told {
    struct arena arena;
    const struct feed_row *const *rows;
    size_t count;
};

static void follow(struct house *house, int64_t since_rev, struct told *told)
{
    const struct feed_source *sources[] = {&HOURS_DOMAIN.sources[0], &HOURS_DOMAIN.sources[1],
                                           &HOURS_DOMAIN.sources[2]};
    struct feed_options options = {.path = house->centre->path, .sources = sources, .sources_count = 3};
    struct feed_view view = {.name = VIEW_PUBLIC};
    struct feed_part part = {.next = NULL};
    arena_init(&told->arena, 1 << 20);
    centre_must(feed_collect(house->centre->db, &options, view, since_rev, house->centre->now_us, &told->arena, &part,
                             &told->rows, &told->count),
                "feed_collect");
}

static void test_feed(void **state)
{
    struct house *house = *state;
    struct told told;
    assert_int_equal(set_hours(house, 0, 0, 20261201, SAMPLE, 2), 0);
    int64_t id = answered(house)->object_id, rev = answered(house)->rev;
    assert_int_equal(close_days(house, 0, 0, 20261229, 20270103, "年末年始"), 0);
    put_holiday(house, 20270101, "元日", false);
    put_holiday(house, 20240101, "元日", false); /* before the horizon */
    follow(house, 0, &told);
    assert_int_equal(told.count, 3);
    const Mdg__Row *row = told.rows[0]->message;
    assert_int_equal(row->kind, 8201);
    assert_int_equal(row->body->hours->opening_hours_row->n_spans, 2);
    assert_int_equal(row->body->hours->opening_hours_row->spans[1]->days, 193);
    assert_int_equal(told.rows[1]->kind, 8202);
    assert_int_equal(told.rows[1]->day, 20270103);
    assert_int_equal(told.rows[2]->id, 20270101);
    int64_t seen = told.rows[2]->rev;
    arena_fini(&told.arena);

    assert_int_equal(remove_hours(house, id, rev), 0);
    put_holiday(house, 20270101, "元日", true);
    follow(house, seen, &told);
    assert_int_equal(told.count, 2);
    assert_true(told.rows[0]->is_removed && told.rows[0]->id == id);
    assert_true(told.rows[1]->is_removed && told.rows[1]->kind == 8203);
    arena_fini(&told.arena);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_days_of_the_sample),
        CASE(test_calendar),
        CASE(test_changing_sets),
        CASE(test_past_sets_stay),
        CASE(test_closed_days),
        CASE(test_taking_back_closed_days),
        CASE(test_an_imported_year_is_decided_by_the_list),
        CASE(test_feed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
