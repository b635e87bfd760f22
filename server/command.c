#include "server/command.h"

#include <stdarg.h>
#include <string.h>

#include "common/locale.h"

const struct command *const COMMANDS[] = {
    &COMMAND_INIT,   &COMMAND_SERVE,  &COMMAND_ENROL_FIRST, &COMMAND_RECOVER,       &COMMAND_GRANT, &COMMAND_VERIFY,
    &COMMAND_ROUTES, &COMMAND_BACKUP, &COMMAND_RESTORE,     &COMMAND_CONFIG_SAMPLE, &COMMAND_MAN,
};
const size_t COMMANDS_COUNT = sizeof COMMANDS / sizeof COMMANDS[0];

const struct command *command_find(int argc, char *const argv[], int *words)
{
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        const char *name = COMMANDS[i]->name, *space = strchr(name, ' ');
        const size_t first = space ? (size_t)(space - name) : strlen(name);
        if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], name, first) != 0) continue;
        if (space && (argc < 2 || strcmp(argv[1], space + 1) != 0)) continue;
        *words = space ? 2 : 1;
        return COMMANDS[i];
    }
    return NULL;
}

void command_print_help(FILE *out)
{
    fprintf(out, "%s\n\n", _("Usage: madoguchid COMMAND [--OPTION=VALUE ...]"));
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        fprintf(out, "  %-15s %s\n", COMMANDS[i]->name, _(COMMANDS[i]->summary));
    fprintf(out, "\n%s\n",
            _("'madoguchid COMMAND --help' tells the options of one command, 'madoguchid --version' the version."));
}

void command_print_help_of(const struct command *command, FILE *out)
{
    fprintf(out, _("Usage: madoguchid %s [--OPTION=VALUE ...]"), command->name);
    fprintf(out, "\n%s\n\n", _(command->summary));
    config_print_help(command->settings, command->settings_count, out);
}

void command_print_man(FILE *out)
{
    fputs(".TH MADOGUCHID 8 \"\" \"madoguchi " MDG_VERSION "\" \"Madoguchi\"\n", out);
    fputs(".SH NAME\nmadoguchid \\- ", out);
    fprintf(out, "%s\n", _("the server of a citizens' activity centre"));
    fputs(".SH SYNOPSIS\n.B madoguchid\n.I COMMAND\n[\\fB\\-\\-OPTION\\fR=\\fIVALUE\\fR ...]\n", out);
    fprintf(
        out, ".SH DESCRIPTION\n%s\n",
        _("One process keeps the records of one centre. Enrolled terminals speak to it over mutual TLS; the console, "
          "over a socket in the data directory."));
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        fprintf(out, ".SS %s\n%s\n", COMMANDS[i]->name, _(COMMANDS[i]->summary));
        config_print_man(COMMANDS[i]->settings, COMMANDS[i]->settings_count, out);
    }
    fprintf(out, ".SH EXIT STATUS\n%s\n",
            _("0: done. 1: understood and refused, or verify found something. 2: the arguments are wrong. 3: not "
              "allowed. 4: disk or network failed, try again. 5: set-up, files, versions, ports."));
    fprintf(out, ".SH FILES\nmadoguchi.db, keys/, console.sock, lock\n.br\n%s\n.SH SEE ALSO\n.BR madoguchictl (1)\n",
            _("All lie in the data directory. The keys are not part of a backup: keep a copy of them apart from it."));
}

enum mdg_exit complain(int rc, const char *format, ...)
{
    va_list args;
    fputs("madoguchid: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return mdg_error_exit(rc);
}
