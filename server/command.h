/* server/command.h - the subcommands of madoguchid. Each is a file; command.c lists them, a line each. */
#ifndef MADOGUCHI_SERVER_COMMAND_H
#define MADOGUCHI_SERVER_COMMAND_H

#include <stddef.h>
#include <stdio.h>

#include "common/config.h"
#include "common/error.h"

struct command {
    const char *name;    /* one word, or two */
    const char *summary; /* one sentence, translated by _() */
    const struct config_setting *settings;
    size_t settings_count;
    const char *const *required; /* keys, NULL-terminated */
    enum mdg_exit (*run)(struct config *config);
};

extern const struct command COMMAND_INIT, COMMAND_SERVE, COMMAND_ENROL_FIRST, COMMAND_RECOVER, COMMAND_GRANT,
    COMMAND_VERIFY, COMMAND_ROUTES, COMMAND_BACKUP, COMMAND_RESTORE, COMMAND_CONFIG_SAMPLE, COMMAND_MAN;

extern const struct command *const COMMANDS[];
extern const size_t COMMANDS_COUNT;

/* The command that the first words name and, in *words, how many they are. NULL: none. */
const struct command *command_find(int argc, char *const argv[], int *words);
void command_print_help(FILE *out);
void command_print_help_of(const struct command *command, FILE *out);
void command_print_man(FILE *out);

/* "madoguchid: …" to stderr; returns the exit code of the class of rc. */
enum mdg_exit complain(int rc, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines that several commands share. */
#define SETTING_DATA                                                                           \
    {                                                                                          \
        "data", CONFIG_PATH, 0, 0, "DIR", NULL, N_("The data directory of the centre."), false \
    }
#define SETTING_KEYS                                                                                       \
    {                                                                                                      \
        "keys", CONFIG_PATH, 0, 0, "DIR", NULL,                                                            \
            N_("Where the pepper and the master key lie; keys in the data directory unless given."), false \
    }

#endif
