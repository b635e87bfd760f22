#include "client/ctl/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS_DEFAULT 10000u
#define TIMEOUT_S_MAX 86400

const struct ctl_option CTL_COMMON_OPTIONS[] = {
    {"profile", "DIR", N_("the folder that makes this machine a terminal of the centre"), false, NULL},
    {"json", NULL, N_("answer with one JSON document"), false, NULL},
    {"timeout", "S", N_("wait at most that many seconds for the server (10)"), false, NULL},
    {"secret-stdin", NULL, N_("read passphrases from standard input, a line each"), false, NULL},
    {"help", NULL, N_("show this help"), false, NULL},
    {"version", NULL, N_("show the version"), false, NULL},
    {NULL, NULL, NULL, false, NULL},
};

/* How many words of argv the command's name takes up; 0: it is another one. */
static int command_matches(const struct ctl_command *command, int count, char **words)
{
    const char *name = command->name;
    int used = 0;
    while (*name) {
        size_t length = strcspn(name, " ");
        if (used == count || strlen(words[used]) != length || strncmp(words[used], name, length) != 0) return 0;
        used++;
        name += length;
        if (*name == ' ') name++;
    }
    return used;
}

/* The command with the most words wins: "visit place save" before a "visit place". */
static const struct ctl_command *command_find(int count, char **words, int *used)
{
    const struct ctl_command *found = NULL;
    *used = 0;
    for (const struct ctl_family *family = CTL_FAMILIES; family->title; family++) {
        for (const struct ctl_command *command = family->commands; command->name; command++) {
            int match = command_matches(command, count, words);
            if (match > *used) {
                *used = match;
                found = command;
            }
        }
    }
    return found;
}

static const struct ctl_option *option_find(const struct ctl_option *table, const char *name, size_t length)
{
    for (; table && table->name; table++) {
        if (strlen(table->name) == length && strncmp(table->name, name, length) == 0) return table;
    }
    return NULL;
}

static int common_set(struct ctl_options *options, const char *name, const char *value, char *problem, size_t size)
{
    if (strcmp(name, "profile") == 0) options->profile_dir = value;
    if (strcmp(name, "json") == 0) options->is_json = true;
    if (strcmp(name, "secret-stdin") == 0) options->is_secret_stdin = true;
    if (strcmp(name, "help") == 0) options->is_help = true;
    if (strcmp(name, "version") == 0) options->is_version = true;
    if (strcmp(name, "timeout") == 0) {
        int64_t seconds = 0;
        if (number_parse(value, 1, TIMEOUT_S_MAX, &seconds) != 0) {
            snprintf(problem, size, _("--timeout: please give whole seconds from 1 to %d."), TIMEOUT_S_MAX);
            return MDG_ERR_INVALID;
        }
        options->timeout_ms = (unsigned)seconds * 1000u;
    }
    return 0;
}

/* One "--name", "--name=value" or "--name value" at argv[*at]. */
static int option_take(struct ctl_options *options, int argc, char **argv, int *at, char *problem, size_t size)
{
    const char *name = argv[*at] + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    const struct ctl_option *own = options->command ? option_find(options->command->options, name, length) : NULL;
    const struct ctl_option *option = own ? own : option_find(CTL_COMMON_OPTIONS, name, length);
    if (!option) {
        snprintf(problem, size, _("There is no option --%.*s here. Please see --help."), (int)length, name);
        return MDG_ERR_INVALID;
    }
    if (!option->argument && value) {
        snprintf(problem, size, _("--%s takes no value."), option->name);
        return MDG_ERR_INVALID;
    }
    if (option->argument && !value) {
        if (*at + 1 >= argc) {
            snprintf(problem, size, _("--%s needs a value: %s."), option->name, option->argument);
            return MDG_ERR_INVALID;
        }
        value = argv[++*at];
    }
    if (!own) return common_set(options, option->name, value, problem, size);
    if (options->values_count == CTL_VALUES_MAX) {
        snprintf(problem, size, _("These are too many options."));
        return MDG_ERR_INVALID;
    }
    options->values[options->values_count].name = option->name;
    options->values[options->values_count++].value = value ? value : "";
    return 0;
}

static int options_check(const struct ctl_options *options, char *problem, size_t size)
{
    const struct ctl_command *command = options->command;
    if (command->operand && command->operand[0] != '[' && !options->operand) {
        snprintf(problem, size, _("“%s” needs %s. Please see --help."), command->name, command->operand);
        return MDG_ERR_INVALID;
    }
    for (int i = 0; i < CTL_OPTIONS_MAX && command->options[i].name; i++) {
        if (!command->options[i].is_required || option_is_set(options, command->options[i].name)) continue;
        snprintf(problem, size, _("“%s” needs --%s %s."), command->name, command->options[i].name,
                 command->options[i].argument);
        return MDG_ERR_INVALID;
    }
    return 0;
}

static void profile_choose(struct ctl_options *options)
{
    const char *given = getenv("MADOGUCHI_PROFILE");
    if (options->profile_dir) return;
    if (given && *given) {
        options->profile_dir = given;
        return;
    }
    const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
    size_t size = sizeof options->profile_default;
    int length = data && *data == '/' ? snprintf(options->profile_default, size, "%s/madoguchi", data)
                                      : snprintf(options->profile_default, size, "%s/.local/share/madoguchi",
                                                 home && *home ? home : ".");
    options->profile_dir = length > 0 && (size_t)length < size ? options->profile_default : ".";
}

int options_parse(struct ctl_options *options, int argc, char **argv, char *problem, size_t size)
{
    *options = (struct ctl_options){.timeout_ms = TIMEOUT_MS_DEFAULT};
    problem[0] = '\0';
    int at = 1, rc = 0;
    for (int i = 1; i < argc; i++) { /* known before anything can be wrong, so that this is told in JSON too */
        if (strcmp(argv[i], "--json") == 0) options->is_json = true;
    }
    if (argc == 2 && (strcmp(argv[1], "--completion") == 0 || strcmp(argv[1], "--man") == 0)) {
        options->is_completion = argv[1][2] == 'c';
        options->is_man = !options->is_completion;
        return 0;
    }
    while (rc == 0 && at < argc && strncmp(argv[at], "--", 2) == 0) { /* options of every command may come first */
        rc = option_take(options, argc, argv, &at, problem, size);
        at++;
    }
    if (rc != 0) return rc;
    int used = 0;
    options->command = command_find(argc - at, argv + at, &used);
    profile_choose(options);
    if (!options->command) {
        if (options->is_help || options->is_version) return 0;
        if (at == argc)
            snprintf(problem, size, _("Please say what to do; --help shows the commands."));
        else
            snprintf(problem, size, _("There is no command “%s”. Please see --help."), argv[at]);
        return MDG_ERR_INVALID;
    }
    bool has_ended = false; /* after "--" nothing is an option */
    for (at += used; at < argc && rc == 0; at++) {
        if (!has_ended && strcmp(argv[at], "--") == 0) {
            has_ended = true;
        } else if (!has_ended && strncmp(argv[at], "--", 2) == 0) {
            rc = option_take(options, argc, argv, &at, problem, size);
        } else if (options->command->operand && !options->operand) {
            options->operand = argv[at];
        } else {
            snprintf(problem, size, _("“%s” is too much here. Please see --help."), argv[at]);
            rc = MDG_ERR_INVALID;
        }
    }
    if (rc == 0 && !options->is_help) rc = options_check(options, problem, size);
    return rc;
}

const char *option_nth(const struct ctl_options *options, const char *name, int n)
{
    for (int i = 0; i < options->values_count; i++) {
        if (strcmp(options->values[i].name, name) == 0 && n-- == 0) return options->values[i].value;
    }
    return NULL;
}

const char *option_text(const struct ctl_options *options, const char *name)
{
    const char *last = NULL;
    for (int i = 0; i < options->values_count; i++) {
        if (strcmp(options->values[i].name, name) == 0) last = options->values[i].value;
    }
    return last;
}

bool option_is_set(const struct ctl_options *options, const char *name)
{
    return option_text(options, name) != NULL;
}

int number_parse(const char *text, int64_t least, int64_t most, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    if (!((*text >= '0' && *text <= '9') || *text == '-')) return MDG_ERR_INVALID;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < least || value > most) return MDG_ERR_INVALID;
    *out = value;
    return 0;
}
