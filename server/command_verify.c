/* server/command_verify.c - looks whether the centre's records are whole; the server may run. */
#include <stdio.h>

#include "common/locale.h"
#include "server/command.h"
#include "server/data_dir.h"
#include "server/inspect.h"

static const struct config_setting SETTINGS[] = {SETTING_DATA};
static const char *const REQUIRED[] = {"data", NULL};

static enum mdg_exit run(struct config *config)
{
    struct data_dir dir;
    int rc = data_dir_init(&dir, config_text(config, "data"), NULL);
    if (rc != 0) return complain(rc, _("the path of the data directory is too long"));
    rc = data_dir_check(&dir);
    if (rc != 0) return mdg_error_exit(rc);

    rc = inspect_database(dir.db, stdout);
    if (rc == 0) {
        puts(_("Nothing was found wrong."));
        return MDG_EXIT_OK;
    }
    if (rc == MDG_ERR_CORRUPT) {
        complain(rc, _("Stop the server, keep this directory as it is, and restore the last good backup."));
        return MDG_EXIT_REFUSED; /* the check itself worked */
    }
    return complain(rc, _("%s could not be checked: %s"), dir.db, mdg_error_name(rc));
}

const struct command COMMAND_VERIFY = {
    .name = "verify",
    .summary = N_("Checks the database, the audit trail and the totals; the server may run meanwhile."),
    .settings = SETTINGS,
    .settings_count = sizeof SETTINGS / sizeof SETTINGS[0],
    .required = REQUIRED,
    .run = run,
};
