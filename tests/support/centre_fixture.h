/* tests/support/centre_fixture.h - a centre in a file of its own, and handlers run upon it one by one: prepare, the
 * handler in a savepoint, the audit row, the commit, as dispatch does it, at an hour that the test chooses. */
#ifndef MADOGUCHI_TESTS_CENTRE_FIXTURE_H
#define MADOGUCHI_TESTS_CENTRE_FIXTURE_H

#include "server/request/domain.h"

#define CENTRE_T0 INT64_C(1750000000000000) /* 2025-06-16 00:06:40 in Tokyo */

struct centre_fixture {
    char dir[64], path[96];
    struct db *db;
    int64_t now_us;
    int64_t made_us;                /* not 0: the next call waited in an outbox since then */
    uint8_t key[REQUEST_KEY_BYTES]; /* of the last call; every call gets another */
    struct request rq;              /* of the last call: refusal, answer, rev */
};

/* cmocka's set-up and tear-down. The zone is Asia/Tokyo again. */
int centre_setup(void **state);
int centre_teardown(void **state);

/* Fails the test unless rc is 0. */
void centre_must(int rc, const char *what);

/* Somebody with these roles signed in at such a terminal; person_id 0: nobody. */
struct caller centre_caller(enum terminal_kind kind, int64_t terminal_id, int64_t person_id, uint32_t roles);

/* 0 or the refusal's code; the rest is in centre->rq until the next call. */
int centre_call(struct centre_fixture *centre, const struct caller *caller, const struct domain *domain, uint32_t op,
                const void *message);

/* The first column of the first row, as a number; -1 without a row. The address of sql must be a constant's. */
int64_t centre_number(struct db *db, const char *sql);

#endif
