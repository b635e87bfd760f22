/* tests/client/replica_test.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "client/lib/local_db.h"
#include "client/lib/replica.h"
#include "common/error.h"
#include "tests/client/temp_dir.h"

#define KIND_PLACE 7203u
#define KIND_DAY 7202u

/* What was told, as "reset +7203:1 -7202:5". */
struct told {
    char text[1024];
};

static void tell(struct told *told, const char *what)
{
    size_t have = strlen(told->text);
    snprintf(told->text + have, sizeof told->text - have, "%s%s", have ? " " : "", what);
}

static void on_reset(void *arg)
{
    tell(arg, "reset");
}

static void on_row(void *arg, const Mdg__Row *row)
{
    char what[64];
    snprintf(what, sizeof what, "%c%u:%lld", row->is_removed ? '-' : '+', (unsigned)row->kind, (long long)row->id);
    tell(arg, what);
}

struct row {
    uint32_t kind;
    int64_t id;
    int32_t day;
    bool is_removed;
    const char *name;
};

struct part {
    int64_t from_rev, to_rev;
    struct row rows[4]; /* to kind 0 */
    int32_t from_day;   /* horizon of KIND_DAY, 0: none */
};

static int apply(struct replica *replica, const struct part *in, struct told *told)
{
    struct whole {
        Mdg__Row row;
        Mdg__Body body;
        Mdg__Visits visits;
        Mdg__VisitPlace place;
    } whole[4];
    Mdg__Row *rows[4];
    Mdg__Horizon horizon = MDG__HORIZON__INIT, *horizons[1] = {&horizon};
    Mdg__Part part = MDG__PART__INIT;
    part.from_rev = in->from_rev;
    part.to_rev = in->to_rev;
    part.rows = rows;
    part.horizons = horizons;
    part.n_horizons = in->from_day ? 1 : 0;
    horizon.kind = KIND_DAY;
    horizon.from_day = in->from_day;
    for (size_t i = 0; i < 4 && in->rows[i].kind; i++) {
        struct whole *w = &whole[i];
        mdg__row__init(&w->row);
        mdg__body__init(&w->body);
        mdg__visits__init(&w->visits);
        mdg__visit_place__init(&w->place);
        w->place.id = in->rows[i].id;
        w->place.name = (char *)(uintptr_t)(in->rows[i].name ? in->rows[i].name : "入口");
        w->visits.of_case = MDG__VISITS__OF_VISIT_PLACE_ROW;
        w->visits.visit_place_row = &w->place;
        w->body.domain_case = MDG__BODY__DOMAIN_VISITS;
        w->body.visits = &w->visits;
        w->row.kind = in->rows[i].kind;
        w->row.id = in->rows[i].id;
        w->row.rev = in->to_rev;
        w->row.day = in->rows[i].day;
        w->row.is_removed = in->rows[i].is_removed;
        w->row.body = in->rows[i].is_removed ? NULL : &w->body;
        rows[part.n_rows++] = &w->row;
    }
    const struct replica_events events = {on_reset, on_row, told};
    told->text[0] = '\0';
    return replica_apply(replica, &part, &events);
}

static void add_row(const Mdg__Row *row, void *arg)
{
    char what[128];
    snprintf(what, sizeof what, "%u:%lld=%s", (unsigned)row->kind, (long long)row->id,
             row->body->visits->visit_place_row->name);
    tell(arg, what);
}

static const char *holds(struct replica *replica, uint32_t kind, struct told *told)
{
    told->text[0] = '\0';
    assert_int_equal(replica_each(replica, kind, add_row, told), 0);
    return told->text;
}

static const struct part FIRST = {0, 10, {{KIND_PLACE, 1, 0, false, "玄関"}, {KIND_DAY, 5, 20261101, false, "五"}}, 0};

static void test_parts_join_or_are_refused(void **state)
{
    static const struct {
        const char *name;
        struct part part;
        int rc;
        int64_t rev;
        const char *told, *holds;
    } STEPS[] = {
        {"a hole in nothing", {5, 7, {{KIND_PLACE, 9, 0, false, NULL}}, 0}, MDG_ERR_STALE, 0, "", ""},
        {"a start",
         {0, 10, {{KIND_PLACE, 1, 0, false, "玄関"}, {KIND_PLACE, 2, 0, false, "b"}}, 0},
         0,
         10,
         "reset +7203:1 +7203:2",
         "7203:1=玄関 7203:2=b"},
        {"a change", {10, 12, {{KIND_PLACE, 2, 0, false, "c"}}, 0}, 0, 12, "+7203:2", "7203:1=玄関 7203:2=c"},
        {"a hole", {13, 14, {{KIND_PLACE, 3, 0, false, NULL}}, 0}, MDG_ERR_STALE, 12, "", "7203:1=玄関 7203:2=c"},
        {"once more", {10, 12, {{KIND_PLACE, 3, 0, false, NULL}}, 0}, MDG_ERR_STALE, 12, "", "7203:1=玄関 7203:2=c"},
        {"backwards", {12, 11, {{0}}, 0}, MDG_ERR_MALFORMED, 12, "", "7203:1=玄関 7203:2=c"},
        {"empty, further on", {12, 20, {{0}}, 0}, 0, 20, "", "7203:1=玄関 7203:2=c"},
        {"removed", {20, 21, {{KIND_PLACE, 1, 0, true, NULL}}, 0}, 0, 21, "-7203:1", "7203:2=c"},
        {"removed though unknown", {21, 22, {{KIND_PLACE, 77, 0, true, NULL}}, 0}, 0, 22, "-7203:77", "7203:2=c"},
        {"afresh", {0, 3, {{KIND_PLACE, 4, 0, false, "d"}}, 0}, 0, 3, "reset +7203:4", "7203:4=d"},
    };
    struct replica *replica = NULL;
    struct told told;
    (void)state;
    assert_int_equal(replica_open(NULL, REPLICA_OWN, &replica), 0);
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        int rc = apply(replica, &STEPS[i].part, &told);
        if (rc != STEPS[i].rc) fail_msg("%s: %s", STEPS[i].name, mdg_error_name(rc));
        if (strcmp(told.text, STEPS[i].told) != 0) fail_msg("%s told: %s", STEPS[i].name, told.text);
        if (replica_position(replica)->rev != STEPS[i].rev) fail_msg("%s: rev", STEPS[i].name);
        if (strcmp(holds(replica, 0, &told), STEPS[i].holds) != 0) fail_msg("%s holds: %s", STEPS[i].name, told.text);
    }
    replica_close(replica);
}

static void test_a_horizon_lets_old_days_go(void **state)
{
    static const struct part START = {0,
                                      1,
                                      {{KIND_DAY, 1, 20261029, false, "a"},
                                       {KIND_DAY, 2, 20261030, false, "b"},
                                       {KIND_DAY, 3, 0, false, "c"},
                                       {KIND_PLACE, 1, 20200101, false, "p"}},
                                      0};
    static const struct part NEXT = {1, 2, {{KIND_DAY, 4, 20261101, false, "d"}}, 20261030};
    struct replica *replica = NULL;
    struct told told;
    (void)state;
    assert_int_equal(replica_open(NULL, REPLICA_OWN, &replica), 0);
    assert_int_equal(apply(replica, &START, &told), 0);
    assert_int_equal(apply(replica, &NEXT, &told), 0);
    assert_string_equal(told.text, "+7202:4 -7202:1");
    assert_string_equal(holds(replica, 0, &told), "7202:2=b 7202:3=c 7202:4=d 7203:1=p");
    assert_string_equal(holds(replica, KIND_PLACE, &told), "7203:1=p");
    replica_close(replica);
}

static void test_it_is_there_after_reopening(void **state)
{
    char dir[TEMP_PATH_BYTES], path[TEMP_PATH_BYTES + 32];
    struct replica *replica = NULL, *reader = NULL;
    struct told told;
    Mdg__Row *row = NULL;
    (void)state;
    temp_dir_make(dir);
    snprintf(path, sizeof path, "%s/replica.db", dir);
    assert_int_equal(replica_open(path, REPLICA_OWN, &replica), 0);
    assert_int_equal(replica_set_source(replica, (const uint8_t *)"EPOCH-OF-A-DB-16", 16, "desk"), 0);
    assert_int_equal(replica_position(replica)->epoch_length, 0); /* only from the next fresh start on */
    assert_int_equal(apply(replica, &FIRST, &told), 0);
    replica_close(replica);

    assert_int_equal(replica_open(path, REPLICA_OWN, &replica), 0);
    assert_int_equal(replica_position(replica)->rev, 10);
    assert_int_equal(replica_position(replica)->epoch_length, 16);
    assert_memory_equal(replica_position(replica)->epoch, "EPOCH-OF-A-DB-16", 16);
    assert_string_equal(replica_position(replica)->view, "desk");
    assert_int_equal(replica_get(replica, KIND_PLACE, 1, &row), 0);
    assert_string_equal(row->body->visits->visit_place_row->name, "玄関");
    mdg__row__free_unpacked(row, NULL);
    assert_int_equal(replica_get(replica, KIND_PLACE, 2, &row), MDG_ERR_NOT_FOUND);

    assert_int_equal(replica_open(path, REPLICA_LOOK, &reader), 0); /* a second process looks on */
    assert_string_equal(holds(reader, 0, &told), "7202:5=五 7203:1=玄関");
    replica_close(reader);
    static const struct part SECOND = {10, 11, {{KIND_PLACE, 2, 0, false, "二"}}, 0};
    assert_int_equal(replica_open(path, REPLICA_COPY, &reader), 0); /* one that follows by itself */
    assert_int_equal(replica_position(reader)->rev, 10);
    assert_int_equal(apply(reader, &SECOND, &told), 0);
    assert_string_equal(holds(reader, KIND_PLACE, &told), "7203:1=玄関 7203:2=二");
    assert_string_equal(holds(replica, KIND_PLACE, &told), "7203:1=玄関");
    assert_int_equal(replica_remake(reader), 0);
    assert_string_equal(holds(reader, 0, &told), "");
    replica_close(reader);
    assert_string_equal(holds(replica, KIND_PLACE, &told), "7203:1=玄関");
    assert_int_equal(replica_remake(replica), 0);
    assert_int_equal(replica_position(replica)->rev, 0);
    assert_string_equal(holds(replica, 0, &told), "");
    assert_int_equal(apply(replica, &FIRST, &told), 0);
    assert_string_equal(replica_position(replica)->view, "desk");
    replica_close(replica);
    temp_dir_remove(dir);
}

static void overwrite(const char *path, long at, const char *bytes, size_t length, bool is_cut)
{
    int fd = open(path, O_RDWR | O_CREAT | (is_cut ? O_TRUNC : 0), 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, at), (ssize_t)length);
    close(fd);
}

static void damage_head(const char *path)
{
    overwrite(path, 0, "this is no database, this is a letter to the editor", 50, true);
}

static void damage_middle(const char *path)
{
    char noise[4096];
    memset(noise, 0xa5, sizeof noise);
    overwrite(path, 4096, noise, sizeof noise, false);
}

static void damage_end(const char *path)
{
    assert_int_equal(truncate(path, 5000), 0);
}

static void damage_by_newer(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_a_damaged_file_is_made_anew(void **state)
{
    static const struct {
        const char *name;
        void (*damage)(const char *path);
    } CASES[] = {{"head", damage_head}, {"middle", damage_middle}, {"end", damage_end}, {"newer", damage_by_newer}};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char dir[TEMP_PATH_BYTES], path[TEMP_PATH_BYTES + 32];
        struct replica *replica = NULL;
        struct told told;
        struct stat is;
        temp_dir_make(dir);
        snprintf(path, sizeof path, "%s/replica.db", dir);
        assert_int_equal(replica_open(path, REPLICA_OWN, &replica), 0);
        assert_int_equal(apply(replica, &FIRST, &told), 0);
        replica_close(replica);
        CASES[i].damage(path);
        if (replica_open(path, REPLICA_OWN, &replica) != 0) fail_msg("%s: does not open", CASES[i].name);
        if (replica_position(replica)->rev != 0) fail_msg("%s: still holds something", CASES[i].name);
        if (apply(replica, &FIRST, &told) != 0) fail_msg("%s: takes nothing in", CASES[i].name);
        replica_close(replica);
        assert_int_equal(replica_open(path, REPLICA_OWN, &replica), 0);
        if (replica_position(replica)->rev != 10) fail_msg("%s: not on disk", CASES[i].name);
        replica_close(replica);
        assert_int_equal(stat(path, &is), 0);
        temp_dir_remove(dir);
    }
}

static void test_without_a_place_it_is_in_memory(void **state)
{
    struct replica *replica = NULL;
    struct told told;
    (void)state;
    assert_int_equal(replica_open("/nowhere/at/all/replica.db", REPLICA_OWN, &replica), 0);
    assert_int_equal(apply(replica, &FIRST, &told), 0);
    assert_string_equal(holds(replica, KIND_DAY, &told), "7202:5=五");
    replica_close(replica);
    assert_int_equal(replica_open("/nowhere/at/all/replica.db", REPLICA_LOOK, &replica), 0);
    replica_close(replica);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_join_or_are_refused),       cmocka_unit_test(test_a_horizon_lets_old_days_go),
        cmocka_unit_test(test_it_is_there_after_reopening),     cmocka_unit_test(test_a_damaged_file_is_made_anew),
        cmocka_unit_test(test_without_a_place_it_is_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
