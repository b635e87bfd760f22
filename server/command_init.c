/* server/command_init.c - makes a centre: data directory, keys, database, certificate authority, first account. All of
 * it, or nothing: what was made is removed again when a later step fails. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "common/day.h"
#include "common/locale.h"
#include "server/accounts/account_store.h"
#include "server/centre/centre_store.h"
#include "server/command.h"
#include "server/data_dir.h"
#include "server/keys/keys.h"
#include "server/store/audit.h"
#include "server/store/db.h"
#include "server/store/migrations.h"
#include "server/terminals/trust.h"

static const struct config_setting SETTINGS[] = {
    SETTING_DATA,
    SETTING_KEYS,
    {"centre", CONFIG_TEXT, 1, 200, "NAME", NULL, N_("The centre's name."), true},
    {"zone", CONFIG_TEXT, 1, 64, "ZONE", "Asia/Tokyo", N_("The centre's IANA time zone."), true},
    {"office", CONFIG_TEXT, 1, ACCOUNT_NAME_BYTES_MAX, "NAME", "office", N_("The name of the first office account."),
     true},
};
static const char *const REQUIRED[] = {"data", "centre", NULL};

struct init {
    struct data_dir dir;
    bool made_dir, made_keys_dir, made_keys, made_db;
    char code[ACCOUNT_CODE_BYTES];
};

/* 1: there and empty, 0: there with something in it, -1: not there. */
static int dir_is_empty(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return errno == ENOENT ? -1 : 0;
    int is_empty = 1;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) is_empty = 0;
    closedir(dir);
    return is_empty;
}

static int dir_make(struct init *init)
{
    struct stat about;
    if (stat(init->dir.db, &about) == 0) {
        complain(MDG_ERR_CONFLICT, _("%s already holds a centre. Choose another directory; nothing was changed."),
                 init->dir.path);
        return MDG_ERR_CONFLICT;
    }
    const int is_empty = dir_is_empty(init->dir.path);
    if (is_empty == 0) {
        complain(MDG_ERR_CONFLICT, _("%s is there and not empty, or cannot be read. Choose another directory."),
                 init->dir.path);
        return MDG_ERR_CONFLICT;
    }
    if (is_empty == 1 && chmod(init->dir.path, 0700) == 0) return 0;
    if (is_empty == -1 && mkdir(init->dir.path, 0700) == 0) {
        init->made_dir = true;
        return 0;
    }
    complain(MDG_ERR_CONFIG, _("%s cannot be made or taken: %s"), init->dir.path, strerror(errno));
    return MDG_ERR_CONFIG;
}

static int keys_make(struct init *init, struct keys **keys)
{
    init->made_keys_dir = dir_is_empty(init->dir.keys) == -1;
    int rc = keys_create(init->dir.keys);
    if (rc == MDG_ERR_CONFLICT)
        complain(rc, _("%s already holds keys. Choose another directory; keys are never replaced."), init->dir.keys);
    else if (rc != 0)
        complain(rc, _("the keys cannot be made in %s: %s"), init->dir.keys, mdg_error_name(rc));
    init->made_keys = rc == 0;
    return rc == 0 ? keys_open(init->dir.keys, keys) : rc;
}

/* The authority, the first account and the line that says so, in one transaction. */
static int records_make(struct init *init, struct db *db, const struct keys *keys, const struct config *config)
{
    const int64_t now_us = clock_now_us();
    struct turn turn;
    int rc = turn_begin(&turn, db);
    if (rc == 0) {
        rc = trust_create(&turn, keys, config_text(config, "centre"), now_us);
        if (rc == 0) rc = account_create_first(&turn, keys, config_text(config, "office"), now_us, init->code);
        if (rc == 0) {
            const struct audit_entry entry = {
                .at_us = now_us, .operation = "centre.create", .rev = turn.rev, .count = 1};
            rc = audit_append(&turn, &entry);
        }
        if (rc == 0) rc = turn_commit(&turn);
        if (rc != 0) turn_abort(&turn);
    }
    return rc;
}

static int centre_make(struct init *init, const struct keys *keys, const struct config *config)
{
    struct db *db = NULL;
    int rc = db_create(init->dir.db, &db);
    init->made_db = rc == 0;
    if (rc == 0) rc = migrations_apply(db, init->dir.db);
    if (rc == 0) rc = db_begin_write(db);
    if (rc == 0) rc = centre_create(db, config_text(config, "centre"), config_text(config, "zone"), clock_now_us());
    if (rc == 0) rc = db_commit(db);
    if (rc == 0) rc = records_make(init, db, keys, config);
    db_close(db);
    if (rc == 0) rc = data_dir_sync(&init->dir);
    if (rc == MDG_ERR_INVALID)
        complain(rc, _("the name of the centre or of the office account cannot be used"));
    else if (rc != 0)
        complain(rc, _("the centre cannot be made: %s"), mdg_error_name(rc));
    return rc;
}

static void remove_file(const char *dir, const char *name)
{
    char path[PATH_BYTES + 64];
    int length = snprintf(path, sizeof path, "%s%s", dir, name);
    if (length > 0 && (size_t)length < sizeof path) unlink(path);
}

static void undo(const struct init *init)
{
    if (init->made_db) {
        static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
        for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) remove_file(init->dir.db, SUFFIXES[i]);
    }
    if (init->made_keys) {
        remove_file(init->dir.keys, "/pepper");
        remove_file(init->dir.keys, "/master");
        remove_file(init->dir.keys, "/data.keys");
    }
    if (init->made_keys_dir) rmdir(init->dir.keys);
    if (init->dir.lock_fd >= 0) unlink(init->dir.lock);
    if (init->made_dir) rmdir(init->dir.path);
}

static void print_next(const struct init *init, const struct config *config)
{
    printf(_("%s stands in %s."), config_text(config, "centre"), init->dir.path);
    printf("\n\n");
    printf(_("The account '%s' has the one-day code"), config_text(config, "office"));
    printf("\n\n    %s\n\n", init->code);
    puts(_("Next:"));
    printf(_("  1. Keep a copy of %s in another place: without these keys a backup is worthless."), init->dir.keys);
    printf("\n");
    printf(_("  2. Start the server: madoguchid serve --data %s"), init->dir.path);
    printf("\n");
    printf(_("  3. Enrol the first terminal: madoguchid enrol-first --data %s --name NAME"), init->dir.path);
    printf("\n");
    printf(_("  4. On that terminal: madoguchictl set-secret --name '%s' --code %s"), config_text(config, "office"),
           init->code);
    printf("\n");
}

static enum mdg_exit run(struct config *config)
{
    struct init init = {.dir = {.lock_fd = -1}};
    struct keys *keys = NULL;
    const char *zone = config_text(config, "zone");
    int rc = day_zone_set(zone);
    if (rc != 0) return complain(rc, _("the system knows no time zone '%s'. It is written like Asia/Tokyo."), zone);
    rc = data_dir_init(&init.dir, config_text(config, "data"), config_text(config, "keys"));
    if (rc != 0) return complain(rc, _("the path of the data directory is too long"));

    rc = dir_make(&init);
    if (rc == 0) rc = data_dir_lock(&init.dir);
    if (rc == 0) rc = keys_make(&init, &keys);
    if (rc == 0) rc = centre_make(&init, keys, config);
    keys_close(keys);
    if (rc == 0)
        print_next(&init, config);
    else
        undo(&init);
    OPENSSL_cleanse(init.code, sizeof init.code);
    data_dir_unlock(&init.dir);
    return mdg_error_exit(rc);
}

const struct command COMMAND_INIT = {
    .name = "init",
    .summary = N_("Makes a new centre: database, keys, certificate authority and the first office account."),
    .settings = SETTINGS,
    .settings_count = sizeof SETTINGS / sizeof SETTINGS[0],
    .required = REQUIRED,
    .run = run,
};
