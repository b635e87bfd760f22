/* client/ctl/options.h - the command line as tables: families of commands, each with its options. From them come the
 * parser, --help, the completion and the man page. Texts are marked with N_() and translated where shown. */
#ifndef MADOGUCHI_CLIENT_CTL_OPTIONS_H
#define MADOGUCHI_CLIENT_CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/locale.h"

struct ctl;

struct ctl_option {
    const char *name;     /* without the two hyphens */
    const char *argument; /* e.g. "NAME"; NULL: a switch */
    const char *help;
    bool is_required;
    const char *words; /* for completion: what the argument may be, separated by spaces; or NULL */
};

#define CTL_OPTIONS_MAX 12
struct ctl_command {
    const char *name;    /* "visit count" */
    const char *operand; /* "FILE", "[ID]" when it may be left out; NULL: takes none */
    const char *help;    /* one sentence */
    int (*run)(struct ctl *ctl);
    struct ctl_option options[CTL_OPTIONS_MAX]; /* ends at a NULL name */
};

/* One file of client/ctl/ each; commands end at a NULL name. */
struct ctl_family {
    const char *title;
    const struct ctl_command *commands;
};

extern const struct ctl_family CTL_FAMILIES[];       /* ends at a NULL title */
extern const struct ctl_option CTL_COMMON_OPTIONS[]; /* ends at a NULL name */

#define CTL_VALUES_MAX 48
struct ctl_options {
    const struct ctl_command *command; /* NULL with --help alone, --completion and --man */
    const char *operand;               /* NULL: not given */
    struct {
        const char *name, *value; /* value "" for a switch; borrowed from argv and the tables */
    } values[CTL_VALUES_MAX];
    int values_count;
    const char *profile_dir;
    bool is_json, is_help, is_completion, is_man, is_version, is_secret_stdin;
    unsigned timeout_ms;
    char profile_default[4096];
};

/* 0 or MDG_ERR_INVALID with a sentence. argv[0] is the program. */
int options_parse(struct ctl_options *options, int argc, char **argv, char *problem, size_t size);

/* The option's value, the last if given twice; NULL: not given. */
const char *option_text(const struct ctl_options *options, const char *name);
bool option_is_set(const struct ctl_options *options, const char *name);
/* The n-th value of an option that may be repeated, or NULL. */
const char *option_nth(const struct ctl_options *options, const char *name, int n);

/* A whole number within [least, most]. MDG_ERR_INVALID. */
int number_parse(const char *text, int64_t least, int64_t most, int64_t *out);

#endif
