/* tests/server/consultations_store_test.c - cases upon a real database with real keys: who may take in, read and change
 * what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/keys/intake_key.h"
#include "tests/support/cases.h"

/* --- taking in ---------------------------------------------------------------------------------------- */

static void test_an_intake_is_a_case_with_a_number(void **state)
{
    struct cases *cases = *state;
    int64_t first = cases_open(cases), second = cases_open(cases);
    cases->now_us = day_to_us(20270401, 10 * 60); /* the next fiscal year */
    int64_t third = cases_open(cases);
    struct consultation c = cases_get(cases, second);
    assert_int_equal(cases_get(cases, first).number, 1);
    assert_int_equal(c.number, 2);
    assert_int_equal(c.fiscal_year, 2026);
    assert_int_equal(c.minutes, 20);
    assert_int_equal(c.entries, 1);
    assert_int_equal(c.owner_id, CASES_OWNER);
    assert_int_equal(cases_get(cases, third).fiscal_year, 2027);
    assert_int_equal(cases_get(cases, third).number, 1);
    cases_verify(cases);
}

static void test_intakes_that_are_refused(void **state)
{
    static const struct {
        const char *name;
        int code;
        const char *rule;
    } CASES[] = {
        {"no channel", MDG_ERR_INVALID, "required"},
        {"no kind of client", MDG_ERR_INVALID, "required"},
        {"a blank topic", MDG_ERR_INVALID, "required"},
        {"no text", MDG_ERR_INVALID, "required"},
        {"in the future", MDG_ERR_INVALID, "future"},
        {"follow-up yesterday", MDG_ERR_INVALID, "past"},
        {"no such group", MDG_ERR_NOT_FOUND, "group"},
        {"the owner is at the desk", MDG_ERR_NOT_FOUND, "consultant"},
        {"the owner has left", MDG_ERR_NOT_FOUND, "consultant"},
        {"no such owner", MDG_ERR_NOT_FOUND, "consultant"},
        {"a box of nothing", MDG_ERR_INVALID, "box"},
        {"no content at all", MDG_ERR_INVALID, "required"},
    };
    struct cases *cases = *state;
    uint8_t box[100] = {7};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Mdg__ConsultationContent content;
        Mdg__ConsultationIntake intake = cases_intake(cases, &content);
        switch (i) {
        case 0:
            intake.channel = MDG__CONSULTATION_CHANNEL__CHANNEL_NONE;
            break;
        case 1:
            intake.client = MDG__CONSULTATION_CLIENT__CLIENT_NONE;
            break;
        case 2:
            intake.topic = (char *)"　 ";
            break;
        case 3:
            content.text = (char *)"\n";
            break;
        case 4:
            intake.at_us += 121 * US_PER_SECOND;
            break;
        case 5:
            intake.follow_up_day = 20261122;
            break;
        case 6:
            intake.group_id = 901;
            break;
        case 7:
            intake.owner_id = CASES_DESK;
            break;
        case 8:
            intake.owner_id = CASES_FORMER;
            break;
        case 9:
            intake.owner_id = 999;
            break;
        case 10:
            intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_SEALED;
            intake.sealed = (ProtobufCBinaryData){sizeof box, box};
            break;
        default:
            intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT__NOT_SET;
            break;
        }
        int rc = cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake);
        cases_expect(cases, rc, CASES[i].code, CASES[i].rule, CASES[i].name);
    }
    assert_int_equal(fixture_number(&cases->fixture, "SELECT count(*) FROM consultation"), 0);
}

static void test_a_consultant_opens_for_himself(void **state)
{
    struct cases *cases = *state;
    Mdg__ConsultationContent content;
    Mdg__ConsultationIntake intake = cases_intake(cases, &content);
    cases_expect(cases, cases_ask(cases, &cases->colleague, MDG__CONSULTATIONS__OF_INTAKE, &intake), MDG_ERR_FORBIDDEN,
                 "own_case", "for another");
    intake.owner_id = 0;
    cases_must(cases_ask(cases, &cases->colleague, MDG__CONSULTATIONS__OF_INTAKE, &intake), "for himself");
    assert_int_equal(cases_get(cases, cases->rq.object_id).owner_id, CASES_COLLEAGUE);
}

static void test_a_box_is_opened(void **state)
{
    struct cases *cases = *state;
    Mdg__ConsultationContent content;
    Mdg__ConsultationIntake intake = cases_intake(cases, &content);
    struct intake_key key;
    cases_must(intake_key_of(cases->fixture.keys, &key), "key");
    intake.content_case = MDG__CONSULTATION_INTAKE__CONTENT_SEALED;
    cases_must(intake_box_seal(key.public_half, &content, &intake.sealed.data, &intake.sealed.len), "seal");
    cases_must(cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), "intake");
    int64_t case_id = cases->rq.object_id;

    intake.sealed.data[60] ^= 1;
    cases_expect(cases, cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), MDG_ERR_INVALID, "box",
                 "altered");
    free(intake.sealed.data);
    content.text = (char *)"a bell: \a";
    cases_must(intake_box_seal(key.public_half, &content, &intake.sealed.data, &intake.sealed.len), "seal");
    cases_expect(cases, cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), MDG_ERR_INVALID, "text",
                 "what is in a box keeps the rules as well");
    free(intake.sealed.data);

    cases_must(cases_read(cases, &cases->owner, case_id, ""), "read");
    assert_string_equal(cases_text(cases)->entries[0]->content->text, "the text " CASES_MARKER);
    assert_string_equal(cases_text(cases)->entries[0]->content->contact, "the contact " CASES_MARKER);
}

/* --- reading ------------------------------------------------------------------------------------------ */

static void test_the_own_case_is_read(void **state)
{
    struct cases *cases = *state;
    int64_t case_id = cases_open(cases);
    cases_must(cases_add(cases, &cases->desk, case_id, "came again"), "the desk adds");
    cases_must(cases_add(cases, &cases->colleague, case_id, "called"), "a colleague adds");
    cases_must(cases_read(cases, &cases->owner, case_id, ""), "read");
    const Mdg__ConsultationText *text = cases_text(cases);
    assert_int_equal(text->n_entries, 3);
    assert_string_equal(text->entries[0]->content->text, "the text " CASES_MARKER);
    assert_string_equal(text->entries[1]->content->text, "came again");
    assert_int_equal(text->entries[1]->person_id, CASES_DESK);
    assert_string_equal(text->entries[2]->content->text, "called");
    assert_int_equal(text->head->minutes, 30);
    assert_false(text->has_more);
    assert_int_equal(cases->rq.object_id, case_id);
    assert_int_equal(fixture_number(&cases->fixture, "SELECT count(*) FROM consultation_notice"), 0);
    cases_verify(cases);
}

static void test_anothers_case_needs_a_reason_and_is_told(void **state)
{
    struct cases *cases = *state;
    int64_t case_id = cases_open(cases);
    cases_expect(cases, cases_read(cases, &cases->colleague, case_id, ""), MDG_ERR_FORBIDDEN, "others_case",
                 "no reason");
    cases_expect(cases, cases_read(cases, &cases->colleague, case_id, " 　"), MDG_ERR_FORBIDDEN, "others_case",
                 "a blank one");
    assert_int_equal(cases->rq.refusal.object_id, case_id);
    assert_null(cases->rq.answer);
    assert_int_equal(fixture_number(&cases->fixture, "SELECT count(*) FROM consultation_notice"), 0);

    cases_must(cases_read(cases, &cases->colleague, case_id, "the owner is ill"), "with a reason");
    assert_int_equal(cases_text(cases)->n_entries, 1);
    assert_string_equal(cases->rq.reason, "the owner is ill"); /* for the audit row */
    assert_int_equal(fixture_number(&cases->fixture, "SELECT count(*) FROM consultation_notice WHERE reader_id = 102"
                                                     " AND owner_id = 101 AND reason = 'the owner is ill'"),
                     1);
    cases_expect(cases, cases_read(cases, &cases->owner, case_id + 1000, ""), MDG_ERR_NOT_FOUND, "case",
                 "no such case");
}

static void test_long_cases_come_in_pages(void **state)
{
    struct cases *cases = *state;
    int64_t case_id = cases_open(cases), after = 0;
    char *longest = calloc(1, INTAKE_TEXT_BYTES_MAX + 1);
    size_t entries = 0, pages = 0;
    assert_non_null(longest);
    memset(longest, 'x', INTAKE_TEXT_BYTES_MAX);
    for (int i = 0; i < 24; i++) cases_must(cases_add(cases, &cases->desk, case_id, longest), "add");
    for (bool has_more = true; has_more && pages < 10; pages++) {
        Mdg__ConsultationRead read = MDG__CONSULTATION_READ__INIT;
        read.case_id = case_id;
        read.after_entry_id = after;
        cases_must(cases_ask(cases, &cases->owner, MDG__CONSULTATIONS__OF_READ, &read), "read");
        const Mdg__ConsultationText *text = cases_text(cases);
        if (mdg__consultation_text__get_packed_size(text) > 240 * 1024) fail_msg("a page over its frame");
        entries += text->n_entries;
        has_more = text->has_more;
        after = text->entries[text->n_entries - 1]->id;
    }
    assert_int_equal(entries, 25);
    assert_int_equal(pages, 3);
    free(longest);
}

/* --- what becomes of a case --------------------------------------------------------------------------- */

static void test_who_may_change_a_case(void **state)
{
    struct cases *cases = *state;
    int64_t case_id = cases_open(cases);
    cases_expect(cases, cases_follow_up(cases, &cases->colleague, case_id, 20261201, 0), MDG_ERR_NOT_FOUND, "own_case",
                 "follow-up");
    cases_expect(cases, cases_close(cases, &cases->colleague, case_id), MDG_ERR_NOT_FOUND, "own_case", "closing");
    cases_expect(cases, cases_assign(cases, &cases->colleague, case_id, CASES_COLLEAGUE), MDG_ERR_NOT_FOUND, "own_case",
                 "taking");
    cases_must(cases_follow_up(cases, &cases->owner, case_id, 20261201, 0), "the owner's follow-up");
    assert_int_equal(cases_get(cases, case_id).follow_up_day, 20261201);
    cases_expect(cases, cases_follow_up(cases, &cases->owner, case_id, 20261122, 0), MDG_ERR_INVALID, "past",
                 "yesterday");
    cases_expect(cases, cases_follow_up(cases, &cases->owner, case_id, 20261201, CASES_DESK), MDG_ERR_NOT_FOUND,
                 "consultant", "to the desk");
    cases_must(cases_follow_up(cases, &cases->owner, case_id, 20261202, CASES_COLLEAGUE), "handing it over");
    cases_expect(cases, cases_read(cases, &cases->owner, case_id, ""), MDG_ERR_FORBIDDEN, "others_case",
                 "not his any more");
    cases_must(cases_assign(cases, &cases->office, case_id, CASES_OWNER), "the office hands it back");
    cases_expect(cases, cases_assign(cases, &cases->office, case_id, CASES_OWNER), MDG_ERR_STATE, "owner_already",
                 "again");
    cases_must(cases_close(cases, &cases->office, case_id), "the office closes");
    struct consultation c = cases_get(cases, case_id);
    assert_int_equal(c.erase_day, 20291123);
    assert_int_equal(c.follow_up_day, 0);
    cases_expect(cases, cases_close(cases, &cases->owner, case_id), MDG_ERR_STATE, "case_closed", "closing twice");
    cases_expect(cases, cases_add(cases, &cases->desk, case_id, "too late"), MDG_ERR_STATE, "case_closed",
                 "adding afterwards");
    cases_expect(cases, cases_follow_up(cases, &cases->owner, case_id, 20261201, 0), MDG_ERR_STATE, "case_closed",
                 "afterwards");
}

static void test_a_stale_change_is_shown_the_case(void **state)
{
    struct cases *cases = *state;
    int64_t case_id = cases_open(cases);
    Mdg__ConsultationFollowUp follow_up = MDG__CONSULTATION_FOLLOW_UP__INIT;
    follow_up.case_id = case_id;
    follow_up.day = 20261201;
    follow_up.rev = cases_get(cases, case_id).rev;
    cases_must(cases_add(cases, &cases->desk, case_id, "in between"), "add");
    cases_expect(cases, cases_ask(cases, &cases->owner, MDG__CONSULTATIONS__OF_FOLLOW_UP, &follow_up), MDG_ERR_STALE,
                 "changed", "stale");
    assert_true(cases->rq.refusal.has_answer);
    assert_int_equal(cases->rq.refusal.object_id, case_id);
    assert_int_equal(cases_get(cases, case_id).follow_up_day, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cases_setup, cases_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_intake_is_a_case_with_a_number),
        TEST(test_intakes_that_are_refused),
        TEST(test_a_consultant_opens_for_himself),
        TEST(test_a_box_is_opened),
        TEST(test_the_own_case_is_read),
        TEST(test_anothers_case_needs_a_reason_and_is_told),
        TEST(test_long_cases_come_in_pages),
        TEST(test_who_may_change_a_case),
        TEST(test_a_stale_change_is_shown_the_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
