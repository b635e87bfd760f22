/* tests/server/db_store_test.c - the verbs of db.h and the migrations, on real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/error.h"
#include "server/store/db.h"
#include "server/store/migrations.h"
#include "tests/support/centre_fixture.h"

struct files {
    char dir[64], path[96], other[96];
    struct db *db;
};

static int setup(void **state)
{
    struct files *files = calloc(1, sizeof *files);
    if (!files) return -1;
    snprintf(files->dir, sizeof files->dir, "/tmp/madoguchi-db-XXXXXX");
    if (!mkdtemp(files->dir)) return -1;
    snprintf(files->path, sizeof files->path, "%s/one.db", files->dir);
    snprintf(files->other, sizeof files->other, "%s/other.db", files->dir);
    centre_must(db_create(files->path, &files->db), "db_create");
    centre_must(db_exec(files->db,
                        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n >= 0), s TEXT UNIQUE,"
                        " b BLOB) STRICT; CREATE TABLE child (t_id INTEGER NOT NULL REFERENCES t (id)) STRICT;"
                        " CREATE TRIGGER t_stays BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'no'); END"),
                "schema");
    *state = files;
    return 0;
}

static int teardown(void **state)
{
    struct files *files = *state;
    char command[128];
    db_close(files->db);
    snprintf(command, sizeof command, "rm -rf '%s'", files->dir);
    int rc = system(command);
    free(files);
    return rc;
}

static const char SQL_ADD[] = "INSERT INTO t (id, n, s, b) VALUES (?1, ?2, ?3, ?4)";
static const char SQL_GET[] = "SELECT n, s, b FROM t WHERE id = ?1";
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM t";

static int add(struct db *db, int64_t id)
{
    struct db_stmt *stmt = db_stmt(db, SQL_ADD);
    db_bind_i64(stmt, 1, id);
    db_bind_i64(stmt, 2, id * 10);
    return db_run(stmt);
}

/* --- statements --------------------------------------------------------------------------------------- */

static void test_statement_is_found_by_the_address(void **state)
{
    static const char SAME_TEXT[] = "SELECT COUNT(*) FROM t";
    static char many[200][24];
    struct files *files = *state;
    struct db_stmt *first = db_stmt(files->db, SQL_COUNT);
    assert_ptr_equal(db_stmt(files->db, SQL_COUNT), first);
    assert_ptr_not_equal(db_stmt(files->db, SAME_TEXT), first);
    /* The table of statements grows many times; each stays where it was. */
    struct db_stmt *known[200];
    for (int i = 0; i < 200; i++) {
        snprintf(many[i], sizeof many[i], "SELECT %d", i);
        known[i] = db_stmt(files->db, many[i]);
    }
    for (int i = 0; i < 200; i++) {
        if (db_stmt(files->db, many[i]) != known[i]) fail_msg("statement %d is another one now", i);
        assert_int_equal(db_step(known[i]), DB_ROW);
        assert_int_equal(db_col_i64(known[i], 0), i);
        db_reset(known[i]);
    }
    assert_ptr_equal(db_stmt(files->db, SQL_COUNT), first);
}

static void test_values_come_back(void **state)
{
    static const uint8_t BYTES[] = {0, 1, 0xff, 0};
    struct files *files = *state;
    struct db_stmt *stmt = db_stmt(files->db, SQL_ADD);
    size_t length;
    db_bind_i64(stmt, 1, 1);
    db_bind_i64(stmt, 2, INT64_MAX);
    db_bind_text(stmt, 3, "窓口");
    db_bind_bytes(stmt, 4, BYTES, sizeof BYTES);
    assert_int_equal(db_run(stmt), 0);
    db_bind_i64(stmt, 1, 2);
    db_bind_null(stmt, 2);
    db_bind_text(stmt, 3, NULL);
    db_bind_bytes(stmt, 4, NULL, 9);
    assert_int_equal(db_run(stmt), 0);

    struct db_stmt *get = db_stmt(files->db, SQL_GET);
    db_bind_i64(get, 1, 1);
    assert_int_equal(db_step(get), DB_ROW);
    assert_true(db_col_i64(get, 0) == INT64_MAX);
    assert_string_equal(db_col_text(get, 1), "窓口");
    const void *bytes = db_col_bytes(get, 2, &length);
    assert_int_equal(length, sizeof BYTES);
    assert_memory_equal(bytes, BYTES, sizeof BYTES);
    assert_false(db_col_is_null(get, 2));
    assert_int_equal(db_step(get), 0);
    db_reset(get);

    db_bind_i64(get, 1, 2);
    assert_int_equal(db_step(get), DB_ROW);
    assert_true(db_col_is_null(get, 0) && db_col_is_null(get, 1) && db_col_is_null(get, 2));
    assert_int_equal(db_col_i64(get, 0), 0);
    assert_string_equal(db_col_text(get, 1), "");
    db_col_bytes(get, 2, &length);
    assert_int_equal(length, 0);
    db_reset(get);
    /* A reset forgets what was bound. */
    assert_int_equal(db_step(get), 0);
    db_reset(get);
}

static void test_failed_bind_is_remembered(void **state)
{
    struct files *files = *state;
    struct db_stmt *stmt = db_stmt(files->db, SQL_ADD);
    db_bind_i64(stmt, 1, 1);
    db_bind_i64(stmt, 99, 1); /* there is no such parameter */
    db_bind_i64(stmt, 2, 1);  /* and a later good one does not hide it */
    assert_int_equal(db_step(stmt), MDG_ERR_INTERNAL);
    db_reset(stmt);
    assert_int_equal(centre_number(files->db, SQL_COUNT), 0);
    assert_int_equal(add(files->db, 1), 0); /* the reset forgot it */
}

static void test_bad_text_reports_at_the_step(void **state)
{
    static const char SQL_LATER[] = "SELECT COUNT(*) FROM later";
    struct files *files = *state;
    struct db_stmt *stmt = db_stmt(files->db, SQL_LATER);
    assert_non_null(stmt);
    db_bind_i64(stmt, 1, 1);
    assert_int_equal(db_step(stmt), MDG_ERR_INTERNAL);
    db_reset(stmt);
    assert_int_equal(db_step(stmt), MDG_ERR_INTERNAL);
    /* It is prepared anew when it is asked for again. */
    assert_int_equal(db_exec(files->db, "CREATE TABLE later (id INTEGER)"), 0);
    assert_int_equal(centre_number(files->db, SQL_LATER), 0);
    assert_int_equal(db_exec(files->db, "CREATE TABEL x (id)"), MDG_ERR_INTERNAL);
}

/* --- what the engine says ------------------------------------------------------------------------------ */

static void test_constraints_are_conflicts(void **state)
{
    static const char UNIQUE[] = "INSERT INTO t (id, n, s) VALUES (2, 1, 'a')";
    static const char PRIMARY[] = "INSERT INTO t (id, n, s) VALUES (1, 1, 'b')";
    static const char CHECK[] = "INSERT INTO t (id, n) VALUES (3, -1)";
    static const char TRIGGER[] = "DELETE FROM t";
    static const char FOREIGN[] = "INSERT INTO child (t_id) VALUES (77)";
    static const char TYPE[] = "INSERT INTO t (id, n) VALUES (4, 'four')";
    static const char *const CASES[] = {UNIQUE, PRIMARY, CHECK, TRIGGER, FOREIGN, TYPE};
    struct files *files = *state;
    assert_int_equal(db_exec(files->db, "INSERT INTO t (id, n, s) VALUES (1, 1, 'a')"), 0);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int rc = db_run(db_stmt(files->db, CASES[i]));
        if (rc != MDG_ERR_CONFLICT) fail_msg("%s: %s", CASES[i], mdg_error_name(rc));
    }
    assert_int_equal(centre_number(files->db, SQL_COUNT), 1);
}

static void test_full_disk(void **state)
{
    static const char SQL_FILL[] = "INSERT INTO t (b) VALUES (zeroblob(300000))";
    struct files *files = *state;
    assert_int_equal(db_exec(files->db, "PRAGMA max_page_count = 40"), 0);
    assert_int_equal(db_begin_write(files->db), 0);
    assert_int_equal(add(files->db, 1), 0);
    assert_int_equal(db_run(db_stmt(files->db, SQL_FILL)), MDG_ERR_DISK_FULL);
    db_rollback(files->db);
    db_rollback(files->db); /* also when there is nothing left to roll back */
    assert_int_equal(centre_number(files->db, SQL_COUNT), 0);
    assert_int_equal(db_exec(files->db, "PRAGMA max_page_count = 100000"), 0);
    assert_int_equal(db_run(db_stmt(files->db, SQL_FILL)), 0);
}

static void test_damaged_and_missing_files(void **state)
{
    struct files *files = *state;
    struct db *db = NULL;
    char *complaints = NULL;
    char nowhere[128];
    assert_int_equal(db_open(files->other, DB_WRITE, &db), MDG_ERR_CONFIG);
    assert_int_equal(db_open(files->other, DB_READ, &db), MDG_ERR_CONFIG);
    assert_int_equal(db_create(files->path, &db), MDG_ERR_CONFLICT);
    snprintf(nowhere, sizeof nowhere, "%s/no/such.db", files->dir);
    assert_int_equal(db_create(nowhere, &db), MDG_ERR_IO);

    FILE *file = fopen(files->other, "wb");
    assert_non_null(file);
    for (int i = 0; i < 4096; i++) fputs("not a database ", file);
    fclose(file);
    assert_int_equal(db_open(files->other, DB_WRITE, &db), MDG_ERR_CORRUPT);
    assert_null(db);

    /* A page in the middle overwritten: the engine's check finds it, reading reports it. */
    for (int i = 1; i < 2000; i++) assert_int_equal(add(files->db, i), 0);
    db_close(files->db);
    files->db = NULL;
    file = fopen(files->path, "r+b");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    for (long at = 4096; at < size; at += 4096) {
        fseek(file, at, SEEK_SET);
        for (int i = 0; i < 64; i++) fputc(0xee, file);
    }
    fclose(file);
    assert_int_equal(db_open(files->path, DB_WRITE, &files->db), 0);
    assert_int_equal(db_check(files->db, &complaints), MDG_ERR_CORRUPT);
    free(complaints);
    struct db_stmt *count = db_stmt(files->db, SQL_COUNT);
    assert_int_equal(db_step(count), MDG_ERR_CORRUPT);
    db_reset(count);
}

static void test_check_names_a_dangling_reference(void **state)
{
    struct files *files = *state;
    char *complaints = NULL;
    assert_int_equal(db_check(files->db, &complaints), 0);
    assert_null(complaints);
    assert_int_equal(db_exec(files->db, "PRAGMA foreign_keys = OFF; INSERT INTO child (t_id) VALUES (5)"), 0);
    assert_int_equal(db_check(files->db, &complaints), MDG_ERR_CORRUPT);
    assert_non_null(strstr(complaints, "child"));
    free(complaints);
}

/* --- transactions --------------------------------------------------------------------------------------- */

static void test_savepoints(void **state)
{
    struct files *files = *state;
    assert_int_equal(db_begin_write(files->db), 0);
    assert_int_equal(db_savepoint(files->db), 0);
    assert_int_equal(add(files->db, 1), 0);
    assert_int_equal(db_savepoint_release(files->db), 0);
    assert_int_equal(db_savepoint(files->db), 0);
    assert_int_equal(add(files->db, 2), 0);
    assert_int_equal(add(files->db, 2), MDG_ERR_CONFLICT);
    assert_int_equal(db_savepoint_rollback(files->db), 0);
    assert_int_equal(db_savepoint(files->db), 0);
    assert_int_equal(add(files->db, 3), 0);
    assert_int_equal(db_savepoint_release(files->db), 0);
    assert_int_equal(db_commit(files->db), 0);
    static const char SQL_SUM[] = "SELECT SUM(id) FROM t";
    assert_int_equal(centre_number(files->db, SQL_SUM), 4);

    assert_int_equal(db_begin_write(files->db), 0);
    assert_int_equal(add(files->db, 4), 0);
    db_rollback(files->db);
    assert_int_equal(centre_number(files->db, SQL_SUM), 4);
}

static void test_a_reader_keeps_its_snapshot(void **state)
{
    struct files *files = *state;
    struct db *reader = NULL;
    assert_int_equal(add(files->db, 1), 0);
    assert_int_equal(db_open(files->path, DB_READ, &reader), 0);
    assert_int_equal(db_begin_read(reader), 0);
    assert_int_equal(centre_number(reader, SQL_COUNT), 1);
    assert_int_equal(db_begin_write(files->db), 0);
    assert_int_equal(add(files->db, 2), 0);
    assert_int_equal(centre_number(reader, SQL_COUNT), 1); /* nothing uncommitted is seen */
    assert_int_equal(db_commit(files->db), 0);
    assert_int_equal(centre_number(reader, SQL_COUNT), 1); /* nor what came after the snapshot */
    assert_int_equal(db_checkpoint(files->db), 0);
    assert_int_equal(centre_number(reader, SQL_COUNT), 1);
    db_rollback(reader);
    assert_int_equal(centre_number(reader, SQL_COUNT), 2);
    assert_int_equal(add(reader, 3), MDG_ERR_IO); /* a reader cannot write */
    db_close(reader);
}

static void test_copy_is_equal_and_whole(void **state)
{
    static const char SQL_SUM[] = "SELECT SUM(n) FROM t";
    struct files *files = *state;
    struct db *copy = NULL;
    struct stat about;
    char *complaints = NULL;
    char wal[128];
    for (int i = 1; i <= 500; i++) assert_int_equal(add(files->db, i), 0);
    assert_int_equal(db_copy(files->db, files->other), 0);
    assert_int_equal(db_copy(files->db, files->other), MDG_ERR_CONFLICT);
    assert_int_equal(add(files->db, 501), 0); /* the original goes its way */
    /* One file: nothing of it is in a log beside. */
    snprintf(wal, sizeof wal, "%s-wal", files->other);
    assert_true(stat(wal, &about) != 0 || about.st_size == 0);
    assert_int_equal(db_open(files->other, DB_READ, &copy), 0);
    assert_int_equal(db_check(copy, &complaints), 0);
    assert_int_equal(centre_number(copy, SQL_COUNT), 500);
    assert_int_equal(centre_number(copy, SQL_SUM), 10 * 500 * 501 / 2);
    db_close(copy);
}

/* --- migrations ------------------------------------------------------------------------------------------ */

static const char SQL_CENTRE_TABLE[] = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'centre'";

static void test_migrations_apply_once(void **state)
{
    static const char SQL_ROWS[] = "SELECT COUNT(*) FROM migration";
    struct files *files = *state;
    int version = -1;
    assert_int_equal(migrations_apply(files->db, files->path), 0);
    assert_int_equal(migrations_version(files->db, &version), 0);
    assert_int_equal(version, MIGRATIONS_COUNT);
    assert_int_equal(migrations_apply(files->db, files->path), 0);
    assert_int_equal(centre_number(files->db, SQL_ROWS), (int64_t)MIGRATIONS_COUNT);
    for (size_t i = 0; i < MIGRATIONS_COUNT; i++) assert_int_equal(MIGRATIONS[i].number, (int)i + 1);
}

static void test_a_newer_database_is_refused(void **state)
{
    struct files *files = *state;
    int version = 0;
    assert_int_equal(migrations_apply(files->db, files->path), 0);
    assert_int_equal(db_exec(files->db, "INSERT INTO migration (number, name) VALUES (999, '0999_later')"), 0);
    assert_int_equal(migrations_version(files->db, &version), MDG_ERR_NEWER);
    assert_int_equal(version, 999);
    assert_int_equal(migrations_apply(files->db, files->path), MDG_ERR_NEWER);
}

static void test_a_failing_migration_leaves_nothing(void **state)
{
    struct files *files = *state;
    int version = -1;
    assert_int_equal(db_exec(files->db, "CREATE TABLE visit_place (in_the_way INTEGER)"), 0);
    assert_int_not_equal(migrations_apply(files->db, files->path), 0);
    assert_int_equal(migrations_version(files->db, &version), 0);
    assert_int_equal(version, 0);
    assert_int_equal(centre_number(files->db, SQL_CENTRE_TABLE), 0); /* the first ones are rolled back too */
    assert_int_equal(db_exec(files->db, "DROP TABLE visit_place"), 0);
    assert_int_equal(migrations_apply(files->db, files->path), 0);
    assert_int_equal(centre_number(files->db, SQL_CENTRE_TABLE), 1);
}

/* The database of a program that knew all migrations but the last. */
static void make_older(struct db *db)
{
    static const char SQL_ADD_MIGRATION[] = "INSERT INTO migration (number, name) VALUES (?1, ?2)";
    centre_must(db_exec(db, "CREATE TABLE migration (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT"),
                "table");
    for (size_t i = 0; i + 1 < MIGRATIONS_COUNT; i++) {
        struct db_stmt *stmt = db_stmt(db, SQL_ADD_MIGRATION);
        centre_must(db_exec(db, MIGRATIONS[i].sql), MIGRATIONS[i].name);
        db_bind_i64(stmt, 1, MIGRATIONS[i].number);
        db_bind_text(stmt, 2, MIGRATIONS[i].name);
        centre_must(db_run(stmt), MIGRATIONS[i].name);
    }
}

static void test_backup_before_a_migration(void **state)
{
    struct files *files = *state;
    struct db *before = NULL;
    int version = 0;
    char path[128];
    make_older(files->db);
    assert_int_equal(add(files->db, 7), 0);
    assert_int_equal(migrations_apply(files->db, files->path), 0);
    assert_int_equal(migrations_version(files->db, &version), 0);
    assert_int_equal(version, MIGRATIONS_COUNT);

    snprintf(path, sizeof path, "%s.before-%04d", files->path, (int)MIGRATIONS_COUNT);
    assert_int_equal(db_open(path, DB_READ, &before), 0);
    assert_int_equal(migrations_version(before, &version), 0);
    assert_int_equal(version, MIGRATIONS_COUNT - 1);
    assert_int_equal(centre_number(before, SQL_COUNT), 1);
    db_close(before);
    assert_int_equal(add(files->db, 8), 0); /* the copy is one, not the database itself */
    assert_int_equal(db_open(path, DB_READ, &before), 0);
    assert_int_equal(centre_number(before, SQL_COUNT), 1);
    db_close(before);
}

static void test_no_backup_of_nothing(void **state)
{
    struct files *files = *state;
    char path[128];
    assert_int_equal(migrations_apply(files->db, files->path), 0);
    snprintf(path, sizeof path, "%s.before-0001", files->path);
    assert_int_not_equal(access(path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_statement_is_found_by_the_address),
        TEST(test_values_come_back),
        TEST(test_failed_bind_is_remembered),
        TEST(test_bad_text_reports_at_the_step),
        TEST(test_constraints_are_conflicts),
        TEST(test_full_disk),
        TEST(test_damaged_and_missing_files),
        TEST(test_check_names_a_dangling_reference),
        TEST(test_savepoints),
        TEST(test_a_reader_keeps_its_snapshot),
        TEST(test_copy_is_equal_and_whole),
        TEST(test_migrations_apply_once),
        TEST(test_a_newer_database_is_refused),
        TEST(test_a_failing_migration_leaves_nothing),
        TEST(test_backup_before_a_migration),
        TEST(test_no_backup_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
