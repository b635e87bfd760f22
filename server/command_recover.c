/* server/command_recover.c - a one-day code for an office account, when nobody who could reset it is left. */
#include <stdio.h>

#include "common/locale.h"
#include "server/command.h"
#include "server/console_client.h"
#include "server/data_dir.h"

static const struct config_setting SETTINGS[] = {
    SETTING_DATA,
    {"name", CONFIG_TEXT, 1, 100, "NAME", NULL, N_("The account's name."), true},
};
static const char *const REQUIRED[] = {"data", "name", NULL};

static int recover(struct console *console, const struct config *config)
{
    char name[101];
    Mdg__AccountRecover recover = MDG__ACCOUNT_RECOVER__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Response *response = NULL;
    snprintf(name, sizeof name, "%s", config_text(config, "name"));
    recover.name = name;
    accounts.of_case = MDG__ACCOUNTS__OF_RECOVER;
    accounts.recover = &recover;
    body.domain_case = MDG__BODY__DOMAIN_ACCOUNTS;
    body.accounts = &accounts;

    int rc = console_call(console, &body, 1, &response);
    if (rc != 0) return rc;
    const Mdg__Body *answer = response->body;
    if (answer && answer->domain_case == MDG__BODY__DOMAIN_ACCOUNTS &&
        answer->accounts->of_case == MDG__ACCOUNTS__OF_RECOVER_CODE) {
        console_print_code(answer->accounts->recover_code->code);
        printf("%s\n", _("It holds for one day and once. Hand it over face to face."));
    } else {
        rc = MDG_ERR_INTERNAL;
    }
    mdg__response__free_unpacked(response, NULL);
    return rc;
}

static enum mdg_exit run(struct config *config)
{
    struct data_dir dir;
    struct console *console = NULL;
    int rc = data_dir_init(&dir, config_text(config, "data"), NULL);
    if (rc == 0) rc = data_dir_check(&dir);
    if (rc == 0) rc = console_open(dir.console, &console);
    if (rc == 0) rc = recover(console, config);
    console_close(console);
    return mdg_error_exit(rc);
}

const struct command COMMAND_RECOVER = {
    .name = "recover",
    .summary = N_("Gives an office account a one-day code, when nobody in the office can sign in any more."),
    .settings = SETTINGS,
    .settings_count = sizeof SETTINGS / sizeof SETTINGS[0],
    .required = REQUIRED,
    .run = run,
};
