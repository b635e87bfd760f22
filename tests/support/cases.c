#include "tests/support/cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/accounts/account_store.h"
#include "server/groups/group_store.h"

void cases_must(int rc, const char *what)
{
    if (rc != 0) fail_msg("%s: %s", what, mdg_error_name(rc));
}

static struct caller caller_of(enum terminal_kind kind, int64_t terminal_id, int64_t person_id, uint32_t roles)
{
    return (struct caller){
        .kind = kind, .has_hello = true, .terminal_id = terminal_id, .person_id = person_id, .roles = roles};
}

static void person_add(struct cases *cases, int64_t id, const char *name, uint32_t roles, bool is_disabled)
{
    struct account account = {.id = id, .name = name, .name_key = name, .reading = "", .roles = roles, .rev = 1};
    cases_must(account_insert(cases->fixture.db, &account), name);
    if (is_disabled) cases_must(account_set_disabled(cases->fixture.db, id, true, 2), name);
}

int cases_setup(void **state)
{
    struct cases *cases = calloc(1, sizeof *cases);
    if (!cases) return -1;
    fixture_open(&cases->fixture);
    cases_must(day_zone_set("Asia/Tokyo"), "zone");
    cases->now_us = day_to_us(20261123, 14 * 60);
    cases->desk = caller_of(KIND_COUNTER, 11, CASES_DESK, ROLE_BIT_DESK);
    cases->owner = caller_of(KIND_OFFICE, 12, CASES_OWNER, ROLE_BIT_CONSULTATION);
    cases->colleague = caller_of(KIND_OFFICE, 13, CASES_COLLEAGUE, ROLE_BIT_CONSULTATION);
    cases->office = caller_of(KIND_OFFICE, 14, 105, ROLE_BIT_OFFICE);
    cases->clock = caller_of(KIND_CLOCK, 0, 0, ROLE_BIT_CLOCK);
    person_add(cases, CASES_OWNER, "owner", ROLE_BIT_CONSULTATION, false);
    person_add(cases, CASES_COLLEAGUE, "colleague", ROLE_BIT_CONSULTATION, false);
    person_add(cases, CASES_DESK, "desk", ROLE_BIT_DESK, false);
    person_add(cases, CASES_FORMER, "former", ROLE_BIT_CONSULTATION, true);
    struct group group = {.id = CASES_GROUP, .number = 77, .name = "みどり楽団", .reading = "みどりがくだん", .rev = 1};
    cases_must(group_insert(cases->fixture.db, &group), "group");
    arena_init(&cases->rq.arena, 1024);
    *state = cases;
    return 0;
}

int cases_teardown(void **state)
{
    struct cases *cases = *state;
    arena_fini(&cases->rq.arena);
    fixture_close(&cases->fixture);
    free(cases);
    return 0;
}

/* The arms of a oneof are pointers in a union: any of them carries the message. */
int cases_ask(struct cases *cases, const struct caller *caller, Mdg__Consultations__OfCase op, const void *message)
{
    Mdg__Consultations consultations = MDG__CONSULTATIONS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    consultations.of_case = op;
    consultations.intake = (Mdg__ConsultationIntake *)message;
    body.domain_case = MDG__BODY__DOMAIN_CONSULTATIONS;
    body.consultations = &consultations;
    arena_fini(&cases->rq.arena);
    return fixture_run(&cases->fixture, &CONSULTATIONS_DOMAIN, caller, &body, cases->now_us, &cases->rq);
}

void cases_expect(struct cases *cases, int rc, int code, const char *rule, const char *what)
{
    if (rc != code) fail_msg("%s: %s", what, rc == 0 ? "accepted" : mdg_error_name(rc));
    if (rule && (!cases->rq.refusal.rule || strcmp(cases->rq.refusal.rule, rule) != 0))
        fail_msg("%s: rule %s", what, cases->rq.refusal.rule ? cases->rq.refusal.rule : "(none)");
}

Mdg__ConsultationIntake cases_intake(const struct cases *cases, Mdg__ConsultationContent *content)
{
    Mdg__ConsultationIntake intake = MDG__CONSULTATION_INTAKE__INIT;
    mdg__consultation_content__init(content);
    content->text = (char *)"the text " CASES_MARKER;
    content->contact = (char *)"the contact " CASES_MARKER;
    intake.at_us = cases->now_us;
    intake.channel = MDG__CONSULTATION_CHANNEL__CHANNEL_VISIT;
    intake.client = MDG__CONSULTATION_CLIENT__CLIENT_GROUP;
    intake.topic = (char *)"助成金";
    intake.minutes = 20;
    intake.people = 2;
    intake.owner_id = CASES_OWNER;
    intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_PLAIN;
    intake.plain = content;
    return intake;
}

int64_t cases_open(struct cases *cases)
{
    Mdg__ConsultationContent content;
    Mdg__ConsultationIntake intake = cases_intake(cases, &content);
    cases_must(cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), "intake");
    return cases->rq.object_id;
}

int cases_add(struct cases *cases, const struct caller *caller, int64_t case_id, const char *text)
{
    Mdg__ConsultationAdd add = MDG__CONSULTATION_ADD__INIT;
    Mdg__ConsultationContent content = MDG__CONSULTATION_CONTENT__INIT;
    content.text = (char *)text;
    add.case_id = case_id;
    add.at_us = cases->now_us;
    add.minutes = 5;
    add.content_case = MDG__CONSULTATION_ADD__CONTENT_PLAIN;
    add.plain = &content;
    return cases_ask(cases, caller, MDG__CONSULTATIONS__OF_ADD, &add);
}

int cases_read(struct cases *cases, const struct caller *caller, int64_t case_id, const char *reason)
{
    Mdg__ConsultationRead read = MDG__CONSULTATION_READ__INIT;
    read.case_id = case_id;
    read.reason = (char *)reason;
    return cases_ask(cases, caller, MDG__CONSULTATIONS__OF_READ, &read);
}

const Mdg__ConsultationText *cases_text(const struct cases *cases)
{
    return cases->rq.answer->consultations->text;
}

struct consultation cases_get(struct cases *cases, int64_t case_id)
{
    struct consultation c;
    cases_must(consultation_get(cases->fixture.db, case_id, 0, &c), "consultation_get");
    return c;
}

int cases_close(struct cases *cases, const struct caller *caller, int64_t case_id)
{
    Mdg__ConsultationClose close = MDG__CONSULTATION_CLOSE__INIT;
    close.case_id = case_id;
    close.outcome = MDG__CONSULTATION_OUTCOME__OUTCOME_REFERRED;
    close.referral = (char *)"the city's desk";
    close.rev = cases_get(cases, case_id).rev;
    return cases_ask(cases, caller, MDG__CONSULTATIONS__OF_CLOSE, &close);
}

int cases_assign(struct cases *cases, const struct caller *caller, int64_t case_id, int64_t owner_id)
{
    Mdg__ConsultationAssign assign = MDG__CONSULTATION_ASSIGN__INIT;
    assign.case_id = case_id;
    assign.owner_id = owner_id;
    assign.rev = cases_get(cases, case_id).rev;
    return cases_ask(cases, caller, MDG__CONSULTATIONS__OF_ASSIGN, &assign);
}

int cases_follow_up(struct cases *cases, const struct caller *caller, int64_t case_id, int32_t day, int64_t owner_id)
{
    Mdg__ConsultationFollowUp follow_up = MDG__CONSULTATION_FOLLOW_UP__INIT;
    follow_up.case_id = case_id;
    follow_up.day = day;
    follow_up.owner_id = owner_id;
    follow_up.rev = cases_get(cases, case_id).rev;
    return cases_ask(cases, caller, MDG__CONSULTATIONS__OF_FOLLOW_UP, &follow_up);
}

int cases_erase_due(struct cases *cases)
{
    Mdg__ConsultationEraseDue erase = MDG__CONSULTATION_ERASE_DUE__INIT;
    return cases_ask(cases, &cases->clock, MDG__CONSULTATIONS__OF_ERASE_DUE, &erase);
}

bool cases_file_holds(const char *path, const char *marker)
{
    char *bytes = NULL;
    long size = 0;
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    bytes = malloc((size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
    fclose(file);
    bool holds = memmem(bytes, (size_t)size, marker, strlen(marker)) != NULL;
    free(bytes);
    return holds;
}

void cases_verify(struct cases *cases)
{
    char *complaint = NULL;
    if (consultation_verify(cases->fixture.db, &complaint) != 0) fail_msg("%s", complaint ? complaint : "verify");
}
