/* tests/server/data_keys_test.c - the keys of fields: made, found again after a restart, bound to a place, destroyed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "server/keys/data_keys.h"
#include "server/keys/keys.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define PLAIN "090-1234-5678"
#define PLAIN_BYTES (sizeof PLAIN - 1)
#define SEALED_BYTES (PLAIN_BYTES + DATA_KEY_OVERHEAD_BYTES)
#define RECORD_BYTES 128

struct place {
    char dir[64], file[80];
    struct keys *keys;
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    *state = place;
    snprintf(place->dir, sizeof place->dir, "/tmp/madoguchi-data-keys-XXXXXX");
    if (!mkdtemp(place->dir)) return -1;
    snprintf(place->file, sizeof place->file, "%s/data.keys", place->dir);
    return keys_create(place->dir) == 0 && keys_open(place->dir, &place->keys) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    struct place *place = *state;
    char command[96];
    keys_close(place->keys);
    snprintf(command, sizeof command, "rm -rf '%s'", place->dir);
    int rc = system(command);
    free(place);
    return rc;
}

static void reopen(struct place *place)
{
    keys_close(place->keys);
    place->keys = NULL;
    assert_int_equal(keys_open(place->dir, &place->keys), 0);
}

static void seal_as(struct place *place, const char *name, uint8_t sealed[SEALED_BYTES])
{
    assert_int_equal(data_key_seal(place->keys, name, "civic_group", "contact", 7, PLAIN, PLAIN_BYTES, sealed), 0);
}

static int unseal(struct place *place, const uint8_t sealed[SEALED_BYTES])
{
    char plain[PLAIN_BYTES];
    int rc = data_key_unseal(place->keys, "civic_group", "contact", 7, sealed, SEALED_BYTES, plain);
    if (rc == 0) assert_memory_equal(plain, PLAIN, PLAIN_BYTES);
    return rc;
}

static off_t file_size(const struct place *place)
{
    struct stat st;
    assert_int_equal(stat(place->file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    return st.st_size;
}

static void test_opens_what_it_sealed(void **state)
{
    struct place *place = *state;
    uint8_t sealed[SEALED_BYTES], again[SEALED_BYTES], month[SEALED_BYTES];
    assert_int_equal(file_size(place), RECORD_BYTES);
    seal_as(place, "contact", sealed);
    assert_int_equal(file_size(place), 2 * RECORD_BYTES);
    seal_as(place, "contact", again);
    assert_int_equal(file_size(place), 2 * RECORD_BYTES); /* one key */
    assert_memory_equal(sealed, again, 4);
    assert_memory_not_equal(sealed + 4, again + 4, 12); /* never a nonce twice */
    seal_as(place, "2029-04", month);
    assert_memory_not_equal(sealed, month, 4);
    assert_null(memmem(sealed, sizeof sealed, "1234", 4));

    reopen(place);
    assert_int_equal(unseal(place, sealed), 0);
    assert_int_equal(unseal(place, again), 0);
    assert_int_equal(unseal(place, month), 0);
    seal_as(place, "contact", again);
    assert_memory_equal(sealed, again, 4);
}

static void test_is_bound_to_its_place(void **state)
{
    static const struct {
        const char *name, *table, *column;
        int64_t row_id;
        int rc;
    } CASES[] = {
        {"its own place", "civic_group", "contact", 7, 0},
        {"another row", "civic_group", "contact", 8, MDG_ERR_CORRUPT},
        {"another column", "civic_group", "note", 7, MDG_ERR_CORRUPT},
        {"another table", "person", "contact", 7, MDG_ERR_CORRUPT},
        {"the border moved", "civic_groupc", "ontact", 7, MDG_ERR_CORRUPT},
    };
    struct place *place = *state;
    uint8_t sealed[SEALED_BYTES];
    char plain[PLAIN_BYTES];
    seal_as(place, "contact", sealed);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int rc = data_key_unseal(place->keys, CASES[i].table, CASES[i].column, CASES[i].row_id, sealed, sizeof sealed,
                                 plain);
        if (rc != CASES[i].rc) fail_msg("%s: %s", CASES[i].name, mdg_error_name(rc));
    }
}

static void test_every_altered_byte_is_found(void **state)
{
    struct place *place = *state;
    uint8_t sealed[SEALED_BYTES];
    seal_as(place, "contact", sealed);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        int rc = unseal(place, sealed);
        if (rc != (i < 4 ? MDG_ERR_NOT_FOUND : MDG_ERR_CORRUPT)) fail_msg("byte %zu: %s", i, mdg_error_name(rc));
        sealed[i] ^= 1;
    }
    char plain[1];
    assert_int_equal(
        data_key_unseal(place->keys, "civic_group", "contact", 7, sealed, DATA_KEY_OVERHEAD_BYTES - 1, plain),
        MDG_ERR_CORRUPT);
}

static void test_destroyed_key_opens_nothing(void **state)
{
    struct place *place = *state;
    uint8_t gone[SEALED_BYTES], kept[SEALED_BYTES], anew[SEALED_BYTES];
    seal_as(place, "2029-04", gone);
    seal_as(place, "2029-05", kept);
    assert_int_equal(data_key_destroy(place->keys, "2029-06"), MDG_ERR_NOT_FOUND);
    assert_int_equal(data_key_destroy(place->keys, "2029-04"), 0);
    assert_int_equal(data_key_destroy(place->keys, "2029-04"), MDG_ERR_NOT_FOUND);
    assert_int_equal(unseal(place, gone), MDG_ERR_NOT_FOUND);
    assert_int_equal(unseal(place, kept), 0);

    reopen(place);
    assert_int_equal(unseal(place, gone), MDG_ERR_NOT_FOUND);
    assert_int_equal(unseal(place, kept), 0);
    seal_as(place, "2029-04", anew); /* another key of that name: the old text stays closed */
    assert_int_equal(unseal(place, anew), 0);
    assert_int_equal(unseal(place, gone), MDG_ERR_NOT_FOUND);
}

static void test_missing_file(void **state)
{
    struct place *place = *state;
    uint8_t lost[SEALED_BYTES], anew[SEALED_BYTES];
    seal_as(place, "contact", lost);
    assert_int_equal(unlink(place->file), 0);
    reopen(place); /* everything else is worth serving */
    assert_int_equal(unseal(place, lost), MDG_ERR_NOT_FOUND);
    seal_as(place, "contact", anew);
    assert_int_equal(file_size(place), 2 * RECORD_BYTES);
    assert_int_equal(unseal(place, anew), 0);
    assert_int_equal(unseal(place, lost), MDG_ERR_CORRUPT); /* the first id of another file */
}

static void test_damaged_file(void **state)
{
    static const struct {
        const char *name;
        off_t length;      /* cut to; -1: whole */
        off_t flip;        /* byte to alter; -1: none */
        int rc;            /* of opening */
        int first, second; /* of the two keys */
    } CASES[] = {
        {"whole", -1, -1, 0, 0, 0},
        {"second record cut short", 2 * RECORD_BYTES + 60, -1, 0, 0, MDG_ERR_NOT_FOUND},
        {"second record gone", 2 * RECORD_BYTES, -1, 0, 0, MDG_ERR_NOT_FOUND},
        {"first key altered", -1, RECORD_BYTES + 40, 0, MDG_ERR_CORRUPT, 0},
        {"first name altered", -1, RECORD_BYTES, 0, MDG_ERR_CORRUPT, 0},
        {"head cut short", 100, -1, MDG_ERR_CONFIG, 0, 0},
        {"empty", 0, -1, MDG_ERR_CONFIG, 0, 0},
        {"head altered", -1, 3, MDG_ERR_CONFIG, 0, 0},
    };
    struct place *place = *state;
    uint8_t first[SEALED_BYTES], second[SEALED_BYTES], bytes[3 * RECORD_BYTES];
    seal_as(place, "contact", first);
    seal_as(place, "open", second);
    int fd = open(place->file, O_RDWR);
    assert_int_equal(read(fd, bytes, sizeof bytes), sizeof bytes);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(pwrite(fd, bytes, sizeof bytes, 0), sizeof bytes);
        if (CASES[i].length >= 0) assert_int_equal(ftruncate(fd, CASES[i].length), 0);
        if (CASES[i].flip >= 0) {
            uint8_t flipped = bytes[CASES[i].flip] ^ 1;
            assert_int_equal(pwrite(fd, &flipped, 1, CASES[i].flip), 1);
        }
        keys_close(place->keys);
        place->keys = NULL;
        int rc = keys_open(place->dir, &place->keys);
        if (rc != CASES[i].rc) fail_msg("%s: opening gives %s", CASES[i].name, mdg_error_name(rc));
        if (rc != 0) continue;
        rc = unseal(place, first);
        if (rc != CASES[i].first) fail_msg("%s: the first gives %s", CASES[i].name, mdg_error_name(rc));
        rc = unseal(place, second);
        if (rc != CASES[i].second) fail_msg("%s: the second gives %s", CASES[i].name, mdg_error_name(rc));
    }
    close(fd);
}

/* What a crash cut short is overwritten by the next key, not followed by it. */
static void test_goes_on_after_a_cut(void **state)
{
    struct place *place = *state;
    uint8_t first[SEALED_BYTES], second[SEALED_BYTES];
    seal_as(place, "contact", first);
    assert_int_equal(truncate(place->file, 2 * RECORD_BYTES - 1), 0);
    reopen(place);
    assert_int_equal(unseal(place, first), MDG_ERR_NOT_FOUND);
    seal_as(place, "open", second);
    reopen(place);
    assert_int_equal(unseal(place, second), 0);
}

static void test_open_to_others_is_refused(void **state)
{
    struct place *place = *state;
    struct keys *keys;
    assert_int_equal(chmod(place->file, 0644), 0);
    assert_int_equal(keys_open(place->dir, &keys), MDG_ERR_CONFIG);
    assert_null(keys);
}

static void test_names(void **state)
{
    struct place *place = *state;
    uint8_t sealed[SEALED_BYTES];
    const char *too_long = "12345678901234567890123456789012";
    assert_int_equal(data_key_seal(place->keys, "", "t", "c", 1, PLAIN, PLAIN_BYTES, sealed), MDG_ERR_INVALID);
    assert_int_equal(data_key_seal(place->keys, too_long, "t", "c", 1, PLAIN, PLAIN_BYTES, sealed), MDG_ERR_INVALID);
    assert_int_equal(data_key_seal(place->keys, too_long + 1, "t", "c", 1, PLAIN, PLAIN_BYTES, sealed), 0);
    reopen(place);
    char plain[PLAIN_BYTES];
    assert_int_equal(data_key_unseal(place->keys, "t", "c", 1, sealed, sizeof sealed, plain), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_opens_what_it_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_is_bound_to_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_altered_byte_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_destroyed_key_opens_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_on_after_a_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_to_others_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
