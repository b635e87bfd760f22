/* tests/server/keys_test.c - key files, sealing, and the secrets of people. Fixed values were made with Python's hmac,
 * the Argon2 reference library and Python's cryptography. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/error.h"
#include "server/keys/keys.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct place {
    char dir[64], pepper[80], master[80], data_keys[80];
};

static int place_setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->dir, sizeof place->dir, "/tmp/madoguchi-keys-XXXXXX");
    if (!mkdtemp(place->dir)) return -1;
    snprintf(place->pepper, sizeof place->pepper, "%s/pepper", place->dir);
    snprintf(place->master, sizeof place->master, "%s/master", place->dir);
    snprintf(place->data_keys, sizeof place->data_keys, "%s/data.keys", place->dir);
    *state = place;
    return 0;
}

static int place_teardown(void **state)
{
    struct place *place = *state;
    unlink(place->pepper);
    unlink(place->master);
    unlink(place->data_keys);
    rmdir(place->dir);
    free(place);
    return 0;
}

static void write_file(const char *path, uint8_t first, size_t length, mode_t mode)
{
    uint8_t bytes[64];
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(first + i);
    assert_int_equal(write(fd, bytes, length), (ssize_t)length);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* Keys that the fixed values were made with: master 00…1f, pepper 20…3f. */
static struct keys *known_keys(const struct place *place)
{
    struct keys *keys;
    write_file(place->master, 0x00, KEY_BYTES, 0600);
    write_file(place->pepper, 0x20, KEY_BYTES, 0600);
    assert_int_equal(keys_open(place->dir, &keys), 0);
    return keys;
}

static void test_create_makes_private_files(void **state)
{
    const struct place *place = *state;
    struct stat st;
    struct keys *keys;
    assert_int_equal(rmdir(place->dir), 0);
    assert_int_equal(keys_create(place->dir), 0);
    assert_int_equal(stat(place->dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    const char *files[] = {place->pepper, place->master, place->data_keys};
    for (size_t i = 0; i < COUNT(files); i++) {
        assert_int_equal(stat(files[i], &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        if (files[i] != place->data_keys) assert_int_equal(st.st_size, KEY_BYTES);
    }
    assert_int_equal(keys_open(place->dir, &keys), 0);
    keys_close(keys);
    assert_int_equal(keys_create(place->dir), MDG_ERR_CONFLICT);
    unlink(place->pepper);
    assert_int_equal(keys_create(place->dir), MDG_ERR_CONFLICT); /* the master key is still worth everything */
}

static void test_open_refuses(void **state)
{
    static const struct {
        const char *name;
        size_t length;
        mode_t mode;
        int rc;
    } CASES[] = {
        {"as made", 32, 0600, 0},
        {"read only", 32, 0400, 0},
        {"readable by all", 32, 0644, MDG_ERR_CONFIG},
        {"by others", 32, 0604, MDG_ERR_CONFIG},
        {"writable by the group", 32, 0620, MDG_ERR_CONFIG},
        {"readable by the group", 32, 0640, MDG_ERR_CONFIG},
        {"short", 31, 0600, MDG_ERR_CONFIG},
        {"long", 33, 0600, MDG_ERR_CONFIG},
        {"empty", 0, 0600, MDG_ERR_CONFIG},
    };
    const struct place *place = *state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct keys *keys;
        write_file(place->pepper, 0x20, KEY_BYTES, 0600);
        write_file(place->master, 0x00, CASES[i].length, CASES[i].mode);
        int rc = keys_open(place->dir, &keys);
        if (rc != CASES[i].rc) fail_msg("%s: %s", CASES[i].name, mdg_error_name(rc));
        if (rc != 0) assert_null(keys);
        keys_close(keys);
    }
    struct keys *keys;
    unlink(place->master);
    assert_int_equal(keys_open(place->dir, &keys), MDG_ERR_CONFIG);
}

static void test_mac(void **state)
{
    struct keys *keys = known_keys(*state);
    uint8_t mac[KEY_BYTES], other[KEY_BYTES];
    char hex[2 * KEY_BYTES + 1];
    assert_int_equal(keys_mac(keys, "request digest", "content", 7, mac), 0);
    bytes_to_hex(mac, sizeof mac, hex);
    assert_string_equal(hex, "c8411b3a0f028d14e418485d5c1790926f03cb149c847609c71741b89e0ebcec");
    assert_int_equal(keys_mac(keys, "other purpose", "content", 7, other), 0);
    assert_memory_not_equal(mac, other, sizeof mac);
    keys_close(keys);
}

static void test_unseal_known(void **state)
{
    static const uint8_t SEALED[] = {0x01, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
                                     0x06, 0x08, 0xb7, 0x8d, 0xfb, 0x0d, 0xf6, 0x1a, 0x5f, 0xaf, 0xe8, 0x01, 0x05,
                                     0x9d, 0xad, 0x08, 0x93, 0xc7, 0x53, 0xf3, 0xed, 0xd9, 0xa5, 0xf3, 0xa3, 0x10};
    struct keys *keys = known_keys(*state);
    char plain[11] = "";
    assert_int_equal(sizeof SEALED, 10 + SEAL_OVERHEAD_BYTES);
    assert_int_equal(keys_unseal(keys, "table.column", 77, SEALED, sizeof SEALED, plain), 0);
    assert_string_equal(plain, "plain text");
    keys_close(keys);
}

/* Every byte counts, and so do table, column, row and the key. */
static void test_unseal_refuses_what_was_altered(void **state)
{
    static const char SECRET[] = "the key of the authority";
    struct keys *keys = known_keys(*state);
    uint8_t sealed[sizeof SECRET + SEAL_OVERHEAD_BYTES], again[sizeof sealed];
    char plain[sizeof SECRET];
    assert_int_equal(keys_seal(keys, "authority.key", 3, SECRET, sizeof SECRET, sealed), 0);
    assert_int_equal(keys_unseal(keys, "authority.key", 3, sealed, sizeof sealed, plain), 0);
    assert_string_equal(plain, SECRET);
    assert_int_equal(keys_seal(keys, "authority.key", 3, SECRET, sizeof SECRET, again), 0);
    assert_memory_not_equal(sealed, again, sizeof sealed); /* a fresh nonce each time */

    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 0x40;
        assert_int_equal(keys_unseal(keys, "authority.key", 3, sealed, sizeof sealed, plain), MDG_ERR_CORRUPT);
        sealed[i] ^= 0x40;
    }
    assert_int_equal(keys_unseal(keys, "authority.key", 4, sealed, sizeof sealed, plain), MDG_ERR_CORRUPT);
    assert_int_equal(keys_unseal(keys, "authority.other", 3, sealed, sizeof sealed, plain), MDG_ERR_CORRUPT);
    assert_int_equal(keys_unseal(keys, "authority.key", 3, sealed, sizeof sealed - 1, plain), MDG_ERR_CORRUPT);
    assert_int_equal(keys_unseal(keys, "authority.key", 3, sealed, SEAL_OVERHEAD_BYTES - 1, plain), MDG_ERR_CORRUPT);
    keys_close(keys);

    const struct place *place = *state;
    write_file(place->master, 0x01, KEY_BYTES, 0600);
    assert_int_equal(keys_open(place->dir, &keys), 0);
    assert_int_equal(keys_unseal(keys, "authority.key", 3, sealed, sizeof sealed, plain), MDG_ERR_CORRUPT);
    keys_close(keys);
}

static const char HASH_NOW[] =
    "$argon2id$v=19$m=65536,t=3,p=1$AAECAwQFBgcICQoLDA0ODw$gT0Was4sOiw1M6ueoV1YqC/q3GLHcdhudZz8/wjYBVM";
static const char HASH_BEFORE[] =
    "$argon2id$v=19$m=8192,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$JHNv849UpK44kdKo0Ovmhtg3DKbnX2Imkj42N4YcG4o";

static void test_secret_verify(void **state)
{
    static const struct {
        const char *name, *secret, *hash;
        bool is_right;
    } CASES[] = {
        {"right", "ひみつ123", HASH_NOW, true},
        {"full width digits are the same secret", "ひみつ１２３", HASH_NOW, true},
        {"lower parameters of before", "ひみつ123", HASH_BEFORE, true},
        {"wrong", "ひみつ124", HASH_NOW, false},
        {"empty", "", HASH_NOW, false},
        {"unknown account", "ひみつ123", NULL, false},
        {"damaged hash", "ひみつ123", "$argon2id$v=19$m=65536", false},
        {"not UTF-8", "\xff\xfe", HASH_NOW, false},
    };
    struct keys *keys = known_keys(*state);
    for (size_t i = 0; i < COUNT(CASES); i++)
        if (secret_verify(keys, CASES[i].secret, CASES[i].hash) != CASES[i].is_right) fail_msg("%s", CASES[i].name);
    keys_close(keys);
}

static void test_secret_hash(void **state)
{
    struct keys *keys = known_keys(*state);
    char hash[SECRET_HASH_BYTES_MAX], again[SECRET_HASH_BYTES_MAX], secret[SECRET_BYTES_MAX + 2];
    assert_int_equal(secret_hash(keys, "correct horse", hash), 0);
    assert_int_equal(secret_hash(keys, "correct horse", again), 0);
    assert_string_not_equal(hash, again); /* each has its salt */
    assert_true(secret_verify(keys, "correct horse", hash));
    assert_false(secret_verify(keys, "correct house", hash));
    assert_null(strstr(hash, "horse"));
    assert_false(secret_hash_is_weak(hash));
    assert_false(secret_hash_is_weak(HASH_NOW));
    assert_true(secret_hash_is_weak(HASH_BEFORE));

    memset(secret, 'x', sizeof secret);
    secret[SECRET_BYTES_MAX + 1] = '\0';
    assert_int_equal(secret_hash(keys, secret, again), MDG_ERR_INVALID);
    assert_false(secret_verify(keys, secret, hash));
    assert_int_equal(secret_hash(keys, "\xc3(", again), MDG_ERR_INVALID);
    keys_close(keys);
}

/* Whoever has the database but not the pepper cannot try secrets. */
static void test_secret_needs_the_pepper(void **state)
{
    const struct place *place = *state;
    struct keys *keys = known_keys(place);
    assert_true(secret_verify(keys, "ひみつ123", HASH_NOW));
    keys_close(keys);
    write_file(place->pepper, 0x21, KEY_BYTES, 0600);
    assert_int_equal(keys_open(place->dir, &keys), 0);
    assert_false(secret_verify(keys, "ひみつ123", HASH_NOW));
    keys_close(keys);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLACE(test_create_makes_private_files),
        WITH_PLACE(test_open_refuses),
        WITH_PLACE(test_mac),
        WITH_PLACE(test_unseal_known),
        WITH_PLACE(test_unseal_refuses_what_was_altered),
        WITH_PLACE(test_secret_verify),
        WITH_PLACE(test_secret_hash),
        WITH_PLACE(test_secret_needs_the_pepper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
