/* The office's calls on accounts, on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/accounts/account_rules.h"
#include "server/accounts/accounts_domain.h"
#include "server/sign_in/sign_in_domain.h"
#include "tests/support/people.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static struct account account_now(struct people *people, int64_t id)
{
    struct account account;
    assert_int_equal(account_by_id(people->db, &people->rq.arena, id, &account), 0);
    return account;
}

static int call_on(struct people *people, uint32_t op, int64_t id)
{
    struct caller office = people_office(people);
    Mdg__AccountDisable message = MDG__ACCOUNT_DISABLE__INIT; /* the calls on one account all look like it */
    message.person_id = id;
    return people_call(people, &office, &ACCOUNTS_DOMAIN, op, &message);
}

/* The first account gets its secret; *id: a second one with its own, and these roles. */
static void open_house(struct people *people, const char *second, uint32_t roles, int64_t *id)
{
    char code[ACCOUNT_CODE_BYTES];
    struct caller terminal = people_at(KIND_OFFICE, 1);
    assert_int_equal(
        people_set_by_code(people, &terminal, PEOPLE_OFFICE_NAME, people->office_code, PEOPLE_OFFICE_SECRET), 0);
    if (!second) return;
    assert_int_equal(people_create(people, second, id, code), 0);
    assert_int_equal(people_set_by_code(people, &terminal, second, code, "sora wo miru inu"), 0);
    assert_int_equal(people_grant(people, second, roles), 0);
}

static void test_whole_life(void **state)
{
    struct people *people = *state;
    int64_t id;
    char code[ACCOUNT_CODE_BYTES];
    struct caller office = people_at(KIND_OFFICE, 1), counter = people_at(KIND_COUNTER, 2);
    open_house(people, NULL, 0, NULL);

    assert_int_equal(people_create(people, "受付 太郎", &id, code), 0);
    assert_int_equal(strlen(code), CODE_CHARACTERS + 2);
    assert_int_equal(people->rq.answer->accounts->created_code->until_us, PEOPLE_T0 + US_PER_DAY);
    assert_true(people->rq.rev > 0);
    assert_int_equal(account_now(people, id).rev, people->rq.rev);
    assert_false(account_now(people, id).has_secret);

    /* Same name in other letters. */
    int64_t other;
    char other_code[ACCOUNT_CODE_BYTES];
    assert_int_equal(people_create(people, "受付　 太郎 ", &other, other_code), MDG_ERR_CONFLICT);
    assert_string_equal(people->rq.refusal.field, "name");
    assert_int_equal(people_create(people, "  ", &other, other_code), MDG_ERR_INVALID);

    /* A secret, but no role: no sign-in. */
    assert_int_equal(people_set_by_code(people, &office, "受付 太郎", code, "kawa wo wataru"), 0);
    assert_int_equal(people_sign_in(people, &counter, "受付 太郎", "kawa wo wataru"), MDG_ERR_WRONG_SECRET);
    assert_int_equal(people_grant(people, "受付 太郎", ROLE_BIT_DESK), 0);
    const struct effect *changed = people_effect(people, EFFECT_PERSON_CHANGED);
    assert_non_null(changed);
    assert_int_equal(changed->person_id, id);
    assert_int_equal(changed->roles, ROLE_BIT_DESK);
    assert_int_equal(people_sign_in(people, &counter, "受付 太郎", "kawa wo wataru"), 0);
    assert_int_equal(account_now(people, id).last_sign_in_us, people->now_us);

    assert_int_equal(call_on(people, MDG__ACCOUNTS__OF_DISABLE, id), 0);
    changed = people_effect(people, EFFECT_PERSON_CHANGED);
    assert_non_null(changed);
    assert_int_equal(changed->roles, 0);
    assert_int_equal(changed->until_us, 0);
    uint32_t roles;
    assert_int_equal(account_roles_now(people->db, id, &roles), MDG_ERR_FORBIDDEN);
    assert_int_equal(people_sign_in(people, &counter, "受付 太郎", "kawa wo wataru"), MDG_ERR_WRONG_SECRET);
    assert_int_equal(call_on(people, MDG__ACCOUNTS__OF_DISABLE, id), MDG_ERR_STATE);
    assert_int_equal(call_on(people, MDG__ACCOUNTS__OF_RESET, id), MDG_ERR_STATE);

    assert_int_equal(call_on(people, MDG__ACCOUNTS__OF_ENABLE, id), 0);
    assert_int_equal(people_effect(people, EFFECT_PERSON_CHANGED)->roles, ROLE_BIT_DESK);
    assert_int_equal(call_on(people, MDG__ACCOUNTS__OF_ENABLE, id), MDG_ERR_STATE);
    assert_int_equal(people_sign_in(people, &counter, "受付 太郎", "kawa wo wataru"), 0);

    /* Reset: the old secret stays until the code is used. */
    assert_int_equal(call_on(people, MDG__ACCOUNTS__OF_RESET, id), 0);
    snprintf(code, sizeof code, "%s", people->rq.answer->accounts->reset_code->code);
    assert_int_equal(people_sign_in(people, &counter, "受付 太郎", "kawa wo wataru"), 0);
    assert_int_equal(people_set_by_code(people, &counter, "受付 太郎", code, "yama wo koeru"), 0);
    assert_int_equal(people_sign_in(people, &counter, "受付 太郎", "kawa wo wataru"), MDG_ERR_WRONG_SECRET);
    assert_int_equal(people_sign_in(people, &counter, "受付 太郎", "yama wo koeru"), 0);
}

static void test_absent(void **state)
{
    static const uint32_t CALLS[] = {MDG__ACCOUNTS__OF_DISABLE, MDG__ACCOUNTS__OF_ENABLE, MDG__ACCOUNTS__OF_UNLOCK,
                                     MDG__ACCOUNTS__OF_RESET};
    struct people *people = *state;
    for (size_t i = 0; i < COUNT_OF(CALLS); i++) assert_int_equal(call_on(people, CALLS[i], 999), MDG_ERR_NOT_FOUND);
    assert_int_equal(people_grant(people, "nobody", ROLE_BIT_DESK), MDG_ERR_NOT_FOUND);
}

static void test_list(void **state)
{
    struct people *people = *state;
    Mdg__AccountList list = MDG__ACCOUNT_LIST__INIT;
    struct caller office = people_office(people);
    struct turn turn;
    assert_int_equal(turn_begin(&turn, people->db), 0);
    for (int i = 0; i < 150; i++) {
        char name[32];
        snprintf(name, sizeof name, "person %d", i);
        struct account account = {.id = turn_next_id(&turn),
                                  .name = name,
                                  .name_key = name,
                                  .reading = "",
                                  .created_us = people->now_us,
                                  .rev = turn_next_rev(&turn)};
        assert_int_equal(account_insert(people->db, &account), 0);
    }
    assert_int_equal(turn_commit(&turn), 0);

    int64_t after_id = 0;
    size_t seen = 0;
    for (int page = 0; page < 2; page++) {
        list.after_id = after_id;
        assert_int_equal(people_call(people, &office, &ACCOUNTS_DOMAIN, MDG__ACCOUNTS__OF_LIST, &list), 0);
        const Mdg__AccountListed *listed = people->rq.answer->accounts->listed;
        assert_int_equal(listed->has_more, page == 0);
        for (size_t i = 0; i < listed->n_accounts; i++) {
            assert_true(listed->accounts[i]->id > after_id);
            after_id = listed->accounts[i]->id;
        }
        seen += listed->n_accounts;
    }
    assert_int_equal(seen, 151);
}

static void test_last_office(void **state)
{
    struct people *people = *state;
    int64_t second;
    open_house(people, "Jiro", ROLE_BIT_DESK, &second);

    assert_int_equal(call_on(people, MDG__ACCOUNTS__OF_DISABLE, people->office_id), MDG_ERR_STATE);
    assert_string_equal(people->rq.refusal.rule, "last_office");
    assert_int_equal(people_grant(people, PEOPLE_OFFICE_NAME, ROLE_BIT_DESK), MDG_ERR_STATE);
    assert_int_equal(people_roles(people, second, ROLE_BIT_OFFICE), MDG_ERR_SECOND_PERSON);
    assert_string_equal(people->rq.refusal.rule, "console");

    assert_int_equal(people_grant(people, "Jiro", ROLE_BIT_OFFICE | ROLE_BIT_DESK), 0);
    assert_int_equal(people_grant(people, "Jiro", ROLE_BIT_DESK), MDG_ERR_SECOND_PERSON);
    assert_string_equal(people->rq.refusal.rule, "approval");

    assert_int_equal(people_roles(people, people->office_id, ROLE_BIT_DESK), 0);
    assert_int_equal(people->rq.object_id, people->office_id);
    assert_int_equal(people->rq.rev, account_now(people, people->office_id).rev);
    assert_int_equal(call_on(people, MDG__ACCOUNTS__OF_DISABLE, second), MDG_ERR_STATE);
    assert_int_equal(people_roles(people, second, 0), MDG_ERR_SECOND_PERSON);
}

/* An office account that has no secret yet could not stand in for the last one. */
static void test_office_without_secret_does_not_count(void **state)
{
    struct people *people = *state;
    int64_t id;
    char code[ACCOUNT_CODE_BYTES];
    open_house(people, NULL, 0, NULL);
    assert_int_equal(people_create(people, "Saburo", &id, code), 0);
    assert_int_equal(people_grant(people, "Saburo", ROLE_BIT_OFFICE), 0);
    assert_int_equal(call_on(people, MDG__ACCOUNTS__OF_DISABLE, people->office_id), MDG_ERR_STATE);
    assert_int_equal(people_grant(people, "Saburo", 0), 0);
}

static void test_office_needs_a_long_secret(void **state)
{
    struct people *people = *state;
    int64_t id;
    char code[ACCOUNT_CODE_BYTES];
    struct caller office = people_at(KIND_OFFICE, 1);
    open_house(people, NULL, 0, NULL);
    assert_int_equal(people_create(people, "Shiro", &id, code), 0);
    assert_int_equal(people_set_by_code(people, &office, "Shiro", code, "kumo9iwa"), 0);
    assert_int_equal(people_grant(people, "Shiro", ROLE_BIT_OFFICE), MDG_ERR_STATE);
    assert_string_equal(people->rq.refusal.rule, "secret_short");
    assert_int_equal(people_grant(people, "Shiro", ROLE_BIT_DESK), 0);

    Mdg__SecretSet set = MDG__SECRET_SET__INIT;
    set.name = "shiro";
    set.proof_case = MDG__SECRET_SET__PROOF_OLD_SECRET;
    set.old_secret = "kumo9iwa";
    set.new_secret = "kumo9iwa to neko";
    assert_int_equal(people_call(people, &office, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_SECRET_SET, &set), 0);
    assert_int_equal(people_grant(people, "Shiro", ROLE_BIT_OFFICE), 0);
}

static void test_recover(void **state)
{
    struct people *people = *state;
    int64_t second;
    struct caller console = people_console(), office = people_at(KIND_OFFICE, 1);
    Mdg__AccountRecover recover = MDG__ACCOUNT_RECOVER__INIT;
    open_house(people, "Goro", ROLE_BIT_DESK, &second);

    recover.name = "Goro";
    assert_int_equal(people_call(people, &console, &ACCOUNTS_DOMAIN, MDG__ACCOUNTS__OF_RECOVER, &recover),
                     MDG_ERR_STATE);
    recover.name = "nobody";
    assert_int_equal(people_call(people, &console, &ACCOUNTS_DOMAIN, MDG__ACCOUNTS__OF_RECOVER, &recover),
                     MDG_ERR_NOT_FOUND);

    /* Locked out by wrong guesses: the code works all the same, and the account was not touched otherwise. */
    for (int i = 0; i < 5; i++)
        assert_int_equal(people_sign_in(people, &office, PEOPLE_OFFICE_NAME, "not it"), MDG_ERR_WRONG_SECRET);
    assert_int_equal(people_sign_in(people, &office, PEOPLE_OFFICE_NAME, PEOPLE_OFFICE_SECRET), MDG_ERR_LOCKED);
    recover.name = "hanako";
    assert_int_equal(people_call(people, &console, &ACCOUNTS_DOMAIN, MDG__ACCOUNTS__OF_RECOVER, &recover), 0);
    char code[ACCOUNT_CODE_BYTES];
    snprintf(code, sizeof code, "%s", people->rq.answer->accounts->recover_code->code);
    assert_int_equal(people_set_by_code(people, &office, PEOPLE_OFFICE_NAME, code, "mori no naka no michi"), 0);
    assert_int_equal(people_sign_in(people, &office, PEOPLE_OFFICE_NAME, "mori no naka no michi"), 0);
    assert_int_equal(account_now(people, people->office_id).roles, ROLE_BIT_OFFICE);
}

static void test_rules(void **state)
{
    static const struct {
        const char *name;
        uint32_t had, gets;
        bool was_disabled, is_disabled, secret_is_long;
        int others;
        const char *rule;
    } CASES[] = {
        {"the last one keeps its role", 2, 3, false, false, true, 0, NULL},
        {"the last one loses it", 2, 1, false, false, true, 0, "last_office"},
        {"the last one is disabled", 2, 2, false, true, true, 0, "last_office"},
        {"there is another", 2, 1, false, false, true, 1, NULL},
        {"it was disabled already", 2, 1, true, true, true, 0, NULL},
        {"desk is disabled", 1, 1, false, true, true, 0, NULL},
        {"office with a short secret", 1, 2, false, false, false, 1, "secret_short"},
        {"consultation with a short secret", 1, 5, false, false, false, 1, "secret_short"},
        {"council with a short secret", 1, 16, false, false, false, 1, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct account account = {.roles = CASES[i].had,
                                  .is_disabled = CASES[i].was_disabled,
                                  .has_secret = true,
                                  .secret_is_long = CASES[i].secret_is_long};
        const char *rule = account_rules_change(&account, CASES[i].gets, CASES[i].is_disabled, CASES[i].others);
        if (rule && CASES[i].rule ? strcmp(rule, CASES[i].rule) != 0 : rule != CASES[i].rule)
            fail_msg("%s", CASES[i].name);
    }
}

#define WITH_PEOPLE(test) cmocka_unit_test_setup_teardown(test, people_setup, people_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEOPLE(test_whole_life),
        WITH_PEOPLE(test_absent),
        WITH_PEOPLE(test_list),
        WITH_PEOPLE(test_last_office),
        WITH_PEOPLE(test_office_without_secret_does_not_count),
        WITH_PEOPLE(test_office_needs_a_long_secret),
        WITH_PEOPLE(test_recover),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
