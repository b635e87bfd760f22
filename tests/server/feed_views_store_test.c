/* tests/server/feed_views_store_test.c - which view each terminal has, what views hold of visits, where they begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/centre/centre_store.h"
#include "server/feed/feed_domain.h"
#include "server/visits/visits_domain.h"
#include "tests/support/centre_fixture.h"

/* --- the views of visits
 * -------------------------------------------------------------------------------------------------- */

static void call(struct centre_fixture *centre, const struct caller *caller, uint32_t op, const void *message)
{
    centre_must(centre_call(centre, caller, &VISITS_DOMAIN, op, message), "call");
}

static size_t rows_of_kind(struct centre_fixture *centre, uint32_t view, int64_t from_rev, uint32_t kind,
                           size_t *removed)
{
    const struct feed_source *sources[8];
    struct arena arena;
    struct feed_part part;
    const struct feed_row *const *rows;
    size_t count, found = 0;
    for (size_t i = 0; i < VISITS_DOMAIN.sources_count; i++) sources[i] = &VISITS_DOMAIN.sources[i];
    struct feed_options options = {.sources = sources, .sources_count = VISITS_DOMAIN.sources_count};
    arena_init(&arena, 1u << 20);
    centre_must(feed_collect(centre->db, &options, (struct feed_view){view, 0}, from_rev, centre->now_us, &arena, &part,
                             &rows, &count),
                "collect");
    *removed = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i]->kind != kind) continue;
        found += !rows[i]->is_removed;
        *removed += rows[i]->is_removed;
        assert_int_equal(rows[i]->is_removed, rows[i]->message == NULL);
    }
    arena_fini(&arena);
    return found;
}

static void test_what_views_hold_of_visits(void **state)
{
    struct centre_fixture *centre = *state;
    struct caller office = centre_caller(KIND_OFFICE, 12, 21, ROLE_BIT_OFFICE);
    Mdg__VisitPlaceSave place = MDG__VISIT_PLACE_SAVE__INIT;
    Mdg__VisitPurposeSave purpose = MDG__VISIT_PURPOSE_SAVE__INIT;
    Mdg__VisitCount count = MDG__VISIT_COUNT__INIT;
    size_t removed;
    place.name = (char *)"door";
    call(centre, &office, MDG__VISITS__OF_PLACE_SAVE, &place);
    count.place_id = purpose.place_id = centre->rq.object_id;
    purpose.name = (char *)"in";
    call(centre, &office, MDG__VISITS__OF_PURPOSE_SAVE, &purpose);
    count.purpose_id = centre->rq.object_id;
    count.people = 3;
    /* Today, yesterday, the first day of the year before this fiscal year, and the day before that. */
    const int64_t instants[] = {centre->now_us, centre->now_us - US_PER_DAY, day_to_us(20240401, 0),
                                day_to_us(20240331, 1439)};
    for (size_t i = 0; i < 4; i++) {
        count.at_us = instants[i];
        call(centre, &office, MDG__VISITS__OF_COUNT, &count);
    }
    static const uint32_t NAMES[] = {VIEW_DESK, VIEW_OFFICE, VIEW_COUNCIL, VIEW_PUBLIC, VIEW_DOOR};
    for (size_t i = 0; i < 5; i++) {
        bool is_staff = NAMES[i] == VIEW_DESK || NAMES[i] == VIEW_OFFICE;
        assert_int_equal(rows_of_kind(centre, NAMES[i], 0, 7201, &removed), is_staff ? 1 : 0);
        assert_int_equal(rows_of_kind(centre, NAMES[i], 0, 7202, &removed), is_staff ? 3 : 0);
        assert_int_equal(rows_of_kind(centre, NAMES[i], 0, 7203, &removed), 1);
        assert_int_equal(rows_of_kind(centre, NAMES[i], 0, 7204, &removed), 1);
    }

    /* What was taken back leaves the view. */
    count.at_us = instants[0];
    call(centre, &office, MDG__VISITS__OF_COUNT, &count);
    int64_t rev = centre->rq.rev;
    uint8_t key[REQUEST_KEY_BYTES];
    memcpy(key, centre->key, sizeof key);
    Mdg__VisitUndo undo = MDG__VISIT_UNDO__INIT;
    undo.count_key.data = key;
    undo.count_key.len = sizeof key;
    call(centre, &office, MDG__VISITS__OF_UNDO, &undo);
    assert_int_equal(rows_of_kind(centre, VIEW_DESK, rev, 7201, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(rows_of_kind(centre, VIEW_DESK, rev, 7202, &removed), 1);
}

/* --- subscribing
 * ------------------------------------------------------------------------------------------------------------ */

static void test_where_a_subscription_begins(void **state)
{
    static const struct {
        const char *name;
        int64_t since_rev, begins;
        bool has_epoch, is_same_epoch;
    } CASES[] = {
        {"a new replica", 0, 0, false, false},
        {"one that knows the newest", 100, 100, true, true},
        {"one that is a little behind", 41, 41, true, true},
        {"one as old as may be", 40, 40, true, true},
        {"one that is too old: tombstones are gone", 39, 0, true, true},
        {"one that comes from the future", 101, 0, true, true},
        {"one of another database", 50, 0, true, false},
        {"one that forgot which", 50, 0, false, false},
    };
    struct centre_fixture *centre = *state;
    struct caller counter = centre_caller(KIND_COUNTER, 11, 0, 0);
    centre_must(db_exec(centre->db, "UPDATE feed SET rev = 100, oldest_rev = 40"), "feed");
    Mdg__Subscribe subscribe = MDG__SUBSCRIBE__INIT;
    uint8_t epoch[EPOCH_BYTES];
    subscribe.subscription = 1;
    assert_int_equal(centre_call(centre, &counter, &FEED_DOMAIN, MDG__FEED__OF_SUBSCRIBE, &subscribe), 0);
    memcpy(epoch, centre->rq.answer->feed->subscribed->epoch.data, sizeof epoch);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint8_t given[EPOCH_BYTES];
        memcpy(given, epoch, sizeof given);
        if (!CASES[i].is_same_epoch) given[EPOCH_BYTES - 1] ^= 1;
        subscribe.epoch.data = given;
        subscribe.epoch.len = CASES[i].has_epoch ? sizeof given : 0;
        subscribe.since_rev = CASES[i].since_rev;
        assert_int_equal(centre_call(centre, &counter, &FEED_DOMAIN, MDG__FEED__OF_SUBSCRIBE, &subscribe), 0);
        const struct request *rq = &centre->rq;
        const Mdg__Subscribed *subscribed = rq->answer->feed->subscribed;
        if (subscribed->since_rev != CASES[i].begins)
            fail_msg("%s: %lld", CASES[i].name, (long long)subscribed->since_rev);
        assert_memory_equal(subscribed->epoch.data, epoch, sizeof epoch);
        assert_int_equal(rq->effects_count, 1);
        assert_int_equal(rq->effects[0].kind, EFFECT_SUBSCRIBED);
        assert_int_equal(rq->effects[0].rev, CASES[i].begins);
    }
}

/* After a restore the database is another one: every replica starts afresh. */
static void test_a_restored_database_is_another(void **state)
{
    struct centre_fixture *centre = *state;
    struct caller counter = centre_caller(KIND_COUNTER, 11, 0, 0);
    Mdg__Subscribe subscribe = MDG__SUBSCRIBE__INIT;
    uint8_t epoch[EPOCH_BYTES];
    subscribe.subscription = 1;
    subscribe.since_rev = 1; /* a new centre stands there */
    assert_int_equal(centre_call(centre, &counter, &FEED_DOMAIN, MDG__FEED__OF_SUBSCRIBE, &subscribe), 0);
    memcpy(epoch, centre->rq.answer->feed->subscribed->epoch.data, sizeof epoch);
    subscribe.epoch.data = epoch;
    subscribe.epoch.len = sizeof epoch;
    assert_int_equal(centre_call(centre, &counter, &FEED_DOMAIN, MDG__FEED__OF_SUBSCRIBE, &subscribe), 0);
    assert_int_equal(centre->rq.effects[0].rev, 1);
    centre_must(centre_renew_epoch(centre->db), "renew");
    assert_int_equal(centre_call(centre, &counter, &FEED_DOMAIN, MDG__FEED__OF_SUBSCRIBE, &subscribe), 0);
    assert_int_equal(centre->rq.effects[0].rev, 0);
    assert_memory_not_equal(centre->rq.answer->feed->subscribed->epoch.data, epoch, sizeof epoch);
}

static void test_each_kind_has_its_view(void **state)
{
    static const struct {
        enum terminal_kind kind;
        uint32_t view;
        const char *name;
    } CASES[] = {
        {KIND_COUNTER, VIEW_DESK, "desk"},       {KIND_OFFICE, VIEW_OFFICE, "office"},
        {KIND_COUNCIL, VIEW_COUNCIL, "council"}, {KIND_LOUNGE, VIEW_PUBLIC, "public"},
        {KIND_DOOR, VIEW_DOOR, "door 77"},       {KIND_DISPLAY, VIEW_PUBLIC, "public"},
    };
    static const char *const NAMES[] = {"", "desk", "office", "council", "public", "desk2", "door 77", "door 78"};
    struct centre_fixture *centre = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct caller caller = centre_caller(CASES[i].kind, 11, 0, 0);
        if (CASES[i].kind == KIND_DOOR) caller.room_id = 77;
        for (size_t j = 0; j < sizeof NAMES / sizeof NAMES[0]; j++) {
            Mdg__Subscribe subscribe = MDG__SUBSCRIBE__INIT;
            subscribe.subscription = 1;
            subscribe.view = (char *)NAMES[j];
            int rc = centre_call(centre, &caller, &FEED_DOMAIN, MDG__FEED__OF_SUBSCRIBE, &subscribe);
            bool is_own = NAMES[j][0] == 0 || strcmp(NAMES[j], CASES[i].name) == 0;
            if (rc != (is_own ? 0 : MDG_ERR_FORBIDDEN)) fail_msg("%s asks for \"%s\"", CASES[i].name, NAMES[j]);
            if (!is_own) continue;
            assert_int_equal(centre->rq.effects[0].view.name, CASES[i].view);
            assert_int_equal(centre->rq.effects[0].view.scope, caller.room_id);
            assert_string_equal(centre->rq.answer->feed->subscribed->view, CASES[i].name);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, centre_setup, centre_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_views_hold_of_visits),
        TEST(test_where_a_subscription_begins),
        TEST(test_a_restored_database_is_another),
        TEST(test_each_kind_has_its_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
