/* tests/server/imports_store_test.c - files that are taken in whole or not at all, by the list of holidays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/hours/hours_store.h"
#include "server/imports/import_list.h"
#include "server/imports/import_store.h"
#include "server/imports/imports_domain.h"
#include "tests/support/handler_fixture.h"

struct desk {
    struct fixture fixture;
    struct caller office, other;
    int64_t now_us;
    struct request rq; /* of the last call */
};

static int setup(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk) return -1;
    fixture_open(&desk->fixture);
    desk->now_us = FIXTURE_T0;
    desk->office = (struct caller){.kind = KIND_OFFICE, .has_hello = true, .terminal_id = 12, .person_id = 21};
    desk->office.person_roles = desk->office.roles = ROLE_BIT_OFFICE;
    desk->other = desk->office;
    desk->other.person_id = 22;
    *state = desk;
    return 0;
}

static int teardown(void **state)
{
    struct desk *desk = *state;
    arena_fini(&desk->rq.arena);
    fixture_close(&desk->fixture);
    free(desk);
    return 0;
}

static int call_by(struct desk *desk, const struct caller *caller, Mdg__Imports__OfCase arm, void *message)
{
    Mdg__Imports imports = MDG__IMPORTS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    imports.of_case = arm;
    imports.open = message; /* every arm lies in the same place */
    body.domain_case = MDG__BODY__DOMAIN_IMPORTS;
    body.imports = &imports;
    arena_fini(&desk->rq.arena);
    return fixture_run(&desk->fixture, &IMPORTS_DOMAIN, caller, &body, desk->now_us, &desk->rq);
}

static int open_by(struct desk *desk, const struct caller *caller, int64_t *id)
{
    Mdg__ImportOpen open = MDG__IMPORT_OPEN__INIT;
    open.kind = MDG__IMPORT_KIND__IMPORT_HOLIDAYS;
    open.file_name = (char *)"holidays.csv";
    int rc = call_by(desk, caller, MDG__IMPORTS__OF_OPEN, &open);
    *id = desk->rq.object_id;
    return rc;
}

static int add(struct desk *desk, int64_t id, int piece, const char *text, size_t length)
{
    Mdg__ImportAdd message = MDG__IMPORT_ADD__INIT;
    message.import_id = id;
    message.piece = piece;
    message.bytes.data = (uint8_t *)text;
    message.bytes.len = length;
    return call_by(desk, &desk->office, MDG__IMPORTS__OF_ADD, &message);
}

static const Mdg__ImportChecked *check_after(struct desk *desk, int64_t id, int after_line)
{
    Mdg__ImportCheck check = MDG__IMPORT_CHECK__INIT;
    check.import_id = id;
    check.after_line = after_line;
    int rc = call_by(desk, &desk->office, MDG__IMPORTS__OF_CHECK, &check);
    return rc == 0 ? desk->rq.answer->imports->checked : NULL;
}

static int commit(struct desk *desk, int64_t id, int lines, int new_count, int changed_count)
{
    Mdg__ImportCommit message = MDG__IMPORT_COMMIT__INIT;
    message.import_id = id;
    message.lines = lines;
    message.new_count = new_count;
    message.changed_count = changed_count;
    return call_by(desk, &desk->office, MDG__IMPORTS__OF_COMMIT, &message);
}

static int64_t stage(struct desk *desk, const char *text)
{
    int64_t id = 0;
    assert_int_equal(open_by(desk, &desk->office, &id), 0);
    assert_int_equal(add(desk, id, 0, text, strlen(text)), 0);
    return id;
}

static void assert_refused(const struct desk *desk, int rc, int code, const char *field, const char *rule)
{
    if (rc != code) fail_msg("%s, not %s", mdg_error_name(rc), mdg_error_name(code));
    assert_string_equal(desk->rq.refusal.field, field);
    assert_string_equal(desk->rq.refusal.rule, rule);
}

/* Ten days of each year; the names tell the version. */
static char *years_text(int first, int last, const char *name)
{
    size_t size = 64 + (size_t)(last - first + 1) * 10 * (strlen(name) + 16);
    char *text = malloc(size);
    assert_non_null(text);
    int length = snprintf(text, size, "date,name\r\n");
    for (int year = first; year <= last; year++)
        for (int day = 1; day <= 10; day++)
            length += snprintf(text + length, size - (size_t)length, "%d/2/%d,%s\r\n", year, day, name);
    return text;
}

static int64_t take_in(struct desk *desk, char *text)
{
    int64_t id = stage(desk, text);
    free(text);
    const Mdg__ImportChecked *checked = check_after(desk, id, 0);
    assert_non_null(checked);
    assert_int_equal(checked->fault_count, 0);
    assert_int_equal(commit(desk, id, checked->lines, checked->new_count, checked->changed_count), 0);
    return id;
}

static const char SQL_HOLIDAYS[] = "SELECT COUNT(*) FROM holiday WHERE is_removed = 0";
static const char SQL_FILES[] = "SELECT (SELECT COUNT(*) FROM import_file) + (SELECT COUNT(*) FROM import_piece)";

/* --- pieces ----------------------------------------------------------------------------------------------- */

static void test_pieces_join_as_they_are(void **state)
{
    struct desk *desk = *state;
    char *text = years_text(2026, 2026, "元日");
    int64_t id = 0;
    size_t length = strlen(text);
    assert_int_equal(open_by(desk, &desk->office, &id), 0);
    for (size_t at = 0; at < length; at += 7) /* in the middle of letters too */
        assert_int_equal(add(desk, id, (int)(at / 7), text + at, length - at < 7 ? length - at : 7), 0);
    free(text);
    const Mdg__ImportChecked *checked = check_after(desk, id, 0);
    assert_int_equal(checked->lines, 10);
    assert_int_equal(checked->new_count, 10);
    assert_string_equal(checked->encoding, "UTF-8");
    assert_int_equal(checked->n_samples, 10);
    assert_int_equal(checked->samples[0]->line, 2);
    assert_string_equal(checked->samples[0]->value, "2026/2/1, 元日");
    assert_string_equal(checked->samples[0]->rule, "new");
}

static void test_pieces_out_of_order(void **state)
{
    struct desk *desk = *state;
    int64_t id = stage(desk, "date,name\n");
    assert_refused(desk, add(desk, id, 0, "x", 1), MDG_ERR_STATE, "piece", "piece_order");
    assert_string_equal(desk->rq.refusal.args[0].value, "1");
    assert_refused(desk, add(desk, id, 2, "x", 1), MDG_ERR_STATE, "piece", "piece_order");
    assert_refused(desk, add(desk, id + 1, 0, "x", 1), MDG_ERR_NOT_FOUND, "import_id", "import");
    assert_int_equal(add(desk, id, 1, "x", 1), 0);
}

static void test_pieces_are_sealed(void **state)
{
    static const char SQL_FOUND[] =
        "SELECT COUNT(*) FROM import_piece WHERE instr(CAST(bytes AS BLOB), CAST('marker' AS BLOB)) > 0";
    static const char SQL_BYTES[] = "SELECT SUM(LENGTH(bytes)) FROM import_piece";
    struct desk *desk = *state;
    stage(desk, "date,name\n2026-01-01,marker\n");
    assert_int_equal(fixture_number(&desk->fixture, SQL_FOUND), 0);
    assert_true(fixture_number(&desk->fixture, SQL_BYTES) > 26);
}

static void test_too_large(void **state)
{
    static const char SQL_FILL[] = "UPDATE import_file SET bytes = 16777210";
    struct desk *desk = *state;
    int64_t id = stage(desk, "date,name\n");
    assert_int_equal(db_exec(desk->fixture.db, SQL_FILL), 0);
    assert_refused(desk, add(desk, id, 1, "1234567", 7), MDG_ERR_TOO_LARGE, "bytes", "file_too_large");
    assert_int_equal(add(desk, id, 1, "123456", 6), 0);
}

static void test_one_a_person_for_an_hour(void **state)
{
    struct desk *desk = *state;
    struct caller clock = {.kind = KIND_CLOCK, .has_hello = true, .roles = ROLE_BIT_CLOCK};
    Mdg__ImportExpire expire = MDG__IMPORT_EXPIRE__INIT;
    Mdg__ImportDrop drop = MDG__IMPORT_DROP__INIT;
    int64_t first = stage(desk, "date,name\n"), others = 0;
    assert_int_equal(open_by(desk, &desk->other, &others), 0);
    assert_non_null(check_after(desk, first, 0));
    assert_null(check_after(desk, others, 0)); /* not for this person's eyes */
    drop.import_id = others;
    assert_refused(desk, call_by(desk, &desk->office, MDG__IMPORTS__OF_DROP, &drop), MDG_ERR_NOT_FOUND, "import_id",
                   "import");
    int64_t second = stage(desk, "date,name\n");
    assert_null(check_after(desk, first, 0));
    assert_non_null(check_after(desk, second, 0));

    desk->now_us += IMPORT_LIFE_US - 1;
    assert_non_null(check_after(desk, second, 0));
    assert_int_equal(call_by(desk, &clock, MDG__IMPORTS__OF_EXPIRE, &expire), MDG_ERR_STATE);
    desk->now_us++;
    assert_null(check_after(desk, second, 0));
    assert_int_equal(call_by(desk, &clock, MDG__IMPORTS__OF_EXPIRE, &expire), 0);
    assert_int_equal(fixture_number(&desk->fixture, SQL_FILES), 0);
    int64_t third = stage(desk, "date,name\n");
    drop.import_id = third;
    assert_int_equal(call_by(desk, &desk->office, MDG__IMPORTS__OF_DROP, &drop), 0);
    assert_int_equal(fixture_number(&desk->fixture, SQL_FILES), 0);
}

static void test_unknown_kinds(void **state)
{
    struct desk *desk = *state;
    Mdg__ImportOpen open = MDG__IMPORT_OPEN__INIT;
    open.file_name = (char *)"x.csv";
    assert_refused(desk, call_by(desk, &desk->office, MDG__IMPORTS__OF_OPEN, &open), MDG_ERR_INVALID, "kind",
                   "required");
}

/* --- faults ----------------------------------------------------------------------------------------------- */

static void test_faults(void **state)
{
    static const struct {
        const char *name, *text;
        int line;
        const char *field, *rule, *value;
    } CASES[] = {
        {"nothing", "", 0, "file", "empty", ""},
        {"only titles", "date,name\r\n\r\n", 0, "file", "empty", ""},
        {"neither encoding", "date,name\n2026-01-01,\xFF\xFF\n", 0, "file", "encoding", ""},
        {"no such column", "day,name\n2026-01-01,x\n", 1, "date", "column_missing", "date"},
        {"a column twice", "date,name,Date\n2026-01-01,x,y\n", 1, "date", "column_twice", "Date"},
        {"no date", "date,name\n,x\n", 2, "date", "required", ""},
        {"no such day", "date,name\n2026-02-30,x\n", 2, "date", "day", "2026-02-30"},
        {"not a date", "date,name\ntomorrow,x\n", 2, "date", "day", "tomorrow"},
        {"two kinds of stroke", "date,name\n2026-02/03,x\n", 2, "date", "day", "2026-02/03"},
        {"more after the date", "date,name\n2026-02-03 10:00,x\n", 2, "date", "day", "2026-02-03 10:00"},
        {"a sign", "date,name\n2026/+1/1,x\n", 2, "date", "day", "2026/+1/1"},
        {"a blank inside", "date,name\n2026/ 1/1,x\n", 2, "date", "day", "2026/ 1/1"},
        {"before the law", "date,name\n1947-12-31,x\n", 2, "date", "year", "1947-12-31"},
        {"no name", "date,name\n2026-02-03\n", 2, "name", "required", ""},
        {"a wide blank for a name", "date,name\n2026-02-03,　\n", 2, "name", "required", ""},
        {"too long a name", "date,name\n2026-02-03,あいうえおかきくけこさしすせそたちつてとなに\n", 2, "name", "length",
         "あいうえおかきくけこさしすせそたちつてと"},
        {"a control character", "date,name\n2026-02-03,\"a\tb\"\n", 2, "name", "text", "a?b"},
        {"a line feed", "date,name\n2026-02-03,\"a\nb\"\n", 2, "name", "text", "a?b"},
        {"an open quote", "date,name\n2026-02-03,\"a\n", 2, "", "quote_open", ""},
        {"a quote inside", "date,name\n2026-02-03,a\"b\n", 2, "", "quote_inside", ""},
        {"more cells than titles", "date,name\n2026-02-03,a,b\n", 2, "", "too_many_cells", "b"},
        {"a day twice", "date,name\n2026-02-03,a\n2026/2/3,b\n", 3, "date", "twice", "20260203"},
        {"part of a year", "date,name\n2026-02-03,a\n", 2, "date", "year_incomplete", "2026"},
    };
    struct desk *desk = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t id = 0;
        assert_int_equal(open_by(desk, &desk->office, &id), 0);
        if (CASES[i].text[0]) assert_int_equal(add(desk, id, 0, CASES[i].text, strlen(CASES[i].text)), 0);
        const Mdg__ImportChecked *checked = check_after(desk, id, 0);
        if (!checked || checked->n_faults == 0) fail_msg("%s: no fault", CASES[i].name);
        const Mdg__ImportLine *fault = checked->faults[0];
        if (fault->line != CASES[i].line || strcmp(fault->field, CASES[i].field) != 0 ||
            strcmp(fault->rule, CASES[i].rule) != 0 || strcmp(fault->value, CASES[i].value) != 0)
            fail_msg("%s: line %d, %s, %s, %s", CASES[i].name, (int)fault->line, fault->field, fault->rule,
                     fault->value);
        assert_int_equal(checked->fault_count, (int)checked->n_faults);
        int lines = checked->lines, new_count = checked->new_count;
        if (commit(desk, id, lines, new_count, 0) != MDG_ERR_STATE) fail_msg("%s: taken in", CASES[i].name);
        assert_string_equal(desk->rq.refusal.rule, "faults");
    }
    assert_int_equal(fixture_number(&desk->fixture, SQL_HOLIDAYS), 0);
}

static void test_pages_of_faults(void **state)
{
    struct desk *desk = *state;
    char *text = malloc(64 * 1024);
    int length = snprintf(text, 64 * 1024, "date,name\n"), seen = 0, pages = 0, after = 0;
    for (int i = 0; i < 450; i++) length += snprintf(text + length, 64 * 1024 - (size_t)length, "bad %d,x\n", i);
    int64_t id = stage(desk, text);
    free(text);
    for (bool has_more = true; has_more; pages++) {
        const Mdg__ImportChecked *checked = check_after(desk, id, after);
        assert_non_null(checked);
        assert_int_equal(checked->fault_count, 450);
        for (size_t i = 0; i < checked->n_faults; i++) assert_int_equal(checked->faults[i]->line, 2 + seen++);
        after = checked->faults[checked->n_faults - 1]->line;
        has_more = checked->has_more;
    }
    assert_int_equal(seen, 450);
    assert_int_equal(pages, 3);
}

/* --- taking in -------------------------------------------------------------------------------------------- */

static void test_all_of_it(void **state)
{
    static const char SQL_REVS[] = "SELECT COUNT(DISTINCT rev) FROM holiday";
    struct desk *desk = *state;
    take_in(desk, years_text(2026, 2027, "初め"));
    assert_string_equal(desk->rq.reason, "holidays: holidays.csv, 20 + 0");
    assert_int_equal(fixture_number(&desk->fixture, SQL_HOLIDAYS), 20);
    assert_int_equal(fixture_number(&desk->fixture, SQL_REVS), 20);
    assert_int_equal(fixture_number(&desk->fixture, SQL_FILES), 0);
    assert_true(desk->rq.rev > 0);
}

static void test_whole_years_are_replaced(void **state)
{
    static const char SQL_OF_2027[] =
        "SELECT COUNT(*) FROM holiday WHERE day BETWEEN 20270101 AND 20271231 AND is_removed = 0";
    static const char SQL_NAMED[] = "SELECT COUNT(*) FROM holiday WHERE name = '後' AND is_removed = 0";
    struct desk *desk = *state;
    take_in(desk, years_text(2026, 2027, "初め"));
    char *text = years_text(2027, 2028, "後");
    char *line = strstr(text, "2027/2/3,");
    memmove(line, strchr(line, '\n') + 1, strlen(strchr(line, '\n') + 1) + 1); /* one day fewer in 2027 */
    int64_t id = stage(desk, text);
    free(text);
    const Mdg__ImportChecked *checked = check_after(desk, id, 0);
    assert_int_equal(checked->lines, 19);
    assert_int_equal(checked->new_count, 10);
    assert_int_equal(checked->changed_count, 10); /* nine other names, and one taken away */
    assert_int_equal(checked->same_count, 0);
    assert_int_equal(commit(desk, id, 19, 10, 10), 0);
    assert_int_equal(fixture_number(&desk->fixture, SQL_OF_2027), 9);
    assert_int_equal(fixture_number(&desk->fixture, SQL_NAMED), 19);
    assert_int_equal(fixture_number(&desk->fixture, SQL_HOLIDAYS), 29);
}

static void test_the_same_file_again_changes_nothing(void **state)
{
    static const char SQL_REV[] = "SELECT MAX(rev) FROM holiday";
    struct desk *desk = *state;
    take_in(desk, years_text(2026, 2027, "初め"));
    int64_t rev = fixture_number(&desk->fixture, SQL_REV);
    take_in(desk, years_text(2026, 2027, "初め"));
    assert_int_equal(fixture_number(&desk->fixture, SQL_REV), rev);
}

static void test_fewer_years_than_in_use(void **state)
{
    struct desk *desk = *state;
    take_in(desk, years_text(2020, 2027, "初め"));
    char *text = years_text(2021, 2027, "後");
    int64_t id = stage(desk, text);
    free(text);
    const Mdg__ImportChecked *checked = check_after(desk, id, 0);
    assert_int_equal(checked->fault_count, 1);
    assert_int_equal(checked->faults[0]->line, 0);
    assert_string_equal(checked->faults[0]->field, "file");
    assert_string_equal(checked->faults[0]->rule, "fewer_years");
    assert_string_equal(checked->faults[0]->value, "7 < 8");
    assert_refused(desk, commit(desk, id, 70, 0, 70), MDG_ERR_STATE, "file", "faults");
    take_in(desk, years_text(2020, 2027, "後"));
}

static void test_what_changed_since_the_check(void **state)
{
    struct desk *desk = *state;
    char *text = years_text(2026, 2027, "後");
    int64_t id = stage(desk, text);
    free(text);
    assert_refused(desk, commit(desk, id, 19, 20, 0), MDG_ERR_STATE, "import_id", "check_again");
    assert_refused(desk, commit(desk, id, 20, 19, 1), MDG_ERR_STATE, "import_id", "check_again");
    assert_int_equal(fixture_number(&desk->fixture, SQL_HOLIDAYS), 0);
    assert_int_equal(commit(desk, id, 20, 20, 0), 0);
    assert_refused(desk, commit(desk, id, 20, 20, 0), MDG_ERR_NOT_FOUND, "import_id", "import");
}

static void test_cp932_and_other_columns(void **state)
{
    /* 国民の祝日・休日月日,備考,国民の祝日・休日名称 in CP932; nine days called 元日. */
    static const char TITLES[] = "\x8D\x91\x96\xAF\x82\xCC\x8F\x6A\x93\xFA\x81\x45\x8B\x78\x93\xFA\x8C\x8E\x93\xFA,x,"
                                 "\x8D\x91\x96\xAF\x82\xCC\x8F\x6A\x93\xFA\x81\x45\x8B\x78\x93\xFA\x96\xBC\x8F\xCC\r\n";
    struct desk *desk = *state;
    char text[1024];
    int length = snprintf(text, sizeof text, "%s", TITLES);
    for (int day = 1; day <= 9; day++)
        length += snprintf(text + length, sizeof text - (size_t)length, "2026/1/%d,,\x8C\xB3\x93\xFA\r\n", day);
    int64_t id = stage(desk, text);
    const Mdg__ImportChecked *checked = check_after(desk, id, 0);
    assert_int_equal(checked->fault_count, 0);
    assert_string_equal(checked->encoding, "CP932");
    assert_int_equal(commit(desk, id, 9, 9, 0), 0);
    char name[HOLIDAY_NAME_BYTES_MAX + 1];
    assert_int_equal(holiday_on(desk->fixture.db, 20260109, name), 0);
    assert_string_equal(name, "元日");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_pieces_join_as_they_are),
        CASE(test_pieces_out_of_order),
        CASE(test_pieces_are_sealed),
        CASE(test_too_large),
        CASE(test_one_a_person_for_an_hour),
        CASE(test_unknown_kinds),
        CASE(test_faults),
        CASE(test_pages_of_faults),
        CASE(test_all_of_it),
        CASE(test_whole_years_are_replaced),
        CASE(test_the_same_file_again_changes_nothing),
        CASE(test_fewer_years_than_in_use),
        CASE(test_what_changed_since_the_check),
        CASE(test_cp932_and_other_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
