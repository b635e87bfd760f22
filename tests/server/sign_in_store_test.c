/* Signing in and out, secrets and codes, and the tokens of writes that waited, on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/bytes.h"
#include "server/accounts/accounts_domain.h"
#include "server/keys/keys_internal.h"
#include "server/sign_in/sign_in_domain.h"
#include "server/sign_in/sign_in_handlers.h"
#include "server/sign_in/sign_in_store.h"
#include "server/sign_in/throttle_store.h"
#include "tests/support/people.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define DESK_NAME "Jiro"
#define DESK_SECRET "sora wo miru inu"

/* The first account has its secret; a second one works at the desk. */
static int64_t open_house(struct people *people)
{
    int64_t id;
    char code[ACCOUNT_CODE_BYTES];
    struct caller office = people_at(KIND_OFFICE, 1);
    assert_int_equal(people_set_by_code(people, &office, PEOPLE_OFFICE_NAME, people->office_code, PEOPLE_OFFICE_SECRET),
                     0);
    assert_int_equal(people_create(people, DESK_NAME, &id, code), 0);
    assert_int_equal(people_set_by_code(people, &office, DESK_NAME, code, DESK_SECRET), 0);
    assert_int_equal(people_grant(people, DESK_NAME, ROLE_BIT_DESK), 0);
    return id;
}

static void token_of_start(const struct people *people, uint8_t token[SIGN_IN_TOKEN_BYTES])
{
    const Mdg__SignedIn *started = people->rq.answer->sign_in->started;
    assert_int_equal(started->token.len, SIGN_IN_TOKEN_BYTES);
    memcpy(token, started->token.data, SIGN_IN_TOKEN_BYTES);
}

static int resume(struct people *people, const struct caller *caller, uint8_t token[SIGN_IN_TOKEN_BYTES])
{
    Mdg__SignInResume message = MDG__SIGN_IN_RESUME__INIT;
    message.token = (ProtobufCBinaryData){SIGN_IN_TOKEN_BYTES, token};
    return people_call(people, caller, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_RESUME, &message);
}

static int end(struct people *people, const struct caller *caller)
{
    Mdg__SignInEnd message = MDG__SIGN_IN_END__INIT;
    return people_call(people, caller, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_END, &message);
}

static int unlock(struct people *people, uint32_t op, int64_t id)
{
    struct caller office = people_office(people);
    Mdg__AccountUnlock account = MDG__ACCOUNT_UNLOCK__INIT;
    Mdg__TerminalUnlock terminal = MDG__TERMINAL_UNLOCK__INIT;
    account.person_id = terminal.terminal_id = id;
    bool is_terminal = op == MDG__ACCOUNTS__OF_TERMINAL_UNLOCK;
    return people_call(people, &office, &ACCOUNTS_DOMAIN, op,
                       is_terminal ? (const void *)&terminal : (const void *)&account);
}

static void test_sign_in(void **state)
{
    struct people *people = *state;
    int64_t id = open_house(people);
    struct caller counter = people_at(KIND_COUNTER, 2);
    assert_int_equal(people_sign_in(people, &counter, "ｊｉｒｏ", DESK_SECRET), 0);
    const Mdg__SignedIn *started = people->rq.answer->sign_in->started;
    assert_int_equal(started->person_id, id);
    assert_string_equal(started->name, DESK_NAME);
    assert_int_equal(started->roles, ROLE_BIT_DESK);
    assert_int_equal(started->until_us, people->now_us + 12 * US_PER_HOUR);
    assert_int_equal(started->idle_s, 600);
    const struct effect *effect = people_effect(people, EFFECT_SIGNED_IN);
    assert_non_null(effect);
    assert_int_equal(effect->person_id, id);
    assert_int_equal(effect->until_us, started->until_us);
    assert_int_equal(effect->idle_us, 10 * US_PER_MINUTE);
    assert_true(effect->sign_in_id > 0);
}

/* Where none of the person's roles counts, the right secret is as good as a wrong one. */
static void test_where(void **state)
{
    static const struct {
        const char *name;
        uint32_t roles;
        enum terminal_kind kind;
        bool is_private;
        uint32_t effective; /* 0: refused */
        uint32_t idle_s;
    } CASES[] = {
        {"desk at the counter", ROLE_BIT_DESK, KIND_COUNTER, false, ROLE_BIT_DESK, 600},
        {"desk in the office", ROLE_BIT_DESK, KIND_OFFICE, false, 0, 0},
        {"desk in the lounge", ROLE_BIT_DESK, KIND_LOUNGE, false, 0, 0},
        {"consultation at an open counter", ROLE_BIT_CONSULTATION, KIND_COUNTER, false, 0, 0},
        {"consultation at a private counter", ROLE_BIT_CONSULTATION, KIND_COUNTER, true, ROLE_BIT_CONSULTATION, 600},
        {"desk and consultation at an open counter", ROLE_BIT_DESK | ROLE_BIT_CONSULTATION, KIND_COUNTER, false,
         ROLE_BIT_DESK, 600},
        {"council on its terminal", ROLE_BIT_COUNCIL, KIND_COUNCIL, false, ROLE_BIT_COUNCIL, 600},
        {"council in the lounge", ROLE_BIT_COUNCIL, KIND_LOUNGE, false, ROLE_BIT_COUNCIL, 180},
        {"council at the counter", ROLE_BIT_COUNCIL, KIND_COUNTER, false, 0, 0},
        {"no role", 0, KIND_COUNTER, true, 0, 0},
    };
    struct people *people = *state;
    open_house(people);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct caller caller = people_at(CASES[i].kind, 100 + (int64_t)i);
        caller.is_private = CASES[i].is_private;
        assert_int_equal(people_grant(people, DESK_NAME, CASES[i].roles), 0);
        int rc = people_sign_in(people, &caller, DESK_NAME, DESK_SECRET);
        if (rc != (CASES[i].effective ? 0 : MDG_ERR_WRONG_SECRET)) fail_msg("%s: %d", CASES[i].name, rc);
        if (rc != 0) continue;
        const Mdg__SignedIn *started = people->rq.answer->sign_in->started;
        if (started->roles != CASES[i].effective || started->idle_s != CASES[i].idle_s) fail_msg("%s", CASES[i].name);
    }
}

static void assert_same_refusal(const struct refusal *one, const struct refusal *other)
{
    assert_int_equal(one->code, other->code);
    assert_true(one->field == other->field || strcmp(one->field, other->field) == 0);
    assert_true(one->rule == other->rule || strcmp(one->rule, other->rule) == 0);
    assert_int_equal(one->retry_after_ms, other->retry_after_ms);
    assert_int_equal(one->object_id, other->object_id);
    assert_int_equal(one->args_count, other->args_count);
    for (int i = 0; i < one->args_count; i++) assert_string_equal(one->args[i].value, other->args[i].value);
}

/* Tries at a name that is an account, and at one that is not, are answered alike to the last byte. */
static void test_unknown_equals_known(void **state)
{
    struct people *people = *state;
    struct refusal seen[7];
    char until_us[32] = "";
    open_house(people);
    for (int is_known = 1; is_known >= 0; is_known--) {
        struct caller counter = people_at(KIND_COUNTER, is_known ? 10 : 11);
        for (int i = 0; i < 7; i++) {
            int rc = people_sign_in(people, &counter, is_known ? DESK_NAME : "Nobody", "not it");
            assert_int_equal(rc, i < 5 ? MDG_ERR_WRONG_SECRET : MDG_ERR_LOCKED);
            assert_int_equal(people->rq.object_id, 0);
            assert_null(people->rq.answer);
            if (is_known) {
                seen[i] = people->rq.refusal;
                if (seen[i].args_count == 1) {
                    snprintf(until_us, sizeof until_us, "%s", seen[i].args[0].value);
                    seen[i].args[0].value = until_us; /* the arena goes with the next call */
                }
            } else {
                assert_same_refusal(&people->rq.refusal, &seen[i]);
            }
        }
    }
    assert_string_equal(seen[5].rule, "wait");
    assert_string_equal(seen[5].args[0].key, "until_us");
    assert_int_equal(seen[5].retry_after_ms, 15 * 60 * 1000);
}

static void test_lock_and_unlock(void **state)
{
    struct people *people = *state;
    int64_t id = open_house(people);
    struct caller counter = people_at(KIND_COUNTER, 2), other = people_at(KIND_COUNTER, 3);
    for (int i = 0; i < 5; i++)
        assert_int_equal(people_sign_in(people, &counter, DESK_NAME, "not it"), MDG_ERR_WRONG_SECRET);
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), MDG_ERR_LOCKED);
    assert_int_equal(people_sign_in(people, &other, DESK_NAME, DESK_SECRET), 0);
    people->now_us += 15 * US_PER_MINUTE;
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), 0);

    /* 15 more of the day, at several counters: now the office must unlock, everywhere. */
    for (int i = 0; i < 15; i++) {
        struct caller at = people_at(KIND_COUNTER, 10 + i / 4);
        assert_int_equal(people_sign_in(people, &at, DESK_NAME, "not it"), MDG_ERR_WRONG_SECRET);
    }
    people->now_us += 2 * US_PER_DAY;
    assert_int_equal(people_sign_in(people, &other, DESK_NAME, DESK_SECRET), MDG_ERR_LOCKED);
    assert_string_equal(people->rq.refusal.rule, "office");
    assert_int_equal(people->rq.refusal.retry_after_ms, 0);

    struct caller office = people_office(people);
    Mdg__AccountList list = MDG__ACCOUNT_LIST__INIT;
    list.after_id = id - 1;
    assert_int_equal(people_call(people, &office, &ACCOUNTS_DOMAIN, MDG__ACCOUNTS__OF_LIST, &list), 0);
    assert_true(people->rq.answer->accounts->listed->accounts[0]->is_locked);
    assert_int_equal(unlock(people, MDG__ACCOUNTS__OF_UNLOCK, id), 0);
    assert_int_equal(people_sign_in(people, &other, DESK_NAME, DESK_SECRET), 0);
}

static void test_terminal_lock(void **state)
{
    struct people *people = *state;
    open_house(people);
    struct caller counter = people_at(KIND_COUNTER, 2), other = people_at(KIND_COUNTER, 3);
    for (int i = 0; i < 30; i++) {
        char name[32];
        snprintf(name, sizeof name, "guess %d", i);
        assert_int_equal(people_sign_in(people, &counter, name, "not it"), MDG_ERR_WRONG_SECRET);
    }
    people->now_us += 3 * US_PER_DAY;
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), MDG_ERR_LOCKED);
    assert_string_equal(people->rq.refusal.rule, "terminal");
    assert_int_equal(people_sign_in(people, &other, DESK_NAME, DESK_SECRET), 0);
    assert_int_equal(unlock(people, MDG__ACCOUNTS__OF_TERMINAL_UNLOCK, 2), 0);
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), 0);
}

/* Wrong tries at a lounge lock the name there and nowhere else. */
static void test_lounge_locks_itself_only(void **state)
{
    struct people *people = *state;
    open_house(people);
    struct caller counter = people_at(KIND_COUNTER, 2), lounge = people_at(KIND_LOUNGE, 4);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(people_sign_in(people, &lounge, DESK_NAME, DESK_SECRET), MDG_ERR_WRONG_SECRET);
        if (i % 5 == 4) people->now_us += 30 * US_PER_MINUTE;
    }
    assert_int_equal(people_sign_in(people, &lounge, DESK_NAME, DESK_SECRET), MDG_ERR_LOCKED);
    assert_string_equal(people->rq.refusal.rule, "office");
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), 0);
}

static void test_code_lives_once_and_a_day(void **state)
{
    struct people *people = *state;
    int64_t id;
    char code[ACCOUNT_CODE_BYTES];
    struct caller office = people_at(KIND_OFFICE, 1);
    assert_int_equal(people_create(people, "Ichiko", &id, code), 0);
    people->now_us += US_PER_DAY - 1;
    /* A secret that the rules refuse does not use the code up. */
    assert_int_equal(people_set_by_code(people, &office, "Ichiko", code, "12345678"), MDG_ERR_INVALID);
    assert_string_equal(people->rq.refusal.field, "new_secret");
    assert_string_equal(people->rq.refusal.rule, "is_sequence");
    assert_int_equal(people_set_by_code(people, &office, "Ichiko", code, "kumo"), MDG_ERR_INVALID);
    assert_string_equal(people->rq.refusal.rule, "too_short");
    assert_string_equal(people->rq.refusal.args[0].value, "8");
    /* Typed as people type. */
    char typed[ACCOUNT_CODE_BYTES];
    for (size_t i = 0; i < sizeof code; i++)
        typed[i] = code[i] >= 'A' && code[i] <= 'Z' ? (char)(code[i] + 32) : code[i];
    assert_int_equal(people_set_by_code(people, &office, "ichiko", typed, "kumo9iwa"), 0);
    assert_int_equal(people_set_by_code(people, &office, "Ichiko", code, "kumo9iwa"), MDG_ERR_WRONG_CODE);

    assert_int_equal(people_create(people, "Niko", &id, code), 0);
    people->now_us += US_PER_DAY;
    assert_int_equal(people_set_by_code(people, &office, "Niko", code, "kumo9iwa"), MDG_ERR_WRONG_CODE);
}

static void test_code_is_cancelled_after_wrong_tries(void **state)
{
    static const char *const WRONG[] = {"AAAA-AAAA-AA", "AAAA-AAAA-AB", "too short", "AAAA-AAAA-AC", "AAAA-AAAA-AD"};
    struct people *people = *state;
    int64_t id;
    char code[ACCOUNT_CODE_BYTES];
    struct caller office = people_at(KIND_OFFICE, 1), other = people_at(KIND_OFFICE, 7);
    assert_int_equal(people_create(people, "Sanko", &id, code), 0);
    for (size_t i = 0; i < COUNT_OF(WRONG); i++)
        assert_int_equal(people_set_by_code(people, &office, "Sanko", WRONG[i], "kumo9iwa"), MDG_ERR_WRONG_CODE);
    assert_int_equal(people_set_by_code(people, &office, "Sanko", code, "kumo9iwa"), MDG_ERR_LOCKED);
    assert_int_equal(people_set_by_code(people, &other, "Sanko", code, "kumo9iwa"), MDG_ERR_WRONG_CODE);
    assert_int_equal(people_set_by_code(people, &other, "Nobody", code, "kumo9iwa"), MDG_ERR_WRONG_CODE);
}

static void test_secret_set_by_office_rules(void **state)
{
    struct people *people = *state;
    struct caller office = people_at(KIND_OFFICE, 1);
    assert_int_equal(people_set_by_code(people, &office, PEOPLE_OFFICE_NAME, people->office_code, "kumo9iwa"),
                     MDG_ERR_INVALID);
    assert_string_equal(people->rq.refusal.rule, "too_short");
    assert_string_equal(people->rq.refusal.args[0].value, "12");
    assert_int_equal(people_set_by_code(people, &office, PEOPLE_OFFICE_NAME, people->office_code, "Hanako-hanako-1"),
                     MDG_ERR_INVALID);
    assert_string_equal(people->rq.refusal.rule, "is_name");
    assert_int_equal(people_set_by_code(people, &office, PEOPLE_OFFICE_NAME, people->office_code, PEOPLE_OFFICE_SECRET),
                     0);
    /* Whoever was signed in with the old secret is not any more. */
    assert_non_null(people_effect(people, EFFECT_PERSON_CHANGED));

    Mdg__SecretSet set = MDG__SECRET_SET__INIT;
    set.name = PEOPLE_OFFICE_NAME;
    set.new_secret = "kaze to ishi to neko";
    assert_int_equal(people_call(people, &office, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_SECRET_SET, &set), MDG_ERR_INVALID);
    set.proof_case = MDG__SECRET_SET__PROOF_OLD_SECRET;
    set.old_secret = "not it";
    assert_int_equal(people_call(people, &office, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_SECRET_SET, &set),
                     MDG_ERR_WRONG_SECRET);
    set.old_secret = PEOPLE_OFFICE_SECRET;
    assert_int_equal(people_call(people, &office, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_SECRET_SET, &set), 0);
    assert_int_equal(people_sign_in(people, &office, PEOPLE_OFFICE_NAME, "kaze to ishi to neko"), 0);
}

/* A hash made with less effort than today's is replaced by the next sign-in, and the secret stays the same. */
static void test_weak_hash_is_raised(void **state)
{
    struct people *people = *state;
    uint8_t mac[KEY_BYTES];
    char hex[2 * KEY_BYTES + 1], weak[crypto_pwhash_STRBYTES];
    struct account account;
    struct caller counter = people_at(KIND_COUNTER, 2);
    int64_t id = open_house(people);
    keys_hmac(people->keys->pepper, DESK_SECRET, strlen(DESK_SECRET), mac);
    bytes_to_hex(mac, sizeof mac, hex);
    assert_int_equal(crypto_pwhash_str(weak, hex, strlen(hex), 1, crypto_pwhash_MEMLIMIT_MIN), 0);
    assert_int_equal(account_set_secret(people->db, id, weak, true), 0);

    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), 0);
    assert_int_equal(account_by_id(people->db, &people->rq.arena, id, &account), 0);
    assert_string_not_equal(account.secret_hash, weak);
    assert_false(secret_hash_is_weak(account.secret_hash));
    assert_true(account.secret_is_long);
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), 0);
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, "not it"), MDG_ERR_WRONG_SECRET);
}

static void test_where_a_secret_is_set(void **state)
{
    static const struct {
        const char *name;
        uint32_t roles;
        enum terminal_kind kind;
        int rc;
    } CASES[] = {
        {"new, in the office", 0, KIND_OFFICE, 0},
        {"new, at a counter", 0, KIND_COUNTER, 0},
        {"new, in the lounge", 0, KIND_LOUNGE, MDG_ERR_WRONG_CODE},
        {"desk, in the office", ROLE_BIT_DESK, KIND_OFFICE, 0},
        {"desk, in the lounge", ROLE_BIT_DESK, KIND_LOUNGE, MDG_ERR_WRONG_CODE},
        {"desk, at the council's terminal", ROLE_BIT_DESK, KIND_COUNCIL, MDG_ERR_WRONG_CODE},
        {"council, at its terminal", ROLE_BIT_COUNCIL, KIND_COUNCIL, 0},
        {"council, in the lounge", ROLE_BIT_COUNCIL, KIND_LOUNGE, 0},
    };
    struct people *people = *state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        int64_t id;
        char name[32], code[ACCOUNT_CODE_BYTES];
        struct caller caller = people_at(CASES[i].kind, 20);
        snprintf(name, sizeof name, "new person %zu", i);
        assert_int_equal(people_create(people, name, &id, code), 0);
        assert_int_equal(people_grant(people, name, CASES[i].roles), 0);
        if (people_set_by_code(people, &caller, name, code, DESK_SECRET) != CASES[i].rc) fail_msg("%s", CASES[i].name);
    }
}

static void test_resume(void **state)
{
    struct people *people = *state;
    uint8_t token[SIGN_IN_TOKEN_BYTES], wrong[SIGN_IN_TOKEN_BYTES] = {1};
    open_house(people);
    struct caller counter = people_at(KIND_COUNTER, 2), other = people_at(KIND_COUNTER, 3);
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), 0);
    token_of_start(people, token);
    int64_t until_us = people->rq.answer->sign_in->started->until_us;
    counter.sign_in_id = people_effect(people, EFFECT_SIGNED_IN)->sign_in_id;

    assert_int_equal(resume(people, &other, token), MDG_ERR_SIGN_IN_NEEDED);
    assert_int_equal(resume(people, &counter, wrong), MDG_ERR_SIGN_IN_NEEDED);
    people->now_us += 9 * US_PER_MINUTE;
    assert_int_equal(resume(people, &counter, token), 0);
    assert_memory_equal(people->rq.answer->sign_in->resumed->token.data, token, sizeof token);
    assert_int_equal(people->rq.answer->sign_in->resumed->until_us, until_us);
    assert_int_equal(people_effect(people, EFFECT_SIGNED_IN)->sign_in_id, counter.sign_in_id);
    /* Idle time counts from the last call, whoever wrote it down. */
    assert_int_equal(sign_in_touch(people->db, counter.sign_in_id, people->now_us + 5 * US_PER_MINUTE), 0);
    assert_int_equal(sign_in_touch(people->db, counter.sign_in_id, people->now_us), 0);
    people->now_us += 14 * US_PER_MINUTE;
    assert_int_equal(resume(people, &counter, token), 0);
    people->now_us += 10 * US_PER_MINUTE;
    assert_int_equal(resume(people, &counter, token), MDG_ERR_SIGN_IN_NEEDED);

    people->now_us -= US_PER_MINUTE;
    assert_int_equal(resume(people, &counter, token), 0);
    assert_int_equal(end(people, &counter), 0);
    assert_non_null(people_effect(people, EFFECT_SIGNED_OUT));
    assert_int_equal(resume(people, &counter, token), MDG_ERR_SIGN_IN_NEEDED);
}

static void test_resume_ends_with_the_day(void **state)
{
    struct people *people = *state;
    uint8_t token[SIGN_IN_TOKEN_BYTES];
    open_house(people);
    struct caller counter = people_at(KIND_COUNTER, 2);
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), 0);
    token_of_start(people, token);
    int64_t id = people_effect(people, EFFECT_SIGNED_IN)->sign_in_id;
    people->now_us += 12 * US_PER_HOUR - 1;
    assert_int_equal(sign_in_touch(people->db, id, people->now_us), 0);
    assert_int_equal(resume(people, &counter, token), 0);
    people->now_us += 1;
    assert_int_equal(resume(people, &counter, token), MDG_ERR_SIGN_IN_NEEDED);
}

static void test_quick_switch_ends_the_one_before(void **state)
{
    struct people *people = *state;
    uint8_t token[SIGN_IN_TOKEN_BYTES];
    open_house(people);
    struct caller counter = people_at(KIND_COUNTER, 2);
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), 0);
    token_of_start(people, token);
    counter.sign_in_id = people_effect(people, EFFECT_SIGNED_IN)->sign_in_id;
    assert_int_equal(people_sign_in(people, &counter, PEOPLE_OFFICE_NAME, PEOPLE_OFFICE_SECRET), 0);
    counter.sign_in_id = people_effect(people, EFFECT_SIGNED_IN)->sign_in_id;
    assert_int_equal(resume(people, &counter, token), MDG_ERR_SIGN_IN_NEEDED);
}

static void test_confirm(void **state)
{
    struct people *people = *state;
    int64_t id = open_house(people);
    Mdg__SignInConfirm confirm = MDG__SIGN_IN_CONFIRM__INIT;
    struct caller counter = people_at(KIND_COUNTER, 2);
    counter.person_id = id;
    counter.roles = ROLE_BIT_DESK;
    confirm.secret = DESK_SECRET;
    assert_int_equal(people_call(people, &counter, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_CONFIRM, &confirm), 0);
    assert_int_equal(people_effect(people, EFFECT_CONFIRMED)->until_us, people->now_us + 5 * US_PER_MINUTE);
    /* Another's secret does not do, and tries are counted. */
    confirm.secret = PEOPLE_OFFICE_SECRET;
    for (int i = 0; i < 5; i++)
        assert_int_equal(people_call(people, &counter, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_CONFIRM, &confirm),
                         MDG_ERR_WRONG_SECRET);
    confirm.secret = DESK_SECRET;
    assert_int_equal(people_call(people, &counter, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_CONFIRM, &confirm),
                     MDG_ERR_LOCKED);
}

static void test_waited(void **state)
{
    struct people *people = *state;
    uint8_t token[SIGN_IN_TOKEN_BYTES];
    int64_t id = open_house(people);
    struct caller counter = people_at(KIND_COUNTER, 2);
    assert_int_equal(people_sign_in(people, &counter, DESK_NAME, DESK_SECRET), 0);
    token_of_start(people, token);
    int64_t from_us = people->now_us, until_us = from_us + 12 * US_PER_HOUR;
    counter.sign_in_id = people_effect(people, EFFECT_SIGNED_IN)->sign_in_id;

    const struct {
        const char *name;
        size_t length;
        int64_t terminal_id, made_us;
        int rc;
    } CASES[] = {
        {"at its beginning", SIGN_IN_TOKEN_BYTES, 2, from_us, 0},
        {"an hour without a call, offline", SIGN_IN_TOKEN_BYTES, 2, from_us + US_PER_HOUR, 0},
        {"just before its end", SIGN_IN_TOKEN_BYTES, 2, until_us - 1, 0},
        {"at its end", SIGN_IN_TOKEN_BYTES, 2, until_us, MDG_ERR_TOKEN},
        {"before it", SIGN_IN_TOKEN_BYTES, 2, from_us - 1, MDG_ERR_TOKEN},
        {"another terminal's", SIGN_IN_TOKEN_BYTES, 3, from_us, MDG_ERR_TOKEN},
        {"cut short", SIGN_IN_TOKEN_BYTES - 1, 2, from_us, MDG_ERR_TOKEN},
        {"none", 0, 2, from_us, MDG_ERR_TOKEN},
    };
    int64_t person_id, sign_in_id;
    uint32_t roles;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        person_id = 0;
        int rc = sign_in_waited(people->db, token, CASES[i].length, CASES[i].terminal_id, CASES[i].made_us, &person_id,
                                &roles, &sign_in_id);
        if (rc != CASES[i].rc || (rc == 0 && (person_id != id || roles != ROLE_BIT_DESK)))
            fail_msg("%s", CASES[i].name);
    }
    uint8_t other[SIGN_IN_TOKEN_BYTES] = {0};
    assert_int_equal(sign_in_waited(people->db, other, sizeof other, 2, from_us, &person_id, &roles, &sign_in_id),
                     MDG_ERR_TOKEN);

    /* Roles are those of now; after the sign-out only what was made before it counts. */
    assert_int_equal(people_grant(people, DESK_NAME, ROLE_BIT_DESK | ROLE_BIT_COUNCIL), 0);
    people->now_us += US_PER_HOUR;
    assert_int_equal(end(people, &counter), 0);
    assert_int_equal(
        sign_in_waited(people->db, token, sizeof token, 2, people->now_us - 1, &person_id, &roles, &sign_in_id), 0);
    assert_int_equal(roles, ROLE_BIT_DESK | ROLE_BIT_COUNCIL);
    assert_int_equal(sign_in_id, counter.sign_in_id);
    assert_int_equal(
        sign_in_waited(people->db, token, sizeof token, 2, people->now_us, &person_id, &roles, &sign_in_id),
        MDG_ERR_TOKEN);

    /* A person who is disabled now has no waiting writes, whenever they were made. */
    assert_int_equal(account_set_disabled(people->db, id, true, 99), 0);
    assert_int_equal(sign_in_waited(people->db, token, sizeof token, 2, from_us, &person_id, &roles, &sign_in_id),
                     MDG_ERR_TOKEN);
}

static struct people *beside; /* whom the stage below meddles with; a stage has no argument for it */

static void fail_beside(struct request *rq)
{
    uint8_t name_hash[KEY_BYTES];
    struct throttle_try at;
    work_secret_check(rq);
    assert_int_equal(throttle_name_hash(beside->keys, "jiro", name_hash), 0);
    assert_int_equal(throttle_load(beside->db, name_hash, 2, KIND_COUNTER, &at), 0);
    assert_int_equal(throttle_count_failure(beside->db, &at, rq->now_us), 0);
}

static void set_another_secret_beside(struct request *rq)
{
    struct account account;
    work_secret_check(rq);
    assert_int_equal(account_by_name_key(beside->db, &rq->arena, "jiro", &account), 0);
    assert_int_equal(account_set_secret(beside->db, account.id, "$argon2id$another", true), 0);
}

/* A sign-in with the right secret, beside which something else happens while Argon2id runs. */
static int sign_in_beside(struct people *people, void (*work)(struct request *rq))
{
    struct route route = SIGN_IN_DOMAIN.routes[0];
    struct domain domain = SIGN_IN_DOMAIN;
    struct caller counter = people_at(KIND_COUNTER, 2);
    Mdg__SignInStart start = MDG__SIGN_IN_START__INIT;
    assert_int_equal(route.op, MDG__SIGN_IN__OF_START);
    route.work = work;
    domain.routes = &route;
    domain.routes_count = 1;
    start.name = DESK_NAME;
    start.secret = DESK_SECRET;
    beside = people;
    int rc = people_call(people, &counter, &domain, MDG__SIGN_IN__OF_START, &start);
    people->rq.route = NULL; /* it ends with this function */
    people->rq.domain = NULL;
    return rc;
}

static void test_tries_side_by_side(void **state)
{
    struct people *people = *state;
    open_house(people);
    struct caller counter = people_at(KIND_COUNTER, 2);
    for (int i = 0; i < 4; i++)
        assert_int_equal(people_sign_in(people, &counter, DESK_NAME, "not it"), MDG_ERR_WRONG_SECRET);
    /* Both were let through to Argon2id, but the first to be counted closes the door. */
    assert_int_equal(sign_in_beside(people, fail_beside), MDG_ERR_LOCKED);
    assert_null(people->rq.answer);

    /* The secret was set anew meanwhile: the old one no longer opens, and nobody is punished for it. */
    people->now_us += US_PER_HOUR;
    assert_int_equal(sign_in_beside(people, set_another_secret_beside), MDG_ERR_BUSY);
    assert_true(people->rq.refusal.retry_after_ms > 0);
}

#define WITH_PEOPLE(test) cmocka_unit_test_setup_teardown(test, people_setup, people_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEOPLE(test_sign_in),
        WITH_PEOPLE(test_where),
        WITH_PEOPLE(test_unknown_equals_known),
        WITH_PEOPLE(test_lock_and_unlock),
        WITH_PEOPLE(test_terminal_lock),
        WITH_PEOPLE(test_lounge_locks_itself_only),
        WITH_PEOPLE(test_code_lives_once_and_a_day),
        WITH_PEOPLE(test_code_is_cancelled_after_wrong_tries),
        WITH_PEOPLE(test_secret_set_by_office_rules),
        WITH_PEOPLE(test_weak_hash_is_raised),
        WITH_PEOPLE(test_where_a_secret_is_set),
        WITH_PEOPLE(test_resume),
        WITH_PEOPLE(test_resume_ends_with_the_day),
        WITH_PEOPLE(test_quick_switch_ends_the_one_before),
        WITH_PEOPLE(test_confirm),
        WITH_PEOPLE(test_waited),
        WITH_PEOPLE(test_tries_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
