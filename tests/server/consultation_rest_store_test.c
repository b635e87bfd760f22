/* tests/server/consultation_rest_store_test.c - what lies on the disk of a case, what closing does to it, that erasure
 * reaches old copies too; and what finds and feeds a case without its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/day.h"
#include "server/consultations/consultation_entries.h"
#include "tests/support/cases.h"

#define KIND_HEAD FEED_KIND(MDG__BODY__DOMAIN_CONSULTATIONS, MDG__CONSULTATIONS__OF_HEAD_ROW)
#define KIND_NOTICE FEED_KIND(MDG__BODY__DOMAIN_CONSULTATIONS, MDG__CONSULTATIONS__OF_NOTICE_ROW)

/* --- what lies on the disk ---------------------------------------------------------------------------- */

static void test_text_rests_sealed(void **state)
{
    struct cases *cases = *state;
    char wal[128];
    int64_t case_id = cases_open(cases);
    cases_must(cases_read(cases, &cases->owner, case_id, ""), "read");
    cases_must(cases_close(cases, &cases->owner, case_id), "close");
    snprintf(wal, sizeof wal, "%s-wal", cases->fixture.db_path);
    assert_false(cases_file_holds(wal, CASES_MARKER));
    assert_true(cases_file_holds(wal, "助成金")); /* the search itself finds what is there */
    cases_must(db_checkpoint(cases->fixture.db), "checkpoint");
    assert_false(cases_file_holds(cases->fixture.db_path, CASES_MARKER));
}

static void test_closing_moves_the_text_into_its_month(void **state)
{
    struct cases *cases = *state;
    int64_t case_id = cases_open(cases);
    cases_must(cases_add(cases, &cases->desk, case_id, "second"), "add");
    assert_int_equal(fixture_number(&cases->fixture, "SELECT count(*) FROM consultation_entry WHERE key_name = 'open'"),
                     2);
    cases_must(cases_close(cases, &cases->owner, case_id), "close");
    assert_int_equal(
        fixture_number(&cases->fixture, "SELECT count(*) FROM consultation_entry WHERE key_name = '2029-11'"), 2);
    cases_must(cases_read(cases, &cases->owner, case_id, ""), "read");
    assert_int_equal(cases_text(cases)->n_entries, 2);
    assert_string_equal(cases_text(cases)->entries[0]->content->text, "the text " CASES_MARKER);
    assert_string_equal(cases_text(cases)->entries[1]->content->text, "second");
    cases_verify(cases);
}

static void test_an_entry_opens_only_in_its_row(void **state)
{
    struct cases *cases = *state;
    int64_t first = cases_open(cases), second = cases_open(cases);
    cases_must(db_exec(cases->fixture.db,
                       "UPDATE consultation_entry SET content = (SELECT content FROM consultation_entry"
                       " ORDER BY id LIMIT 1)"),
               "moving a sealed text");
    cases_must(cases_read(cases, &cases->owner, first, ""), "read");
    assert_non_null(cases_text(cases)->entries[0]->content);
    cases_must(cases_read(cases, &cases->owner, second, ""), "read");
    assert_null(cases_text(cases)->entries[0]->content);
}

/* --- erasure ------------------------------------------------------------------------------------------ */

static void test_erasure_on_its_day(void **state)
{
    struct cases *cases = *state;
    int64_t open_case = cases_open(cases);
    int64_t case_id = cases_open(cases);
    cases_must(db_exec(cases->fixture.db, "UPDATE consultation SET group_id = 900"), "a group");
    cases_must(cases_close(cases, &cases->owner, case_id), "close");
    cases->now_us = day_to_us(20291122, 23 * 60);
    cases_expect(cases, cases_erase_due(cases), MDG_ERR_STATE, "nothing_due", "a day early");
    cases->now_us = day_to_us(20291123, 0);
    cases_must(cases_erase_due(cases), "on its day");
    assert_int_equal(cases->rq.object_id, case_id);
    struct consultation c = cases_get(cases, case_id);
    assert_true(c.is_erased);
    assert_int_equal(c.group_id, 0);
    assert_string_equal(c.referral, "");
    /* What the statistics are made of stays. */
    assert_string_equal(c.topic, "助成金");
    assert_int_equal(c.minutes, 20);
    assert_int_equal(c.channel, MDG__CONSULTATION_CHANNEL__CHANNEL_VISIT);
    assert_int_equal(c.outcome, MDG__CONSULTATION_OUTCOME__OUTCOME_REFERRED);
    assert_int_equal(fixture_number(&cases->fixture, "SELECT count(*) FROM consultation_erasure"), 1);
    assert_int_equal(fixture_number(&cases->fixture, "SELECT count(*) FROM consultation_entry WHERE content IS NULL"),
                     1);
    cases_must(cases_read(cases, &cases->owner, case_id, ""), "read");
    assert_null(cases_text(cases)->entries[0]->content);
    cases_must(cases_read(cases, &cases->owner, open_case, ""), "an open case stays");
    assert_non_null(cases_text(cases)->entries[0]->content);
    cases_expect(cases, cases_erase_due(cases), MDG_ERR_STATE, "nothing_due", "once is enough");
    cases_verify(cases);
}

/* What a copy of the database from back then says of the case: the number of entries whose text can be read. */
static int readable_in(const struct cases *cases, const char *path, int64_t case_id)
{
    struct consultation_entry *entries;
    struct arena arena;
    struct db *copy;
    size_t count;
    bool has_more;
    int readable = 0;
    arena_init(&arena, 1 << 20);
    cases_must(db_open(path, DB_READ, &copy), "the copy");
    cases_must(
        consultation_entries_read(copy, cases->fixture.keys, case_id, 0, 1 << 20, &arena, &entries, &count, &has_more),
        "read");
    for (size_t i = 0; i < count; i++)
        if (entries[i].content) readable++;
    db_close(copy);
    arena_fini(&arena);
    return readable;
}

static void test_erasure_reaches_old_copies(void **state)
{
    struct cases *cases = *state;
    char copy[128];
    int64_t case_id = cases_open(cases);
    cases_must(cases_close(cases, &cases->owner, case_id), "close");
    cases->now_us = day_to_us(20261201, 10 * 60);
    int64_t later = cases_open(cases); /* erased a month later, under another key */
    cases_must(cases_close(cases, &cases->owner, later), "close");
    snprintf(copy, sizeof copy, "%s/old.db", cases->fixture.dir);
    cases_must(db_copy(cases->fixture.db, copy), "the copy");
    assert_int_equal(readable_in(cases, copy, case_id), 1);

    cases->now_us = day_to_us(20291123, 3 * 60);
    cases_must(cases_erase_due(cases), "the day");
    assert_int_equal(fixture_number(&cases->fixture, "SELECT count(*) FROM consultation_key WHERE destroyed_us <> 0"),
                     0);
    cases->now_us = day_to_us(20291201, 3 * 60);
    cases_must(cases_erase_due(cases), "the month is over");
    assert_int_equal(
        fixture_number(&cases->fixture,
                       "SELECT count(*) FROM consultation_key WHERE destroyed_us <> 0 AND key_name = '2029-11'"),
        1);
    assert_int_equal(readable_in(cases, copy, case_id), 0);
    assert_int_equal(readable_in(cases, copy, later), 1);
    assert_int_equal(fixture_number(&cases->fixture, "SELECT count(*) FROM consultation_key WHERE destroyed_us = 0"),
                     1);

    /* The same once more after keys are read from the disk anew. */
    struct keys *again;
    cases_must(keys_open(cases->fixture.keys_dir, &again), "keys");
    keys_close(cases->fixture.keys);
    cases->fixture.keys = again;
    assert_int_equal(readable_in(cases, copy, case_id), 0);
    assert_int_equal(readable_in(cases, copy, later), 1);
}

/* --- finding and following ---------------------------------------------------------------------------- */

static size_t found(struct cases *cases, const char *text, bool with_closed)
{
    Mdg__ConsultationFind find = MDG__CONSULTATION_FIND__INIT;
    find.text = (char *)text;
    find.with_closed = with_closed;
    cases_must(cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_FIND, &find), text);
    return cases->rq.answer->consultations->found->n_cases;
}

static void test_what_finds_a_case(void **state)
{
    struct cases *cases = *state;
    Mdg__ConsultationContent content;
    Mdg__ConsultationIntake intake = cases_intake(cases, &content);
    intake.group_id = CASES_GROUP;
    intake.topic = (char *)"印刷キの使い方";
    cases_must(cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_INTAKE, &intake), "intake");
    int64_t closed = cases_open(cases);
    cases_must(cases_close(cases, &cases->owner, closed), "close");
    static const struct {
        const char *text;
        bool with_closed;
        size_t found;
    } CASES[] = {
        {"", false, 1},       {"", true, 2},       {"2026-1", false, 1},    {"２０２６－１", false, 1},
        {"2026-2", false, 1}, {"2026-3", true, 0}, {"77", false, 1},        {"78", false, 0},
        {"みどり", false, 1}, {"ﾐﾄﾞﾘ", false, 1},  {"楽団", false, 1},      {"印刷ｷ", false, 1},
        {"助成金", false, 0}, {"助成金", true, 1}, {CASES_MARKER, true, 0}, {"contact", true, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t count = found(cases, CASES[i].text, CASES[i].with_closed);
        if (count != CASES[i].found) fail_msg("\"%s\": %zu", CASES[i].text, count);
    }
    Mdg__ConsultationFind find = MDG__CONSULTATION_FIND__INIT;
    find.owner_id = CASES_COLLEAGUE;
    cases_must(cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_FIND, &find), "by owner");
    assert_int_equal(cases->rq.answer->consultations->found->n_cases, 0);
    find.owner_id = CASES_OWNER;
    find.from_day = 20261123;
    find.to_day = 20261123;
    cases_must(cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_FIND, &find), "by owner and day");
    assert_int_equal(cases->rq.answer->consultations->found->n_cases, 1);
    find.from_day = 20261124;
    find.to_day = 0;
    cases_must(cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_FIND, &find), "later");
    assert_int_equal(cases->rq.answer->consultations->found->n_cases, 0);
    find.to_day = 20261123;
    cases_expect(cases, cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_FIND, &find), MDG_ERR_INVALID,
                 "before_from", "backwards");
}

static void test_pages_of_found_cases(void **state)
{
    struct cases *cases = *state;
    for (int i = 0; i < 130; i++) cases_open(cases);
    Mdg__ConsultationFind find = MDG__CONSULTATION_FIND__INIT;
    cases_must(cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_FIND, &find), "first page");
    const Mdg__ConsultationFound *page = cases->rq.answer->consultations->found;
    assert_int_equal(page->n_cases, 100);
    assert_true(page->has_more);
    assert_int_equal(page->cases[0]->number, 130);
    find.after_id = page->cases[99]->id;
    cases_must(cases_ask(cases, &cases->desk, MDG__CONSULTATIONS__OF_FIND, &find), "second page");
    page = cases->rq.answer->consultations->found;
    assert_int_equal(page->n_cases, 30);
    assert_false(page->has_more);
    assert_int_equal(page->cases[29]->number, 1);
}

static void test_what_the_feed_brings(void **state)
{
    struct cases *cases = *state;
    struct arena arena;
    Mdg__Row *rows[10];
    uint8_t packed[2000];
    arena_init(&arena, 1 << 20);
    int64_t first = cases_open(cases), second = cases_open(cases);
    assert_int_equal(fixture_feed(&cases->fixture, &CONSULTATIONS_DOMAIN, KIND_HEAD, 0, &arena, rows, 10), 2);
    for (int i = 0; i < 2; i++) {
        size_t length = mdg__row__pack(rows[i], packed);
        assert_null(memmem(packed, length, CASES_MARKER, strlen(CASES_MARKER)));
    }
    int64_t rev = cases_get(cases, second).rev;
    cases_must(cases_close(cases, &cases->owner, first), "close");
    /* Whoever had it learns that it is gone; whoever starts afresh never hears of it. */
    assert_int_equal(fixture_feed(&cases->fixture, &CONSULTATIONS_DOMAIN, KIND_HEAD, rev, &arena, rows, 10), 1);
    assert_null(rows[0]);
    assert_int_equal(fixture_feed(&cases->fixture, &CONSULTATIONS_DOMAIN, KIND_HEAD, 0, &arena, rows, 10), 1);
    /* Feed fixtures stand at FIXTURE_T0, before the notice's day, and look with the desk's eyes: no reason. */
    cases_must(cases_read(cases, &cases->colleague, second, "kept from the counter"), "read");
    assert_int_equal(fixture_feed(&cases->fixture, &CONSULTATIONS_DOMAIN, KIND_NOTICE, 0, &arena, rows, 10), 1);
    const Mdg__ConsultationNotice *notice = rows[0]->body->consultations->notice_row;
    assert_int_equal(notice->case_id, second);
    assert_int_equal(notice->reader_id, CASES_COLLEAGUE);
    assert_string_equal(notice->reason, "");
    arena_fini(&arena);
}

static void test_verify_finds_what_was_altered(void **state)
{
    static const struct {
        const char *name, *sql;
    } CASES[] = {
        {"minutes", "UPDATE consultation SET minutes = minutes + 1"},
        {"a lost entry", "DELETE FROM consultation_entry"},
        {"a lost text", "UPDATE consultation_entry SET content = NULL"},
        {"another key", "UPDATE consultation_entry SET key_name = '2020-01'"},
    };
    struct cases *cases = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *complaint = NULL;
        if (i == 0) cases_open(cases);
        cases_must(db_begin_write(cases->fixture.db), "begin");
        cases_must(db_exec(cases->fixture.db, CASES[i].sql), CASES[i].name);
        if (consultation_verify(cases->fixture.db, &complaint) != MDG_ERR_CORRUPT)
            fail_msg("%s: unnoticed", CASES[i].name);
        assert_non_null(strstr(complaint, "2026-1"));
        free(complaint);
        db_rollback(cases->fixture.db);
    }
    cases_verify(cases);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cases_setup, cases_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_text_rests_sealed),
        TEST(test_closing_moves_the_text_into_its_month),
        TEST(test_an_entry_opens_only_in_its_row),
        TEST(test_erasure_on_its_day),
        TEST(test_erasure_reaches_old_copies),
        TEST(test_what_finds_a_case),
        TEST(test_pages_of_found_cases),
        TEST(test_what_the_feed_brings),
        TEST(test_verify_finds_what_was_altered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
