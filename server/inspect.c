#include "server/inspect.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/bytes.h"
#include "common/day.h"
#include "common/locale.h"
#include "server/centre/centre_store.h"
#include "server/command.h"
#include "server/dispatch/dispatch.h"
#include "server/store/audit.h"
#include "server/store/db.h"
#include "server/store/migrations.h"

__attribute__((format(printf, 2, 3))) static void say(FILE *out, const char *format, ...)
{
    va_list args;
    if (!out) return;
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    fputc('\n', out);
}

static int inspect_engine(struct db *db, const char *path, FILE *out)
{
    char *complaints = NULL;
    int rc = db_check(db, &complaints);
    if (rc == MDG_ERR_CORRUPT)
        complain(rc, _("%s is damaged: %s"), path, complaints ? complaints : "");
    else if (rc == 0)
        say(out, _("integrity and foreign keys: sound"));
    free(complaints);
    return rc;
}

static int inspect_audit(struct db *db, FILE *out)
{
    uint8_t head[AUDIT_HASH_BYTES] = {0};
    char hex[2 * AUDIT_HASH_BYTES + 1];
    int64_t rows = 0, bad_seq = 0;
    int rc = audit_verify(db, &rows, head, &bad_seq);
    if (rc == MDG_ERR_CORRUPT)
        complain(rc, _("the audit trail is broken: row %" PRId64 " does not fit the one before it"), bad_seq);
    if (rc != 0) return rc;
    bytes_to_hex(head, sizeof head, hex);
    say(out, _("audit trail: %" PRId64 " rows, unbroken; its head is"), rows);
    say(out, "  %s", hex);
    return 0;
}

static int inspect_domains(struct db *db, FILE *out)
{
    int found = 0;
    for (size_t i = 0; i < DOMAINS_COUNT; i++) {
        char *complaint = NULL;
        if (!DOMAINS[i]->verify) continue;
        int rc = DOMAINS[i]->verify(db, &complaint);
        if (rc == MDG_ERR_CORRUPT) {
            complain(rc, "%s: %s", DOMAINS[i]->name, complaint ? complaint : "");
            found = rc;
        } else if (rc == 0) {
            say(out, _("%s: what is kept beside the rows agrees with them"), DOMAINS[i]->name);
        }
        free(complaint);
        if (rc != 0 && rc != MDG_ERR_CORRUPT) return rc;
    }
    return found;
}

/* Figures by day are recomputed, so the centre's zone has to be set. */
static int take_zone(struct db *db)
{
    struct arena arena;
    struct centre centre;
    arena_init(&arena, 64 * 1024);
    int rc = centre_read(db, &arena, &centre);
    if (rc == 0 && day_zone_set(centre.zone) != 0) {
        rc = MDG_ERR_CONFIG;
        complain(rc, _("the system does not know the centre's time zone %s. Install the package tzdata."), centre.zone);
    }
    arena_fini(&arena);
    return rc;
}

static int inspect(struct db *db, const char *path, FILE *out)
{
    int version = 0;
    int rc = migrations_version(db, &version);
    if (rc == MDG_ERR_NEWER) complain(rc, _("%s was made by a newer madoguchid. Install that version."), path);
    if (rc != 0) return rc;
    if ((size_t)version < MIGRATIONS_COUNT) {
        complain(MDG_ERR_STATE, _("%s stands at migration %d of %zu: start the server once, it brings it up to date."),
                 path, version, MIGRATIONS_COUNT);
        return MDG_ERR_STATE;
    }
    say(out, _("%s: migration %d"), path, version);

    /* Everything is looked at, so that one run tells all that is wrong. */
    rc = inspect_engine(db, path, out);
    if (rc == MDG_ERR_CORRUPT) return rc; /* what reads on from here may trip over it */
    if (rc == 0) rc = take_zone(db);
    int audit_rc = rc == 0 ? inspect_audit(db, out) : 0;
    int domains_rc = rc == 0 ? inspect_domains(db, out) : 0;
    if (rc == 0) rc = audit_rc;
    return rc != 0 ? rc : domains_rc;
}

int inspect_database(const char *path, FILE *out)
{
    struct db *db = NULL;
    int rc = db_open(path, DB_READ, &db);
    if (rc == 0) rc = db_begin_read(db);
    if (rc == MDG_ERR_CORRUPT) complain(rc, _("%s is damaged: it cannot even be opened"), path);
    if (rc == 0) rc = inspect(db, path, out);
    if (db) db_rollback(db);
    db_close(db);
    return rc;
}
