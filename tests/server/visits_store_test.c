/* tests/server/visits_store_test.c - the calls of visits upon a real database: counts, what takes them back, what is
 * read of them, and that the kept totals equal the lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/visits/visits_domain.h"
#include "tests/support/centre_fixture.h"

struct desk {
    struct centre_fixture *centre;
    struct caller counter, office; /* terminals 11 and 12 */
    int64_t place, in, out;
};

static int64_t save_place(struct desk *desk, const char *name)
{
    Mdg__VisitPlaceSave save = MDG__VISIT_PLACE_SAVE__INIT;
    save.name = (char *)name;
    centre_must(centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &save), name);
    return desk->centre->rq.object_id;
}

static int save_purpose(struct desk *desk, int64_t place_id, const char *name)
{
    Mdg__VisitPurposeSave save = MDG__VISIT_PURPOSE_SAVE__INIT;
    save.place_id = place_id;
    save.name = (char *)name;
    return centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PURPOSE_SAVE, &save);
}

static int setup(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    void *centre;
    if (!desk || centre_setup(&centre) != 0) return -1;
    desk->centre = centre;
    desk->centre->now_us = day_to_us(20250616, 10 * 60);
    desk->counter = centre_caller(KIND_COUNTER, 11, 0, 0);
    desk->office = centre_caller(KIND_OFFICE, 12, 21, ROLE_BIT_OFFICE);
    desk->place = save_place(desk, "door");
    centre_must(save_purpose(desk, desk->place, "in"), "in");
    desk->in = desk->centre->rq.object_id;
    centre_must(save_purpose(desk, desk->place, "out"), "out");
    desk->out = desk->centre->rq.object_id;
    *state = desk;
    return 0;
}

static int teardown(void **state)
{
    struct desk *desk = *state;
    void *centre = desk->centre;
    free(desk);
    return centre_teardown(&centre);
}

static int count_at(struct desk *desk, int64_t purpose_id, int32_t people, int64_t at_us)
{
    Mdg__VisitCount count = MDG__VISIT_COUNT__INIT;
    count.place_id = desk->place;
    count.purpose_id = purpose_id;
    count.people = people;
    count.at_us = at_us;
    return centre_call(desk->centre, &desk->counter, &VISITS_DOMAIN, MDG__VISITS__OF_COUNT, &count);
}

static int count(struct desk *desk, int32_t people)
{
    return count_at(desk, desk->in, people, desk->centre->now_us);
}

static int undo_by(struct desk *desk, const struct caller *caller, const uint8_t key[REQUEST_KEY_BYTES])
{
    Mdg__VisitUndo undo = MDG__VISIT_UNDO__INIT;
    undo.count_key.data = (uint8_t *)key;
    undo.count_key.len = REQUEST_KEY_BYTES;
    return centre_call(desk->centre, caller, &VISITS_DOMAIN, MDG__VISITS__OF_UNDO, &undo);
}

static int correct(struct desk *desk, int64_t visit_id, int32_t people)
{
    Mdg__VisitCorrect correct = MDG__VISIT_CORRECT__INIT;
    correct.visit_id = visit_id;
    correct.people = people;
    correct.reason = (char *)"counted twice";
    return centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_CORRECT, &correct);
}

static int close_month(struct desk *desk, int32_t month)
{
    Mdg__PeriodClose close = MDG__PERIOD_CLOSE__INIT;
    close.month = month;
    return centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PERIOD_CLOSE, &close);
}

static int reopen_month(struct desk *desk, int32_t month)
{
    Mdg__PeriodReopen reopen = MDG__PERIOD_REOPEN__INIT;
    reopen.month = month;
    reopen.reason = (char *)"a sheet was found";
    return centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PERIOD_REOPEN, &reopen);
}

static Mdg__VisitTotalsListed *totals_by(struct desk *desk, const struct caller *caller, int32_t from_day,
                                         int32_t to_day, Mdg__VisitStep step, const char *cursor)
{
    Mdg__VisitTotals totals = MDG__VISIT_TOTALS__INIT;
    totals.from_day = from_day;
    totals.to_day = to_day;
    totals.step = step;
    totals.cursor = (char *)cursor;
    int rc = centre_call(desk->centre, caller, &VISITS_DOMAIN, MDG__VISITS__OF_TOTALS, &totals);
    return rc == 0 ? desk->centre->rq.answer->visits->totals_listed : NULL;
}

static int64_t people_of(struct desk *desk, int32_t day)
{
    Mdg__VisitTotalsListed *listed = totals_by(desk, &desk->office, day, day, MDG__VISIT_STEP__VISIT_STEP_DAY, "");
    int64_t sum = 0;
    assert_non_null(listed);
    for (size_t i = 0; i < listed->n_totals; i++) sum += listed->totals[i]->people;
    return sum;
}

/* The refusal's code is rc, at this field for this rule. */
static void assert_refused(struct desk *desk, int rc, int code, const char *field, const char *rule)
{
    const struct refusal *refusal = &desk->centre->rq.refusal;
    if (rc != code) fail_msg("%s, not %s", mdg_error_name(rc), mdg_error_name(code));
    assert_int_equal(refusal->code, code);
    assert_string_equal(refusal->field, field);
    assert_string_equal(refusal->rule, rule);
}

static void assert_true_totals(struct desk *desk)
{
    char *complaint = NULL;
    int rc = VISITS_DOMAIN.verify(desk->centre->db, &complaint);
    if (rc != 0) fail_msg("%s: %s", mdg_error_name(rc), complaint ? complaint : "");
}

/* --- counting and taking back ----------------------------------------------------------------------------- */

static void test_counting(void **state)
{
    static const char SQL_LINE[] = "SELECT day * 100 + slot FROM visit WHERE people = 3";
    static const char SQL_REVS[] = "SELECT (SELECT rev FROM feed) - (SELECT MAX(rev) FROM visit_day)";
    struct desk *desk = *state;
    int64_t now_us = desk->centre->now_us;
    assert_int_equal(count(desk, 3), 0);
    assert_int_equal(centre_number(desk->centre->db, SQL_LINE), INT64_C(2025061620));
    assert_int_equal(centre_number(desk->centre->db, SQL_REVS), 0);
    assert_int_equal(count_at(desk, desk->in, 4, now_us), 0);
    assert_int_equal(count_at(desk, 0, 0, now_us), 0);
    assert_int_equal(count_at(desk, desk->out, 2, now_us - 2 * US_PER_DAY), 0);
    assert_int_equal(count_at(desk, desk->in, 1, now_us + 120 * US_PER_SECOND), 0);
    assert_int_equal(people_of(desk, 20250616), 8);
    assert_int_equal(people_of(desk, 20250614), 2);
    assert_refused(desk, count_at(desk, desk->in, 1, now_us + 120 * US_PER_SECOND + 1), MDG_ERR_INVALID, "at_us",
                   "future");
    assert_refused(desk, count_at(desk, 0, 1, now_us), MDG_ERR_INVALID, "purpose_id", "required");
    assert_int_equal(people_of(desk, 20250616), 8);
    assert_true_totals(desk);

    /* "Looked, nobody there" is a line of its own, without people. */
    Mdg__VisitTotalsListed *listed =
        totals_by(desk, &desk->office, 20250616, 20250616, MDG__VISIT_STEP__VISIT_STEP_DAY, "");
    assert_int_equal(listed->n_totals, 2);
    assert_int_equal(listed->totals[0]->purpose_id, 0);
    assert_int_equal(listed->totals[0]->lines, 1);
    assert_int_equal(listed->totals[1]->lines, 3);
}

static void test_estimates_are_kept_apart(void **state)
{
    struct desk *desk = *state;
    Mdg__VisitCount estimate = MDG__VISIT_COUNT__INIT;
    estimate.place_id = desk->place;
    estimate.purpose_id = desk->in;
    estimate.people = 40;
    estimate.at_us = desk->centre->now_us;
    estimate.is_estimate = 1;
    assert_int_equal(centre_call(desk->centre, &desk->counter, &VISITS_DOMAIN, MDG__VISITS__OF_COUNT, &estimate), 0);
    assert_int_equal(count(desk, 2), 0);
    Mdg__VisitTotalsListed *listed =
        totals_by(desk, &desk->office, 20250616, 20250616, MDG__VISIT_STEP__VISIT_STEP_DAY, "");
    assert_int_equal(listed->totals[0]->people, 42);
    assert_int_equal(listed->totals[0]->estimated, 40);
    assert_true_totals(desk);
}

static void test_places_and_purposes_of_counts(void **state)
{
    struct desk *desk = *state;
    int64_t now_us = desk->centre->now_us, other = save_place(desk, "hall");
    assert_int_equal(save_purpose(desk, other, "meal"), 0);
    int64_t meal = desk->centre->rq.object_id;
    assert_refused(desk, count_at(desk, meal, 1, now_us), MDG_ERR_NOT_FOUND, "purpose_id", "purpose_of_place");
    assert_refused(desk, count_at(desk, 999, 1, now_us), MDG_ERR_NOT_FOUND, "purpose_id", "purpose_of_place");
    int64_t place = desk->place;
    desk->place = 999;
    assert_refused(desk, count(desk, 1), MDG_ERR_NOT_FOUND, "place_id", "place");
    desk->place = place;

    /* Retired: no more new counts, but those that waited since before. */
    Mdg__VisitPurposeSave retire = MDG__VISIT_PURPOSE_SAVE__INIT;
    retire.id = desk->in;
    retire.place_id = place;
    retire.name = (char *)"in";
    retire.is_retired = 1;
    assert_int_equal(centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PURPOSE_SAVE, &retire),
                     0);
    assert_refused(desk, count(desk, 1), MDG_ERR_NOT_FOUND, "purpose_id", "purpose_of_place");
    desk->centre->made_us = now_us - US_PER_HOUR;
    assert_int_equal(count_at(desk, desk->in, 5, now_us - US_PER_HOUR), 0);
    assert_int_equal(people_of(desk, 20250616), 5);
}

static void test_undo(void **state)
{
    struct desk *desk = *state;
    struct caller other = centre_caller(KIND_COUNTER, 99, 0, 0);
    uint8_t key[REQUEST_KEY_BYTES], late[REQUEST_KEY_BYTES], no_key[REQUEST_KEY_BYTES] = {1};
    assert_int_equal(count(desk, 3), 0);
    memcpy(key, desk->centre->key, sizeof key);
    assert_int_equal(count(desk, 4), 0);
    memcpy(late, desk->centre->key, sizeof late);
    assert_refused(desk, undo_by(desk, &other, key), MDG_ERR_NOT_FOUND, "count_key", "own_count");
    assert_refused(desk, undo_by(desk, &desk->counter, no_key), MDG_ERR_NOT_FOUND, "count_key", "own_count");
    assert_int_equal(undo_by(desk, &desk->counter, key), 0);
    assert_int_equal(people_of(desk, 20250616), 4);
    assert_refused(desk, undo_by(desk, &desk->counter, key), MDG_ERR_STATE, "count_key", "undone_already");
    assert_int_equal(people_of(desk, 20250616), 4);
    assert_true_totals(desk);

    desk->centre->now_us = day_to_us(20250617, 0);
    assert_refused(desk, undo_by(desk, &desk->counter, late), MDG_ERR_STATE, "count_key", "same_day");
    desk->centre->made_us = desk->centre->now_us - 1; /* it was asked on that day, and waited */
    assert_int_equal(undo_by(desk, &desk->counter, late), 0);
    /* What was taken back leaves no line behind: nobody looked. */
    Mdg__VisitTotalsListed *listed =
        totals_by(desk, &desk->office, 20250616, 20250616, MDG__VISIT_STEP__VISIT_STEP_DAY, "");
    assert_int_equal(listed->n_totals, 0);
    assert_true_totals(desk);
}

static void test_undo_of_a_corrected_count(void **state)
{
    struct desk *desk = *state;
    uint8_t key[REQUEST_KEY_BYTES];
    assert_int_equal(count(desk, 3), 0);
    memcpy(key, desk->centre->key, sizeof key);
    assert_int_equal(correct(desk, desk->centre->rq.object_id, 2), 0);
    assert_refused(desk, undo_by(desk, &desk->counter, key), MDG_ERR_STATE, "count_key", "corrected");
    assert_int_equal(people_of(desk, 20250616), 2);
    /* A correction cannot be undone by its own key either. */
    assert_refused(desk, undo_by(desk, &desk->office, desk->centre->key), MDG_ERR_NOT_FOUND, "count_key", "own_count");
}

static void test_corrections(void **state)
{
    static const char SQL_DIFFERENCES[] = "SELECT SUM(people * (id > 0)) FROM visit WHERE corrects_id IS NOT NULL";
    struct desk *desk = *state;
    uint8_t key[REQUEST_KEY_BYTES];
    assert_int_equal(count(desk, 10), 0);
    int64_t id = desk->centre->rq.object_id;
    assert_refused(desk, correct(desk, id, 10), MDG_ERR_STATE, "people", "same_number");
    assert_int_equal(correct(desk, id, 7), 0);
    int64_t correction = desk->centre->rq.object_id;
    assert_int_equal(people_of(desk, 20250616), 7);
    assert_int_equal(correct(desk, id, 12), 0); /* of what stands now: plus five */
    assert_int_equal(people_of(desk, 20250616), 12);
    assert_int_equal(centre_number(desk->centre->db, SQL_DIFFERENCES), 2);
    assert_int_equal(correct(desk, id, 0), 0);
    assert_int_equal(people_of(desk, 20250616), 0);
    assert_refused(desk, correct(desk, correction, 1), MDG_ERR_NOT_FOUND, "visit_id", "count");
    assert_refused(desk, correct(desk, 999, 1), MDG_ERR_NOT_FOUND, "visit_id", "count");
    assert_int_equal(count_at(desk, 0, 0, desk->centre->now_us), 0);
    assert_refused(desk, correct(desk, desk->centre->rq.object_id, 1), MDG_ERR_STATE, "visit_id", "nobody_there");
    assert_int_equal(count(desk, 1), 0);
    id = desk->centre->rq.object_id;
    memcpy(key, desk->centre->key, sizeof key);
    assert_int_equal(undo_by(desk, &desk->counter, key), 0);
    assert_refused(desk, correct(desk, id, 5), MDG_ERR_NOT_FOUND, "visit_id", "count");
    assert_true_totals(desk);
}

/* --- closed months ---------------------------------------------------------------------------------------- */

static void test_closed_months(void **state)
{
    struct desk *desk = *state;
    int64_t may_us = day_to_us(20250531, 1439), june_us = day_to_us(20250601, 0);
    assert_int_equal(count_at(desk, desk->in, 10, may_us), 0);
    int64_t id = desk->centre->rq.object_id;
    assert_refused(desk, close_month(desk, 202506), MDG_ERR_STATE, "month", "month_not_over");
    assert_refused(desk, close_month(desk, 202513), MDG_ERR_INVALID, "month", "month");
    assert_refused(desk, close_month(desk, 202500), MDG_ERR_INVALID, "month", "month");
    assert_refused(desk, reopen_month(desk, 202505), MDG_ERR_STATE, "month", "not_closed");
    assert_int_equal(close_month(desk, 202505), 0);
    assert_refused(desk, close_month(desk, 202505), MDG_ERR_STATE, "month", "closed_already");

    assert_refused(desk, count_at(desk, desk->in, 1, may_us), MDG_ERR_CLOSED, "at_us", "period_closed");
    assert_string_equal(desk->centre->rq.refusal.args[0].value, "202505");
    desk->centre->made_us = may_us; /* it waited too long */
    assert_refused(desk, count_at(desk, desk->in, 1, may_us), MDG_ERR_CLOSED, "at_us", "period_closed");
    assert_int_equal(count_at(desk, desk->in, 1, june_us), 0);

    /* The difference is a line of today. */
    assert_int_equal(correct(desk, id, 7), 0);
    assert_int_equal(people_of(desk, 20250531), 10);
    assert_int_equal(people_of(desk, 20250616), -3);
    assert_int_equal(correct(desk, id, 8), 0);
    assert_int_equal(people_of(desk, 20250616), -2);
    assert_true_totals(desk);

    assert_int_equal(reopen_month(desk, 202505), 0);
    assert_int_equal(count_at(desk, desk->in, 1, may_us), 0);
    assert_int_equal(correct(desk, id, 10), 0);
    assert_int_equal(people_of(desk, 20250531), 10 + 1 + 2);
    assert_true_totals(desk);
}

static void test_undo_in_a_closed_month(void **state)
{
    struct desk *desk = *state;
    uint8_t key[REQUEST_KEY_BYTES];
    int64_t may_us = day_to_us(20250531, 720);
    assert_int_equal(count_at(desk, desk->in, 10, may_us), 0);
    memcpy(key, desk->centre->key, sizeof key);
    assert_int_equal(close_month(desk, 202505), 0);
    desk->centre->made_us = may_us + 1;
    assert_refused(desk, undo_by(desk, &desk->counter, key), MDG_ERR_CLOSED, "count_key", "period_closed");
    assert_int_equal(people_of(desk, 20250531), 10);
}

/* --- totals and lists --------------------------------------------------------------------------------------- */

#define SPREAD_DAYS 200
#define SPREAD_SLOTS 4 /* two in one hour, two in hours of their own */

/* Many counts in one transaction: four half hours a day, in and out, people known from day and half hour. */
static int64_t spread(struct desk *desk)
{
    static const int MINUTES[SPREAD_SLOTS] = {9 * 60, 9 * 60 + 30, 13 * 60, 23 * 60 + 59};
    struct centre_fixture *centre = desk->centre;
    int64_t sum = 0;
    for (int i = 0; i < SPREAD_DAYS; i++) {
        int32_t day = day_add(20241101, i);
        for (int slot = 0; slot < SPREAD_SLOTS; slot++) {
            int32_t people = 1 + i % 7 + slot;
            assert_int_equal(count_at(desk, slot % 2 ? desk->out : desk->in, people, day_to_us(day, MINUTES[slot])), 0);
            sum += people;
        }
    }
    (void)centre;
    return sum;
}

/* Walks all pages of the office's totals; every page but the last is full, and keys rise. */
static int64_t walk(struct desk *desk, Mdg__VisitStep step, int32_t from_day, int32_t to_day, size_t *lines)
{
    char cursor[96] = "";
    int64_t people = 0;
    Mdg__VisitTotal before = MDG__VISIT_TOTAL__INIT;
    before.slot = -1;
    for (*lines = 0;;) {
        Mdg__VisitTotalsListed *listed = totals_by(desk, &desk->office, from_day, to_day, step, cursor);
        assert_non_null(listed);
        for (size_t i = 0; i < listed->n_totals; i++) {
            const Mdg__VisitTotal *total = listed->totals[i];
            bool rises = total->day != before.day     ? total->day > before.day
                         : total->slot != before.slot ? total->slot > before.slot
                                                      : total->purpose_id > before.purpose_id;
            if (!rises) fail_msg("step %d: %d.%d after %d.%d", step, total->day, total->slot, before.day, before.slot);
            before = *total;
            people += total->people;
        }
        *lines += listed->n_totals;
        if (!listed->next_cursor[0]) return people;
        assert_int_equal(listed->n_totals, 500);
        snprintf(cursor, sizeof cursor, "%s", listed->next_cursor);
    }
}

static void test_totals_by_all_steps_and_pages(void **state)
{
    static const struct {
        const char *name;
        Mdg__VisitStep step;
        size_t lines;
    } CASES[] = {
        {"month", MDG__VISIT_STEP__VISIT_STEP_MONTH, 7 * 2},
        {"day", MDG__VISIT_STEP__VISIT_STEP_DAY, SPREAD_DAYS * 2},
        {"hour", MDG__VISIT_STEP__VISIT_STEP_HOUR, SPREAD_DAYS * 4},
        {"half hour", MDG__VISIT_STEP__VISIT_STEP_HALF_HOUR, SPREAD_DAYS * 4},
    };
    struct desk *desk = *state;
    int64_t sum = spread(desk);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t lines;
        int64_t people = walk(desk, CASES[i].step, 20241101, 20250616, &lines);
        if (people != sum || lines != CASES[i].lines)
            fail_msg("%s: %lld people in %zu lines", CASES[i].name, (long long)people, lines);
    }
    assert_true_totals(desk);

    /* An hour is the sum of its half hours; a month of the days within the span only. */
    Mdg__VisitTotalsListed *listed =
        totals_by(desk, &desk->office, 20241101, 20241101, MDG__VISIT_STEP__VISIT_STEP_HOUR, "");
    assert_int_equal(listed->n_totals, 4);
    assert_int_equal(listed->totals[0]->slot, 18);
    assert_int_equal(listed->totals[1]->slot, 18);
    assert_int_equal(listed->totals[2]->slot, 26);
    assert_int_equal(listed->totals[3]->slot, 46);
    listed = totals_by(desk, &desk->office, 20241101, 20241101, MDG__VISIT_STEP__VISIT_STEP_HALF_HOUR, "");
    assert_int_equal(listed->totals[1]->slot, 19);
    assert_int_equal(listed->totals[3]->slot, 47);
    listed = totals_by(desk, &desk->office, 20241130, 20241201, MDG__VISIT_STEP__VISIT_STEP_MONTH, "");
    assert_int_equal(listed->n_totals, 4);
    assert_int_equal(listed->totals[0]->day, 20241101);
    assert_int_equal(listed->totals[0]->lines, 2);
    assert_int_equal(listed->totals[2]->day, 20241201);
}

static void test_spans_that_make_no_sense(void **state)
{
    static const struct {
        const char *field, *rule;
        int32_t from_day, to_day;
        Mdg__VisitStep step;
        const char *cursor;
    } CASES[] = {
        {"from_day", "day", 20250230, 20250301, MDG__VISIT_STEP__VISIT_STEP_DAY, ""},
        {"to_day", "day", 20250201, 20251301, MDG__VISIT_STEP__VISIT_STEP_DAY, ""},
        {"to_day", "before_from", 20250202, 20250201, MDG__VISIT_STEP__VISIT_STEP_DAY, ""},
        {"step", "required", 20250201, 20250201, MDG__VISIT_STEP__VISIT_STEP_NONE, ""},
        {"cursor", "cursor", 20250201, 20250201, MDG__VISIT_STEP__VISIT_STEP_DAY, "1.2.3"},
        {"cursor", "cursor", 20250201, 20250201, MDG__VISIT_STEP__VISIT_STEP_DAY, "1.2.3.4x"},
        {"cursor", "cursor", 20250201, 20250201, MDG__VISIT_STEP__VISIT_STEP_DAY, "'; DROP TABLE visit"},
    };
    struct desk *desk = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_null(totals_by(desk, &desk->office, CASES[i].from_day, CASES[i].to_day, CASES[i].step, CASES[i].cursor));
        assert_refused(desk, desk->centre->rq.refusal.code, MDG_ERR_INVALID, CASES[i].field, CASES[i].rule);
    }
}

/* The council and the board see whole days, as of the evening before. */
static void test_who_sees_totals_only(void **state)
{
    const struct caller callers[] = {
        centre_caller(KIND_COUNCIL, 31, 41, ROLE_BIT_COUNCIL),
        centre_caller(KIND_LOUNGE, 32, 42, ROLE_BIT_CHAIR),
        centre_caller(KIND_DISPLAY, 33, 0, 0),
    };
    struct desk *desk = *state;
    int64_t now_us = desk->centre->now_us;
    assert_int_equal(count_at(desk, desk->in, 3, now_us - US_PER_DAY), 0);
    assert_int_equal(count(desk, 5), 0);
    for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++) {
        Mdg__VisitTotalsListed *listed =
            totals_by(desk, &callers[i], 20250601, 20250630, MDG__VISIT_STEP__VISIT_STEP_DAY, "");
        assert_non_null(listed);
        assert_int_equal(listed->as_of_day, 20250615);
        assert_int_equal(listed->n_totals, 1);
        assert_int_equal(listed->totals[0]->people, 3);
        listed = totals_by(desk, &callers[i], 20250601, 20250630, MDG__VISIT_STEP__VISIT_STEP_MONTH, "");
        assert_int_equal(listed->totals[0]->people, 3);
        listed = totals_by(desk, &callers[i], 20250616, 20250616, MDG__VISIT_STEP__VISIT_STEP_DAY, "");
        assert_int_equal(listed->n_totals, 0);
        assert_null(totals_by(desk, &callers[i], 20250601, 20250610, MDG__VISIT_STEP__VISIT_STEP_HOUR, ""));
        assert_refused(desk, desk->centre->rq.refusal.code, MDG_ERR_FORBIDDEN, "step", "whole_days");
        assert_null(totals_by(desk, &callers[i], 20250601, 20250610, MDG__VISIT_STEP__VISIT_STEP_HALF_HOUR, ""));
    }
    Mdg__VisitTotalsListed *listed =
        totals_by(desk, &desk->office, 20250601, 20250630, MDG__VISIT_STEP__VISIT_STEP_MONTH, "");
    assert_int_equal(listed->as_of_day, 20250630);
    assert_int_equal(listed->totals[0]->people, 8);
}

static void test_list_pages(void **state)
{
    struct desk *desk = *state;
    int64_t begin_us = desk->centre->now_us - US_PER_DAY, id = 0, at_us = 0;
    for (int i = 0; i < 1101; i++) /* three lines an instant, so that a page may end between equal instants */
        assert_int_equal(count_at(desk, desk->in, 1 + i % 9, begin_us + i / 3 * US_PER_MINUTE), 0);
    uint8_t last[REQUEST_KEY_BYTES];
    assert_int_equal(count(desk, 9), 0);
    memcpy(last, desk->centre->key, sizeof last);
    assert_int_equal(undo_by(desk, &desk->counter, last), 0);

    size_t seen = 0, pages = 0;
    bool has_more = true;
    while (has_more) {
        Mdg__VisitList list = MDG__VISIT_LIST__INIT;
        list.from_us = begin_us;
        list.to_us = begin_us + 366 * US_PER_MINUTE; /* the last three lie at it, and are out */
        list.after_id = id;
        list.after_us = at_us;
        assert_int_equal(centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_LIST, &list), 0);
        const Mdg__VisitListed *listed = desk->centre->rq.answer->visits->listed;
        for (size_t i = 0; i < listed->n_visits; i++, seen++) {
            const Mdg__Visit *v = listed->visits[i];
            if (v->at_us < at_us || (v->at_us == at_us && v->id <= id)) fail_msg("line %zu does not follow", seen);
            at_us = v->at_us;
            id = v->id;
            assert_int_equal(v->people, 1 + seen % 9);
            assert_int_equal(v->count_key.len, REQUEST_KEY_BYTES);
        }
        has_more = listed->has_more;
        if (has_more) assert_int_equal(listed->n_visits, 500);
        pages++;
    }
    assert_int_equal(seen, 1098);
    assert_int_equal(pages, 3);

    Mdg__VisitList list = MDG__VISIT_LIST__INIT;
    list.from_us = list.to_us = begin_us;
    assert_refused(desk, centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_LIST, &list),
                   MDG_ERR_INVALID, "to_us", "before_from");
}

static void test_a_day_of_25_hours(void **state)
{
    struct desk *desk = *state;
    size_t lines;
    assert_int_equal(day_zone_set("America/Los_Angeles"), 0);
    int64_t from_us = day_to_us(20051030, 0);
    for (int i = 0; i < 50; i++) assert_int_equal(count_at(desk, desk->in, 1, from_us + i * 30 * US_PER_MINUTE), 0);
    assert_int_equal(people_of(desk, 20051030), 50);
    assert_int_equal(people_of(desk, 20051031), 0);
    assert_int_equal(walk(desk, MDG__VISIT_STEP__VISIT_STEP_HALF_HOUR, 20051030, 20051030, &lines), 50);
    assert_int_equal(lines, 48);
    Mdg__VisitTotalsListed *listed =
        totals_by(desk, &desk->office, 20051030, 20051030, MDG__VISIT_STEP__VISIT_STEP_HALF_HOUR, "");
    assert_int_equal(listed->totals[2]->people, 2); /* from one to two came twice */
    assert_int_equal(listed->totals[3]->people, 2);
    assert_int_equal(listed->totals[4]->people, 1);
    assert_true_totals(desk);
}

/* --- places and purposes ------------------------------------------------------------------------------------ */

static void test_saving_places(void **state)
{
    static const char SQL_NAMED[] = "SELECT position FROM visit_place WHERE name = 'Entrance'";
    struct desk *desk = *state;
    Mdg__VisitPlaceSave save = MDG__VISIT_PLACE_SAVE__INIT;
    save.name = (char *)"DOOR "; /* the same name to a reader */
    assert_refused(desk, centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &save),
                   MDG_ERR_CONFLICT, "name", "taken");
    save.id = desk->place;
    save.name = (char *)"Entrance";
    save.position = 7;
    assert_int_equal(centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &save), 0);
    assert_int_equal(desk->centre->rq.object_id, desk->place);
    assert_int_equal(centre_number(desk->centre->db, SQL_NAMED), 7);
    save.id = 999;
    assert_refused(desk, centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &save),
                   MDG_ERR_NOT_FOUND, "id", "place");
    int64_t hall = save_place(desk, "hall");
    assert_refused(desk, save_purpose(desk, desk->place, "IN"), MDG_ERR_CONFLICT, "name", "taken");
    assert_int_equal(save_purpose(desk, hall, "in"), 0); /* of another place */
    assert_refused(desk, save_purpose(desk, 999, "in"), MDG_ERR_NOT_FOUND, "place_id", "place");
    Mdg__VisitPurposeSave purpose = MDG__VISIT_PURPOSE_SAVE__INIT;
    purpose.id = desk->in;
    purpose.place_id = hall;
    purpose.name = (char *)"in";
    assert_refused(desk,
                   centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PURPOSE_SAVE, &purpose),
                   MDG_ERR_STATE, "place_id", "stays");
    purpose.id = 999;
    assert_refused(desk,
                   centre_call(desk->centre, &desk->office, &VISITS_DOMAIN, MDG__VISITS__OF_PURPOSE_SAVE, &purpose),
                   MDG_ERR_NOT_FOUND, "id", "purpose");
}

/* --- is all of that true? ------------------------------------------------------------------------------------ */

static void test_verify_finds_what_was_changed(void **state)
{
    static const struct {
        const char *sql, *table;
    } CASES[] = {
        {"UPDATE visit_day SET people = people + 1", "visit_day"},
        {"UPDATE visit_day SET lines = lines - 1", "visit_day"},
        {"UPDATE visit_day SET estimated = 1", "visit_day"},
        {"UPDATE visit_day SET day = day + 1", "visit_day"},
        {"DELETE FROM visit_day", "visit_day"},
        {"INSERT INTO visit_day VALUES (1, 20200101, 1, 1, 5, 1, 0, 1)", "visit_day"},
        {"UPDATE visit_slot SET people = people + 1", "visit_slot"},
        {"UPDATE visit_slot SET slot = slot + 1", "visit_slot"},
        {"DELETE FROM visit_slot", "visit_slot"},
        {"UPDATE visit SET people = people + 1", "visit_day"},
        {"UPDATE visit SET is_undone = 1", "visit_day"},
        {"UPDATE visit SET is_estimate = 1", "visit_day"},
        {"DELETE FROM visit", "visit_day"},
    };
    struct desk *desk = *state;
    assert_int_equal(count(desk, 3), 0);
    assert_true_totals(desk);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *complaint = NULL;
        centre_must(db_begin_write(desk->centre->db), "begin");
        centre_must(db_exec(desk->centre->db, CASES[i].sql), CASES[i].sql);
        int rc = VISITS_DOMAIN.verify(desk->centre->db, &complaint);
        db_rollback(desk->centre->db);
        if (rc != MDG_ERR_CORRUPT || !complaint || strncmp(complaint, CASES[i].table, strlen(CASES[i].table)) != 0)
            fail_msg("%s: %s, %s", CASES[i].sql, mdg_error_name(rc), complaint ? complaint : "no complaint");
        free(complaint);
    }
    assert_true_totals(desk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_counting),
        TEST(test_estimates_are_kept_apart),
        TEST(test_places_and_purposes_of_counts),
        TEST(test_undo),
        TEST(test_undo_of_a_corrected_count),
        TEST(test_corrections),
        TEST(test_closed_months),
        TEST(test_undo_in_a_closed_month),
        TEST(test_totals_by_all_steps_and_pages),
        TEST(test_spans_that_make_no_sense),
        TEST(test_who_sees_totals_only),
        TEST(test_list_pages),
        TEST(test_a_day_of_25_hours),
        TEST(test_saving_places),
        TEST(test_verify_finds_what_was_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
