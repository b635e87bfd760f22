/* tests/server/trust_store_test.c - the rotation of the authority, a step at a time, with real handshakes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/x509_vfy.h>

#include "server/terminals/terminals_domain.h"
#include "server/terminals/trust.h"
#include "tests/support/machines.h"

#define T0 FIXTURE_T0
#define MINUTE INT64_C(60000000)
#define DAY (1440 * MINUTE)
#define COUNTER MDG__TERMINAL_KIND__TERMINAL_COUNTER
#define STABLE MDG__AUTHORITY_SEEN__STEP__STABLE
#define ANNOUNCED MDG__AUTHORITY_SEEN__STEP__ANNOUNCED
#define TERMINALS MDG__AUTHORITY_SEEN__STEP__TERMINALS
#define SERVER MDG__AUTHORITY_SEEN__STEP__SERVER

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture_open(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static int move_from(struct fixture *fixture, const char *serial, bool is_back, int64_t now_us)
{
    struct caller office = caller_office();
    struct request rq;
    Mdg__AuthorityMove message = MDG__AUTHORITY_MOVE__INIT;
    message.is_back = is_back;
    snprintf(office.certificate_serial, sizeof office.certificate_serial, "%s", serial);
    int rc = terminals_call(fixture, &office, MDG__TERMINALS__OF_AUTHORITY_MOVE, &message, now_us, &rq);
    assert_int_equal(fixture_effect(&rq, EFFECT_TRUST_CHANGED) != NULL, rc == 0);
    arena_fini(&rq.arena);
    return rc;
}

static int move(struct fixture *fixture, bool is_back, int64_t now_us)
{
    return move_from(fixture, "", is_back, now_us);
}

static void forward(struct fixture *fixture, int64_t now_us)
{
    assert_int_equal(move(fixture, false, now_us), 0);
}

static void back(struct fixture *fixture, int64_t now_us)
{
    assert_int_equal(move(fixture, true, now_us), 0);
}

static void assert_state(struct fixture *fixture, int64_t now_us, int step, unsigned terminals, unsigned announced,
                         unsigned moved)
{
    struct caller office = caller_office();
    struct request rq;
    assert_int_equal(terminals_call(fixture, &office, MDG__TERMINALS__OF_AUTHORITY_STATE, NULL, now_us, &rq), 0);
    const Mdg__AuthoritySeen *seen = rq.answer->terminals->authority_seen;
    assert_int_equal(seen->step, step);
    assert_int_equal(seen->terminals, terminals);
    assert_int_equal(seen->terminals_announced, announced);
    assert_int_equal(seen->terminals_moved, moved);
    assert_true(seen->until_us > now_us);
    arena_fini(&rq.arena);
}

/* What welcome tells a terminal: it replaces its list of authorities. */
static void hello(struct fixture *fixture, struct machine *machine, int64_t now_us)
{
    struct arena arena;
    struct der *list;
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(trust_authorities(fixture->db, &arena, &machine->authorities_count, &list), 0);
    memcpy(machine->authorities, list, machine->authorities_count * sizeof list[0]);
    arena_fini(&arena);
    assert_int_equal(terminals_seen(fixture->db, &machine->id, 1, now_us), 0);
}

static bool must_renew(struct fixture *fixture, const struct machine *machine)
{
    bool renew_now;
    assert_int_equal(trust_renew_now(fixture->db, machine->serial, &renew_now), 0);
    return renew_now;
}

static bool gets_in(struct fixture *fixture, const struct machine *machine, int64_t now_us)
{
    int result = machine_shake(fixture, machine, false, now_us);
    int rc = machine_admit(fixture, machine, now_us);
    assert_int_equal(result == X509_V_OK, rc == 0); /* TLS and the table agree */
    return rc == 0;
}

/* --- steps ------------------------------------------------------------------------------------------- */

static void test_whole_rotation(void **state)
{
    struct fixture *fixture = *state;
    struct machine awake, asleep, late;
    int64_t now = T0;
    machine_make(fixture, "awake", COUNTER, now, &awake);
    machine_make(fixture, "asleep", COUNTER, now, &asleep);
    assert_state(fixture, now, STABLE, 2, 0, 0);
    assert_false(must_renew(fixture, &awake));

    forward(fixture, now += DAY);
    assert_state(fixture, now, ANNOUNCED, 2, 0, 0);
    assert_true(gets_in(fixture, &awake, now));
    hello(fixture, &awake, now + 1);
    assert_int_equal(awake.authorities_count, 2);
    assert_state(fixture, now, ANNOUNCED, 2, 1, 0);
    assert_false(must_renew(fixture, &awake));

    forward(fixture, now += DAY);
    assert_true(must_renew(fixture, &awake));
    assert_int_equal(machine_renew(fixture, &awake, now), 0);
    assert_false(must_renew(fixture, &awake));
    assert_state(fixture, now, TERMINALS, 2, 1, 1);
    assert_true(gets_in(fixture, &awake, now));
    assert_true(gets_in(fixture, &asleep, now));

    forward(fixture, now += DAY);
    assert_state(fixture, now, SERVER, 2, 1, 1);
    assert_true(gets_in(fixture, &awake, now));
    /* Who slept does not know the server's new authority, though the server would still take it. */
    assert_int_equal(machine_shake(fixture, &asleep, false, now), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    assert_int_equal(machine_admit(fixture, &asleep, now), 0);
    machine_make(fixture, "late", COUNTER, now, &late); /* enrols under the new one, trusts both */
    assert_int_equal(late.authorities_count, 2);
    assert_true(gets_in(fixture, &late, now));

    forward(fixture, now += DAY);
    assert_state(fixture, now, STABLE, 3, 0, 0);
    assert_true(gets_in(fixture, &awake, now));
    assert_true(gets_in(fixture, &late, now));
    hello(fixture, &asleep, now); /* even if somebody told it */
    assert_int_equal(asleep.authorities_count, 1);
    assert_false(gets_in(fixture, &asleep, now));
    assert_false(must_renew(fixture, &awake));
}

/* A renewal whose answer was lost: what the terminal holds counts, not what was issued to it. */
static void test_who_moves_the_authority_is_not_locked_out(void **state)
{
    struct fixture *fixture = *state;
    struct machine office, lost;
    int64_t now = T0 + DAY;
    machine_make(fixture, "office", COUNTER, T0, &office);
    forward(fixture, now);
    hello(fixture, &office, now + 1);
    forward(fixture, now);
    lost = office;
    assert_int_equal(machine_renew(fixture, &office, now), 0);
    assert_true(must_renew(fixture, &lost));
    assert_false(must_renew(fixture, &office));
    back(fixture, now);
    assert_true(must_renew(fixture, &lost)); /* of the right authority again, but it ends within days */
    forward(fixture, now);
    forward(fixture, now);
    assert_int_equal(move_from(fixture, lost.serial, false, now), MDG_ERR_STATE);
    assert_int_equal(move_from(fixture, office.serial, false, now), 0);
}

static void test_each_step_can_be_undone(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine;
    int64_t now = T0 + DAY;
    machine_make(fixture, "A", COUNTER, T0, &machine);
    assert_int_equal(move(fixture, true, now), MDG_ERR_STATE); /* nothing to undo */

    forward(fixture, now);
    back(fixture, now);
    assert_state(fixture, now, STABLE, 1, 0, 0);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM authority"), 1);
    assert_true(gets_in(fixture, &machine, now));
    assert_int_equal(move(fixture, true, now), MDG_ERR_STATE);

    forward(fixture, now);
    hello(fixture, &machine, now + 1);
    forward(fixture, now);
    assert_int_equal(machine_renew(fixture, &machine, now), 0);
    back(fixture, now);
    assert_true(must_renew(fixture, &machine)); /* the old one signs again */
    assert_true(gets_in(fixture, &machine, now));
    assert_int_equal(move(fixture, true, now), MDG_ERR_STATE); /* the machine would be locked out */
    assert_state(fixture, now, ANNOUNCED, 1, 1, 1);

    forward(fixture, now);
    forward(fixture, now);
    assert_true(gets_in(fixture, &machine, now));
    back(fixture, now);
    assert_state(fixture, now, TERMINALS, 1, 1, 1);
    assert_true(gets_in(fixture, &machine, now));

    forward(fixture, now);
    forward(fixture, now); /* dropped … */
    hello(fixture, &machine, now + 2);
    assert_int_equal(machine.authorities_count, 1);
    assert_true(gets_in(fixture, &machine, now));
    back(fixture, now); /* … and taken back */
    assert_state(fixture, now, SERVER, 1, 1, 1);
    assert_true(gets_in(fixture, &machine, now));
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM authority"), 2);
}

static void test_withdrawn_authority_is_let_go_when_all_have_left(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine;
    int64_t now = T0 + DAY;
    machine_make(fixture, "A", COUNTER, T0, &machine);
    forward(fixture, now);
    hello(fixture, &machine, now + 1);
    forward(fixture, now);
    assert_int_equal(machine_renew(fixture, &machine, now), 0);
    back(fixture, now);
    assert_int_equal(move(fixture, true, now), MDG_ERR_STATE);
    assert_int_equal(machine_renew(fixture, &machine, now + MINUTE), 0); /* back under the old one */
    back(fixture, now + MINUTE);
    assert_state(fixture, now + MINUTE, STABLE, 1, 0, 0);
    assert_true(gets_in(fixture, &machine, now + MINUTE));
}

static void test_second_rotation_forgets_the_first_authority(void **state)
{
    struct fixture *fixture = *state;
    int64_t now = T0 + DAY;
    for (int i = 0; i < 4; i++) forward(fixture, now);
    assert_int_equal(fixture_number(fixture, "SELECT present FROM trust"), 2);
    forward(fixture, now);
    assert_int_equal(fixture_number(fixture, "SELECT other FROM trust"), 3);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM authority"), 2);
    back(fixture, now);
    assert_int_equal(move(fixture, true, now), MDG_ERR_STATE); /* the first is gone for good */
}

static void test_dropped_authority_that_expired_stays_dropped(void **state)
{
    struct fixture *fixture = *state;
    int64_t now = T0 + DAY;
    for (int i = 0; i < 4; i++) forward(fixture, now);
    assert_int_equal(move(fixture, true, T0 + AUTHORITY_LIFE_US + DAY), MDG_ERR_STATE);
    back(fixture, now);
}

static void test_rotation_waits_for_an_enrolment(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine;
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &machine), 0);
    assert_int_equal(move(fixture, false, T0 + MINUTE), MDG_ERR_STATE);
    assert_int_equal(move(fixture, false, T0 + 10 * MINUTE), 0); /* it ran out */
}

/* --- the server's own certificate -------------------------------------------------------------------- */

static void test_server_certificate_is_renewed(void **state)
{
    struct fixture *fixture = *state;
    struct caller clock = caller_clock();
    struct machine machine;
    struct request rq;
    bool is_due;
    int64_t due_us = T0 + SERVER_LIFE_US / 3 * 2, late_us = T0 + SERVER_LIFE_US + DAY;
    assert_int_equal(trust_server_renew_is_due(fixture->db, due_us - DAY, &is_due), 0);
    assert_false(is_due);
    assert_int_equal(trust_server_renew_is_due(fixture->db, due_us, &is_due), 0);
    assert_true(is_due);
    assert_int_equal(terminals_try(fixture, &clock, MDG__TERMINALS__OF_SERVER_RENEW, NULL, T0 + DAY), MDG_ERR_STATE);

    machine_make(fixture, "A", COUNTER, late_us, &machine);
    assert_int_equal(machine_shake(fixture, &machine, false, late_us), X509_V_ERR_CERT_HAS_EXPIRED);
    assert_int_equal(terminals_call(fixture, &clock, MDG__TERMINALS__OF_SERVER_RENEW, NULL, late_us, &rq), 0);
    assert_non_null(fixture_effect(&rq, EFFECT_TRUST_CHANGED));
    arena_fini(&rq.arena);
    assert_true(gets_in(fixture, &machine, late_us));
    assert_int_equal(trust_server_renew_is_due(fixture->db, late_us, &is_due), 0);
    assert_false(is_due);
}

static void test_who_is_let_into_tls(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine, stranger;
    machine_make(fixture, "A", COUNTER, T0, &machine);
    assert_int_equal(machine_shake(fixture, &machine, false, T0), X509_V_OK);
    assert_int_equal(machine_shake(fixture, NULL, false, T0), X509_V_ERR_UNSPECIFIED); /* without a certificate */
    assert_int_equal(machine_shake(fixture, NULL, true, T0), X509_V_OK);               /* where codes are proved */
    assert_int_equal(machine_shake(fixture, &machine, false, T0 + 91 * DAY), X509_V_ERR_CERT_HAS_EXPIRED);

    /* Its certificate is of another centre, though it trusts ours. */
    struct fixture elsewhere;
    fixture_open(&elsewhere);
    machine_make(&elsewhere, "A", COUNTER, T0, &stranger);
    memcpy(stranger.authorities, machine.authorities, sizeof stranger.authorities);
    assert_int_equal(machine_shake(fixture, &stranger, false, T0), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    fixture_close(&elsewhere);
}

static void test_context_needs_its_key(void **state)
{
    struct fixture *fixture = *state;
    SSL_CTX *context;
    assert_int_equal(db_exec(fixture->db, "UPDATE authority SET server_key_sealed = key_sealed"), 0);
    assert_int_equal(trust_context(fixture->db_path, fixture->keys, false, &context), MDG_ERR_CORRUPT);
    assert_null(context);
    assert_int_equal(trust_context("/nowhere/madoguchi.db", fixture->keys, false, &context), MDG_ERR_CONFIG);
}

static void test_authority_is_made_once(void **state)
{
    struct fixture *fixture = *state;
    struct turn turn;
    assert_int_equal(turn_begin(&turn, fixture->db), 0);
    assert_int_equal(trust_create(&turn, fixture->keys, "again", T0), MDG_ERR_CONFLICT);
    turn_abort(&turn);
}

#define ON_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FIXTURE(test_whole_rotation),
        ON_FIXTURE(test_who_moves_the_authority_is_not_locked_out),
        ON_FIXTURE(test_each_step_can_be_undone),
        ON_FIXTURE(test_withdrawn_authority_is_let_go_when_all_have_left),
        ON_FIXTURE(test_second_rotation_forgets_the_first_authority),
        ON_FIXTURE(test_dropped_authority_that_expired_stays_dropped),
        ON_FIXTURE(test_rotation_waits_for_an_enrolment),
        ON_FIXTURE(test_server_certificate_is_renewed),
        ON_FIXTURE(test_who_is_let_into_tls),
        ON_FIXTURE(test_context_needs_its_key),
        ON_FIXTURE(test_authority_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
