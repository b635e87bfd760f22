#include "tests/support/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/accounts/accounts_domain.h"
#include "server/centre/centre_store.h"
#include "server/sign_in/sign_in_domain.h"
#include "server/store/migrations.h"

#define ARENA_BYTES (1024u * 1024u)

static void must(int rc, const char *what)
{
    if (rc != 0) fail_msg("%s: %s", what, mdg_error_name(rc));
}

int people_setup(void **state)
{
    struct people *people = calloc(1, sizeof *people);
    struct turn turn;
    if (!people) return -1;
    people->now_us = PEOPLE_T0;
    snprintf(people->key_dir, sizeof people->key_dir, "/tmp/madoguchi-people-XXXXXX");
    if (!mkdtemp(people->key_dir)) return -1;
    must(rmdir(people->key_dir), "rmdir");
    must(keys_create(people->key_dir), "keys_create");
    must(keys_open(people->key_dir, &people->keys), "keys_open");
    must(db_create(":memory:", &people->db), "db_create");
    must(migrations_apply(people->db, ":memory:"), "migrations_apply");
    must(db_begin_write(people->db), "db_begin_write");
    must(centre_create(people->db, "Midori", "Asia/Tokyo", people->now_us), "centre_create");
    must(db_commit(people->db), "db_commit");
    must(turn_begin(&turn, people->db), "turn_begin");
    must(account_create_first(&turn, people->keys, PEOPLE_OFFICE_NAME, people->now_us, people->office_code), "first");
    must(turn_commit(&turn), "turn_commit");
    arena_init(&people->rq.arena, ARENA_BYTES);

    struct account office;
    must(account_by_name_key(people->db, &people->rq.arena, "hanako", &office), "the first account");
    people->office_id = office.id;
    *state = people;
    return 0;
}

int people_teardown(void **state)
{
    struct people *people = *state;
    char command[128];
    arena_fini(&people->rq.arena);
    db_close(people->db);
    keys_close(people->keys);
    snprintf(command, sizeof command, "rm -rf '%s'", people->key_dir);
    int rc = system(command);
    free(people);
    return rc;
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

static const struct route *route_of(const struct domain *domain, uint32_t op)
{
    for (size_t i = 0; i < domain->routes_count; i++) {
        if (domain->routes[i].op == op) return &domain->routes[i];
    }
    fail_msg("%s has no call %u", domain->name, (unsigned)op);
    return NULL;
}

static int run_on_turn(struct people *people)
{
    struct request *rq = &people->rq;
    struct turn turn, mark;
    must(turn_begin(&turn, people->db), "turn_begin");
    must(turn_mark(&turn, &mark), "turn_mark");
    rq->turn = &turn;
    int rc = rq->route->handle(rq);
    must(rc == 0 ? turn_release(&turn) : turn_rewind(&turn, &mark), "savepoint");
    must(turn_commit(&turn), "turn_commit");
    rq->turn = NULL;
    return rc;
}

int people_call(struct people *people, const struct caller *caller, const struct domain *domain, uint32_t op,
                const void *message)
{
    static const Mdg__Request NO_ENVELOPE = MDG__REQUEST__INIT;
    struct request *rq = &people->rq;
    arena_fini(&rq->arena);
    *rq = (struct request){.route = route_of(domain, op),
                           .domain = domain,
                           .caller = *caller,
                           .msg = &NO_ENVELOPE,
                           .op = message,
                           .now_us = people->now_us,
                           .db = people->db,
                           .keys = people->keys};
    arena_init(&rq->arena, ARENA_BYTES);
    int rc = rq->route->prepare ? rq->route->prepare(rq) : 0;
    if (rc == 0 && rq->route->work && rq->work) rq->route->work(rq);
    void (*between)(struct people *) = people->between;
    people->between = NULL;
    if (rc == 0 && between) between(people);
    if (rc == 0) rc = run_on_turn(people);
    if (rc != 0) rq->effects_count = 0;
    return rc != 0 ? rc : rq->refusal.code;
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
    for (int i = 0; i < people->rq.effects_count; i++) {
        if (people->rq.effects[i].kind == kind) return &people->rq.effects[i];
    }
    return NULL;
}
