/* tests/support/handler_fixture.h - a fresh centre in a file, and calls upon it that run through the stages of their
 * route as dispatch runs them: prepare, work, then handle on a reader's snapshot or in a savepoint of a write turn. */
#ifndef MADOGUCHI_TESTS_HANDLER_FIXTURE_H
#define MADOGUCHI_TESTS_HANDLER_FIXTURE_H

#include "server/keys/keys.h"
#include "server/request/domain.h"

#define FIXTURE_T0 INT64_C(1764000000000000)

struct fixture {
    struct db *db; /* the writing connection */
    struct keys *keys;
    char dir[64], keys_dir[80], db_path[80];
};

/* A centre with its authority, at FIXTURE_T0; fails the test when it cannot be made. */
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* Carries out the call in body. 0 or the refusal's code, as the caller would see it; what a refusal undid is undone.
 * *out holds answer, refusal and effects; the caller frees out->arena with arena_fini(). */
int fixture_run(struct fixture *fixture, const struct domain *domain, const struct caller *caller,
                const Mdg__Body *body, int64_t now_us, struct request *out);

/* The first effect of this kind, or NULL. */
const struct effect *fixture_effect(const struct request *rq, enum effect_kind kind);

/* Rows of this kind that the view would get after since_rev, as they go over the wire; in the arena. */
size_t fixture_feed(struct fixture *fixture, const struct domain *domain, uint32_t kind, int64_t since_rev,
                    struct arena *arena, Mdg__Row *rows[], size_t most);

/* One number, straight from the database. */
int64_t fixture_number(struct fixture *fixture, const char *sql);

#endif
