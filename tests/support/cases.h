/* tests/support/cases.h - a centre with consultants, a desk and a group, and the calls of consultations upon it. */
#ifndef MADOGUCHI_TESTS_CASES_H
#define MADOGUCHI_TESTS_CASES_H

#include "server/consultations/consultation_store.h"
#include "server/consultations/consultations_domain.h"
#include "tests/support/handler_fixture.h"

#define CASES_MARKER "kakurenbo-no-oni-7"
#define CASES_OWNER 101
#define CASES_COLLEAGUE 102
#define CASES_DESK 103
#define CASES_FORMER 104
#define CASES_GROUP 900

struct cases {
    struct fixture fixture;
    int64_t now_us;
    struct caller desk, owner, colleague, office, clock;
    struct request rq; /* of the last call */
};

/* Fails the test unless rc is 0. */
void cases_must(int rc, const char *what);
/* cmocka's: 2026-11-23, 14:00 in Tokyo. */
int cases_setup(void **state);
int cases_teardown(void **state);
/* 0 or the refusal's code; the rest is in cases->rq until the next call. */
int cases_ask(struct cases *cases, const struct caller *caller, Mdg__Consultations__OfCase op, const void *message);
/* Fails the test unless rc is this code, and the last refusal has this rule (NULL: any). */
void cases_expect(struct cases *cases, int rc, int code, const char *rule, const char *what);

/* An intake of the desk for the owner, whose text and contact hold the marker; content is the caller's memory. */
Mdg__ConsultationIntake cases_intake(const struct cases *cases, Mdg__ConsultationContent *content);
int64_t cases_open(struct cases *cases);
/* Each with the rev that the case has now. */
int cases_add(struct cases *cases, const struct caller *caller, int64_t case_id, const char *text);
int cases_read(struct cases *cases, const struct caller *caller, int64_t case_id, const char *reason);
const Mdg__ConsultationText *cases_text(const struct cases *cases);
struct consultation cases_get(struct cases *cases, int64_t case_id);
int cases_close(struct cases *cases, const struct caller *caller, int64_t case_id);
int cases_assign(struct cases *cases, const struct caller *caller, int64_t case_id, int64_t owner_id);
int cases_follow_up(struct cases *cases, const struct caller *caller, int64_t case_id, int32_t day, int64_t owner_id);
int cases_erase_due(struct cases *cases);

bool cases_file_holds(const char *path, const char *marker);
void cases_verify(struct cases *cases);

#endif
