/* tests/client/outbox_test.c - what is stored, what is sent in which order, and what a killed process leaves. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "client/lib/local_db.h"
#include "client/lib/outbox.h"
#include "client/lib/replay.h"
#include "common/error.h"
#include "tests/client/temp_dir.h"

struct fixture {
    char dir[TEMP_PATH_BYTES], path[TEMP_PATH_BYTES + 32];
    struct outbox *outbox;
    int64_t sent[256]; /* numbers, in the order of sending */
    size_t sent_count;
    struct replay replay;
    int send_rc;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    temp_dir_make(fixture->dir);
    snprintf(fixture->path, sizeof fixture->path, "%s/outbox.db", fixture->dir);
    *state = fixture;
    return outbox_open(fixture->path, &fixture->outbox);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    outbox_close(fixture->outbox);
    temp_dir_remove(fixture->dir);
    free(fixture);
    return 0;
}

static void reopen(struct fixture *fixture)
{
    outbox_close(fixture->outbox);
    fixture->outbox = NULL;
    assert_int_equal(outbox_open(fixture->path, &fixture->outbox), 0);
}

/* A count of so many people, or with people -1 an undo. */
static int add(struct outbox *outbox, int people, int64_t made_us, uint8_t first_of_key, int64_t *number)
{
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    Mdg__VisitCount visit = MDG__VISIT_COUNT__INIT;
    Mdg__VisitUndo undo = MDG__VISIT_UNDO__INIT;
    visit.people = people;
    visits.of_case = people < 0 ? MDG__VISITS__OF_UNDO : MDG__VISITS__OF_COUNT;
    if (people < 0) {
        visits.undo = &undo;
    } else {
        visits.count = &visit;
    }
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    body.visits = &visits;
    struct outbox_entry entry = {.item = {.body = &body, .made_us = made_us, .person_id = 7}, .offset_us = -5};
    mdg_key_new(entry.item.key);
    if (first_of_key) entry.item.key[0] = first_of_key;
    entry.token_length = SIGN_IN_TOKEN_BYTES;
    memset(entry.token, 0x5a, sizeof entry.token);
    snprintf(entry.sign_in_name, sizeof entry.sign_in_name, "%s", "佐藤");
    int rc = outbox_add(outbox, &entry);
    if (number) *number = entry.item.number;
    return rc;
}

static void add_many(struct fixture *fixture, int count)
{
    for (int i = 0; i < count; i++) assert_int_equal(add(fixture->outbox, i, 1000 + i, 0, NULL), 0);
}

/* --- the file --------------------------------------------------------------------------------------------- */

static void test_items_survive_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    uint8_t keys[3][MDG_KEY_BYTES];
    struct outbox_entry entry;
    int64_t after = 0;
    add_many(fixture, 3);
    for (int round = 0; round < 2; round++) {
        after = 0;
        for (int i = 0; i < 3; i++) {
            assert_int_equal(outbox_next(fixture->outbox, after, &entry), 0);
            assert_true(entry.item.number > after);
            after = entry.item.number;
            assert_int_equal(entry.item.body->visits->count->people, i);
            assert_int_equal(entry.item.made_us, 1000 + i);
            assert_int_equal(entry.offset_us, -5);
            assert_int_equal(entry.item.person_id, 7);
            assert_string_equal(entry.item.person_name, "佐藤");
            assert_int_equal(entry.token_length, SIGN_IN_TOKEN_BYTES);
            assert_int_equal(entry.token[15], 0x5a);
            if (round == 0) memcpy(keys[i], entry.item.key, MDG_KEY_BYTES);
            assert_memory_equal(keys[i], entry.item.key, MDG_KEY_BYTES); /* the same after reopening */
            outbox_entry_fini(&entry);
        }
        assert_int_equal(outbox_next(fixture->outbox, after, &entry), MDG_ERR_NOT_FOUND);
        assert_int_equal(outbox_unsent(fixture->outbox), 3);
        reopen(fixture);
    }
}

static void count_item(const struct mdg_outbox_item *item, void *arg)
{
    int *counts = arg;
    counts[item->state]++;
    if (item->state == MDG_OUTBOX_REFUSED) assert_string_equal(item->refusal->rule, "period_closed");
    if (item->state != MDG_OUTBOX_REFUSED) assert_null(item->refusal);
}

static void test_answers_settle_items(void **state)
{
    struct fixture *fixture = *state;
    Mdg__Refusal refusal = MDG__REFUSAL__INIT;
    int64_t number = 0;
    refusal.code = MDG_ERR_CLOSED;
    refusal.rule = (char *)(uintptr_t) "period_closed";
    add_many(fixture, 4);
    assert_int_equal(outbox_accept(fixture->outbox, 1), 0);
    assert_int_equal(outbox_accept(fixture->outbox, 1), 0); /* said twice */
    assert_int_equal(outbox_refuse(fixture->outbox, 2, &refusal), 0);
    assert_int_equal(outbox_accept(fixture->outbox, 2), 0); /* too late: a person is to see it */
    for (int round = 0; round < 2; round++) {
        int counts[3] = {0};
        assert_int_equal(outbox_unsent(fixture->outbox), 2);
        assert_int_equal(outbox_refused(fixture->outbox), 1);
        assert_int_equal(outbox_each(fixture->outbox, count_item, counts), 0);
        assert_int_equal(counts[MDG_OUTBOX_UNSENT], 2);
        assert_int_equal(counts[MDG_OUTBOX_REFUSED], 1);
        reopen(fixture);
    }
    assert_int_equal(outbox_dismiss(fixture->outbox, 3), MDG_ERR_STATE);
    assert_int_equal(outbox_dismiss(fixture->outbox, 1), MDG_ERR_NOT_FOUND);
    assert_int_equal(outbox_dismiss(fixture->outbox, 2), 0);
    assert_int_equal(outbox_refused(fixture->outbox), 0);
    assert_int_equal(outbox_accept(fixture->outbox, 3), 0);
    assert_int_equal(outbox_accept(fixture->outbox, 4), 0);
    reopen(fixture);
    assert_int_equal(outbox_unsent(fixture->outbox), 0);
    assert_int_equal(outbox_last_number(fixture->outbox), 4);
    assert_int_equal(add(fixture->outbox, 1, 1, 0, &number), 0);
    assert_int_equal(number, 5); /* numbers are not given twice */
}

static void test_too_old_ones_are_never_sent(void **state)
{
    struct fixture *fixture = *state;
    struct outbox_entry entry;
    int counts[3] = {0};
    add_many(fixture, 3); /* made at 1000, 1001, 1002 */
    assert_int_equal(outbox_age(fixture->outbox, 1002), 0);
    assert_int_equal(outbox_unsent(fixture->outbox), 1);
    assert_int_equal(outbox_refused(fixture->outbox), 2); /* for a person to see */
    assert_int_equal(outbox_next(fixture->outbox, 0, &entry), 0);
    assert_int_equal(entry.item.number, 3);
    outbox_entry_fini(&entry);
    assert_int_equal(outbox_each(fixture->outbox, count_item, counts), 0);
    assert_int_equal(counts[MDG_OUTBOX_TOO_OLD], 2);
    assert_int_equal(outbox_dismiss(fixture->outbox, 1), 0);
}

static void test_a_damaged_file_is_told_and_kept(void **state)
{
    struct fixture *fixture = *state;
    struct outbox *other = NULL;
    char byte = 0;
    add_many(fixture, 1);
    outbox_close(fixture->outbox);
    fixture->outbox = NULL;
    int fd = open(fixture->path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "not SQLite at all", 17, 0), 17);
    assert_int_equal(outbox_open(fixture->path, &other), MDG_ERR_CORRUPT);
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'n');
    close(fd);
}

static void test_a_write_that_fails_is_told(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *db = NULL;
    add_many(fixture, 2);
    outbox_close(fixture->outbox);
    fixture->outbox = NULL;
    assert_int_equal(outbox_open("/nowhere/at/all/outbox.db", &fixture->outbox), MDG_ERR_IO);
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(outbox_open(fixture->path, &fixture->outbox), 0); /* reading goes on beside a writer */
    assert_int_equal(add(fixture->outbox, 1, 1, 0, NULL), MDG_ERR_IN_USE);
    assert_int_equal(outbox_unsent(fixture->outbox), 2); /* nothing is said to be there that is not */
    sqlite3_close(db);
    assert_int_equal(add(fixture->outbox, 1, 1, 0, NULL), 0);
    assert_int_equal(outbox_unsent(fixture->outbox), 3);
}

static void damage(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void note_damaged(const struct mdg_outbox_item *item, void *arg)
{
    int *damaged = arg;
    assert_non_null(item->body);
    assert_non_null(item->person_name);
    if (item->state != MDG_OUTBOX_REFUSED) return;
    assert_int_equal(item->refusal->code, MDG_ERR_CORRUPT);
    assert_string_equal(item->refusal->rule, OUTBOX_RULE_UNREADABLE);
    (*damaged)++;
}

static void test_what_cannot_be_read_is_refused_and_the_others_go(void **state)
{
    static const struct {
        const char *name, *sql;
    } CASES[] = {
        {"the call", "UPDATE item SET body = x'ff' WHERE number = 2"},
        {"the key", "UPDATE item SET key = x'01' WHERE number = 2"},
        {"the token", "UPDATE item SET token = zeroblob(999) WHERE number = 2"},
        {"the name", "UPDATE item SET person_name = printf('%0999d', 1) WHERE number = 2"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct outbox_entry entry;
        int damaged = 0;
        damage(fixture, "DELETE FROM item; DELETE FROM sqlite_sequence");
        assert_int_equal(outbox_recount(fixture->outbox), 0);
        add_many(fixture, 3);
        damage(fixture, CASES[i].sql);
        assert_int_equal(outbox_next(fixture->outbox, 0, &entry), 0);
        outbox_entry_fini(&entry);
        int rc = outbox_next(fixture->outbox, 1, &entry);
        if (rc != 0 || entry.item.number != 3) fail_msg("%s: %s", CASES[i].name, mdg_error_name(rc));
        outbox_entry_fini(&entry);
        assert_int_equal(outbox_unsent(fixture->outbox), 2);
        assert_int_equal(outbox_refused(fixture->outbox), 1);
        assert_int_equal(outbox_each(fixture->outbox, note_damaged, &damaged), 0);
        assert_int_equal(damaged, 1);
        assert_int_equal(outbox_dismiss(fixture->outbox, 2), 0);
    }
    damage(fixture, "UPDATE item SET body = x'ff'"); /* all that is there, the last one too */
    struct outbox_entry entry;
    assert_int_equal(outbox_next(fixture->outbox, 0, &entry), MDG_ERR_NOT_FOUND);
    assert_int_equal(outbox_unsent(fixture->outbox), 0);
}

static void test_a_damaged_refusal_is_still_dismissed(void **state)
{
    struct fixture *fixture = *state;
    struct outbox_entry entry;
    Mdg__Refusal refusal = MDG__REFUSAL__INIT;
    refusal.code = MDG_ERR_CLOSED;
    add_many(fixture, 1);
    assert_int_equal(outbox_refuse(fixture->outbox, 1, &refusal), 0);
    damage(fixture, "UPDATE item SET refusal = x'ff'");
    assert_int_equal(outbox_get(fixture->outbox, 1, &entry), 0);
    assert_non_null(entry.item.refusal);
    outbox_entry_fini(&entry);
    assert_int_equal(outbox_dismiss(fixture->outbox, 1), 0);
}

/* --- the killed process ------------------------------------------------------------------------------------ */

static void submit_and_report(const char *path, int report)
{
    struct outbox *outbox = NULL;
    if (outbox_open(path, &outbox) != 0) _exit(2);
    for (int i = 0;; i++) {
        int64_t number = 0;
        if (add(outbox, i, 1000, 0, &number) != 0) _exit(3);
        if (write(report, &number, sizeof number) != sizeof number) _exit(4);
    }
}

static void test_a_killed_process_loses_nothing_it_reported(void **state)
{
    struct fixture *fixture = *state;
    int64_t last = 0;
    for (int round = 0; round < 5; round++) {
        int ends[2], status = 0, people = 0;
        int64_t first = last + 1;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) submit_and_report(fixture->path, ends[1]);
        close(ends[1]);
        for (int i = 0; i < 7 + 11 * round; i++) {
            assert_int_equal(read(ends[0], &last, sizeof last), (ssize_t)sizeof last);
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        while (read(ends[0], &last, sizeof last) == (ssize_t)sizeof last) continue; /* reported before it died */
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

        reopen(fixture);
        for (int64_t number = first; number <= last; number++) {
            struct outbox_entry entry;
            if (outbox_get(fixture->outbox, number, &entry) != 0) fail_msg("item %lld is lost", (long long)number);
            if (entry.item.body->visits->count->people != people++) fail_msg("item %lld is another", (long long)number);
            outbox_entry_fini(&entry);
        }
        last = outbox_last_number(fixture->outbox); /* one may be there that was not reported any more */
    }
}

/* --- in which order it is sent ---------------------------------------------------------------------------- */

static int note_sent(void *arg, const struct outbox_entry *entry)
{
    struct fixture *fixture = arg;
    if (fixture->send_rc != 0) return fixture->send_rc;
    assert_true(fixture->sent_count < 256);
    fixture->sent[fixture->sent_count++] = entry->item.number;
    return 0;
}

static void replay_begin(struct fixture *fixture)
{
    replay_init(&fixture->replay, fixture->outbox, note_sent, fixture);
    replay_open(&fixture->replay);
    fixture->sent_count = 0;
}

static uint64_t pump(struct fixture *fixture, uint64_t now_ms)
{
    uint64_t wait_ms = 0;
    assert_int_equal(replay_pump(&fixture->replay, now_ms, &wait_ms), 0);
    return wait_ms;
}

static enum replay_verdict answer(struct fixture *fixture, int64_t number, int code, uint32_t retry_after_ms,
                                  uint64_t now_ms)
{
    enum replay_verdict verdict = REPLAY_LATER;
    Mdg__Response response = MDG__RESPONSE__INIT;
    Mdg__Refusal refusal = MDG__REFUSAL__INIT;
    refusal.code = code;
    refusal.retry_after_ms = retry_after_ms;
    if (code != 0) response.refusal = &refusal;
    assert_int_equal(replay_answered(&fixture->replay, number, 0, &response, now_ms, &verdict), 0);
    return verdict;
}

static void test_so_many_are_under_way_at_once(void **state)
{
    struct fixture *fixture = *state;
    add_many(fixture, 70);
    replay_begin(fixture);
    assert_int_equal(pump(fixture, 0), 0);
    assert_int_equal(fixture->sent_count, REPLAY_AHEAD);
    assert_int_equal(pump(fixture, 0), 0);
    assert_int_equal(fixture->sent_count, REPLAY_AHEAD);
    assert_int_equal(answer(fixture, 1, 0, 0, 0), REPLAY_ACCEPTED);
    assert_int_equal(answer(fixture, 2, MDG_ERR_CLOSED, 0, 0), REPLAY_REFUSED);
    pump(fixture, 0);
    assert_int_equal(fixture->sent_count, REPLAY_AHEAD + 2);
    for (size_t i = 0; i < fixture->sent_count; i++) assert_int_equal(fixture->sent[i], (int64_t)i + 1);
    assert_int_equal(outbox_unsent(fixture->outbox), 68);
    assert_int_equal(outbox_refused(fixture->outbox), 1);
}

static void test_another_kind_waits_for_all_before_it(void **state)
{
    struct fixture *fixture = *state;
    add_many(fixture, 2);
    assert_int_equal(add(fixture->outbox, -1, 1, 0, NULL), 0);
    assert_int_equal(add(fixture->outbox, 5, 1, 0, NULL), 0);
    replay_begin(fixture);
    pump(fixture, 0);
    assert_int_equal(fixture->sent_count, 2);
    answer(fixture, 2, 0, 0, 0);
    pump(fixture, 0);
    assert_int_equal(fixture->sent_count, 2);
    answer(fixture, 1, 0, 0, 0);
    pump(fixture, 0);
    assert_int_equal(fixture->sent_count, 3); /* the undo, alone */
    answer(fixture, 3, 0, 0, 0);
    pump(fixture, 0);
    assert_int_equal(fixture->sent_count, 4);
}

static void test_what_cannot_be_taken_now_is_sent_again_in_order(void **state)
{
    static const int CODES[] = {MDG_ERR_BUSY, MDG_ERR_DISK_FULL, MDG_ERR_SHUTTING_DOWN, MDG_ERR_IO, MDG_ERR_MEMORY};
    struct fixture *fixture = *state;
    int64_t base = 0;
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        add_many(fixture, 5);
        replay_begin(fixture);
        pump(fixture, 1000);
        assert_int_equal(fixture->sent_count, 5);
        assert_int_equal(answer(fixture, base + 1, 0, 0, 1000), REPLAY_ACCEPTED);
        assert_int_equal(answer(fixture, base + 3, CODES[i], 700, 1000), REPLAY_LATER);
        assert_int_equal(answer(fixture, base + 2, CODES[i], 200, 1000), REPLAY_LATER);
        assert_int_equal(pump(fixture, 5000), 0); /* two are still under way */
        assert_int_equal(answer(fixture, base + 4, 0, 0, 1000), REPLAY_ACCEPTED);
        assert_int_equal(answer(fixture, base + 5, CODES[i], 100, 1000), REPLAY_LATER);
        assert_int_equal(pump(fixture, 1100), 600); /* the longest that was asked for */
        assert_int_equal(fixture->sent_count, 5);
        assert_int_equal(pump(fixture, 1700), 0);
        assert_int_equal(fixture->sent_count, 8);
        assert_int_equal(fixture->sent[5], base + 2);
        assert_int_equal(fixture->sent[6], base + 3);
        assert_int_equal(fixture->sent[7], base + 5);
        for (int64_t number = base + 2; number <= base + 5; number++) {
            if (number != base + 4) answer(fixture, number, 0, 0, 1700);
        }
        assert_int_equal(outbox_unsent(fixture->outbox), 0);
        base += 5;
    }
}

static void test_a_lost_connection_begins_again_with_the_first(void **state)
{
    struct fixture *fixture = *state;
    enum replay_verdict verdict;
    add_many(fixture, 3);
    replay_begin(fixture);
    pump(fixture, 0);
    answer(fixture, 1, 0, 0, 0);
    replay_close(&fixture->replay);
    pump(fixture, 0);
    assert_int_equal(fixture->sent_count, 3);
    replay_begin(fixture);
    pump(fixture, 0);
    assert_int_equal(fixture->sent_count, 2);
    assert_int_equal(fixture->sent[0], 2);

    /* No answer in time: its outcome is unknown, so it is asked again with the same key. */
    assert_int_equal(replay_answered(&fixture->replay, 2, MDG_ERR_DEADLINE, NULL, 0, &verdict), 0);
    assert_int_equal(verdict, REPLAY_LATER);
    answer(fixture, 3, 0, 0, 0);
    assert_int_equal(pump(fixture, 0), REPLAY_PAUSE_MS);
    pump(fixture, REPLAY_PAUSE_MS);
    assert_int_equal(fixture->sent[fixture->sent_count - 1], 2);

    fixture->send_rc = MDG_ERR_OFFLINE;
    add_many(fixture, 1);
    uint64_t wait_ms;
    assert_int_equal(replay_pump(&fixture->replay, 5000, &wait_ms), MDG_ERR_OFFLINE);
    assert_int_equal(outbox_unsent(fixture->outbox), 2);
}

/* It holds sign-in tokens, and the directory may be an old one that others can enter. */
static void test_it_is_for_its_owner_alone(void **state)
{
    static const char *const ENDINGS[] = {"", "-wal", "-shm"};
    struct fixture *fixture = *state;
    add(fixture->outbox, 1, 1000, 0, NULL);
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        char name[TEMP_PATH_BYTES + 40];
        struct stat about;
        snprintf(name, sizeof name, "%s%s", fixture->path, ENDINGS[i]);
        assert_int_equal(stat(name, &about), 0);
        assert_int_equal(about.st_mode & 0777, 0600);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_it_is_for_its_owner_alone),
        CASE(test_items_survive_in_their_order),
        CASE(test_answers_settle_items),
        CASE(test_too_old_ones_are_never_sent),
        CASE(test_a_damaged_file_is_told_and_kept),
        CASE(test_a_write_that_fails_is_told),
        CASE(test_what_cannot_be_read_is_refused_and_the_others_go),
        CASE(test_a_damaged_refusal_is_still_dismissed),
        CASE(test_a_killed_process_loses_nothing_it_reported),
        CASE(test_so_many_are_under_way_at_once),
        CASE(test_another_kind_waits_for_all_before_it),
        CASE(test_what_cannot_be_taken_now_is_sent_again_in_order),
        CASE(test_a_lost_connection_begins_again_with_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
