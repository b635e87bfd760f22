/* server/command_restore.c - takes a backup in place of the database. What stood there is kept beside it, and nothing
 * is changed before the backup has been copied, checked and found to belong to these keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "common/locale.h"
#include "server/centre/centre_store.h"
#include "server/command.h"
#include "server/data_dir.h"
#include "server/inspect.h"
#include "server/keys/keys.h"
#include "server/store/db.h"
#include "server/store/migrations.h"
#include "server/terminals/trust.h"

#define COPY_BYTES (256 * 1024)

static const struct config_setting SETTINGS[] = {
    SETTING_DATA,
    SETTING_KEYS,
    {"from", CONFIG_PATH, 0, 0, "FILE", NULL, N_("The backup, as made by 'madoguchid backup'."), true},
};
static const char *const REQUIRED[] = {"data", "from", NULL};

static int paths_join(char out[PATH_BYTES + 64], const char *path, const char *suffix)
{
    int length = snprintf(out, PATH_BYTES + 64, "%s%s", path, suffix);
    return length < 0 || length >= PATH_BYTES + 64 ? MDG_ERR_INVALID : 0;
}

/* Byte by byte: opening the backup itself as a database could write to it. */
static int copy_bytes(int from, int to)
{
    static char bytes[COPY_BYTES];
    for (;;) {
        ssize_t got = read(from, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return MDG_ERR_IO;
        if (got == 0) return fsync(to) == 0 ? 0 : MDG_ERR_IO;
        for (ssize_t put = 0; put < got;) {
            ssize_t wrote = write(to, bytes + put, (size_t)(got - put));
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote < 0) return errno == ENOSPC ? MDG_ERR_DISK_FULL : MDG_ERR_IO;
            put += wrote;
        }
    }
}

static int copy_file(const char *from_path, const char *to_path)
{
    int from = open(from_path, O_RDONLY | O_CLOEXEC), to = -1, rc = MDG_ERR_CONFIG;
    if (from < 0) {
        complain(rc, _("%s cannot be read: %s"), from_path, strerror(errno));
        return rc;
    }
    to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    rc = to < 0 ? MDG_ERR_IO : copy_bytes(from, to);
    if (rc != 0) complain(rc, _("%s cannot be copied to %s: %s"), from_path, to_path, strerror(errno));
    if (to >= 0) close(to);
    close(from);
    return rc;
}

static void remove_database(const char *path)
{
    static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
    char name[PATH_BYTES + 64];
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++)
        if (paths_join(name, path, SUFFIXES[i]) == 0) unlink(name);
}

/* With other keys nobody could sign in and the server could not even show its certificate. */
static int keys_fit(const struct data_dir *dir, const char *path, const char *from)
{
    struct keys *keys = NULL;
    SSL_CTX *context = NULL;
    int rc = keys_open(dir->keys, &keys);
    if (rc == 0) rc = trust_context(path, keys, false, &context);
    SSL_CTX_free(context);
    keys_close(keys);
    if (rc != 0)
        complain(rc, _("%s cannot be used with the keys in %s: bring back the copy of the keys that belongs to it."),
                 from, dir->keys);
    return rc;
}

/* A backup of an older program is brought up to this one, as the server would do at its start. */
static int update(const char *path, const char *from)
{
    char spare[PATH_BYTES + 64], suffix[32];
    struct db *db = NULL;
    int version = 0;
    int rc = db_open(path, DB_WRITE, &db);
    if (rc == 0) rc = migrations_version(db, &version);
    if (rc == 0) rc = migrations_apply(db, path);
    db_close(db);
    snprintf(suffix, sizeof suffix, ".before-%04d", version + 1);
    if (paths_join(spare, path, suffix) == 0) unlink(spare); /* the backup itself is that copy */
    if (rc == MDG_ERR_NEWER)
        complain(rc, _("%s was made by a newer madoguchid. Install that version."), from);
    else if (rc != 0)
        complain(rc, _("%s is not a usable backup: %s"), from, mdg_error_name(rc));
    return rc;
}

/* Terminals have seen changes that are not in the backup: the new epoch makes them start afresh. */
static int renew_epoch(const char *path)
{
    struct db *db = NULL;
    int rc = db_open(path, DB_WRITE, &db);
    if (rc == 0) rc = centre_renew_epoch(db);
    db_close(db); /* the last connection: the log is folded into the file */
    return rc;
}

/* Puts what stands there aside as one file, or as it is where it is damaged. Its write-ahead log must be gone before
 * another database takes the name: it would be read as that one's. */
static int set_aside(const struct data_dir *dir, char kept[PATH_BYTES + 64])
{
    char suffix[64], wal[PATH_BYTES + 64], kept_wal[PATH_BYTES + 128];
    struct tm utc;
    struct stat about;
    time_t now = time(NULL);
    kept[0] = '\0';
    if (stat(dir->db, &about) != 0) return 0;

    gmtime_r(&now, &utc);
    strftime(suffix, sizeof suffix, ".before-restore-%Y%m%dT%H%M%SZ", &utc);
    int rc = paths_join(kept, dir->db, suffix);
    if (rc == 0) rc = paths_join(wal, dir->db, "-wal");
    if (rc != 0) return rc;

    struct db *db = NULL;
    if (db_open(dir->db, DB_WRITE, &db) == 0) db_close(db);
    snprintf(kept_wal, sizeof kept_wal, "%s-wal", kept);
    if (rename(dir->db, kept) != 0) return MDG_ERR_IO;
    if (rename(wal, kept_wal) != 0 && errno != ENOENT) return MDG_ERR_IO;
    if (paths_join(wal, dir->db, "-shm") == 0) unlink(wal);
    return data_dir_sync(dir);
}

static int restore(const struct data_dir *dir, const char *from)
{
    char fresh[PATH_BYTES + 64], kept[PATH_BYTES + 64];
    int rc = paths_join(fresh, dir->db, ".restoring");
    if (rc != 0) return rc;
    remove_database(fresh); /* of a try that was broken off */

    rc = copy_file(from, fresh);
    if (rc == 0) rc = update(fresh, from);
    if (rc == 0) {
        rc = inspect_database(fresh, stdout);
        if (rc != 0) complain(rc, _("%s is damaged and was not restored. Take another backup."), from);
    }
    if (rc == 0) rc = keys_fit(dir, fresh, from);
    if (rc != 0) goto done;

    rc = renew_epoch(fresh);
    if (rc == 0) rc = set_aside(dir, kept);
    if (rc == 0 && rename(fresh, dir->db) != 0) rc = MDG_ERR_IO;
    if (rc == 0) rc = data_dir_sync(dir);
    if (rc != 0) {
        complain(rc, _("the disk failed while restoring: %s"), mdg_error_name(rc));
        return rc; /* whatever is there stays for a person to look at */
    }
    printf(_("Restored %s."), from);
    printf("\n");
    if (kept[0] != '\0') {
        printf(_("What stood there before is kept as %s."), kept);
        printf("\n");
    }
    puts(_("Start the server; terminals will fetch everything afresh and send what waits in their outboxes."));
done:
    if (rc != 0) remove_database(fresh);
    return rc;
}

static enum mdg_exit run(struct config *config)
{
    struct data_dir dir;
    int rc = data_dir_init(&dir, config_text(config, "data"), config_text(config, "keys"));
    if (rc != 0) return complain(rc, _("the path of the data directory is too long"));
    rc = data_dir_lock(&dir);
    if (rc == 0) rc = restore(&dir, config_text(config, "from"));
    data_dir_unlock(&dir);
    return mdg_error_exit(rc);
}

const struct command COMMAND_RESTORE = {
    .name = "restore",
    .summary = N_("Takes a backup in place of the database, after checking it; the server must not run."),
    .settings = SETTINGS,
    .settings_count = sizeof SETTINGS / sizeof SETTINGS[0],
    .required = REQUIRED,
    .run = run,
};
