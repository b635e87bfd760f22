/* server/command_backup.c - a consistent copy of the database, opened again and checked before it counts. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/locale.h"
#include "server/command.h"
#include "server/data_dir.h"
#include "server/inspect.h"
#include "server/store/db.h"

static const struct config_setting SETTINGS[] = {
    SETTING_DATA,
    {"to", CONFIG_PATH, 0, 0, "FILE", NULL, N_("The file to be made; it must not be there yet."), true},
};
static const char *const REQUIRED[] = {"data", "to", NULL};

/* On a connection of its own, from one snapshot: a running server goes on writing meanwhile. A reading connection
 * would not do, it may not make the new file either. */
static int copy(const char *from, const char *to)
{
    struct db *db = NULL;
    int rc = db_open(from, DB_WRITE, &db);
    if (rc == 0) rc = db_copy(db, to);
    db_close(db);
    return rc;
}

static enum mdg_exit run(struct config *config)
{
    const char *to = config_text(config, "to");
    struct data_dir dir;
    struct stat about;
    int rc = data_dir_init(&dir, config_text(config, "data"), NULL);
    if (rc != 0) return complain(rc, _("the path of the data directory is too long"));
    rc = data_dir_check(&dir);
    if (rc != 0) return mdg_error_exit(rc);
    if (stat(to, &about) == 0) return complain(MDG_ERR_CONFLICT, _("%s is there already. Choose another name."), to);

    rc = copy(dir.db, to);
    if (rc == 0) rc = inspect_database(to, NULL);
    if (rc != 0) {
        unlink(to);
        return complain(rc, _("the backup was not made: %s"), mdg_error_name(rc));
    }
    printf(_("%s holds the whole database and was checked."), to);
    printf("\n");
    printf(_("The keys in %s are not in it. Without them it cannot be used: keep a copy of them in another place."),
           dir.keys);
    printf("\n");
    return MDG_EXIT_OK;
}

const struct command COMMAND_BACKUP = {
    .name = "backup",
    .summary = N_("Copies the database into one file and checks the copy; the server may run meanwhile."),
    .settings = SETTINGS,
    .settings_count = sizeof SETTINGS / sizeof SETTINGS[0],
    .required = REQUIRED,
    .run = run,
};
