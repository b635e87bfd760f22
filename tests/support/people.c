#include "tests/support/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/accounts/accounts_domain.h"
#include "server/sign_in/sign_in_domain.h"

#define ARENA_BYTES (64u * 1024u)

static void must(int rc, const char *what)
{
    if (rc != 0) fail_msg("%s: %s", what, mdg_error_name(rc));
}

int people_setup(void **state)
{
    struct people *people = calloc(1, sizeof *people);
    struct turn turn;
    struct account office;
    if (!people) return -1;
    fixture_open(&people->fixture);
    people->db = people->fixture.db;
    people->keys = people->fixture.keys;
    people->now_us = PEOPLE_T0;
    must(turn_begin(&turn, people->db), "turn_begin");
    must(account_create_first(&turn, people->keys, PEOPLE_OFFICE_NAME, people->now_us, people->office_code), "first");
    must(turn_commit(&turn), "turn_commit");
    arena_init(&people->rq.arena, ARENA_BYTES);
    must(account_by_name_key(people->db, &people->rq.arena, "hanako", &office), "the first account");
    people->office_id = office.id;
    *state = people;
    return 0;
}

int people_teardown(void **state)
{
    struct people *people = *state;
    arena_fini(&people->rq.arena);
    fixture_close(&people->fixture);
    free(people);
    return 0;
}

struct caller people_at(enum terminal_kind kind, int64_t terminal_id)
{
    return (struct caller){.kind = kind, .has_hello = true, .terminal_id = terminal_id};
}

struct caller people_console(void)
{
    return (struct caller){.kind = KIND_CONSOLE, .has_hello = true, .roles = ROLE_BIT_CONSOLE};
}

struct caller people_office(const struct people *people)
{
    struct caller caller = people_at(KIND_OFFICE, 1);
    caller.person_id = people->office_id;
    caller.roles = ROLE_BIT_OFFICE;
    caller.confirmed_until_us = people->now_us + US_PER_MINUTE;
    return caller;
}

int people_call(struct people *people, const struct caller *caller, const struct domain *domain, uint32_t op,
                const void *message)
{
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    Mdg__SignIn sign_in = MDG__SIGN_IN__INIT;
    body.domain_case = (Mdg__Body__DomainCase)domain->arm;
    /* The arms of a oneof are pointers in a union: any of them carries the message. */
    if (domain->arm == ACCOUNTS_DOMAIN.arm) {
        body.accounts = &accounts;
        accounts.of_case = (Mdg__Accounts__OfCase)op;
        accounts.create = (Mdg__AccountCreate *)message;
    } else {
        body.sign_in = &sign_in;
        sign_in.of_case = (Mdg__SignIn__OfCase)op;
        sign_in.start = (Mdg__SignInStart *)message;
    }
    arena_fini(&people->rq.arena);
    return fixture_run(&people->fixture, domain, caller, &body, people->now_us, &people->rq);
}

int people_create(struct people *people, const char *name, int64_t *id, char code[ACCOUNT_CODE_BYTES])
{
    Mdg__AccountCreate create = MDG__ACCOUNT_CREATE__INIT;
    struct caller office = people_office(people);
    create.name = (char *)name;
    int rc = people_call(people, &office, &ACCOUNTS_DOMAIN, MDG__ACCOUNTS__OF_CREATE, &create);
    if (rc != 0) return rc;
    *id = people->rq.object_id;
    snprintf(code, ACCOUNT_CODE_BYTES, "%s", people->rq.answer->accounts->created_code->code);
    return 0;
}

int people_set_by_code(struct people *people, const struct caller *caller, const char *name, const char *code,
                       const char *secret)
{
    Mdg__SecretSet set = MDG__SECRET_SET__INIT;
    set.name = (char *)name;
    set.proof_case = MDG__SECRET_SET__PROOF_CODE;
    set.code = (char *)code;
    set.new_secret = (char *)secret;
    return people_call(people, caller, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_SECRET_SET, &set);
}

int people_sign_in(struct people *people, const struct caller *caller, const char *name, const char *secret)
{
    Mdg__SignInStart start = MDG__SIGN_IN_START__INIT;
    start.name = (char *)name;
    start.secret = (char *)secret;
    return people_call(people, caller, &SIGN_IN_DOMAIN, MDG__SIGN_IN__OF_START, &start);
}

int people_grant(struct people *people, const char *name, uint32_t roles)
{
    Mdg__AccountGrant grant = MDG__ACCOUNT_GRANT__INIT;
    struct caller console = people_console();
    grant.name = (char *)name;
    grant.roles = roles;
    return people_call(people, &console, &ACCOUNTS_DOMAIN, MDG__ACCOUNTS__OF_GRANT, &grant);
}

int people_roles(struct people *people, int64_t id, uint32_t roles)
{
    Mdg__AccountRoles change = MDG__ACCOUNT_ROLES__INIT;
    struct caller office = people_office(people);
    change.person_id = id;
    change.roles = roles;
    return people_call(people, &office, &ACCOUNTS_DOMAIN, MDG__ACCOUNTS__OF_ROLES, &change);
}

const struct effect *people_effect(const struct people *people, enum effect_kind kind)
{
    return fixture_effect(&people->rq, kind);
}
