/* tests/server/approvals_store_test.c - calls that wait for a second person, through the real dispatch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/accounts/account_store.h"
#include "server/approvals/approval_store.h"
#include "server/approvals/approvals_domain.h"
#include "server/visits/visits_domain.h"
#include "tests/support/centre_fixture.h"
#include "tests/support/dispatch_fixture.h"

#define FIRST 21
#define SECOND 22
#define MONTH 202401

/* Two people of the office, each at a machine; a month is closed. */
struct office {
    struct house *house;
    struct session *first, *second;
};

static void add_account(struct house *house, int64_t id, const char *name, const char *name_key)
{
    struct account account = {.id = id, .name = name, .name_key = name_key, .reading = "", .roles = ROLE_BIT_OFFICE};
    centre_must(account_insert(house->db, &account), name);
}

static int setup(void **state)
{
    struct office *office = calloc(1, sizeof *office);
    void *house;
    if (!office || house_setup(&house) != 0) return -1;
    office->house = house;
    office->first = house_connect(office->house, KIND_OFFICE, 12, FIRST, ROLE_BIT_OFFICE);
    office->second = house_connect(office->house, KIND_OFFICE, 13, SECOND, ROLE_BIT_OFFICE);
    centre_must(db_begin_write(office->house->db), "begin");
    add_account(office->house, FIRST, "Hanako", "hanako");
    add_account(office->house, SECOND, "Tarō", "tarō");
    centre_must(db_commit(office->house->db), "commit");
    Mdg__PeriodClose close = MDG__PERIOD_CLOSE__INIT;
    close.month = MONTH;
    centre_must(
        house_code(house_ask(office->house, office->first, &VISITS_DOMAIN, MDG__VISITS__OF_PERIOD_CLOSE, &close)),
        "close");
    *state = office;
    return 0;
}

static int teardown(void **state)
{
    struct office *office = *state;
    void *house = office->house;
    free(office);
    return house_teardown(&house);
}

static const Mdg__Response *reopen(struct office *office, struct session *session, const char *reason)
{
    Mdg__PeriodReopen ask = MDG__PERIOD_REOPEN__INIT;
    ask.month = MONTH;
    ask.reason = (char *)reason;
    return house_ask(office->house, session, &VISITS_DOMAIN, MDG__VISITS__OF_PERIOD_REOPEN, &ask);
}

static int64_t asked(struct office *office)
{
    const Mdg__Response *response = reopen(office, office->first, "a sheet was found");
    centre_must(house_code(response), "ask");
    return response->object_id;
}

static const Mdg__Response *decide(struct office *office, struct session *session, int64_t id, bool is_approved)
{
    Mdg__ApprovalDecide decision = MDG__APPROVAL_DECIDE__INIT;
    decision.approval_id = id;
    decision.is_approved = is_approved;
    return house_ask(office->house, session, &APPROVALS_DOMAIN, MDG__APPROVALS__OF_DECIDE, &decision);
}

static const Mdg__ApprovalListed *open_ones(struct office *office)
{
    Mdg__ApprovalList list = MDG__APPROVAL_LIST__INIT;
    const Mdg__Response *response =
        house_ask(office->house, office->second, &APPROVALS_DOMAIN, MDG__APPROVALS__OF_LIST, &list);
    centre_must(house_code(response), "list");
    return response->body->approvals->listed;
}

static void assert_refused(const Mdg__Response *response, int code, const char *field, const char *rule)
{
    if (house_code(response) != code)
        fail_msg("%s, not %s", mdg_error_name(house_code(response)), mdg_error_name(code));
    assert_string_equal(response->refusal->field, field);
    assert_string_equal(response->refusal->rule, rule);
}

static bool is_closed(struct office *office)
{
    static const char SQL_CLOSED[] = "SELECT COUNT(*) FROM period_close";
    return centre_number(office->house->db, SQL_CLOSED) == 1;
}

/* --- asking and deciding ------------------------------------------------------------------------------------- */

static void test_asked_and_approved(void **state)
{
    static const char SQL_ASKED[] =
        "SELECT COUNT(*) FROM audit WHERE operation = 'visits.period_reopen' AND rule = 'asked'"
        " AND person_id = 21 AND outcome = 0 AND request_key IS NOT NULL";
    static const char SQL_DONE[] =
        "SELECT COUNT(*) FROM audit WHERE operation = 'visits.period_reopen' AND rule = 'approved'"
        " AND person_id = 21 AND object_id = 202401 AND reason = 'a sheet was found'";
    static const char SQL_DECIDED[] =
        "SELECT COUNT(*) FROM audit WHERE operation = 'approvals.decide' AND person_id = 22"
        " AND outcome = 0";
    struct office *office = *state;
    struct db *db = office->house->db;
    int64_t id = asked(office);
    assert_true(is_closed(office)); /* nothing is done yet */
    const Mdg__ApprovalListed *listed = open_ones(office);
    assert_int_equal(listed->n_approvals, 1);
    assert_int_equal(listed->approvals[0]->id, id);
    assert_string_equal(listed->approvals[0]->operation, "visits.period_reopen");
    assert_int_equal(listed->approvals[0]->object_id, MONTH);
    assert_int_equal(listed->approvals[0]->asked_by, FIRST);
    assert_string_equal(listed->approvals[0]->asked_by_name, "Hanako");
    assert_true(listed->approvals[0]->until_us - listed->approvals[0]->asked_us == APPROVAL_LIFE_US);

    assert_refused(decide(office, office->first, id, true), MDG_ERR_SECOND_PERSON, "approval_id", "another_person");
    assert_true(is_closed(office));
    const Mdg__Response *response = decide(office, office->second, id, true);
    assert_int_equal(house_code(response), 0);
    assert_int_equal(response->object_id, id);
    assert_false(is_closed(office));
    assert_int_equal(open_ones(office)->n_approvals, 0);
    assert_int_equal(centre_number(db, SQL_ASKED), 1);
    assert_int_equal(centre_number(db, SQL_DONE), 1);
    assert_int_equal(centre_number(db, SQL_DECIDED), 1);
    assert_refused(decide(office, office->second, id, true), MDG_ERR_NOT_FOUND, "approval_id", "open_approval");

    int64_t rows, bad;
    uint8_t head[AUDIT_HASH_BYTES];
    assert_int_equal(audit_verify(db, &rows, head, &bad), 0);
}

static void test_refused_and_withdrawn(void **state)
{
    struct office *office = *state;
    int64_t id = asked(office);
    assert_int_equal(house_code(decide(office, office->second, id, false)), 0);
    assert_true(is_closed(office));
    assert_refused(decide(office, office->second, id, true), MDG_ERR_NOT_FOUND, "approval_id", "open_approval");
    id = asked(office);
    assert_int_equal(house_code(decide(office, office->first, id, false)), 0); /* whoever asked may take it back */
    assert_true(is_closed(office));
    assert_int_equal(open_ones(office)->n_approvals, 0);
    assert_refused(decide(office, office->second, 999, true), MDG_ERR_NOT_FOUND, "approval_id", "open_approval");
}

static void test_asked_twice(void **state)
{
    struct office *office = *state;
    int64_t id = asked(office);
    assert_refused(reopen(office, office->first, "a sheet was found"), MDG_ERR_STATE, "", "asked_already");
    assert_refused(reopen(office, office->second, "a sheet was found"), MDG_ERR_STATE, "", "asked_already");
    int64_t other = reopen(office, office->first, "two sheets")->object_id; /* another call */
    assert_int_equal(open_ones(office)->n_approvals, 2);
    assert_int_equal(house_code(decide(office, office->second, id, true)), 0);
    /* What it would do is done: the second one is refused as a whole, and stays open to be refused. */
    assert_refused(decide(office, office->second, other, true), MDG_ERR_STATE, "month", "not_closed");
    assert_int_equal(open_ones(office)->n_approvals, 1);
    assert_int_equal(house_code(decide(office, office->second, other, false)), 0);
    assert_int_equal(open_ones(office)->n_approvals, 0);
}

static void test_expired(void **state)
{
    static const char SQL_DECIDED[] = "SELECT COUNT(*) FROM approval WHERE decided_us IS NOT NULL";
    struct office *office = *state;
    int64_t id = asked(office);
    char sql[128];
    snprintf(sql, sizeof sql, "UPDATE approval SET until_us = %lld", (long long)office->house->now_us);
    centre_must(db_exec(office->house->db, sql), "until");
    assert_int_equal(open_ones(office)->n_approvals, 0);
    assert_refused(decide(office, office->second, id, true), MDG_ERR_NOT_FOUND, "approval_id", "open_approval");
    assert_refused(decide(office, office->first, id, false), MDG_ERR_NOT_FOUND, "approval_id", "open_approval");
    assert_int_equal(centre_number(office->house->db, SQL_DECIDED), 0);
    assert_true(is_closed(office));
    assert_true(asked(office) != id); /* it may be asked again */
}

/* The right to ask may be taken away while it waits. */
static void test_the_asker_lost_the_right(void **state)
{
    struct office *office = *state;
    int64_t id = asked(office);
    centre_must(db_begin_write(office->house->db), "begin");
    centre_must(account_set_roles(office->house->db, FIRST, ROLE_BIT_DESK, 1000), "roles");
    centre_must(db_commit(office->house->db), "commit");
    assert_refused(decide(office, office->second, id, true), MDG_ERR_FORBIDDEN, "approval_id", "asker_role");
    assert_true(is_closed(office));
}

static void test_nothing_to_ask_for(void **state)
{
    struct office *office = *state;
    struct session *desk = house_connect(office->house, KIND_COUNTER, 14, 23, ROLE_BIT_DESK);
    assert_refused(reopen(office, desk, "why not"), MDG_ERR_FORBIDDEN, "", "role");
    centre_must(db_exec(office->house->db, "DELETE FROM period_close"), "reopen");
    assert_refused(reopen(office, office->first, "a sheet was found"), MDG_ERR_STATE, "month", "not_closed");
    assert_int_equal(open_ones(office)->n_approvals, 0);
}

/* The request_key holds for asking and for deciding, also when the month has been opened in between. */
static void test_repeats(void **state)
{
    static const uint8_t ASK[REQUEST_KEY_BYTES] = "ask once", DECIDE[REQUEST_KEY_BYTES] = "decide once";
    struct office *office = *state;
    Mdg__PeriodReopen ask = MDG__PERIOD_REOPEN__INIT;
    Mdg__ApprovalDecide decision = MDG__APPROVAL_DECIDE__INIT;
    struct house_call asking = {&VISITS_DOMAIN, MDG__VISITS__OF_PERIOD_REOPEN, &ask, ASK, NULL};
    struct house_call deciding = {&APPROVALS_DOMAIN, MDG__APPROVALS__OF_DECIDE, &decision, DECIDE, NULL};
    ask.month = MONTH;
    ask.reason = (char *)"a sheet was found";
    const Mdg__Response *first = house_await(office->house, house_send(office->house, office->first, &asking));
    assert_int_equal(house_code(first), 0);
    const Mdg__Response *again = house_await(office->house, house_send(office->house, office->first, &asking));
    assert_int_equal(house_code(again), 0);
    assert_int_equal(again->object_id, first->object_id);
    assert_int_equal(open_ones(office)->n_approvals, 1);

    decision.approval_id = first->object_id;
    decision.is_approved = 1;
    for (int i = 0; i < 3; i++) {
        const Mdg__Response *response =
            house_await(office->house, house_send(office->house, office->second, &deciding));
        assert_int_equal(house_code(response), 0);
        assert_int_equal(response->object_id, first->object_id);
    }
    assert_false(is_closed(office));
    again = house_await(office->house, house_send(office->house, office->first, &asking));
    assert_int_equal(house_code(again), 0);
    assert_int_equal(again->object_id, first->object_id);
    assert_int_equal(open_ones(office)->n_approvals, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_asked_and_approved),
        TEST(test_refused_and_withdrawn),
        TEST(test_asked_twice),
        TEST(test_expired),
        TEST(test_the_asker_lost_the_right),
        TEST(test_nothing_to_ask_for),
        TEST(test_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
