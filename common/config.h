/* common/config.h - settings from one table: it yields the reading of an INI file and of the command line, --help,
 * a sample file and the options of a man page. What is wrong is refused with its place, its key and the rule. */
#ifndef MADOGUCHI_COMMON_CONFIG_H
#define MADOGUCHI_COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum config_type {
    CONFIG_TEXT,    /* least to most bytes of UTF-8 without control characters */
    CONFIG_ADDRESS, /* 127.0.0.1:7070 or [::1]:7070; port 0: any free one */
    CONFIG_COUNT,   /* a whole number */
    CONFIG_SECONDS, /* a whole number with s (or nothing), min, h or d */
    CONFIG_BYTES,   /* a whole number with nothing, K, M or G */
    CONFIG_PATH,
    CONFIG_FLAG /* yes or no */
};

struct config_setting {
    const char *key; /* as in the file and after -- */
    enum config_type type;
    int64_t least, most;   /* of numbers, and the bytes of a text; 0, 0: no limit for a text or path */
    const char *unit;      /* what --help shows for the value: DIR, ADDR:PORT; for counts what is counted */
    const char *fallback;  /* when it is not given; NULL: it must be given where config_require() asks for it */
    const char *help;      /* one sentence, translated by _() */
    bool is_argument_only; /* makes no sense in a file: --config itself, --yes */
};

struct config;

/* The table is borrowed and constant; our own mistakes in it are asserted. MDG_ERR_MEMORY. */
int config_new(const struct config_setting *settings, size_t count, struct config **out);
void config_free(struct config *config); /* NULL is allowed */

/* A value of the command line stands before one of the file, in whatever order they are read. All return 0,
 * MDG_ERR_CONFIG (file) or MDG_ERR_INVALID (arguments) with config_problem() saying what and where. */
int config_read_file(struct config *config, const char *path);
/* --key=value, --key value, --flag, --no-flag. Stops at nothing: a word that is no option is refused. */
int config_read_arguments(struct config *config, int argc, char *const argv[]);
/* The keys of a NULL-terminated list must have a value. MDG_ERR_INVALID. */
int config_require(struct config *config, const char *const keys[]);
/* A translated sentence, or "". Borrowed until the next call that reads. */
const char *config_problem(const struct config *config);

/* The value of a key of the table; an unknown key or another type is our own mistake and asserted. */
const char *config_text(const struct config *config, const char *key); /* text, address, path; NULL: not given */
int64_t config_number(const struct config *config, const char *key);   /* count, seconds, bytes */
bool config_flag(const struct config *config, const char *key);
bool config_is_given(const struct config *config, const char *key); /* in file or arguments */

#define CONFIG_HOST_BYTES 64
/* Cuts a numeric address and a port apart. MDG_ERR_INVALID. */
int config_address(const char *text, char host[CONFIG_HOST_BYTES], int *port);

void config_print_help(const struct config_setting *settings, size_t count, FILE *out);
void config_print_sample(const struct config_setting *settings, size_t count, FILE *out);
void config_print_man(const struct config_setting *settings, size_t count, FILE *out); /* roff, .TP entries */

#endif
