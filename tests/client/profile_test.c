/* tests/client/profile_test.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/x509.h>

#include "client/lib/profile.h"
#include "client/lib/profile_file.h"
#include "common/day.h"
#include "common/error.h"
#include "server/keys/authority.h"
#include "tests/client/temp_dir.h"

struct fixture {
    char dir[TEMP_PATH_BYTES];
    struct profile profile;
    struct der authority, authority_key;
    int64_t now_us;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char temp[TEMP_PATH_BYTES];
    temp_dir_make(temp);
    snprintf(fixture->dir, sizeof fixture->dir, "%.200s/terminal", temp);
    fixture->profile = (struct profile){.port = 7420, .terminal_id = 12, .terminal_kind = 1, .clock_offset_us = -1500};
    fixture->profile.fiscal_year_first_month = 4;
    snprintf(fixture->profile.dir, sizeof fixture->profile.dir, "%s", fixture->dir);
    snprintf(fixture->profile.host, PROFILE_TEXT_BYTES, "192.0.2.7");
    snprintf(fixture->profile.server_name, PROFILE_TEXT_BYTES, "%s", SERVER_NAME);
    snprintf(fixture->profile.centre_name, PROFILE_TEXT_BYTES, "みどり市民活動センター");
    snprintf(fixture->profile.zone, PROFILE_TEXT_BYTES, "Asia/Tokyo");
    snprintf(fixture->profile.terminal_name, PROFILE_TEXT_BYTES, "受付1");
    fixture->now_us = clock_now_us();
    *state = fixture;
    int rc = authority_create("みどり", fixture->now_us, &fixture->authority, &fixture->authority_key);
    return rc == 0 ? profile_make_dir(fixture->dir) : rc;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    *strrchr(fixture->dir, '/') = '\0';
    temp_dir_remove(fixture->dir);
    free(fixture);
    return 0;
}

static const char *path_of(struct fixture *fixture, const char *name, char path[PROFILE_PATH_BYTES])
{
    assert_int_equal(profile_path(&fixture->profile, name, path), 0);
    return path;
}

static mode_t mode_of(struct fixture *fixture, const char *name)
{
    char path[PROFILE_PATH_BYTES];
    struct stat is;
    if (stat(path_of(fixture, name, path), &is) != 0) fail_msg("%s is not there", name);
    return is.st_mode & 0777;
}

static void test_facts_come_back(void **state)
{
    static const char *const NAMES[] = {
        "みどり市民活動センター",
        "a ; b # c = d",
        " spaces around ",
        "100%",
        "%41%",
        "two\nlines\tand\x7f",
        "",
        "[centre]",
    };
    struct fixture *fixture = *state;
    struct profile loaded;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        snprintf(fixture->profile.centre_name, PROFILE_TEXT_BYTES, "%s", NAMES[i]);
        assert_int_equal(profile_save(&fixture->profile), 0);
        assert_int_equal(profile_load(fixture->dir, &loaded), 0);
        if (strcmp(loaded.centre_name, NAMES[i]) != 0) fail_msg("\"%s\" became \"%s\"", NAMES[i], loaded.centre_name);
    }
    memset(fixture->profile.centre_name, 'x', PROFILE_TEXT_BYTES - 1); /* as long as can be */
    assert_int_equal(profile_save(&fixture->profile), 0);
    assert_int_equal(profile_load(fixture->dir, &loaded), 0);
    assert_string_equal(loaded.centre_name, fixture->profile.centre_name);
    assert_string_equal(loaded.host, "192.0.2.7");
    assert_int_equal(loaded.port, 7420);
    assert_string_equal(loaded.server_name, SERVER_NAME);
    assert_string_equal(loaded.zone, "Asia/Tokyo");
    assert_string_equal(loaded.terminal_name, "受付1");
    assert_int_equal(loaded.terminal_id, 12);
    assert_int_equal(loaded.terminal_kind, 1);
    assert_int_equal(loaded.fiscal_year_first_month, 4);
    assert_int_equal(loaded.clock_offset_us, -1500);
}

static void test_what_is_no_profile(void **state)
{
    static const struct {
        const char *name, *text;
    } CASES[] = {
        {"empty", ""},
        {"without a host", "port = 1\nserver_name = x\n"},
        {"without a port", "host = h\nserver_name = x\n"},
        {"port 0", "host = h\nport = 0\nserver_name = x\n"},
        {"port beyond", "host = h\nport = 65536\nserver_name = x\n"},
        {"without a server name", "host = h\nport = 1\n"},
        {"noise", "\xff\xfe\x01host\n=\n"},
    };
    struct fixture *fixture = *state;
    struct profile loaded;
    char path[PROFILE_PATH_BYTES];
    assert_int_equal(profile_load(fixture->dir, &loaded), MDG_ERR_CONFIG);
    assert_int_equal(profile_load("/nowhere", &loaded), MDG_ERR_CONFIG);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        path_of(fixture, "profile.ini", path);
        assert_int_equal(profile_file_write(path, 0600, CASES[i].text, strlen(CASES[i].text)), 0);
        if (profile_load(fixture->dir, &loaded) != MDG_ERR_CONFIG) fail_msg("%s", CASES[i].name);
    }
}

/* --- identity --------------------------------------------------------------------------------------------- */

static void issue(struct fixture *fixture, int64_t from_us, struct der *key, struct der *certificate)
{
    struct der request;
    char serial[CERTIFICATE_SERIAL_HEX_BYTES];
    assert_int_equal(enrolment_request_new(&request, key), 0);
    assert_int_equal(authority_issue_terminal(&fixture->authority, &fixture->authority_key, request.bytes,
                                              request.length, 12, from_us, from_us + TERMINAL_LIFE_US, certificate,
                                              serial),
                     0);
}

static void enrolled(struct fixture *fixture)
{
    struct der key, certificate;
    ProtobufCBinaryData authority = {fixture->authority.length, fixture->authority.bytes};
    issue(fixture, fixture->now_us, &key, &certificate);
    assert_int_equal(profile_save_authorities(&fixture->profile, &authority, 1), 0);
    assert_int_equal(profile_save_identity(&fixture->profile, &key, &certificate), 0);
    assert_int_equal(profile_save(&fixture->profile), 0);
}

static int open_context(struct fixture *fixture, int64_t *until_us)
{
    SSL_CTX *context = NULL;
    int64_t from_us = 0;
    int rc = profile_context(&fixture->profile, &context, &from_us, until_us);
    if (rc == 0) assert_int_equal(SSL_CTX_check_private_key(context), 1);
    SSL_CTX_free(context);
    return rc;
}

static void test_identity_is_private_and_whole(void **state)
{
    struct fixture *fixture = *state;
    int64_t until_us = 0;
    assert_int_equal(open_context(fixture, &until_us), MDG_ERR_CONFIG);
    enrolled(fixture);
    assert_int_equal(mode_of(fixture, "."), 0700);
    assert_int_equal(mode_of(fixture, "terminal.key"), 0600);
    assert_int_equal(open_context(fixture, &until_us), 0);
    int64_t off_us = until_us - (fixture->now_us + TERMINAL_LIFE_US);
    assert_true(off_us > -2 * US_PER_SECOND && off_us < 2 * US_PER_SECOND);

    char path[PROFILE_PATH_BYTES];
    assert_int_equal(unlink(path_of(fixture, "authorities.pem", path)), 0);
    assert_int_equal(open_context(fixture, &until_us), MDG_ERR_CONFIG); /* trusts nobody rather than everybody */
}

/* After each step of a renewal the process may be gone. */
static void test_a_renewal_cut_short_leaves_one_that_works(void **state)
{
    struct fixture *fixture = *state;
    char key_path[PROFILE_PATH_BYTES], next_path[PROFILE_PATH_BYTES], old_path[PROFILE_PATH_BYTES];
    struct der key, certificate;
    int64_t old_until_us = 0, until_us = 0;
    enrolled(fixture);
    assert_int_equal(open_context(fixture, &old_until_us), 0);
    path_of(fixture, "terminal.key", key_path);
    path_of(fixture, "terminal.key.next", next_path);
    path_of(fixture, "old", old_path);

    /* before the certificate came: a next key of no use */
    assert_int_equal(profile_file_write(next_path, 0600, "half a k", 8), 0);
    assert_int_equal(open_context(fixture, &until_us), 0);
    assert_int_equal(until_us, old_until_us);

    /* between the two renames: the new certificate, and its key still beside the old */
    assert_int_equal(link(key_path, old_path), 0);
    issue(fixture, fixture->now_us + US_PER_DAY, &key, &certificate);
    assert_int_equal(profile_save_identity(&fixture->profile, &key, &certificate), 0);
    assert_int_equal(rename(key_path, next_path), 0);
    assert_int_equal(rename(old_path, key_path), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_context(fixture, &until_us), 0);
        assert_true(until_us > old_until_us);
        assert_int_equal(access(next_path, F_OK), -1); /* mended */
    }

    /* a key that belongs to nothing */
    assert_int_equal(profile_file_write(key_path, 0600, "", 0), 0);
    assert_int_equal(open_context(fixture, &until_us), MDG_ERR_CONFIG);
}

static void test_authorities_are_replaced_together(void **state)
{
    struct fixture *fixture = *state;
    struct der second, second_key, successor, successor_key, stranger, stranger_key;
    uint8_t noise[] = {0x30, 0x03, 1, 2, 3};
    int64_t until_us = 0;
    enrolled(fixture);
    assert_int_equal(authority_create("みどり", fixture->now_us, &second, &second_key), 0);
    assert_int_equal(authority_create("みどり", fixture->now_us, &successor, &successor_key), 0);
    assert_int_equal(authority_create("よその町", fixture->now_us, &stranger, &stranger_key), 0);
    ProtobufCBinaryData both[] = {{fixture->authority.length, fixture->authority.bytes}, {second.length, second.bytes}};
    ProtobufCBinaryData broken[] = {{second.length, second.bytes}, {sizeof noise, noise}};
    assert_int_equal(profile_save_authorities(&fixture->profile, both, 2), 0);
    assert_int_equal(profile_save_authorities(&fixture->profile, broken, 2), MDG_ERR_CRYPTO);
    assert_int_equal(profile_save_authorities(&fixture->profile, NULL, 0), MDG_ERR_CRYPTO);

    SSL_CTX *context = NULL;
    assert_int_equal(profile_context(&fixture->profile, &context, &until_us, &until_us), 0);
    STACK_OF(X509_OBJECT) *trusted = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    assert_int_equal(sk_X509_OBJECT_num(trusted), 2);
    SSL_CTX_free(context);

    const struct {
        const struct der *der;
        bool is_known;
    } CASES[] = {{&fixture->authority, true},
                 {&second, true},
                 {&successor, true}, /* came while this terminal slept: it enrols again and keeps its outbox */
                 {&stranger, false}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const unsigned char *at = CASES[i].der->bytes;
        X509 *certificate = d2i_X509(NULL, &at, (long)CASES[i].der->length);
        assert_non_null(certificate);
        assert_int_equal(profile_knows_authority(&fixture->profile, certificate), CASES[i].is_known);
        X509_free(certificate);
    }
}

static void test_the_sign_in_is_private_and_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct profile_sign_in saved = {.token_length = SIGN_IN_TOKEN_BYTES, .person_id = 9, .roles = 3, .until_us = 77};
    struct profile_sign_in loaded;
    char path[PROFILE_PATH_BYTES];
    for (int i = 0; i < SIGN_IN_TOKEN_BYTES; i++) saved.token[i] = (uint8_t)(17 * i);
    snprintf(saved.name, sizeof saved.name, "佐藤 花子");
    assert_int_equal(profile_load_sign_in(&fixture->profile, &loaded), MDG_ERR_NOT_FOUND);
    assert_int_equal(profile_save_sign_in(&fixture->profile, &saved), 0);
    assert_int_equal(mode_of(fixture, "sign_in"), 0600);
    assert_int_equal(profile_load_sign_in(&fixture->profile, &loaded), 0);
    assert_int_equal(loaded.token_length, SIGN_IN_TOKEN_BYTES);
    assert_memory_equal(loaded.token, saved.token, SIGN_IN_TOKEN_BYTES);
    assert_string_equal(loaded.name, saved.name);
    assert_int_equal(loaded.person_id, 9);
    assert_int_equal(loaded.roles, 3);
    assert_int_equal(loaded.until_us, 77);

    path_of(fixture, "sign_in", path);
    assert_int_equal(profile_file_write(path, 0600, "token = 12\n", 11), 0);
    assert_int_equal(profile_load_sign_in(&fixture->profile, &loaded), MDG_ERR_CONFIG);
    assert_int_equal(loaded.token_length, 0);
    profile_forget_sign_in(&fixture->profile);
    assert_int_equal(profile_load_sign_in(&fixture->profile, &loaded), MDG_ERR_NOT_FOUND);
}

static void test_a_lock_is_held_by_one(void **state)
{
    struct fixture *fixture = *state;
    int first = -1, second = -1;
    assert_int_equal(profile_lock(&fixture->profile, "x.lock", &first), 0);
    assert_int_equal(profile_lock(&fixture->profile, "x.lock", &second), MDG_ERR_IN_USE);
    close(first);
    assert_int_equal(profile_lock(&fixture->profile, "x.lock", &second), 0);
    close(second);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_facts_come_back),
        CASE(test_what_is_no_profile),
        CASE(test_identity_is_private_and_whole),
        CASE(test_a_renewal_cut_short_leaves_one_that_works),
        CASE(test_authorities_are_replaced_together),
        CASE(test_the_sign_in_is_private_and_forgotten),
        CASE(test_a_lock_is_held_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
