/* tests/server/dispatch_store_test.c - a call's whole way through dispatch, its threads and the database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "common/frame.h"
#include "server/accounts/account_store.h"
#include "server/approvals/approvals_domain.h"
#include "server/centre/centre_domain.h"
#include "server/feed/feed_domain.h"
#include "server/keys/keys.h"
#include "server/sign_in/sign_in_domain.h"
#include "server/sign_in/sign_in_store.h"
#include "server/terminals/terminals_domain.h"
#include "server/visits/visits_domain.h"
#include "tests/support/centre_fixture.h"
#include "tests/support/dispatch_fixture.h"

#define OFFICE_PERSON 21
#define OTHER_OFFICE_PERSON 22
#define DESK_PERSON 23

struct hall {
    struct house *house;
    struct session *counter, *office; /* terminals 11 (nobody signed in) and 12 (OFFICE_PERSON) */
    int64_t place, purpose;
};

static int setup(void **state)
{
    struct hall *hall = calloc(1, sizeof *hall);
    void *house;
    if (!hall || house_setup(&house) != 0) return -1;
    hall->house = house;
    hall->counter = house_connect(hall->house, KIND_COUNTER, 11, 0, 0);
    hall->office = house_connect(hall->house, KIND_OFFICE, 12, OFFICE_PERSON, ROLE_BIT_OFFICE);
    Mdg__VisitPlaceSave place = MDG__VISIT_PLACE_SAVE__INIT;
    place.name = (char *)"door";
    const Mdg__Response *response =
        house_ask(hall->house, hall->office, &VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &place);
    centre_must(house_code(response), "place");
    hall->place = response->object_id;
    Mdg__VisitPurposeSave purpose = MDG__VISIT_PURPOSE_SAVE__INIT;
    purpose.place_id = hall->place;
    purpose.name = (char *)"in";
    response = house_ask(hall->house, hall->office, &VISITS_DOMAIN, MDG__VISITS__OF_PURPOSE_SAVE, &purpose);
    centre_must(house_code(response), "purpose");
    hall->purpose = response->object_id;
    *state = hall;
    return 0;
}

static int teardown(void **state)
{
    struct hall *hall = *state;
    void *house = hall->house;
    free(hall);
    return house_teardown(&house);
}

static Mdg__VisitCount count_of(const struct hall *hall, int32_t people)
{
    Mdg__VisitCount count = MDG__VISIT_COUNT__INIT;
    count.place_id = hall->place;
    count.purpose_id = hall->purpose;
    count.people = people;
    count.at_us = hall->house->now_us;
    return count;
}

static uint64_t send_count(struct hall *hall, struct session *session, int32_t people, const uint8_t *key,
                           Mdg__Waited *waited)
{
    Mdg__VisitCount count = count_of(hall, people);
    return house_send(hall->house, session,
                      &(struct house_call){&VISITS_DOMAIN, MDG__VISITS__OF_COUNT, &count, key, waited});
}

static const Mdg__Response *count(struct hall *hall, struct session *session, int32_t people, const uint8_t *key,
                                  Mdg__Waited *waited)
{
    return house_await(hall->house, send_count(hall, session, people, key, waited));
}

static void assert_refused(const Mdg__Response *response, int code, const char *field, const char *rule)
{
    if (house_code(response) != code)
        fail_msg("%s, not %s", mdg_error_name(house_code(response)), mdg_error_name(code));
    assert_string_equal(response->refusal->field, field);
    assert_string_equal(response->refusal->rule, rule);
    assert_string_equal(response->refusal->name, mdg_error_name(code));
}

static const char SQL_VISITS[] = "SELECT COUNT(*) FROM visit";
static const char SQL_AUDIT[] = "SELECT COUNT(*) FROM audit";

static void assert_chain(struct hall *hall)
{
    int64_t rows, bad;
    uint8_t head[AUDIT_HASH_BYTES];
    assert_int_equal(audit_verify(hall->house->db, &rows, head, &bad), 0);
}

/* --- frames and hello --------------------------------------------------------------------------------------- */

static void test_frames_that_are_none(void **state)
{
    static const uint8_t GARBAGE[] = {0xff, 0xff, 0xff, 0xff, 0x01};
    struct hall *hall = *state;
    struct arena arena;
    Mdg__Frame *decoded;
    assert_int_equal(dispatch_decode(GARBAGE, sizeof GARBAGE, &arena, &decoded), MDG_ERR_MALFORMED);
    arena_fini(&arena);

    Mdg__Frame frame = MDG__FRAME__INIT;
    Mdg__Request msg = MDG__REQUEST__INIT;
    arena_init(&arena, 4096);
    assert_int_equal(dispatch_request(hall->house->dispatch, hall->counter, &frame, &arena), MDG_ERR_MALFORMED);
    frame.kind_case = MDG__FRAME__KIND_REQUEST;
    frame.request = &msg; /* without a number */
    arena_init(&arena, 4096);
    assert_int_equal(dispatch_request(hall->house->dispatch, hall->counter, &frame, &arena), MDG_ERR_MALFORMED);
    assert_int_equal(hall->counter->in_flight, 0);
}

static void test_hello_comes_first(void **state)
{
    struct hall *hall = *state;
    struct session *applicant = house_connect(hall->house, KIND_APPLICANT, 0, 0, 0);
    Mdg__EnrolmentOpen open = MDG__ENROLMENT_OPEN__INIT;
    Mdg__Hello hello = MDG__HELLO__INIT;
    applicant->caller.has_hello = false;
    assert_refused(house_ask(hall->house, applicant, &TERMINALS_DOMAIN, MDG__TERMINALS__OF_OPEN, &open),
                   MDG_ERR_HELLO_FIRST, "", "hello_first");
    hello.protocol_min = 2;
    hello.protocol_max = 9;
    const Mdg__Response *response = house_ask(hall->house, applicant, &CENTRE_DOMAIN, MDG__CENTRE__OF_HELLO, &hello);
    assert_refused(response, MDG_ERR_VERSION, "protocol_max", "version");
    assert_int_equal(response->refusal->n_args, 2);
    assert_false(applicant->caller.has_hello);
    hello.protocol_min = 1;
    response = house_ask(hall->house, applicant, &CENTRE_DOMAIN, MDG__CENTRE__OF_HELLO, &hello);
    assert_int_equal(house_code(response), 0);
    const Mdg__Welcome *welcome = response->body->centre->welcome;
    assert_int_equal(welcome->protocol, 1);
    assert_string_equal(welcome->centre_name, ""); /* it has proved nothing yet */
    assert_int_equal(welcome->epoch.len, 0);
    assert_int_equal(welcome->n_authorities, 0);
    assert_true(applicant->caller.has_hello);
    assert_int_not_equal(
        house_code(house_ask(hall->house, applicant, &TERMINALS_DOMAIN, MDG__TERMINALS__OF_OPEN, &open)),
        MDG_ERR_HELLO_FIRST);

    struct session *console = house_connect(hall->house, KIND_CONSOLE, 0, 0, 0);
    console->caller.has_hello = false;
    response = house_ask(hall->house, console, &CENTRE_DOMAIN, MDG__CENTRE__OF_HELLO, &hello);
    assert_int_equal(house_code(response), 0);
    welcome = response->body->centre->welcome;
    assert_string_equal(welcome->centre_name, "Midori");
    assert_string_equal(welcome->zone, "Asia/Tokyo");
    assert_int_equal(welcome->epoch.len, EPOCH_BYTES);
    assert_int_equal(welcome->n_authorities, 1);
    assert_int_equal(welcome->terminal_id, 0);
    assert_true(console->caller.has_hello);
}

/* --- who may --------------------------------------------------------------------------------------------------- */

static void test_who_may_do_what_where(void **state)
{
    static const struct {
        const char *name;
        enum terminal_kind kind;
        int64_t person_id;
        uint32_t roles;
        uint32_t op;
        int code;
        const char *rule;
    } CASES[] = {
        {"a counter counts alone", KIND_COUNTER, 0, 0, MDG__VISITS__OF_COUNT, 0, ""},
        {"an office does not", KIND_OFFICE, 0, 0, MDG__VISITS__OF_COUNT, MDG_ERR_SIGN_IN_NEEDED, "person"},
        {"an office with a person does", KIND_OFFICE, 21, ROLE_BIT_OFFICE, MDG__VISITS__OF_COUNT, 0, ""},
        {"the desk's role is none there", KIND_OFFICE, 23, ROLE_BIT_DESK, MDG__VISITS__OF_COUNT, MDG_ERR_FORBIDDEN,
         "role"},
        {"a lounge does not count", KIND_LOUNGE, 21, ROLE_BIT_OFFICE, MDG__VISITS__OF_COUNT, MDG_ERR_FORBIDDEN,
         "terminal_kind"},
        {"nor a door", KIND_DOOR, 0, 0, MDG__VISITS__OF_COUNT, MDG_ERR_FORBIDDEN, "terminal_kind"},
        {"the desk reads lines", KIND_COUNTER, 23, ROLE_BIT_DESK, MDG__VISITS__OF_LIST, 0, ""},
        {"nobody reads lines", KIND_COUNTER, 0, 0, MDG__VISITS__OF_LIST, MDG_ERR_SIGN_IN_NEEDED, "person"},
        {"the council does not", KIND_COUNCIL, 24, ROLE_BIT_COUNCIL, MDG__VISITS__OF_LIST, MDG_ERR_FORBIDDEN,
         "terminal_kind"},
        {"the desk saves no places", KIND_COUNTER, 23, ROLE_BIT_DESK, MDG__VISITS__OF_PLACE_SAVE, MDG_ERR_FORBIDDEN,
         "role"},
        {"somebody who could sign in", KIND_COUNTER, 0, 0, MDG__VISITS__OF_PLACE_SAVE, MDG_ERR_SIGN_IN_NEEDED,
         "person"},
        {"the office saves places at the counter", KIND_COUNTER, 21, ROLE_BIT_OFFICE, MDG__VISITS__OF_PLACE_SAVE, 0,
         ""},
        {"a chair with an office's role", KIND_COUNCIL, 21, ROLE_BIT_OFFICE, MDG__VISITS__OF_PLACE_SAVE,
         MDG_ERR_FORBIDDEN, "terminal_kind"},
        {"consultation without a private room", KIND_COUNTER, 25, ROLE_BIT_CONSULTATION, MDG__VISITS__OF_LIST,
         MDG_ERR_FORBIDDEN, "role"},
    };
    struct hall *hall = *state;
    Mdg__VisitCount visit = count_of(hall, 1);
    Mdg__VisitList list = MDG__VISIT_LIST__INIT;
    Mdg__VisitPlaceSave place = MDG__VISIT_PLACE_SAVE__INIT;
    list.to_us = hall->house->now_us;
    place.name = (char *)"hall";
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct session *session =
            house_connect(hall->house, CASES[i].kind, 100 + (int64_t)i, CASES[i].person_id, CASES[i].roles);
        const void *message = CASES[i].op == MDG__VISITS__OF_COUNT  ? (const void *)&visit
                              : CASES[i].op == MDG__VISITS__OF_LIST ? (const void *)&list
                                                                    : (const void *)&place;
        const Mdg__Response *response = house_ask(hall->house, session, &VISITS_DOMAIN, CASES[i].op, message);
        if (house_code(response) != CASES[i].code ||
            (response->refusal && strcmp(response->refusal->rule, CASES[i].rule) != 0))
            fail_msg("%s: %s", CASES[i].name, mdg_error_name(house_code(response)));
    }
}

static void test_the_own_secret_once_more(void **state)
{
    struct hall *hall = *state;
    Mdg__ApprovalDecide decide = MDG__APPROVAL_DECIDE__INIT;
    decide.approval_id = 1;
    hall->office->caller.confirmed_until_us = hall->house->now_us - 1;
    assert_refused(house_ask(hall->house, hall->office, &APPROVALS_DOMAIN, MDG__APPROVALS__OF_DECIDE, &decide),
                   MDG_ERR_CONFIRM_NEEDED, "", "secret");
    hall->office->caller.confirmed_until_us = hall->house->now_us + US_PER_HOUR;
    assert_refused(house_ask(hall->house, hall->office, &APPROVALS_DOMAIN, MDG__APPROVALS__OF_DECIDE, &decide),
                   MDG_ERR_NOT_FOUND, "approval_id", "open_approval");
}

/* While the secret is reckoned somebody else may have signed in: it was not that person's. */
static void test_a_confirmation_is_its_persons(void **state)
{
    struct hall *hall = *state;
    struct caller *caller = &hall->office->caller;
    char hash[SECRET_HASH_BYTES_MAX], sql[400];
    Mdg__SignInConfirm confirm = MDG__SIGN_IN_CONFIRM__INIT;
    const struct house_call call = {.domain = &SIGN_IN_DOMAIN, .op = MDG__SIGN_IN__OF_CONFIRM, .message = &confirm};
    centre_must(secret_hash(hall->house->keys, "kawara-ishidatami", hash), "hash");
    snprintf(sql, sizeof sql, "INSERT INTO person VALUES (%d, 'Sato', 'sato', '', 2, 0, '%s', 1, 0, 1, 1)",
             OFFICE_PERSON, hash);
    centre_must(db_exec(hall->house->db, sql), "person");
    confirm.secret = (char *)"kawara-ishidatami";
    caller->confirmed_until_us = 0;
    uint64_t id = house_send(hall->house, hall->office, &call);
    caller->person_id = OTHER_OFFICE_PERSON;
    assert_int_equal(house_code(house_await(hall->house, id)), 0);
    assert_int_equal(caller->confirmed_until_us, 0);
    caller->person_id = OFFICE_PERSON;
    assert_int_equal(house_code(house_await(hall->house, house_send(hall->house, hall->office, &call))), 0);
    assert_true(caller->confirmed_until_us > hall->house->now_us);
}

/* After the idle time the person is signed out; what the terminal may do by itself goes on. */
static void test_a_sign_in_ends_by_itself(void **state)
{
    static const char SQL_PERSON[] = "SELECT person_id FROM visit ORDER BY id DESC LIMIT 1";
    struct hall *hall = *state;
    Mdg__VisitPlaceSave place = MDG__VISIT_PLACE_SAVE__INIT;
    struct session *session = house_connect(hall->house, KIND_COUNTER, 13, OFFICE_PERSON, ROLE_BIT_OFFICE);
    place.name = (char *)"hall";
    assert_int_equal(house_code(count(hall, session, 1, NULL, NULL)), 0);
    assert_int_equal(centre_number(hall->house->db, SQL_PERSON), OFFICE_PERSON);
    session->caller.last_call_us -= 2 * US_PER_HOUR;
    assert_refused(house_ask(hall->house, session, &VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &place),
                   MDG_ERR_SIGN_IN_NEEDED, "", "idle");
    assert_int_equal(session->caller.person_id, 0);
    assert_false(session->caller.roles & ROLE_BIT_OFFICE);
    assert_refused(house_ask(hall->house, session, &VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &place),
                   MDG_ERR_SIGN_IN_NEEDED, "", "person");

    struct session *late = house_connect(hall->house, KIND_COUNTER, 14, OFFICE_PERSON, ROLE_BIT_OFFICE);
    late->caller.sign_in_until_us = hall->house->now_us - 1;
    assert_int_equal(house_code(count(hall, late, 1, NULL, NULL)), 0); /* the counter counts, by itself */
    assert_int_equal(centre_number(hall->house->db, SQL_PERSON), 0);
}

/* --- the request's key ----------------------------------------------------------------------------------------------
 */

static void test_a_repeat_is_answered_as_then(void **state)
{
    static const uint8_t KEY[REQUEST_KEY_BYTES] = "the same key 1";
    static const uint8_t REFUSED_KEY[REQUEST_KEY_BYTES] = "the same key 2";
    struct hall *hall = *state;
    const Mdg__Response *first = count(hall, hall->counter, 3, KEY, NULL);
    assert_int_equal(house_code(first), 0);
    assert_true(first->object_id > 0 && first->rev > 0);
    int64_t rows = centre_number(hall->house->db, SQL_AUDIT);
    const Mdg__Response *again = count(hall, hall->counter, 3, KEY, NULL);
    assert_int_equal(house_code(again), 0);
    assert_int_equal(again->object_id, first->object_id);
    assert_int_equal(again->rev, first->rev);
    assert_int_equal(centre_number(hall->house->db, SQL_VISITS), 1);
    assert_int_equal(centre_number(hall->house->db, SQL_AUDIT), rows);
    assert_refused(count(hall, hall->counter, 4, KEY, NULL), MDG_ERR_KEY_REUSED, "request_key", "other_content");
    assert_int_equal(centre_number(hall->house->db, SQL_VISITS), 1);
    assert_int_equal(centre_number(hall->house->db, SQL_AUDIT), rows + 1);

    /* A refusal is remembered too, even when the reason for it has gone. */
    int64_t purpose = hall->purpose;
    hall->purpose = 12345;
    assert_refused(count(hall, hall->counter, 3, REFUSED_KEY, NULL), MDG_ERR_NOT_FOUND, "purpose_id",
                   "purpose_of_place");
    char sql[200];
    snprintf(sql, sizeof sql, "INSERT INTO visit_purpose VALUES (12345, %lld, 'x', 'x', 1, 0, 1)",
             (long long)hall->place);
    centre_must(db_exec(hall->house->db, sql), "purpose");
    assert_refused(count(hall, hall->counter, 3, REFUSED_KEY, NULL), MDG_ERR_NOT_FOUND, "purpose_id",
                   "purpose_of_place");
    assert_int_equal(house_code(count(hall, hall->counter, 3, NULL, NULL)), 0); /* by another key it is another call */
    hall->purpose = purpose;
    assert_chain(hall);
}

static void test_one_key_many_times_at_once(void **state)
{
    static const uint8_t KEY[REQUEST_KEY_BYTES] = "at once";
    struct hall *hall = *state;
    uint64_t ids[40];
    for (int i = 0; i < 40; i++) ids[i] = send_count(hall, i % 2 ? hall->counter : hall->office, 2, KEY, NULL);
    const Mdg__Response *first = house_await(hall->house, ids[0]);
    for (int i = 0; i < 40; i++) {
        const Mdg__Response *response = house_await(hall->house, ids[i]);
        assert_int_equal(house_code(response), 0);
        assert_int_equal(response->object_id, first->object_id);
    }
    assert_int_equal(centre_number(hall->house->db, SQL_VISITS), 1);
}

static void test_keys_of_the_wrong_size(void **state)
{
    struct hall *hall = *state;
    for (size_t length = 0; length <= 32; length++) {
        Mdg__VisitCount visit = count_of(hall, 1);
        Mdg__Frame frame = MDG__FRAME__INIT, *decoded;
        Mdg__Request msg = MDG__REQUEST__INIT;
        Mdg__Body body = MDG__BODY__INIT;
        Mdg__Visits visits = MDG__VISITS__INIT;
        uint8_t key[32] = {7};
        struct arena arena;
        size_t size;
        frame.kind_case = MDG__FRAME__KIND_REQUEST;
        frame.request = &msg;
        msg.id = ++hall->house->last_id;
        msg.body = &body;
        msg.request_key.data = key;
        msg.request_key.len = length;
        body.domain_case = MDG__BODY__DOMAIN_VISITS;
        body.visits = &visits;
        visits.of_case = MDG__VISITS__OF_COUNT;
        visits.count = &visit;
        uint8_t *bytes = frame_pack(&frame, &size);
        centre_must(dispatch_decode(bytes + FRAME_HEAD_BYTES, size - FRAME_HEAD_BYTES, &arena, &decoded), "decode");
        free(bytes);
        centre_must(dispatch_request(hall->house->dispatch, hall->counter, decoded, &arena), "request");
        const Mdg__Response *response = house_await(hall->house, msg.id);
        if (length == REQUEST_KEY_BYTES)
            assert_int_equal(house_code(response), 0);
        else
            assert_refused(response, MDG_ERR_INVALID, "request_key", length == 0 ? "required" : "length");
    }
    assert_int_equal(centre_number(hall->house->db, SQL_VISITS), 1);
}

/* --- what waited
 * ------------------------------------------------------------------------------------------------------- */

static const uint8_t TOKEN[SIGN_IN_TOKEN_BYTES] = "a token of 16 b";

/* Somebody signed in at the counter two hours ago, for an hour. */
static void add_sign_in(struct hall *hall, int64_t person_id, uint32_t roles)
{
    struct db *db = hall->house->db;
    struct account account = {.id = person_id, .name = "Hanako", .name_key = "hanako", .reading = "", .roles = roles};
    struct sign_in sign_in = {.id = 77,
                              .person_id = person_id,
                              .terminal_id = 11,
                              .from_us = hall->house->now_us - 2 * US_PER_HOUR,
                              .until_us = hall->house->now_us - US_PER_HOUR,
                              .idle_us = US_PER_HOUR,
                              .last_us = hall->house->now_us - 2 * US_PER_HOUR};
    centre_must(db_begin_write(db), "begin");
    centre_must(account_insert(db, &account), "account");
    centre_must(sign_in_insert(db, &sign_in, TOKEN), "sign-in");
    centre_must(db_commit(db), "commit");
}

static void test_counts_that_waited(void **state)
{
    static const char SQL_PERSON[] = "SELECT person_id FROM visit ORDER BY id DESC LIMIT 1";
    static const char SQL_DEFERRED[] = "SELECT COUNT(*) FROM audit WHERE is_deferred = 1 AND outcome = 0";
    struct hall *hall = *state;
    int64_t now_us = hall->house->now_us;
    add_sign_in(hall, DESK_PERSON, ROLE_BIT_DESK);
    Mdg__Waited waited = MDG__WAITED__INIT;
    waited.made_us = now_us - 90 * US_PER_MINUTE;
    assert_int_equal(house_code(count(hall, hall->counter, 1, NULL, &waited)), 0);
    assert_int_equal(centre_number(hall->house->db, SQL_PERSON), 0);
    waited.token.data = (uint8_t *)TOKEN;
    waited.token.len = sizeof TOKEN;
    assert_int_equal(house_code(count(hall, hall->counter, 1, NULL, &waited)), 0);
    assert_int_equal(centre_number(hall->house->db, SQL_PERSON), DESK_PERSON);
    /* By the terminal's clock it was an hour later; the offset brings it back into the sign-in's span. */
    waited.made_us += US_PER_HOUR;
    waited.offset_us = -US_PER_HOUR;
    assert_int_equal(house_code(count(hall, hall->counter, 1, NULL, &waited)), 0);
    assert_int_equal(centre_number(hall->house->db, SQL_PERSON), DESK_PERSON);
    /* A token that does not cover it costs the name, not the count. */
    waited.offset_us = 0;
    assert_int_equal(house_code(count(hall, hall->counter, 1, NULL, &waited)), 0);
    assert_int_equal(centre_number(hall->house->db, SQL_PERSON), 0);
    assert_int_equal(centre_number(hall->house->db, SQL_DEFERRED), 4);
    assert_chain(hall);
}

static void test_what_may_not_have_waited(void **state)
{
    struct hall *hall = *state;
    int64_t now_us = hall->house->now_us;
    const struct {
        const char *name;
        int64_t made_us, offset_us;
        size_t token_length;
        int code;
        const char *field, *rule;
    } CASES[] = {
        {"never", 0, 0, 0, MDG_ERR_INVALID, "waited.made_us", "range"},
        {"before time", -5, 0, 0, MDG_ERR_INVALID, "waited.made_us", "range"},
        {"at the end of time", INT64_MAX, INT64_MAX, 0, MDG_ERR_INVALID, "waited.made_us", "range"},
        {"an offset out of reach", now_us, INT64_MIN, 0, MDG_ERR_INVALID, "waited.made_us", "range"},
        {"tomorrow", now_us + US_PER_DAY, 0, 0, MDG_ERR_INVALID, "waited.made_us", "future"},
        {"tomorrow by its offset", now_us, US_PER_DAY, 0, MDG_ERR_INVALID, "waited.made_us", "future"},
        {"longer than keys are kept", now_us - 401 * US_PER_DAY, 0, 0, MDG_ERR_TOO_OLD, "waited.made_us", "key_days"},
        {"half a token", now_us, 0, 8, MDG_ERR_INVALID, "waited.token", "length"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Mdg__Waited waited = MDG__WAITED__INIT;
        waited.made_us = CASES[i].made_us;
        waited.offset_us = CASES[i].offset_us;
        waited.token.data = (uint8_t *)TOKEN;
        waited.token.len = CASES[i].token_length;
        const Mdg__Response *response = count(hall, hall->counter, 1, NULL, &waited);
        if (house_code(response) != CASES[i].code)
            fail_msg("%s: %s", CASES[i].name, mdg_error_name(house_code(response)));
        assert_refused(response, CASES[i].code, CASES[i].field, CASES[i].rule);
    }
    Mdg__Waited waited = MDG__WAITED__INIT;
    Mdg__VisitPlaceSave place = MDG__VISIT_PLACE_SAVE__INIT;
    waited.made_us = now_us;
    place.name = (char *)"hall";
    struct house_call call = {&VISITS_DOMAIN, MDG__VISITS__OF_PLACE_SAVE, &place, NULL, &waited};
    assert_refused(house_await(hall->house, house_send(hall->house, hall->office, &call)), MDG_ERR_INVALID, "waited",
                   "may_not_wait");
    assert_int_equal(centre_number(hall->house->db, SQL_VISITS), 0);
}

/* Judged by the token and that person's rights of now, whoever is or was signed in at the terminal meanwhile. */
static void test_corrections_that_waited(void **state)
{
    static const char SQL_AUTHOR[] = "SELECT person_id FROM visit WHERE corrects_id IS NOT NULL";
    struct hall *hall = *state;
    struct session *session = house_connect(hall->house, KIND_COUNTER, 11, DESK_PERSON, ROLE_BIT_DESK);
    Mdg__VisitCorrect correct = MDG__VISIT_CORRECT__INIT;
    Mdg__Waited waited = MDG__WAITED__INIT;
    struct house_call call = {&VISITS_DOMAIN, MDG__VISITS__OF_CORRECT, &correct, NULL, &waited};
    add_sign_in(hall, OFFICE_PERSON, ROLE_BIT_OFFICE);
    correct.visit_id = count(hall, hall->counter, 5, NULL, NULL)->object_id;
    correct.people = 4;
    correct.reason = (char *)"one was a dog";
    waited.made_us = hall->house->now_us - 90 * US_PER_MINUTE;
    assert_int_equal(house_code(house_await(hall->house, house_send(hall->house, session, &call))),
                     MDG_ERR_SIGN_IN_NEEDED); /* without a token it is nobody's */
    waited.token.data = (uint8_t *)"some other token";
    waited.token.len = sizeof TOKEN;
    assert_refused(house_await(hall->house, house_send(hall->house, session, &call)), MDG_ERR_TOKEN, "waited.token",
                   "sign_in");
    waited.token.data = (uint8_t *)TOKEN;
    session->caller.last_call_us -= 2 * US_PER_HOUR; /* who sits there now has gone idle: that is not its matter */
    assert_int_equal(house_code(house_await(hall->house, house_send(hall->house, session, &call))), 0);
    assert_int_equal(centre_number(hall->house->db, SQL_AUTHOR), OFFICE_PERSON);
    assert_int_equal(session->caller.person_id, 0);

    centre_must(db_begin_write(hall->house->db), "begin");
    centre_must(account_set_roles(hall->house->db, OFFICE_PERSON, ROLE_BIT_DESK, 1), "roles");
    centre_must(db_commit(hall->house->db), "commit");
    correct.people = 3;
    assert_refused(house_await(hall->house, house_send(hall->house, session, &call)), MDG_ERR_FORBIDDEN, "", "role");
}

/* --- effects
 * ------------------------------------------------------------------------------------------------------------- */

static const char SQL_REVOKED[] = "SELECT is_revoked FROM terminal WHERE id = 501";

static void is_committed(struct house *house, const struct effect *effect)
{
    assert_int_equal(effect->kind, EFFECT_TERMINAL_CUT);
    assert_int_equal(centre_number(house->db, SQL_REVOKED), 1);
}

static void test_effects_come_after_the_commit(void **state)
{
    struct hall *hall = *state;
    Mdg__TerminalRevoke revoke = MDG__TERMINAL_REVOKE__INIT;
    hall->house->on_effect = is_committed;
    centre_must(db_exec(hall->house->db,
                        "INSERT INTO terminal (id, name, name_key, kind, room_id, is_private, is_revoked,"
                        " certificate_until_us, last_seen_us, rev) VALUES (501, 'C', 'c', 1, 0, 0, 0, 0, 0, 1)"),
                "terminal");
    revoke.terminal_id = 501;
    revoke.reason = (char *)"stolen";
    assert_int_equal(
        house_code(house_ask(hall->house, hall->office, &TERMINALS_DOMAIN, MDG__TERMINALS__OF_REVOKE, &revoke)), 0);
    assert_int_equal(hall->house->effects_count, 1);
    assert_int_equal(hall->house->effects[0].terminal_id, 501);
    /* A refused one has none. */
    assert_refused(house_ask(hall->house, hall->office, &TERMINALS_DOMAIN, MDG__TERMINALS__OF_REVOKE, &revoke),
                   MDG_ERR_STATE, "terminal_id", "revoked");
    assert_int_equal(hall->house->effects_count, 1);
}

static void test_subscribing(void **state)
{
    struct hall *hall = *state;
    Mdg__Subscribe subscribe = MDG__SUBSCRIBE__INIT;
    subscribe.subscription = 1;
    subscribe.view = (char *)"office";
    assert_refused(house_ask(hall->house, hall->counter, &FEED_DOMAIN, MDG__FEED__OF_SUBSCRIBE, &subscribe),
                   MDG_ERR_FORBIDDEN, "view", "terminal_kind");
    assert_int_equal(hall->house->effects_count, 0);
    subscribe.view = (char *)"desk";
    assert_int_equal(
        house_code(house_ask(hall->house, hall->counter, &FEED_DOMAIN, MDG__FEED__OF_SUBSCRIBE, &subscribe)), 0);
    assert_int_equal(hall->house->effects_count, 1);
    assert_int_equal(hall->house->effects[0].kind, EFFECT_SUBSCRIBED);
    subscribe.subscription = 2; /* no person's view exists */
    assert_refused(house_ask(hall->house, hall->counter, &FEED_DOMAIN, MDG__FEED__OF_SUBSCRIBE, &subscribe),
                   MDG_ERR_INVALID, "subscription", "range");
}

/* --- many, and the end
 * ------------------------------------------------------------------------------------------------------ */

static void test_in_flight_returns_to_nothing(void **state)
{
    static const char SQL_PEOPLE[] = "SELECT SUM(people) FROM visit_day";
    struct hall *hall = *state;
    uint64_t ids[200];
    Mdg__VisitList list = MDG__VISIT_LIST__INIT;
    list.to_us = hall->house->now_us;
    for (int i = 0; i < 200; i++) {
        if (i % 3 == 0) {
            struct house_call call = {.domain = &VISITS_DOMAIN, .op = MDG__VISITS__OF_LIST, .message = &list};
            ids[i] = house_send(hall->house, hall->office, &call);
        } else {
            ids[i] = send_count(hall, hall->office, i % 3 == 1 ? 1 : 10000, NULL,
                                NULL); /* the second: refused at the door */
        }
    }
    /* The refused ones are answered already; of the others each counts. */
    assert_int_equal(hall->office->in_flight, 67 + 67);
    for (int i = 0; i < 200; i++) house_await(hall->house, ids[i]);
    assert_int_equal(hall->office->in_flight, 0);
    assert_int_equal(centre_number(hall->house->db, SQL_PEOPLE), 67);
    assert_chain(hall);
}

static void test_a_connection_that_has_gone(void **state)
{
    struct hall *hall = *state;
    uint64_t id = send_count(hall, hall->counter, 3, NULL, NULL);
    hall->counter->conn_id = 0;
    assert_int_equal(house_code(count(hall, hall->office, 1, NULL, NULL)), 0);
    assert_null(house_answered(hall->house, id));
    assert_int_equal(centre_number(hall->house->db, SQL_VISITS), 2); /* what it asked for is done all the same */
}

static void test_stopping_answers_all(void **state)
{
    struct hall *hall = *state;
    uint64_t ids[120];
    Mdg__SignInStart start = MDG__SIGN_IN_START__INIT;
    Mdg__VisitList list = MDG__VISIT_LIST__INIT;
    start.name = (char *)"Nobody";
    start.secret = (char *)"123456";
    list.to_us = hall->house->now_us;
    for (int i = 0; i < 120; i++) {
        struct house_call sign_in = {.domain = &SIGN_IN_DOMAIN, .op = MDG__SIGN_IN__OF_START, .message = &start};
        struct house_call read = {.domain = &VISITS_DOMAIN, .op = MDG__VISITS__OF_LIST, .message = &list};
        if (i < 4) /* these are being hashed when the end comes */
            ids[i] = house_send(hall->house, hall->counter, &sign_in);
        else if (i % 4 == 0)
            ids[i] = house_send(hall->house, hall->office, &read);
        else
            ids[i] = send_count(hall, hall->counter, 1, NULL, NULL);
    }
    house_stop(hall->house);
    for (int i = 0; i < 120; i++) {
        const Mdg__Response *response = house_answered(hall->house, ids[i]);
        if (!response) fail_msg("request %d is not answered", i);
        int code = house_code(response);
        if (i < 4 ? code != MDG_ERR_WRONG_SECRET : code != 0) fail_msg("request %d: %s", i, mdg_error_name(code));
    }
    assert_int_equal(hall->counter->in_flight, 0);
    assert_int_equal(hall->office->in_flight, 0);
    assert_int_equal(centre_number(hall->house->db, SQL_VISITS), 120 - 4 - 29);
    assert_chain(hall);

    uint64_t late = send_count(hall, hall->counter, 1, NULL, NULL);
    assert_int_equal(house_code(house_answered(hall->house, late)), MDG_ERR_SHUTTING_DOWN);
    assert_int_equal(hall->counter->in_flight, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frames_that_are_none),          TEST(test_hello_comes_first),
        TEST(test_who_may_do_what_where),         TEST(test_the_own_secret_once_more),
        TEST(test_a_confirmation_is_its_persons), TEST(test_a_sign_in_ends_by_itself),
        TEST(test_a_repeat_is_answered_as_then),  TEST(test_one_key_many_times_at_once),
        TEST(test_keys_of_the_wrong_size),        TEST(test_counts_that_waited),
        TEST(test_what_may_not_have_waited),      TEST(test_corrections_that_waited),
        TEST(test_effects_come_after_the_commit), TEST(test_subscribing),
        TEST(test_in_flight_returns_to_nothing),  TEST(test_a_connection_that_has_gone),
        TEST(test_stopping_answers_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
