/* server/command_man.c - the man page, from the same tables as --help. */
#include "common/locale.h"
#include "server/command.h"

static enum mdg_exit run(struct config *config)
{
    (void)config;
    command_print_man(stdout);
    return MDG_EXIT_OK;
}

const struct command COMMAND_MAN = {
    .name = "man",
    .summary = N_("Prints the manual page of madoguchid in roff."),
    .run = run,
};
