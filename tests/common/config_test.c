/* tests/common/config_test.c - settings from a file and from arguments, and how wrong ones are refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config.h"
#include "common/error.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct config_setting SETTINGS[] = {
    {"name", CONFIG_TEXT, 1, 20, "NAME", NULL, "Whose it is.", false},
    {"listen", CONFIG_ADDRESS, 0, 0, "ADDR:PORT", "127.0.0.1:7070", "Where to listen.", false},
    {"most", CONFIG_COUNT, 1, 64, "connections", "10", "How many at most.", false},
    {"patience", CONFIG_SECONDS, 1, 7200, "SECONDS", "30", "How long to wait.", false},
    {"room", CONFIG_BYTES, 0, INT64_C(8) << 30, "BYTES", "64K", "How much at most.", false},
    {"data", CONFIG_PATH, 0, 0, "DIR", NULL, "Where it lies.", false},
    {"quiet", CONFIG_FLAG, 0, 0, NULL, "no", "Say nothing.", false},
    {"yes", CONFIG_FLAG, 0, 0, NULL, "no", "Do not ask.", true},
};

static struct config *config_make(void)
{
    struct config *config = NULL;
    assert_int_equal(config_new(SETTINGS, COUNT(SETTINGS), &config), 0);
    return config;
}

static int read_text(struct config *config, const char *text, size_t length)
{
    char path[] = "/tmp/madoguchi-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), (ssize_t)length);
    close(fd);
    int rc = config_read_file(config, path);
    unlink(path);
    return rc;
}

static void test_fallbacks(void **state)
{
    (void)state;
    struct config *config = config_make();
    assert_null(config_text(config, "name"));
    assert_string_equal(config_text(config, "listen"), "127.0.0.1:7070");
    assert_int_equal(config_number(config, "most"), 10);
    assert_int_equal(config_number(config, "room"), 65536);
    assert_false(config_flag(config, "quiet"));
    assert_false(config_is_given(config, "most"));
    assert_string_equal(config_problem(config), "");
    config_free(config);
    config_free(NULL);
}

static void test_file(void **state)
{
    static const char TEXT[] = "\xef\xbb\xbf; a comment\n\nname = 青葉センター ; after a value\nmost=3\n"
                               "patience = 2h\nroom = 2M\nlisten = [::1]:0\nquiet = on\ndata = /var/lib/a b";
    (void)state;
    struct config *config = config_make();
    assert_int_equal(read_text(config, TEXT, sizeof TEXT - 1), 0);
    assert_string_equal(config_text(config, "name"), "青葉センター");
    assert_int_equal(config_number(config, "most"), 3);
    assert_int_equal(config_number(config, "patience"), 7200);
    assert_int_equal(config_number(config, "room"), 2 * 1024 * 1024);
    assert_string_equal(config_text(config, "data"), "/var/lib/a b");
    assert_true(config_flag(config, "quiet"));
    assert_true(config_is_given(config, "most"));
    config_free(config);
}

static void test_bad_files(void **state)
{
    static const struct {
        const char *name, *text;
        const char *says[3];
    } CASES[] = {
        {"unknown key", "most = 1\nmsot = 2\n", {":2:", "msot"}},
        {"a key of the arguments only", "yes = yes\n", {":1:", "yes"}},
        {"too small", "\n\nmost = 0\n", {":3:", "most", "from 1 to 64"}},
        {"too large", "most = 65\n", {":1:", "most", "from 1 to 64"}},
        {"huge", "most = 99999999999999999999\n", {":1:", "most", "from 1 to 64"}},
        {"product too large", "room = 9223372036854775807G\n", {":1:", "room"}},
        {"not a number", "most = many\n", {":1:", "most", "many"}},
        {"empty number", "most =\n", {":1:", "most"}},
        {"half a number", "most = 1.5\n", {":1:", "most"}},
        {"plus", "most = +5\n", {":1:", "most"}},
        {"unit of another type", "most = 5s\n", {":1:", "most"}},
        {"unknown unit", "patience = 5weeks\n", {":1:", "patience", "min, h or d"}},
        {"negative bytes", "room = -1\n", {":1:", "room"}},
        {"flag", "quiet = maybe\n", {":1:", "quiet", "yes or no"}},
        {"empty text", "name =\n", {":1:", "name", "1 to 20"}},
        {"long text", "name = 123456789012345678901\n", {":1:", "name", "1 to 20"}},
        {"not UTF-8", "name = \x8e\xf3\n", {":1:", "name", "UTF-8"}},
        {"control character", "name = a\x1b[2J\n", {":1:", "name"}},
        {"empty path", "data =\n", {":1:", "data"}},
        {"address without port", "listen = 127.0.0.1\n", {":1:", "listen", "127.0.0.1:7070"}},
        {"name for an address", "listen = localhost:80\n", {":1:", "listen"}},
        {"port too large", "listen = 127.0.0.1:65536\n", {":1:", "listen"}},
        {"twice", "most = 1\nmost = 2\n", {":2:", "most", "before"}},
        {"section", "[server]\nmost = 1\n", {":2:", "[server]"}},
        {"no equals sign", "name = a\nhello\n", {":2:", "key = value"}},
        {"the first of two faults", "nonsense\nmost = 0\n", {":1:", "key = value"}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct config *config = config_make();
        if (read_text(config, CASES[i].text, strlen(CASES[i].text)) != MDG_ERR_CONFIG) fail_msg("%s", CASES[i].name);
        for (size_t j = 0; j < 3 && CASES[i].says[j]; j++) {
            if (!strstr(config_problem(config), CASES[i].says[j]))
                fail_msg("%s: '%s' not in '%s'", CASES[i].name, CASES[i].says[j], config_problem(config));
        }
        config_free(config);
    }
}

static void test_unreadable_files(void **state)
{
    (void)state;
    struct config *config = config_make();
    assert_int_equal(config_read_file(config, "/nonexistent/madoguchid.ini"), MDG_ERR_CONFIG);
    assert_non_null(strstr(config_problem(config), "/nonexistent/madoguchid.ini"));
    assert_int_equal(config_read_file(config, "/tmp"), MDG_ERR_CONFIG); /* a folder */

    char line[4096];
    memset(line, 'x', sizeof line);
    memcpy(line, "name = ", 7);
    assert_int_equal(read_text(config, line, sizeof line), MDG_ERR_CONFIG);
    assert_non_null(strstr(config_problem(config), ":1:"));
    config_free(config);
}

static void test_arguments(void **state)
{
    static const struct {
        const char *name;
        char *arguments[4];
        int rc;
        const char *says;
        int64_t most;
        bool is_quiet;
    } CASES[] = {
        {"none", {NULL}, 0, "", 10, false},
        {"with equals", {"--most=5"}, 0, "", 5, false},
        {"two words", {"--most", "5"}, 0, "", 5, false},
        {"the last one counts", {"--most=5", "--most=6"}, 0, "", 6, false},
        {"flag", {"--quiet"}, 0, "", 10, true},
        {"flag with value", {"--quiet=yes"}, 0, "", 10, true},
        {"flag takes no second word", {"--quiet", "no"}, MDG_ERR_INVALID, "'no'", 10, true},
        {"negated", {"--quiet", "--no-quiet"}, 0, "", 10, false},
        {"negated what is no flag", {"--no-most"}, MDG_ERR_INVALID, "--no-most", 10, false},
        {"unknown", {"--mots=5"}, MDG_ERR_INVALID, "--mots", 10, false},
        {"part of a key", {"--mos=5"}, MDG_ERR_INVALID, "--mos", 10, false},
        {"no value", {"--most"}, MDG_ERR_INVALID, "needs a value", 10, false},
        {"bad value", {"--most=0"}, MDG_ERR_INVALID, "from 1 to 64", 10, false},
        {"a word", {"most"}, MDG_ERR_INVALID, "'most'", 10, false},
        {"two hyphens", {"--"}, MDG_ERR_INVALID, "'--'", 10, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct config *config = config_make();
        int argc = 0;
        while (argc < 4 && CASES[i].arguments[argc]) argc++;
        if (config_read_arguments(config, argc, CASES[i].arguments) != CASES[i].rc) fail_msg("%s", CASES[i].name);
        if (!strstr(config_problem(config), CASES[i].says)) fail_msg("%s: %s", CASES[i].name, config_problem(config));
        if (config_number(config, "most") != CASES[i].most) fail_msg("%s: most", CASES[i].name);
        if (config_flag(config, "quiet") != CASES[i].is_quiet) fail_msg("%s: quiet", CASES[i].name);
        config_free(config);
    }
}

static void test_arguments_stand_before_the_file(void **state)
{
    static const char TEXT[] = "most = 3\npatience = 9\n";
    (void)state;
    for (int is_file_first = 0; is_file_first < 2; is_file_first++) {
        struct config *config = config_make();
        if (is_file_first) assert_int_equal(read_text(config, TEXT, sizeof TEXT - 1), 0);
        assert_int_equal(config_read_arguments(config, 1, (char *[]){"--most=4"}), 0);
        if (!is_file_first) assert_int_equal(read_text(config, TEXT, sizeof TEXT - 1), 0);
        assert_int_equal(config_number(config, "most"), 4);
        assert_int_equal(config_number(config, "patience"), 9);
        config_free(config);
    }
}

static void test_require(void **state)
{
    (void)state;
    struct config *config = config_make();
    static const char *const KEYS[] = {"listen", "data", NULL};
    assert_int_equal(config_require(config, KEYS), MDG_ERR_INVALID);
    assert_non_null(strstr(config_problem(config), "--data"));
    assert_int_equal(config_read_arguments(config, 1, (char *[]){"--data=/x"}), 0);
    assert_int_equal(config_require(config, KEYS), 0);
    config_free(config);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        int rc;
        const char *host;
        int port;
    } CASES[] = {
        {"127.0.0.1:7070", 0, "127.0.0.1", 7070},
        {"0.0.0.0:0", 0, "0.0.0.0", 0},
        {"[::1]:65535", 0, "::1", 65535},
        {"[::]:1", 0, "::", 1},
        {"::1:80", MDG_ERR_INVALID, NULL, 0},
        {"[127.0.0.1]:80", MDG_ERR_INVALID, NULL, 0},
        {"[::1:80", MDG_ERR_INVALID, NULL, 0},
        {"[]:80", MDG_ERR_INVALID, NULL, 0},
        {":80", MDG_ERR_INVALID, NULL, 0},
        {"127.0.0.1:", MDG_ERR_INVALID, NULL, 0},
        {"127.0.0.1:-1", MDG_ERR_INVALID, NULL, 0},
        {"127.0.0.1:80x", MDG_ERR_INVALID, NULL, 0},
        {"127.0.0.1:000080", MDG_ERR_INVALID, NULL, 0},
        {"256.0.0.1:80", MDG_ERR_INVALID, NULL, 0},
        {"[", MDG_ERR_INVALID, NULL, 0},
        {"[:", MDG_ERR_INVALID, NULL, 0},
        {"", MDG_ERR_INVALID, NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char host[CONFIG_HOST_BYTES];
        int port = -1;
        if (config_address(CASES[i].text, host, &port) != CASES[i].rc) fail_msg("'%s'", CASES[i].text);
        if (CASES[i].rc != 0) continue;
        assert_string_equal(host, CASES[i].host);
        assert_int_equal(port, CASES[i].port);
    }
}

static char *printed(void (*print)(const struct config_setting *, size_t, FILE *))
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    print(SETTINGS, COUNT(SETTINGS), out);
    fclose(out);
    return text;
}

/* What the table yields names every setting; the sample, with its lines uncommented, is a file that reads. */
static void test_what_the_table_yields(void **state)
{
    (void)state;
    char *help = printed(config_print_help), *sample = printed(config_print_sample), *man = printed(config_print_man);
    for (size_t i = 0; i < COUNT(SETTINGS); i++) {
        if (!strstr(help, SETTINGS[i].key) || !strstr(help, SETTINGS[i].help)) fail_msg("help: %s", SETTINGS[i].key);
        if (!strstr(man, SETTINGS[i].key) || !strstr(man, "\\-\\-")) fail_msg("man: %s", SETTINGS[i].key);
        if ((strstr(sample, SETTINGS[i].help) != NULL) == SETTINGS[i].is_argument_only)
            fail_msg("sample: %s", SETTINGS[i].key);
    }
    struct config *config = config_make();
    assert_int_equal(read_text(config, sample, strlen(sample)), 0);
    for (char *at = sample; (at = strstr(at, "\n;")) != NULL; at++) {
        const bool is_setting = at[2] != ' ' && strstr(at, " = ") && strncmp(strstr(at, " = "), " = \n", 4) != 0;
        if (is_setting) at[1] = ' ', memmove(at + 1, at + 2, strlen(at + 1));
    }
    if (read_text(config, sample, strlen(sample)) != 0) fail_msg("%s\n%s", config_problem(config), sample);
    assert_true(config_is_given(config, "patience"));
    config_free(config);
    free(help);
    free(sample);
    free(man);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fallbacks),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_unreadable_files),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_arguments_stand_before_the_file),
        cmocka_unit_test(test_require),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_what_the_table_yields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
