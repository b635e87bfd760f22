/* tests/support/people.h - a fresh centre with its first account, and the calls of people upon it. */
#ifndef MADOGUCHI_TESTS_PEOPLE_H
#define MADOGUCHI_TESTS_PEOPLE_H

#include "server/accounts/account_store.h"
#include "tests/support/handler_fixture.h"

#define PEOPLE_OFFICE_NAME "Hanako"
#define PEOPLE_OFFICE_SECRET "kumo to iwa to neko"
#define PEOPLE_T0 FIXTURE_T0

struct people {
    struct fixture fixture;
    struct db *db; /* the fixture's, as are the keys */
    struct keys *keys;
    int64_t now_us;
    int64_t office_id;
    char office_code[ACCOUNT_CODE_BYTES];
    struct request rq; /* of the last call: answer, refusal, effects */
};

/* cmocka's set-up and tear-down: a fresh centre at PEOPLE_T0, with its first account. */
int people_setup(void **state);
int people_teardown(void **state);

/* Callers. */
struct caller people_at(enum terminal_kind kind, int64_t terminal_id);
struct caller people_console(void);
struct caller people_office(const struct people *people); /* the first account, confirmed, at office terminal 1 */

/* Runs the call op of domain (sign_in or accounts) with this message. 0 or the refusal's code; the rest is in
 * people->rq. */
int people_call(struct people *people, const struct caller *caller, const struct domain *domain, uint32_t op,
                const void *message);

/* Steps that many tests take. They return the refusal's code. */
int people_create(struct people *people, const char *name, int64_t *id, char code[ACCOUNT_CODE_BYTES]);
int people_set_by_code(struct people *people, const struct caller *caller, const char *name, const char *code,
                       const char *secret);
int people_sign_in(struct people *people, const struct caller *caller, const char *name, const char *secret);
int people_grant(struct people *people, const char *name, uint32_t roles); /* at the console */
/* As if approved: the change of roles itself. */
int people_roles(struct people *people, int64_t id, uint32_t roles);

/* The first effect of this kind of the last call, or NULL. */
const struct effect *people_effect(const struct people *people, enum effect_kind kind);

#endif
