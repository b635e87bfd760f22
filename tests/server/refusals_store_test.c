/* tests/server/refusals_store_test.c - refusals at the door stand in the audit trail, equal ones of a minute as one row
 * with their number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/sign_in/sign_in_domain.h"
#include "server/visits/visits_domain.h"
#include "tests/support/centre_fixture.h"
#include "tests/support/dispatch_fixture.h"

static void ask_too_much(struct house *house, struct session *session)
{
    Mdg__VisitCount count = MDG__VISIT_COUNT__INIT;
    count.place_id = count.purpose_id = count.at_us = 1;
    count.people = 10000;
    const Mdg__Response *response = house_ask(house, session, &VISITS_DOMAIN, MDG__VISITS__OF_COUNT, &count);
    assert_int_equal(house_code(response), MDG_ERR_INVALID);
}

/* An answered write: all that was queued before it is written. */
static void flush(struct house *house, struct session *office)
{
    char name[32];
    Mdg__VisitPlaceSave place = MDG__VISIT_PLACE_SAVE__INIT;
    snprintf(name, sizeof name, "place %d", (int)house->last_id);
    place.name = name;
    assert_int_equal(house_code(house_ask(house, office, &VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &place)), 0);
}

static void assert_chain(struct house *house)
{
    int64_t rows, bad;
    uint8_t head[AUDIT_HASH_BYTES];
    assert_int_equal(audit_verify(house->db, &rows, head, &bad), 0);
}

static const char SQL_DOOR_ROWS[] = "SELECT COUNT(*) FROM audit WHERE rule = 'door'";
static const char SQL_DOOR_COUNT[] = "SELECT COALESCE(SUM(count), 0) FROM audit WHERE rule = 'door'";

static void test_door_refusals_are_counted(void **state)
{
    static const char SQL_LAST[] = "SELECT count FROM audit WHERE rule = 'door' AND operation = 'visits.count'"
                                   " ORDER BY seq DESC LIMIT 1";
    struct house *house = *state;
    struct session *counter = house_connect(house, KIND_COUNTER, 11, 0, 0);
    struct session *office = house_connect(house, KIND_OFFICE, 12, 21, ROLE_BIT_OFFICE);
    struct db *db = house->db;
    for (int i = 0; i < 5; i++) ask_too_much(house, counter);
    flush(house, office);
    assert_int_equal(centre_number(db, SQL_DOOR_ROWS), 1);
    assert_int_equal(centre_number(db, SQL_DOOR_COUNT), 1);
    dispatch_clock_minute(house->dispatch, NULL, 0);
    flush(house, office);
    assert_int_equal(centre_number(db, SQL_DOOR_ROWS), 2);
    assert_int_equal(centre_number(db, SQL_DOOR_COUNT), 5);
    assert_int_equal(centre_number(db, SQL_LAST), 4);
    /* The next minute begins anew; another call or another terminal is counted by itself. */
    dispatch_clock_minute(house->dispatch, NULL, 0);
    struct session *other = house_connect(house, KIND_COUNTER, 15, 0, 0);
    ask_too_much(house, counter);
    ask_too_much(house, other);
    Mdg__VisitPlaceSave place = MDG__VISIT_PLACE_SAVE__INIT;
    place.name = (char *)"hall";
    house_ask(house, counter, &VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &place);
    flush(house, office);
    assert_int_equal(centre_number(db, SQL_DOOR_ROWS), 5);
    assert_int_equal(centre_number(db, SQL_DOOR_COUNT), 8);
    assert_chain(house);
}

/* More kinds of refusal in a minute than there are places: nothing is dropped. */
static void test_more_refusals_than_places(void **state)
{
    static const char SQL_OWN[] = "SELECT COUNT(*) FROM (SELECT SUM(count) AS refused FROM audit WHERE rule = 'door'"
                                  " GROUP BY terminal_id) WHERE refused = 4";
    struct house *house = *state;
    struct session *sessions[80];
    for (int i = 0; i < 80; i++) sessions[i] = house_connect(house, KIND_COUNTER, 1000 + i, 0, 0);
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < 80; i++) ask_too_much(house, sessions[i]);
    house_stop(house); /* the end writes what was counted */
    assert_int_equal(centre_number(house->db, SQL_DOOR_COUNT), 320);
    assert_int_equal(centre_number(house->db, SQL_OWN), 80); /* each under its own terminal */
    assert_chain(house);
}

static int admitted;
static void on_admitted(void *arg, uint64_t conn_id, int rc, const struct caller *caller)
{
    (void)arg;
    assert_int_equal(conn_id, 99);
    assert_int_equal(caller->terminal_id, 4711);
    admitted = rc;
}

static void test_a_terminal_that_nobody_knows(void **state)
{
    static const char SQL_ADMIT[] =
        "SELECT outcome FROM audit WHERE operation = 'terminals.admit' AND terminal_id = 4711";
    struct house *house = *state;
    struct session *office = house_connect(house, KIND_OFFICE, 12, 21, ROLE_BIT_OFFICE);
    admitted = 1;
    dispatch_admit(house->dispatch, 99, 4711, "0123456789abcdef", on_admitted);
    for (int i = 0; i < 2000 && admitted == 1; i++) {
        uv_run(&house->loop, UV_RUN_NOWAIT);
        uv_sleep(1);
    }
    assert_int_equal(admitted, MDG_ERR_REVOKED);
    flush(house, office);
    assert_int_equal(centre_number(house->db, SQL_ADMIT), MDG_ERR_REVOKED);
}

/* A guess that cannot be counted must not learn whether it was right: else a full disk lets everybody guess on. */
static void test_what_could_not_be_stored_says_nothing(void **state)
{
    struct house *house = *state;
    struct session *counter = house_connect(house, KIND_COUNTER, 11, 0, 0);
    Mdg__SignInStart start = MDG__SIGN_IN_START__INIT;
    start.name = (char *)"Nobody";
    start.secret = (char *)"guess";
    centre_must(db_exec(house->db, "CREATE TRIGGER cannot_store BEFORE INSERT ON audit WHEN NEW.operation ="
                                   " 'sign_in.start' BEGIN SELECT RAISE(ABORT, 'no'); END"),
                "trigger");
    const Mdg__Response *response = house_ask(house, counter, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_START, &start);
    assert_int_equal(house_code(response), MDG_ERR_CONFLICT); /* what the batch met, here a trigger */
    centre_must(db_exec(house->db, "DROP TRIGGER cannot_store"), "drop");
    response = house_ask(house, counter, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_START, &start);
    assert_int_equal(house_code(response), MDG_ERR_WRONG_SECRET);
    assert_chain(house);
}

/* Only a rule or a clash is an answer for good; the server's own trouble passes, and the call may come again. */
static void test_own_trouble_is_not_remembered(void **state)
{
    static const uint8_t KEY[REQUEST_KEY_BYTES] = "trouble";
    static const char SQL_PLACES[] = "SELECT COUNT(*) FROM visit_place";
    struct house *house = *state;
    struct session *office = house_connect(house, KIND_OFFICE, 12, 21, ROLE_BIT_OFFICE);
    Mdg__VisitPlaceSave place = MDG__VISIT_PLACE_SAVE__INIT;
    place.name = (char *)"hall";
    const struct house_call call = {&VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &place, KEY, NULL};
    centre_must(db_exec(house->db, "CREATE TRIGGER trouble BEFORE INSERT ON visit_place BEGIN"
                                   " SELECT length(zeroblob(2000000000)); END"),
                "trigger");
    assert_int_equal(house_code(house_await(house, house_send(house, office, &call))), MDG_ERR_INTERNAL);
    centre_must(db_exec(house->db, "DROP TRIGGER trouble"), "drop");
    assert_int_equal(house_code(house_await(house, house_send(house, office, &call))), 0);
    assert_int_equal(house_code(house_await(house, house_send(house, office, &call))), 0);
    assert_int_equal(centre_number(house->db, SQL_PLACES), 1);
    assert_chain(house);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_door_refusals_are_counted),     TEST(test_more_refusals_than_places),
        TEST(test_a_terminal_that_nobody_knows),  TEST(test_what_could_not_be_stored_says_nothing),
        TEST(test_own_trouble_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
