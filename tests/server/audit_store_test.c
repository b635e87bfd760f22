/* tests/server/audit_store_test.c - whatever is altered in the chained record is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/store/audit.h"
#include "tests/support/centre_fixture.h"

#define ROWS 5
#define ALTERED 3 /* the row that the tests alter; it has all its columns */

static const uint8_t DIGEST[REQUEST_DIGEST_BYTES] = "what was asked!";

static void key_of(int number, uint8_t key[REQUEST_KEY_BYTES])
{
    memset(key, 0, REQUEST_KEY_BYTES);
    key[0] = (uint8_t)number;
}

static int setup(void **state)
{
    if (centre_setup(state) != 0) return -1;
    struct centre_fixture *centre = *state;
    for (int i = 1; i <= ROWS; i++) {
        uint8_t key[REQUEST_KEY_BYTES];
        struct turn turn;
        key_of(i, key);
        struct audit_entry entry = {.at_us = centre->now_us + i,
                                    .person_id = 12 + i,
                                    .terminal_id = 34,
                                    .operation = "visits.correct",
                                    .outcome = i == 2 ? MDG_ERR_CLOSED : 0,
                                    .object_id = 56,
                                    .rev = 78,
                                    .is_deferred = i % 2 == 0,
                                    .count = 1};
        if (i != 1) entry.request_key = key;
        if (i != 1) entry.request_digest = DIGEST;
        if (i == 2 || i == ALTERED) entry.field = "at_us";
        if (i == 2 || i == ALTERED) entry.rule = "period_closed";
        if (i == ALTERED) entry.reason = "counted twice";
        centre_must(turn_begin(&turn, centre->db), "turn_begin");
        centre_must(audit_append(&turn, &entry), "audit_append");
        centre_must(turn_commit(&turn), "turn_commit");
    }
    return 0;
}

/* The first row that does not fit; 0: the chain verifies. */
static int64_t bad_row(struct db *db)
{
    int64_t rows, bad;
    uint8_t head[AUDIT_HASH_BYTES];
    int rc = audit_verify(db, &rows, head, &bad);
    if (rc != 0 && rc != MDG_ERR_CORRUPT) fail_msg("verify: %s", mdg_error_name(rc));
    if ((rc == 0) != (bad == 0)) fail_msg("verify says %s and row %lld", mdg_error_name(rc), (long long)bad);
    return bad;
}

static void test_untouched_chain_verifies(void **state)
{
    static const uint8_t NOTHING[AUDIT_HASH_BYTES];
    struct centre_fixture *centre = *state;
    int64_t rows, bad;
    uint8_t head[AUDIT_HASH_BYTES];
    struct turn turn;
    assert_int_equal(audit_verify(centre->db, &rows, head, &bad), 0);
    assert_int_equal(rows, ROWS);
    assert_int_equal(bad, 0);
    assert_memory_not_equal(head, NOTHING, sizeof head);
    /* The next turn goes on from that head. */
    assert_int_equal(turn_begin(&turn, centre->db), 0);
    assert_int_equal(turn.audit_seq, ROWS);
    assert_memory_equal(turn.audit_hash, head, sizeof head);
    turn_abort(&turn);
}

static void alter(struct db *db, const char *sql)
{
    centre_must(db_begin_write(db), "begin");
    int rc = db_exec(db, sql);
    if (rc != 0) fail_msg("%s: %s", sql, mdg_error_name(rc));
}

static void test_altered_columns(void **state)
{
    static const struct {
        const char *name, *set;
        int64_t bad;
    } CASES[] = {
        {"another instant", "at_us = at_us + 1", ALTERED},
        {"another person", "person_id = person_id + 1", ALTERED},
        {"nobody", "person_id = 0", ALTERED},
        {"another terminal", "terminal_id = terminal_id - 1", ALTERED},
        {"another operation", "operation = 'visits.count'", ALTERED},
        {"operation ends earlier", "operation = 'visits.correc'", ALTERED},
        {"something behind the operation's end", "operation = operation || char(0) || 'x'", ALTERED},
        {"something behind the reason's end", "reason = reason || char(0) || 'x'", ALTERED},
        {"key gone", "request_key = NULL", ALTERED},
        {"key empty", "request_key = x''", ALTERED},
        {"key longer", "request_key = CAST(request_key || x'00' AS BLOB)", ALTERED},
        {"digest gone", "request_digest = NULL", ALTERED},
        {"digest shorter", "request_digest = substr(request_digest, 1, 15)", ALTERED},
        {"refused after all", "outcome = -10043", ALTERED},
        {"an outcome beyond an int", "outcome = outcome + 4294967296", ALTERED},
        {"another object", "object_id = object_id + 1", ALTERED},
        {"another rev", "rev = rev + 1", ALTERED},
        {"field gone", "field = NULL", ALTERED},
        {"field empty", "field = ''", ALTERED},
        {"text moved from field to rule", "field = 'at_u', rule = 'speriod_closed'", ALTERED},
        {"rule gone", "rule = NULL", ALTERED},
        {"reason gone", "reason = NULL", ALTERED},
        {"reason longer", "reason = reason || '!'", ALTERED},
        {"reason too long for a row", "reason = hex(zeroblob(4000))", ALTERED},
        {"waited after all", "is_deferred = 1", ALTERED},
        {"waited in another way", "is_deferred = 2", ALTERED},
        {"another count", "count = 2", ALTERED},
        {"hash of another row", "hash = (SELECT hash FROM audit WHERE seq = 2)", ALTERED},
        {"hash empty", "hash = x''", ALTERED},
    };
    struct centre_fixture *centre = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "UPDATE audit SET %s WHERE seq = %d", CASES[i].set, ALTERED);
        alter(centre->db, sql);
        int64_t bad = bad_row(centre->db);
        if (bad != CASES[i].bad) fail_msg("%s: found in row %lld", CASES[i].name, (long long)bad);
        db_rollback(centre->db);
    }
    assert_int_equal(bad_row(centre->db), 0);
}

/* Every byte of every text and blob of the row, each to another value. */
static void test_altered_bytes(void **state)
{
    static const char *const COLUMNS[] = {"operation", "request_key", "request_digest", "field", "rule",
                                          "reason",    "hash"};
    struct centre_fixture *centre = *state;
    int tried = 0;
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        const char *column = COLUMNS[i];
        bool is_text = i == 0 || (i >= 3 && i <= 5);
        for (int at = 1;; at++) {
            char sql[512];
            /* substr() of a text counts characters; here they are bytes. The byte becomes another one: 'z', or 0xa5. */
            snprintf(sql, sizeof sql,
                     "UPDATE audit SET %s = CAST(CAST(substr(%s, 1, %d - 1) AS BLOB) || %s || CAST(substr(%s, %d + 1) "
                     "AS BLOB)"
                     " AS %s) WHERE seq = %d AND length(%s) >= %d AND substr(%s, %d, 1) <> %s",
                     column, column, at, is_text ? "x'7a'" : "x'a5'", column, at, is_text ? "TEXT" : "BLOB", ALTERED,
                     column, at, column, at, is_text ? "'z'" : "x'a5'");
            alter(centre->db, sql);
            static const char SQL_CHANGES[] = "SELECT changes()";
            bool was_changed = centre_number(centre->db, SQL_CHANGES) == 1;
            int64_t bad = bad_row(centre->db);
            db_rollback(centre->db);
            if (!was_changed) break;
            tried++;
            if (bad != ALTERED) fail_msg("byte %d of %s: found in row %lld", at, column, (long long)bad);
        }
    }
    assert_int_equal(tried, 14 + 16 + 16 + 5 + 13 + 13 + 32);
}

static void test_rows_taken_out_and_moved(void **state)
{
    static const struct {
        const char *name, *sql;
        int64_t bad;
    } CASES[] = {
        {"the first is gone", "DELETE FROM audit WHERE seq = 1", 1},
        {"one in the middle is gone", "DELETE FROM audit WHERE seq = 3", 3},
        {"the gap is closed",
         "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq = 4;"
         " UPDATE audit SET seq = seq - 1 WHERE seq = 5",
         3},
        {"two have changed places",
         "UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;"
         " UPDATE audit SET seq = 4 WHERE seq = 99",
         3},
        {"one was made up",
         "INSERT INTO audit SELECT 6, at_us, person_id, terminal_id, operation, NULL, NULL, outcome,"
         " object_id, rev, field, rule, reason, is_deferred, count, hash FROM audit WHERE seq = 5",
         6},
        {"one before the first",
         "INSERT INTO audit SELECT 0, at_us, person_id, terminal_id, operation, NULL, NULL, outcome,"
         " object_id, rev, field, rule, reason, is_deferred, count, hash FROM audit WHERE seq = 1",
         1},
    };
    struct centre_fixture *centre = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        alter(centre->db, CASES[i].sql);
        int64_t bad = bad_row(centre->db);
        if (bad != CASES[i].bad) fail_msg("%s: found in row %lld", CASES[i].name, (long long)bad);
        db_rollback(centre->db);
    }
}

/* Rows cut off at the end leave a chain that fits: only the head, kept elsewhere, tells. */
static void test_a_cut_end_shows_in_the_head(void **state)
{
    struct centre_fixture *centre = *state;
    int64_t rows, bad;
    uint8_t head[AUDIT_HASH_BYTES], cut[AUDIT_HASH_BYTES];
    assert_int_equal(audit_verify(centre->db, &rows, head, &bad), 0);
    alter(centre->db, "DELETE FROM audit WHERE seq = 5");
    assert_int_equal(audit_verify(centre->db, &rows, cut, &bad), 0);
    assert_int_equal(rows, ROWS - 1);
    assert_memory_not_equal(head, cut, sizeof head);
    db_rollback(centre->db);
}

static void test_memory_of_keys(void **state)
{
    struct centre_fixture *centre = *state;
    struct audit_seen seen;
    uint8_t key[REQUEST_KEY_BYTES];
    key_of(2, key);
    assert_int_equal(audit_seen(centre->db, key, &seen), DB_ROW);
    assert_memory_equal(seen.digest, DIGEST, sizeof DIGEST);
    assert_int_equal(seen.outcome, MDG_ERR_CLOSED);
    assert_int_equal(seen.object_id, 56);
    assert_int_equal(seen.rev, 78);
    assert_string_equal(seen.field, "at_us");
    assert_string_equal(seen.rule, "period_closed");
    audit_seen_done(centre->db);
    key_of(4, key);
    assert_int_equal(audit_seen(centre->db, key, &seen), DB_ROW);
    assert_int_equal(seen.outcome, 0);
    assert_null(seen.field);
    assert_null(seen.rule);
    audit_seen_done(centre->db);
    key_of(99, key);
    assert_int_equal(audit_seen(centre->db, key, &seen), 0);

    /* A key is remembered once, and rows without one do not clash. */
    struct turn turn;
    struct audit_entry entry = {.operation = "visits.count", .count = 1};
    assert_int_equal(turn_begin(&turn, centre->db), 0);
    assert_int_equal(audit_append(&turn, &entry), 0);
    assert_int_equal(audit_append(&turn, &entry), 0);
    assert_int_equal(turn.audit_seq, ROWS + 2);
    key_of(2, key);
    entry.request_key = key;
    entry.request_digest = DIGEST;
    assert_int_equal(audit_append(&turn, &entry), MDG_ERR_CONFLICT);
    assert_int_equal(turn.audit_seq, ROWS + 2); /* the head did not move */
    assert_int_equal(turn_commit(&turn), 0);
    assert_int_equal(bad_row(centre->db), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, centre_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_untouched_chain_verifies),
        TEST(test_altered_columns),
        TEST(test_altered_bytes),
        TEST(test_rows_taken_out_and_moved),
        TEST(test_a_cut_end_shows_in_the_head),
        TEST(test_memory_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
