/* server/command_config_sample.c - a file with every setting of serve, to be filled in. */
#include <stdio.h>

#include "common/locale.h"
#include "server/command.h"
#include "server/serve_settings.h"

static enum mdg_exit run(struct config *config)
{
    (void)config;
    printf("; %s\n\n", _("Settings of madoguchid serve. Take the semicolon away from the lines you change."));
    config_print_sample(SERVE_SETTINGS, SERVE_SETTINGS_COUNT, stdout);
    return MDG_EXIT_OK;
}

const struct command COMMAND_CONFIG_SAMPLE = {
    .name = "config sample",
    .summary = N_("Prints a settings file with every setting of serve."),
    .run = run,
};
