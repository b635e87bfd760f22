#include "common/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>
#include <uv.h>

#include "common/error.h"
#include "common/locale.h"
#include "common/text.h"

#define PROBLEM_BYTES 512

enum config_source { SOURCE_FALLBACK, SOURCE_FILE, SOURCE_ARGUMENT }; /* the later ones win */

struct config_value {
    enum config_source source;
    char *text;     /* owned; NULL: not given */
    int64_t number; /* of numbers and flags */
};

struct config {
    const struct config_setting *settings;
    struct config_value *values; /* one for each setting */
    size_t count;
    char problem[PROBLEM_BYTES];
};

/* --- one value ------------------------------------------------------------------------------------------ */

struct config_unit {
    const char *suffix;
    int64_t factor;
};
static const struct config_unit SECONDS_UNITS[] = {{"", 1}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
static const struct config_unit BYTES_UNITS[] = {
    {"", 1}, {"K", 1024}, {"M", INT64_C(1) << 20}, {"G", INT64_C(1) << 30}};
static const struct config_unit COUNT_UNITS[] = {{"", 1}};

static const struct config_unit *units_of(enum config_type type, size_t *count)
{
    if (type == CONFIG_SECONDS) {
        *count = sizeof SECONDS_UNITS / sizeof SECONDS_UNITS[0];
        return SECONDS_UNITS;
    }
    if (type == CONFIG_BYTES) {
        *count = sizeof BYTES_UNITS / sizeof BYTES_UNITS[0];
        return BYTES_UNITS;
    }
    *count = 1;
    return COUNT_UNITS;
}

static bool number_parse(const struct config_setting *setting, const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || errno != 0 || isspace((unsigned char)text[0]) || text[0] == '+') return false;

    size_t count;
    const struct config_unit *units = units_of(setting->type, &count);
    for (size_t i = 0; i < count; i++) {
        int64_t product;
        if (strcmp(end, units[i].suffix) != 0) continue;
        if (__builtin_mul_overflow((int64_t)value, units[i].factor, &product)) return false;
        *number = product;
        return product >= setting->least && product <= setting->most;
    }
    return false;
}

static bool flag_parse(const char *text, int64_t *number)
{
    static const char *const WORDS[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        for (int is_set = 0; is_set < 2; is_set++) {
            if (strcmp(text, WORDS[i][is_set]) != 0) continue;
            *number = is_set;
            return true;
        }
    }
    return false;
}

int config_address(const char *text, char host[CONFIG_HOST_BYTES], int *port)
{
    const char *from = text, *to = strrchr(text, ':'), *digits = to ? to + 1 : NULL;
    if (!to) return MDG_ERR_INVALID;
    const bool is_v6 = *from == '[';
    if (is_v6) {
        if (to == from || to[-1] != ']') return MDG_ERR_INVALID;
        from++, to--;
    }
    const size_t length = (size_t)(to - from);
    if (length == 0 || length >= CONFIG_HOST_BYTES) return MDG_ERR_INVALID;
    memcpy(host, from, length);
    host[length] = '\0';

    if (*digits == '\0' || strlen(digits) > 5 || strspn(digits, "0123456789") != strlen(digits)) return MDG_ERR_INVALID;
    *port = (int)strtol(digits, NULL, 10);
    if (*port > 65535) return MDG_ERR_INVALID;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    int rc = is_v6 ? uv_ip6_addr(host, *port, &v6) : uv_ip4_addr(host, *port, &v4);
    return rc == 0 ? 0 : MDG_ERR_INVALID;
}

static bool value_is_good(const struct config_setting *setting, const char *text, int64_t *number)
{
    const size_t length = strlen(text);
    char host[CONFIG_HOST_BYTES];
    int port;
    *number = 0;
    switch (setting->type) {
    case CONFIG_ADDRESS:
        return config_address(text, host, &port) == 0;
    case CONFIG_COUNT:
    case CONFIG_SECONDS:
    case CONFIG_BYTES:
        return number_parse(setting, text, number);
    case CONFIG_FLAG:
        return flag_parse(text, number);
    case CONFIG_TEXT:
        if (setting->most > 0 && (length < (size_t)setting->least || length > (size_t)setting->most)) return false;
        return text_is_clean(text, length, false);
    case CONFIG_PATH:
        return length > 0 && length < 4096;
    }
    return false;
}

/* "a whole number from 1 to 64", for the message, the sample file and the man page. */
static void rule_describe(const struct config_setting *setting, char *out, size_t size)
{
    const long long least = setting->least, most = setting->most;
    switch (setting->type) {
    case CONFIG_ADDRESS:
        snprintf(out, size, "%s", _("a numeric address and a port, such as 127.0.0.1:7070 or [::1]:7070"));
        return;
    case CONFIG_COUNT:
        snprintf(out, size, _("a whole number from %lld to %lld"), least, most);
        return;
    case CONFIG_SECONDS:
        snprintf(out, size, _("seconds from %lld to %lld; s, min, h or d may follow the number"), least, most);
        return;
    case CONFIG_BYTES:
        snprintf(out, size, _("bytes from %lld to %lld; K, M or G may follow the number"), least, most);
        return;
    case CONFIG_FLAG:
        snprintf(out, size, "%s", _("yes or no"));
        return;
    case CONFIG_TEXT:
        if (most > 0)
            snprintf(out, size, _("text of %lld to %lld bytes in UTF-8"), least, most);
        else
            snprintf(out, size, "%s", _("text in UTF-8"));
        return;
    case CONFIG_PATH:
        snprintf(out, size, "%s", _("a path"));
        return;
    }
}

/* --- the set of values ---------------------------------------------------------------------------------- */

static const struct config_setting *setting_find(const struct config *config, const char *key, size_t length)
{
    for (size_t i = 0; i < config->count; i++) {
        const char *known = config->settings[i].key;
        if (strlen(known) == length && memcmp(known, key, length) == 0) return &config->settings[i];
    }
    return NULL;
}

static struct config_value *value_of(const struct config *config, const struct config_setting *setting)
{
    return &config->values[setting - config->settings];
}

__attribute__((format(printf, 3, 4))) static int fail(struct config *config, int rc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(config->problem, sizeof config->problem, format, args);
    va_end(args);
    return rc;
}

static int value_set(struct config *config, const struct config_setting *setting, const char *text,
                     enum config_source source)
{
    struct config_value *value = value_of(config, setting);
    int64_t number;
    if (!value_is_good(setting, text, &number)) return MDG_ERR_INVALID;
    if (value->source > source) return 0;

    char *copy = strdup(text);
    if (!copy) return MDG_ERR_MEMORY;
    free(value->text);
    *value = (struct config_value){source, copy, number};
    return 0;
}

int config_new(const struct config_setting *settings, size_t count, struct config **out)
{
    struct config *config = calloc(1, sizeof *config);
    if (!config) return MDG_ERR_MEMORY;
    *config = (struct config){.settings = settings, .count = count};
    config->values = calloc(count > 0 ? count : 1, sizeof *config->values);
    int rc = config->values ? 0 : MDG_ERR_MEMORY;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        assert(setting_find(config, settings[i].key, strlen(settings[i].key)) == &settings[i]);
        if (settings[i].fallback) rc = value_set(config, &settings[i], settings[i].fallback, SOURCE_FALLBACK);
        assert(rc != MDG_ERR_INVALID);
    }
    if (rc != 0) {
        config_free(config);
        return rc;
    }
    *out = config;
    return 0;
}

void config_free(struct config *config)
{
    if (!config) return;
    for (size_t i = 0; config->values && i < config->count; i++) free(config->values[i].text);
    free(config->values);
    free(config);
}

const char *config_problem(const struct config *config)
{
    return config->problem;
}

/* --- the file ------------------------------------------------------------------------------------------- */

/* inih counts lines, but tells its handler nothing of them: so the reader counts. */
struct config_file {
    struct config *config;
    const char *path;
    FILE *stream;
    int line;
    int rc; /* the first fault found; nothing is read after it */
    bool *is_seen;
};

static char *file_line(char *line, int size, void *arg)
{
    struct config_file *file = arg;
    if (file->rc != 0 || !fgets(line, size, file->stream)) return NULL;
    file->line++;
    if (strchr(line, '\n') || feof(file->stream)) return line;
    file->rc = fail(file->config, MDG_ERR_CONFIG, _("%s:%d: the line is longer than %d bytes"), file->path, file->line,
                    size - 2);
    return NULL;
}

static int file_setting(void *arg, const char *section, const char *name, const char *text)
{
    struct config_file *file = arg;
    struct config *config = file->config;
    const struct config_setting *setting = setting_find(config, name, strlen(name));
    if (file->rc != 0) return 0;

    char rule[160];
    if (section[0] != '\0') {
        file->rc = fail(config, MDG_ERR_CONFIG, _("%s:%d: this file has no sections, but [%s] stands there"),
                        file->path, file->line, section);
    } else if (!setting || setting->is_argument_only) {
        file->rc = fail(config, MDG_ERR_CONFIG, _("%s:%d: there is no setting '%s'"), file->path, file->line, name);
    } else if (file->is_seen[setting - config->settings]) {
        file->rc =
            fail(config, MDG_ERR_CONFIG, _("%s:%d: %s was set before in this file"), file->path, file->line, name);
    } else {
        file->is_seen[setting - config->settings] = true;
        file->rc = value_set(config, setting, text, SOURCE_FILE);
        if (file->rc == MDG_ERR_INVALID) {
            rule_describe(setting, rule, sizeof rule);
            file->rc =
                fail(config, MDG_ERR_CONFIG, _("%s:%d: %s = %s: must be %s"), file->path, file->line, name, text, rule);
        }
    }
    return file->rc == 0;
}

int config_read_file(struct config *config, const char *path)
{
    struct config_file file = {.config = config, .path = path};
    config->problem[0] = '\0';
    file.stream = fopen(path, "re");
    if (!file.stream) return fail(config, MDG_ERR_CONFIG, _("%s cannot be read: %s"), path, strerror(errno));

    file.is_seen = calloc(config->count > 0 ? config->count : 1, sizeof *file.is_seen);
    int bad_line = file.is_seen ? ini_parse_stream(file_line, &file, file_setting, &file) : 0;
    if (!file.is_seen) {
        file.rc = MDG_ERR_MEMORY;
    } else if (ferror(file.stream)) {
        file.rc = fail(config, MDG_ERR_CONFIG, _("%s cannot be read: %s"), path, strerror(errno));
    } else if (bad_line > 0 && (file.rc == 0 || bad_line < file.line)) {
        file.rc = fail(config, MDG_ERR_CONFIG, _("%s:%d: neither 'key = value' nor a comment"), path, bad_line);
    }
    free(file.is_seen);
    fclose(file.stream);
    return file.rc;
}

/* --- the command line ----------------------------------------------------------------------------------- */

static int argument_value(struct config *config, const struct config_setting *setting, const char *text)
{
    char rule[160];
    int rc = value_set(config, setting, text, SOURCE_ARGUMENT);
    if (rc != MDG_ERR_INVALID) return rc;
    rule_describe(setting, rule, sizeof rule);
    return fail(config, rc, _("--%s %s: must be %s"), setting->key, text, rule);
}

int config_read_arguments(struct config *config, int argc, char *const argv[])
{
    config->problem[0] = '\0';
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
            return fail(config, MDG_ERR_INVALID, _("'%s' is not expected here; see --help"), word);

        const char *key = word + 2, *equals = strchr(key, '=');
        const size_t length = equals ? (size_t)(equals - key) : strlen(key);
        const struct config_setting *setting = setting_find(config, key, length);
        const struct config_setting *negated =
            !setting && !equals && strncmp(key, "no-", 3) == 0 ? setting_find(config, key + 3, length - 3) : NULL;

        int rc;
        if (negated && negated->type == CONFIG_FLAG) {
            rc = argument_value(config, negated, "no");
        } else if (!setting) {
            rc = fail(config, MDG_ERR_INVALID, _("there is no option --%.*s; see --help"), (int)length, key);
        } else if (equals) {
            rc = argument_value(config, setting, equals + 1);
        } else if (setting->type == CONFIG_FLAG) {
            rc = argument_value(config, setting, "yes");
        } else if (i + 1 >= argc) {
            rc = fail(config, MDG_ERR_INVALID, _("--%s needs a value"), setting->key);
        } else {
            rc = argument_value(config, setting, argv[++i]);
        }
        if (rc != 0) return rc;
    }
    return 0;
}

int config_require(struct config *config, const char *const keys[])
{
    for (size_t i = 0; keys[i]; i++) {
        if (!config_text(config, keys[i]))
            return fail(config, MDG_ERR_INVALID, _("--%s must be given; see --help"), keys[i]);
    }
    return 0;
}

/* --- reading values ------------------------------------------------------------------------------------- */

static const struct config_value *value_get(const struct config *config, const char *key)
{
    const struct config_setting *setting = setting_find(config, key, strlen(key));
    assert(setting);
    return value_of(config, setting);
}

const char *config_text(const struct config *config, const char *key)
{
    return value_get(config, key)->text;
}

int64_t config_number(const struct config *config, const char *key)
{
    assert(value_get(config, key)->text);
    return value_get(config, key)->number;
}

bool config_flag(const struct config *config, const char *key)
{
    return value_get(config, key)->number != 0;
}

bool config_is_given(const struct config *config, const char *key)
{
    return value_get(config, key)->source != SOURCE_FALLBACK;
}

/* --- what the table yields ------------------------------------------------------------------------------ */

void config_print_help(const struct config_setting *settings, size_t count, FILE *out)
{
    char head[96];
    for (size_t i = 0; i < count; i++) {
        const struct config_setting *setting = &settings[i];
        const bool is_flag = setting->type == CONFIG_FLAG;
        snprintf(head, sizeof head, "--%s%s%s", setting->key, is_flag ? "" : "=", is_flag ? "" : setting->unit);
        fprintf(out, "  %-27s", head);
        if (strlen(head) > 27) fprintf(out, "\n%29s", "");
        fprintf(out, " %s", _(setting->help));
        if (setting->fallback && setting->fallback[0] != '\0' && !is_flag) fprintf(out, " [%s]", setting->fallback);
        fputc('\n', out);
    }
}

void config_print_sample(const struct config_setting *settings, size_t count, FILE *out)
{
    char rule[160];
    for (size_t i = 0; i < count; i++) {
        const struct config_setting *setting = &settings[i];
        if (setting->is_argument_only) continue;
        rule_describe(setting, rule, sizeof rule);
        fprintf(out, "; %s\n; (%s", _(setting->help), rule);
        if (setting->type == CONFIG_COUNT && setting->unit) fprintf(out, ", %s", _(setting->unit));
        /* A setting without a value of its own stands there as a comment to be filled in. */
        fprintf(out, ")\n;%s = %s\n\n", setting->key, setting->fallback ? setting->fallback : "");
    }
}

/* Roff takes a hyphen for a typographic one and a line that begins with a point or quote for a command. */
static void roff_print(const char *text, FILE *out)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((*at == '.' || *at == '\'') && at == text) fputs("\\&", out);
        if (*at == '\\') {
            fputs("\\e", out);
        } else if (*at == '-') {
            fputs("\\-", out);
        } else {
            fputc(*at, out);
        }
    }
}

void config_print_man(const struct config_setting *settings, size_t count, FILE *out)
{
    char rule[160];
    for (size_t i = 0; i < count; i++) {
        const struct config_setting *setting = &settings[i];
        fputs(".TP\n\\fB\\-\\-", out);
        roff_print(setting->key, out);
        fputs("\\fR", out);
        if (setting->type != CONFIG_FLAG) fprintf(out, "=\\fI%s\\fR", setting->unit);
        fputc('\n', out);
        roff_print(_(setting->help), out);
        rule_describe(setting, rule, sizeof rule);
        fputs("\n(", out);
        roff_print(rule, out);
        if (setting->fallback && setting->fallback[0] != '\0') {
            fputs("; default ", out);
            roff_print(setting->fallback, out);
        }
        fputs(")\n", out);
    }
}
