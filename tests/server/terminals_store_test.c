/* tests/server/terminals_store_test.c - terminals from their first code to their revocation, on a real database. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/terminals/enrolment_store.h"
#include "server/terminals/terminals_domain.h"
#include "tests/support/machines.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define T0 FIXTURE_T0
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define DAY (1440 * MINUTE)
#define COUNTER MDG__TERMINAL_KIND__TERMINAL_COUNTER
#define TERMINAL_ROWS FEED_KIND(MDG__BODY__DOMAIN_TERMINALS, MDG__TERMINALS__OF_TERMINAL_ROW)

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

static int64_t keys_kept(struct fixture *fixture)
{
    return fixture_number(fixture, "SELECT count(*) FROM enrolment WHERE key_sealed IS NOT NULL");
}

/* --- enrolment --------------------------------------------------------------------------------------- */

static void test_enrolment_end_to_end(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine;
    struct caller office = caller_office();
    struct request rq;
    assert_int_equal(machines_step(fixture, T0), MDG__ENROLMENT_SEEN__STEP__NONE);
    assert_int_equal(machine_enrol(fixture, "窓口1", COUNTER, T0, &machine), 0);
    assert_int_equal(machines_step(fixture, T0), MDG__ENROLMENT_SEEN__STEP__WAITING);
    assert_int_equal(keys_kept(fixture), 1);
    assert_int_equal(machine_open(fixture, &machine, T0), 0);
    assert_int_equal(machine_prove(fixture, &machine, T0 + SECOND), 0);
    assert_int_equal(keys_kept(fixture), 0); /* used up */
    assert_int_equal(machines_step(fixture, T0), MDG__ENROLMENT_SEEN__STEP__PROVED);
    assert_int_equal(machine_apply(fixture, &machine, T0 + 2 * SECOND), 0);
    assert_int_equal(machine_apply(fixture, &machine, T0 + 2 * SECOND), 0); /* its answer may have been lost */
    assert_int_equal(machine_collect(fixture, &machine, T0 + 3 * SECOND), MDG_ERR_BUSY);

    char number[7];
    assert_int_equal(enrolment_check_number(machine.caller.exporter, machine.fingerprint, machine.request.bytes,
                                            machine.request.length, number),
                     0);
    assert_int_equal(terminals_call(fixture, &office, MDG__TERMINALS__OF_ENROLMENT_STATE, NULL, T0, &rq), 0);
    const Mdg__EnrolmentSeen *seen = rq.answer->terminals->enrolment_seen;
    assert_int_equal(seen->step, MDG__ENROLMENT_SEEN__STEP__COMPARE);
    assert_string_equal(seen->check_number, number);
    assert_string_equal(seen->terminal_name, "窓口1");
    assert_int_equal(seen->terminal_id, machine.id);
    arena_fini(&rq.arena);

    assert_int_equal(machine_decide(fixture, true, T0 + 4 * SECOND), 0);
    assert_int_equal(machines_step(fixture, T0 + 4 * SECOND), MDG__ENROLMENT_SEEN__STEP__ISSUED);
    assert_int_equal(machine_collect(fixture, &machine, T0 + 5 * SECOND), 0);
    assert_int_equal(machine.authorities_count, 1);
    assert_int_equal(machine.authorities[0].length, machine.authority.length);
    assert_memory_equal(machine.authorities[0].bytes, machine.authority.bytes, machine.authority.length);
    assert_int_equal(machine_admit(fixture, &machine, T0 + 5 * SECOND), 0);
    assert_int_equal(machine_shake(fixture, &machine, false, T0 + 5 * SECOND), 0);
    assert_int_equal(machine_admit(fixture, &machine, T0 + 91 * DAY), MDG_ERR_REVOKED);
}

static void test_effects_of_an_enrolment(void **state)
{
    struct fixture *fixture = *state;
    struct caller console = caller_console(), clock = caller_clock();
    struct machine machine;
    struct request rq;
    Mdg__TerminalEnrol enrol = MDG__TERMINAL_ENROL__INIT;
    Mdg__EnrolmentDecide decide = MDG__ENROLMENT_DECIDE__INIT;
    enrol.name = "A";
    enrol.kind = COUNTER;
    assert_int_equal(terminals_call(fixture, &console, MDG__TERMINALS__OF_ENROL, &enrol, T0, &rq), 0);
    const struct effect *effect = fixture_effect(&rq, EFFECT_ENROLMENT_OPEN);
    assert_non_null(effect);
    assert_int_equal(effect->until_us, T0 + 10 * MINUTE);
    assert_int_equal(rq.answer->terminals->enrolled_code->until_us, T0 + 10 * MINUTE);
    arena_fini(&rq.arena);
    assert_int_equal(terminals_call(fixture, &console, MDG__TERMINALS__OF_ENROLMENT_DECIDE, &decide, T0, &rq), 0);
    effect = fixture_effect(&rq, EFFECT_ENROLMENT_CLOSED);
    assert_non_null(effect);
    assert_int_equal(effect->until_us, T0 + 10 * MINUTE);
    arena_fini(&rq.arena);

    /* Issued: the machine may still collect, and by the end of its time there is nothing left to erase. */
    machine_make(fixture, "B", COUNTER, T0, &machine);
    assert_int_equal(terminals_try(fixture, &clock, MDG__TERMINALS__OF_ENROLMENT_EXPIRE, NULL, T0 + 10 * MINUTE),
                     MDG_ERR_STATE);

    assert_int_equal(machine_enrol(fixture, "C", COUNTER, T0, &machine), 0);
    assert_int_equal(terminals_call(fixture, &clock, MDG__TERMINALS__OF_ENROLMENT_EXPIRE, NULL, T0 + 10 * MINUTE, &rq),
                     0);
    assert_non_null(fixture_effect(&rq, EFFECT_ENROLMENT_CLOSED));
    arena_fini(&rq.arena);
}

static int prove_wrongly(struct fixture *fixture, const struct machine *machine, int64_t now_us, int *tries_left)
{
    struct request rq;
    uint8_t proof[ENROLMENT_PROOF_BYTES] = {1};
    Mdg__EnrolmentProve prove = MDG__ENROLMENT_PROVE__INIT;
    prove.proof = (ProtobufCBinaryData){sizeof proof, proof};
    int rc = terminals_call(fixture, &machine->caller, MDG__TERMINALS__OF_PROVE, &prove, now_us, &rq);
    assert_null(rq.answer);
    *tries_left = -1;
    if (rq.refusal.args_count == 1) {
        assert_string_equal(rq.refusal.args[0].key, "tries_left");
        *tries_left = atoi(rq.refusal.args[0].value);
        assert_int_equal(fixture_effect(&rq, EFFECT_ENROLMENT_CLOSED) != NULL, *tries_left == 0);
    }
    arena_fini(&rq.arena);
    return rc;
}

static void test_four_wrong_codes_are_forgiven(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine;
    int left;
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &machine), 0);
    assert_int_equal(machine_open(fixture, &machine, T0), 0);
    for (int i = 4; i > 0; i--) {
        assert_int_equal(prove_wrongly(fixture, &machine, T0, &left), MDG_ERR_WRONG_CODE);
        assert_int_equal(left, i);
    }
    assert_int_equal(machine_prove(fixture, &machine, T0), 0);
}

static void test_five_wrong_codes_cancel(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine;
    int left;
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &machine), 0);
    assert_int_equal(machine_open(fixture, &machine, T0), 0);
    for (int i = 4; i >= 0; i--) {
        assert_int_equal(prove_wrongly(fixture, &machine, T0, &left), MDG_ERR_WRONG_CODE);
        assert_int_equal(left, i);
    }
    assert_int_equal(machines_step(fixture, T0), MDG__ENROLMENT_SEEN__STEP__ENDED);
    assert_int_equal(keys_kept(fixture), 0);
    assert_int_equal(machine_prove(fixture, &machine, T0), MDG_ERR_STATE);
    assert_int_equal(machine_open(fixture, &machine, T0), MDG_ERR_STATE);
    assert_int_equal(machine_decide(fixture, true, T0), MDG_ERR_STATE);
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &machine), 0); /* at once */
}

static void test_one_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct machine first, second;
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &first), 0);
    assert_int_equal(machine_enrol(fixture, "B", COUNTER, T0 + 9 * MINUTE, &second), MDG_ERR_STATE);
    assert_int_equal(machine_open(fixture, &first, T0), 0); /* untouched by the refused one */
    assert_int_equal(machine_prove(fixture, &first, T0), 0);
    assert_int_equal(machine_enrol(fixture, "B", COUNTER, T0, &second), MDG_ERR_STATE);
    assert_int_equal(machine_decide(fixture, false, T0), 0);
    assert_int_equal(machine_enrol(fixture, "B", COUNTER, T0, &second), 0);
    assert_int_equal(machine_apply(fixture, &first, T0), MDG_ERR_STATE);
    assert_int_equal(machine_enrol(fixture, "C", COUNTER, T0 + 10 * MINUTE, &first), 0); /* the second ran out */
}

/* The next machine need not wait for the last one to collect, and does not take its certificate from it. */
static void test_next_after_issue(void **state)
{
    struct fixture *fixture = *state;
    struct machine first, second;
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &first), 0);
    assert_int_equal(machine_open(fixture, &first, T0), 0);
    assert_int_equal(machine_prove(fixture, &first, T0), 0);
    assert_int_equal(machine_apply(fixture, &first, T0), 0);
    assert_int_equal(machine_decide(fixture, true, T0), 0);
    assert_int_equal(machine_enrol(fixture, "B", COUNTER, T0 + SECOND, &second), 0);
    assert_int_equal(machine_collect(fixture, &second, T0 + SECOND), MDG_ERR_STATE);
    assert_int_equal(machine_collect(fixture, &first, T0 + SECOND), 0);
    assert_int_equal(machine_admit(fixture, &first, T0 + SECOND), 0);
}

/* Somebody between passes on what the machine sends; his connection to the server is another one. */
static void test_man_in_the_middle(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine, between;
    uint8_t proof[ENROLMENT_PROOF_BYTES];
    Mdg__EnrolmentProve prove = MDG__ENROLMENT_PROVE__INIT;
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &machine), 0);
    assert_int_equal(machine_open(fixture, &machine, T0), 0);
    between = machine;
    between.caller = caller_applicant(0xee);
    assert_int_equal(
        enrolment_proof(machine.key, ENROLMENT_TERMINAL, machine.caller.exporter, machine.fingerprint, proof), 0);
    prove.proof = (ProtobufCBinaryData){sizeof proof, proof};
    assert_int_equal(terminals_try(fixture, &between.caller, MDG__TERMINALS__OF_PROVE, &prove, T0), MDG_ERR_WRONG_CODE);

    /* The server's own proof is worth nothing, sent back to it. */
    assert_int_equal(
        enrolment_proof(machine.key, ENROLMENT_SERVER, machine.caller.exporter, machine.fingerprint, proof), 0);
    assert_int_equal(terminals_try(fixture, &machine.caller, MDG__TERMINALS__OF_PROVE, &prove, T0), MDG_ERR_WRONG_CODE);

    /* An authority put in the place of ours does not go unnoticed. */
    struct machine misled = machine;
    misled.fingerprint[0] ^= 1;
    assert_int_equal(machine_prove(fixture, &misled, T0), MDG_ERR_WRONG_CODE);

    /* And once the machine has proved itself, no other connection gets anything: not even with the right code. */
    assert_int_equal(machine_prove(fixture, &machine, T0), 0);
    assert_int_equal(machine_prove(fixture, &between, T0), MDG_ERR_WRONG_CODE);
    assert_int_equal(machine_prove(fixture, &machine, T0), MDG_ERR_WRONG_CODE);
    assert_int_equal(machine_apply(fixture, &between, T0), MDG_ERR_STATE);
    assert_int_equal(machine_collect(fixture, &between, T0), MDG_ERR_STATE);
    assert_int_equal(machine_apply(fixture, &machine, T0), 0);
    assert_int_equal(machine_decide(fixture, true, T0), 0);
    assert_int_equal(machine_collect(fixture, &between, T0), MDG_ERR_STATE);
    assert_int_equal(machine_collect(fixture, &machine, T0), 0);
}

static void test_steps_out_of_order(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine;
    struct caller unbound = caller_applicant(0); /* no exporter: not a TLS connection */
    memset(&machine, 0, sizeof machine);
    machine.caller = caller_applicant(0x55);
    assert_int_equal(machine_open(fixture, &machine, T0), MDG_ERR_STATE); /* nothing is pending */
    assert_int_equal(machine_prove(fixture, &machine, T0), MDG_ERR_STATE);
    assert_int_equal(machine_apply(fixture, &machine, T0), MDG_ERR_STATE);
    assert_int_equal(machine_collect(fixture, &machine, T0), MDG_ERR_STATE);
    assert_int_equal(machine_decide(fixture, true, T0), MDG_ERR_STATE);

    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &machine), 0);
    assert_int_equal(terminals_try(fixture, &unbound, MDG__TERMINALS__OF_OPEN, NULL, T0), MDG_ERR_INTERNAL);
    assert_int_equal(terminals_try(fixture, &unbound, MDG__TERMINALS__OF_COLLECT, NULL, T0), MDG_ERR_INTERNAL);
    assert_int_equal(machine_apply(fixture, &machine, T0), MDG_ERR_STATE);
    assert_int_equal(machine_decide(fixture, true, T0), MDG_ERR_STATE);
    assert_int_equal(machine_open(fixture, &machine, T0), 0);
    assert_int_equal(machine_prove(fixture, &machine, T0), 0);
    assert_int_equal(machine_collect(fixture, &machine, T0), MDG_ERR_STATE);
    assert_int_equal(machine_decide(fixture, true, T0), MDG_ERR_STATE);
    assert_int_equal(machine_apply(fixture, &machine, T0), 0);
    struct machine other = machine;
    other.request.length = 0; /* a second request: the numbers on the screens would not fit */
    assert_int_equal(machine_apply(fixture, &other, T0), MDG_ERR_STATE);
}

static void test_bad_requests(void **state)
{
    struct fixture *fixture = *state;
    struct machine first, machine;
    machine_make(fixture, "A", COUNTER, T0, &first);
    assert_int_equal(machine_enrol(fixture, "B", COUNTER, T0, &machine), 0);
    assert_int_equal(machine_open(fixture, &machine, T0), 0);
    assert_int_equal(machine_prove(fixture, &machine, T0), 0);
    machine.request = first.request; /* a key that another terminal has */
    assert_int_equal(machine_apply(fixture, &machine, T0), MDG_ERR_INVALID);
    machine.request.bytes[machine.request.length - 1] ^= 1;
    assert_int_equal(machine_apply(fixture, &machine, T0), MDG_ERR_INVALID);
    machine.request.length = 0;
    assert_int_equal(machine_apply(fixture, &machine, T0), 0);
}

static void test_expiry(void **state)
{
    struct fixture *fixture = *state;
    struct caller clock = caller_clock();
    struct machine machine;
    bool is_due;
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &machine), 0);
    assert_int_equal(machine_open(fixture, &machine, T0 + 10 * MINUTE - 1), 0);
    assert_int_equal(machine_prove(fixture, &machine, T0 + 10 * MINUTE), MDG_ERR_STATE);
    assert_int_equal(machine_open(fixture, &machine, T0 + 10 * MINUTE), MDG_ERR_STATE);
    assert_int_equal(machines_step(fixture, T0 + 10 * MINUTE), MDG__ENROLMENT_SEEN__STEP__ENDED);
    assert_int_equal(enrolment_is_due(fixture->db, T0 + 10 * MINUTE - 1, &is_due), 0);
    assert_false(is_due);
    assert_int_equal(enrolment_is_due(fixture->db, T0 + 10 * MINUTE, &is_due), 0);
    assert_true(is_due);
    assert_int_equal(terminals_try(fixture, &clock, MDG__TERMINALS__OF_ENROLMENT_EXPIRE, NULL, T0 + 9 * MINUTE),
                     MDG_ERR_STATE);
    assert_int_equal(keys_kept(fixture), 1);
    assert_int_equal(terminals_try(fixture, &clock, MDG__TERMINALS__OF_ENROLMENT_EXPIRE, NULL, T0 + 10 * MINUTE), 0);
    assert_int_equal(keys_kept(fixture), 0);
    assert_int_equal(enrolment_is_due(fixture->db, T0 + 10 * MINUTE, &is_due), 0);
    assert_false(is_due);

    /* Proved in time, decided too late. */
    int64_t t1 = T0 + 20 * MINUTE;
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, t1, &machine), 0);
    assert_int_equal(machine_open(fixture, &machine, t1), 0);
    assert_int_equal(machine_prove(fixture, &machine, t1), 0);
    assert_int_equal(machine_apply(fixture, &machine, t1), 0);
    assert_int_equal(machine_decide(fixture, true, t1 + 10 * MINUTE), MDG_ERR_STATE);
    assert_int_equal(machine_collect(fixture, &machine, t1 + 10 * MINUTE), MDG_ERR_STATE);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM certificate"), 0);
}

static void test_names_of_new_terminals(void **state)
{
    static const struct {
        const char *title, *name;
        Mdg__TerminalKind kind;
        int64_t terminal_id, room_id;
        int rc;
    } CASES[] = {
        {"no name", "", COUNTER, 0, 0, MDG_ERR_INVALID},
        {"blanks", " \u3000 ", COUNTER, 0, 0, MDG_ERR_INVALID},
        {"no kind", "X", MDG__TERMINAL_KIND__TERMINAL_NONE, 0, 0, MDG_ERR_INVALID},
        {"a door without a room", "X", MDG__TERMINAL_KIND__TERMINAL_DOOR, 0, 0, MDG_ERR_INVALID},
        {"a counter with a room", "X", COUNTER, 0, 4, MDG_ERR_INVALID},
        {"the name of another", "A", COUNTER, 0, 0, MDG_ERR_CONFLICT},
        {"the same to the eye", " \uFF41 ", COUNTER, 0, 0, MDG_ERR_CONFLICT},
        {"an unknown terminal", "", COUNTER, 12345, 0, MDG_ERR_NOT_FOUND},
        {"a door", "X", MDG__TERMINAL_KIND__TERMINAL_DOOR, 0, 4, 0},
    };
    struct fixture *fixture = *state;
    struct caller office = caller_office();
    struct machine machine;
    machine_make(fixture, "A", COUNTER, T0, &machine);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        Mdg__TerminalEnrol enrol = MDG__TERMINAL_ENROL__INIT;
        enrol.name = (char *)CASES[i].name;
        enrol.kind = CASES[i].kind;
        enrol.terminal_id = CASES[i].terminal_id;
        enrol.room_id = CASES[i].room_id;
        int rc = terminals_try(fixture, &office, MDG__TERMINALS__OF_ENROL, &enrol, T0);
        if (rc != CASES[i].rc) fail_msg("%s: %s", CASES[i].title, mdg_error_name(rc));
    }
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM terminal"), 2);
}

static void test_failed_enrolment_can_be_repeated_by_name(void **state)
{
    struct fixture *fixture = *state;
    struct machine first, second;
    assert_int_equal(machine_enrol(fixture, "A", COUNTER, T0, &first), 0);
    assert_int_equal(machine_decide(fixture, false, T0), 0);
    machine_make(fixture, "A", MDG__TERMINAL_KIND__TERMINAL_OFFICE, T0, &second);
    assert_int_equal(first.id, second.id);
    assert_int_equal(second.caller.kind, KIND_OFFICE);
}

static void test_enrolling_again_replaces_the_machine(void **state)
{
    struct fixture *fixture = *state;
    struct caller office = caller_office();
    struct machine old, new;
    struct request rq;
    Mdg__TerminalEnrol enrol = MDG__TERMINAL_ENROL__INIT;
    Mdg__EnrolmentDecide decide = MDG__ENROLMENT_DECIDE__INIT;
    machine_make(fixture, "A", COUNTER, T0, &old);
    memset(&new, 0, sizeof new);
    new.caller = caller_applicant(0xcc);
    enrol.terminal_id = new.id = old.id;
    assert_int_equal(terminals_call(fixture, &office, MDG__TERMINALS__OF_ENROL, &enrol, T0, &rq), 0);
    assert_int_equal(rq.object_id, old.id);
    memcpy(new.code, rq.answer->terminals->enrolled_code->code, sizeof new.code);
    arena_fini(&rq.arena);
    assert_int_equal(machine_open(fixture, &new, T0), 0);
    assert_int_equal(machine_prove(fixture, &new, T0), 0);
    assert_int_equal(machine_apply(fixture, &new, T0), 0);
    assert_int_equal(machine_admit(fixture, &old, T0), 0); /* until the office has said "same" */
    decide.is_same = true;
    assert_int_equal(terminals_call(fixture, &office, MDG__TERMINALS__OF_ENROLMENT_DECIDE, &decide, T0, &rq), 0);
    assert_non_null(fixture_effect(&rq, EFFECT_TERMINAL_CUT));
    assert_int_equal(fixture_effect(&rq, EFFECT_TERMINAL_CUT)->terminal_id, old.id);
    arena_fini(&rq.arena);
    assert_int_equal(machine_collect(fixture, &new, T0), 0);
    assert_int_equal(machine_admit(fixture, &old, T0), MDG_ERR_REVOKED);
    assert_int_equal(machine_admit(fixture, &new, T0), 0);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM terminal"), 1);
}

/* --- renewal ----------------------------------------------------------------------------------------- */

static void test_renewal(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine, old;
    int64_t t1 = T0 + 60 * DAY;
    machine_make(fixture, "A", COUNTER, T0, &machine);
    old = machine;
    assert_int_equal(machine_renew(fixture, &machine, t1), 0);
    assert_string_not_equal(machine.serial, old.serial);
    assert_int_equal(machine_admit(fixture, &machine, t1 + 89 * DAY), 0);
    assert_int_equal(machine_admit(fixture, &machine, t1 + 90 * DAY), MDG_ERR_REVOKED);
    assert_int_equal(machine_admit(fixture, &old, t1 + 7 * DAY - 1), 0);
    assert_int_equal(machine_admit(fixture, &old, t1 + 7 * DAY), MDG_ERR_REVOKED);

    /* An old one that ends sooner is not lengthened. */
    old = machine;
    assert_int_equal(machine_renew(fixture, &machine, t1 + 89 * DAY), 0);
    assert_int_equal(machine_admit(fixture, &old, t1 + 90 * DAY), MDG_ERR_REVOKED);
}

static int renew_with(struct fixture *fixture, const struct machine *machine, const struct der *request, int64_t now_us)
{
    Mdg__TerminalRenew renew = MDG__TERMINAL_RENEW__INIT;
    renew.request = (ProtobufCBinaryData){request->length, (uint8_t *)request->bytes};
    return terminals_try(fixture, &machine->caller, MDG__TERMINALS__OF_RENEW, &renew, now_us);
}

static void test_renewal_needs_a_new_key(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine, other, before;
    machine_make(fixture, "A", COUNTER, T0, &machine);
    machine_make(fixture, "B", COUNTER, T0, &other);
    before = machine;
    assert_int_equal(renew_with(fixture, &machine, &machine.request, T0 + DAY), MDG_ERR_INVALID);
    assert_int_equal(renew_with(fixture, &machine, &other.request, T0 + DAY), MDG_ERR_INVALID);
    struct der damaged = machine.request;
    damaged.bytes[damaged.length - 1] ^= 1;
    assert_int_equal(renew_with(fixture, &machine, &damaged, T0 + DAY), MDG_ERR_INVALID);

    assert_int_equal(machine_renew(fixture, &machine, T0 + DAY), 0);
    /* Its answer was lost: asked once more over the old certificate, the same comes. */
    assert_int_equal(renew_with(fixture, &before, &machine.request, T0 + 2 * DAY), 0);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM certificate"), 3);
    /* Back to the key before is no renewal. */
    assert_int_equal(renew_with(fixture, &machine, &before.request, T0 + 2 * DAY), MDG_ERR_INVALID);
}

static void test_renewal_in_a_loop_is_stopped(void **state)
{
    struct fixture *fixture = *state;
    struct machine machine;
    machine_make(fixture, "A", COUNTER, T0, &machine);
    for (int i = 0; i < 3; i++) assert_int_equal(machine_renew(fixture, &machine, T0 + DAY + i), 0);
    assert_int_equal(machine_renew(fixture, &machine, T0 + DAY + 3), MDG_ERR_STATE);
    assert_int_equal(machine_renew(fixture, &machine, T0 + 9 * DAY), 0); /* the old ones have gone */
}

/* --- revocation, changes, lists ---------------------------------------------------------------------- */

static void test_revocation(void **state)
{
    struct fixture *fixture = *state;
    struct caller office = caller_office();
    struct machine machine, pending;
    struct request rq;
    Mdg__TerminalRevoke revoke = MDG__TERMINAL_REVOKE__INIT;
    Mdg__TerminalEnrol enrol = MDG__TERMINAL_ENROL__INIT;
    machine_make(fixture, "A", COUNTER, T0, &machine);
    enrol.terminal_id = machine.id;
    assert_int_equal(terminals_try(fixture, &office, MDG__TERMINALS__OF_ENROL, &enrol, T0), 0);
    revoke.terminal_id = machine.id;
    revoke.reason = "stolen";
    assert_int_equal(terminals_call(fixture, &office, MDG__TERMINALS__OF_REVOKE, &revoke, T0, &rq), 0);
    assert_string_equal(rq.reason, "stolen");
    assert_int_equal(rq.object_id, machine.id);
    assert_true(rq.rev > 0);
    assert_non_null(fixture_effect(&rq, EFFECT_TERMINAL_CUT));
    assert_int_equal(fixture_effect(&rq, EFFECT_TERMINAL_CUT)->terminal_id, machine.id);
    assert_non_null(fixture_effect(&rq, EFFECT_ENROLMENT_CLOSED)); /* its pending code went with it */
    arena_fini(&rq.arena);
    assert_int_equal(machines_step(fixture, T0), MDG__ENROLMENT_SEEN__STEP__ENDED);
    assert_int_equal(machine_admit(fixture, &machine, T0), MDG_ERR_REVOKED);
    assert_int_equal(machine_renew(fixture, &machine, T0), MDG_ERR_REVOKED); /* a call that was under way */
    assert_int_equal(terminals_try(fixture, &office, MDG__TERMINALS__OF_REVOKE, &revoke, T0), MDG_ERR_STATE);
    revoke.terminal_id = 99;
    assert_int_equal(terminals_try(fixture, &office, MDG__TERMINALS__OF_REVOKE, &revoke, T0), MDG_ERR_NOT_FOUND);

    /* Another terminal's pending code is not touched. */
    struct machine second;
    machine_make(fixture, "B", COUNTER, T0, &second);
    assert_int_equal(machine_enrol(fixture, "C", COUNTER, T0, &pending), 0);
    revoke.terminal_id = second.id;
    assert_int_equal(terminals_try(fixture, &office, MDG__TERMINALS__OF_REVOKE, &revoke, T0), 0);
    assert_int_equal(machines_step(fixture, T0), MDG__ENROLMENT_SEEN__STEP__WAITING);
}

static void test_admission(void **state)
{
    struct fixture *fixture = *state;
    struct machine door, other;
    struct caller caller;
    machine_make(fixture, "D", MDG__TERMINAL_KIND__TERMINAL_DOOR, T0, &door);
    machine_make(fixture, "A", COUNTER, T0, &other);
    assert_int_equal(terminal_admit(fixture->db, door.id, door.serial, T0, &caller), 0);
    assert_int_equal(caller.kind, KIND_DOOR);
    assert_int_equal(caller.room_id, 9);
    assert_false(caller.is_private);
    assert_int_equal(terminal_admit(fixture->db, door.id, other.serial, T0, &caller), MDG_ERR_REVOKED);
    assert_int_equal(terminal_admit(fixture->db, 77, door.serial, T0, &caller), MDG_ERR_REVOKED);
    assert_int_equal(terminal_admit(fixture->db, door.id, "00", T0, &caller), MDG_ERR_REVOKED);
}

static void test_change(void **state)
{
    struct fixture *fixture = *state;
    struct caller office = caller_office(), caller;
    struct machine machine, other;
    struct request rq;
    Mdg__TerminalChange change = MDG__TERMINAL_CHANGE__INIT;
    machine_make(fixture, "A", COUNTER, T0, &machine);
    machine_make(fixture, "B", COUNTER, T0, &other);
    change.terminal_id = machine.id;
    change.name = "相談室";
    change.is_private = true;
    assert_int_equal(terminals_call(fixture, &office, MDG__TERMINALS__OF_CHANGE, &change, T0, &rq), 0);
    const struct effect *effect = fixture_effect(&rq, EFFECT_TERMINAL_CHANGED);
    assert_non_null(effect);
    assert_int_equal(effect->terminal_id, machine.id);
    assert_true(effect->is_private);
    arena_fini(&rq.arena);
    assert_int_equal(terminal_admit(fixture->db, machine.id, machine.serial, T0, &caller), 0);
    assert_true(caller.is_private);
    change.name = "b";
    assert_int_equal(terminals_try(fixture, &office, MDG__TERMINALS__OF_CHANGE, &change, T0), MDG_ERR_CONFLICT);
    change.name = "C";
    change.room_id = 3;
    assert_int_equal(terminals_try(fixture, &office, MDG__TERMINALS__OF_CHANGE, &change, T0), MDG_ERR_INVALID);
    change.terminal_id = 99;
    assert_int_equal(terminals_try(fixture, &office, MDG__TERMINALS__OF_CHANGE, &change, T0), MDG_ERR_NOT_FOUND);
}

static void test_list_comes_in_pages(void **state)
{
    struct fixture *fixture = *state;
    struct caller office = caller_office();
    struct request rq;
    Mdg__TerminalList list = MDG__TERMINAL_LIST__INIT;
    for (int i = 1; i <= 203; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        struct terminal terminal = {.id = i * 10, .name = name, .kind = KIND_COUNTER, .rev = i};
        assert_int_equal(terminal_insert(fixture->db, &terminal, name), 0);
    }
    assert_int_equal(terminals_call(fixture, &office, MDG__TERMINALS__OF_LIST, &list, T0, &rq), 0);
    const Mdg__TerminalListed *listed = rq.answer->terminals->listed;
    assert_int_equal(listed->n_terminals, 200);
    assert_true(listed->has_more);
    assert_int_equal(listed->terminals[0]->id, 10);
    list.after_id = listed->terminals[199]->id;
    arena_fini(&rq.arena);
    assert_int_equal(terminals_call(fixture, &office, MDG__TERMINALS__OF_LIST, &list, T0, &rq), 0);
    listed = rq.answer->terminals->listed;
    assert_int_equal(listed->n_terminals, 3);
    assert_false(listed->has_more);
    assert_int_equal(listed->terminals[2]->id, 2030);
    arena_fini(&rq.arena);
}

static void test_feed_and_seen(void **state)
{
    struct fixture *fixture = *state;
    struct caller office = caller_office();
    struct machine first, second;
    struct request rq;
    struct arena arena;
    Mdg__Row *rows[8];
    Mdg__TerminalList list = MDG__TERMINAL_LIST__INIT;
    machine_make(fixture, "A", COUNTER, T0, &first);
    machine_make(fixture, "B", COUNTER, T0, &second);
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(fixture_feed(fixture, &TERMINALS_DOMAIN, TERMINAL_ROWS, 0, &arena, rows, COUNT(rows)), 2);
    int64_t rev = rows[1]->rev;
    assert_int_equal(rows[0]->id, first.id);
    assert_int_equal(rows[1]->body->terminals->terminal_row->certificate_until_us, T0 + 90 * DAY);

    /* Being seen is no change, and the feed does not tell of it. */
    assert_int_equal(terminals_seen(fixture->db, (int64_t[]){first.id, 4711}, 2, T0 + MINUTE), 0);
    assert_int_equal(fixture_feed(fixture, &TERMINALS_DOMAIN, TERMINAL_ROWS, rev, &arena, rows, COUNT(rows)), 0);
    assert_int_equal(terminals_call(fixture, &office, MDG__TERMINALS__OF_LIST, &list, T0, &rq), 0);
    assert_int_equal(rq.answer->terminals->listed->terminals[0]->last_seen_us, T0 + MINUTE);
    assert_int_equal(rq.answer->terminals->listed->terminals[1]->last_seen_us, 0);
    arena_fini(&rq.arena);

    assert_int_equal(machine_renew(fixture, &first, T0 + DAY), 0);
    assert_int_equal(fixture_feed(fixture, &TERMINALS_DOMAIN, TERMINAL_ROWS, rev, &arena, rows, COUNT(rows)), 1);
    assert_int_equal(rows[0]->id, first.id);
    assert_int_equal(rows[0]->body->terminals->terminal_row->last_seen_us, 0);
    assert_int_equal(rows[0]->body->terminals->terminal_row->certificate_until_us, T0 + 91 * DAY);
    arena_fini(&arena);
}

#define ON_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FIXTURE(test_enrolment_end_to_end),
        ON_FIXTURE(test_effects_of_an_enrolment),
        ON_FIXTURE(test_four_wrong_codes_are_forgiven),
        ON_FIXTURE(test_five_wrong_codes_cancel),
        ON_FIXTURE(test_one_at_a_time),
        ON_FIXTURE(test_next_after_issue),
        ON_FIXTURE(test_man_in_the_middle),
        ON_FIXTURE(test_steps_out_of_order),
        ON_FIXTURE(test_bad_requests),
        ON_FIXTURE(test_expiry),
        ON_FIXTURE(test_names_of_new_terminals),
        ON_FIXTURE(test_failed_enrolment_can_be_repeated_by_name),
        ON_FIXTURE(test_enrolling_again_replaces_the_machine),
        ON_FIXTURE(test_renewal),
        ON_FIXTURE(test_renewal_needs_a_new_key),
        ON_FIXTURE(test_renewal_in_a_loop_is_stopped),
        ON_FIXTURE(test_revocation),
        ON_FIXTURE(test_admission),
        ON_FIXTURE(test_change),
        ON_FIXTURE(test_list_comes_in_pages),
        ON_FIXTURE(test_feed_and_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
