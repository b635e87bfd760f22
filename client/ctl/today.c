/* client/ctl/today.c - the desk's day: who has which room now and next, what waits, the counts; on the screen or on
 * paper. */
#include "client/ctl/today.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/families.h"
#include "client/ctl/moment.h"
#include "client/ctl/output.h"
#include "client/ctl/today_rows.h"
#include "client/print/day_sheet.h"
#include "common/day.h"
#include "common/locale.h"

#define DAYS_BACK 31 /* bookings before that have left the replica */
#define PURPOSE_BYTES_MAX 80
#define PATH_BYTES 4096

/* --- reading ------------------------------------------------------------------------------------------ */

/* When a process of this terminal last took something from the server: the profile is written at each connecting, the
 * replica with each change. */
static int64_t heard_us(const struct ctl *ctl)
{
    static const char *const FILES[] = {"profile.ini", "replica.db"};
    int64_t newest_us = 0;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        char path[PATH_BYTES];
        struct stat file;
        int length = snprintf(path, sizeof path, "%s/%s", ctl->options.profile_dir, FILES[i]);
        if (length < 0 || (size_t)length >= sizeof path || stat(path, &file) != 0) continue;
        int64_t at_us = (int64_t)file.st_mtim.tv_sec * US_PER_SECOND + file.st_mtim.tv_nsec / 1000;
        if (at_us > newest_us) newest_us = at_us;
    }
    return newest_us;
}

static int audit_call(struct ctl *ctl, Mdg__Audit *audit, enum ctl_access access, Mdg__Response **response)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_AUDIT;
    body.audit = audit;
    return ctl_call(ctl, &body, access, NULL, response);
}

/* Where nobody is signed in, or the server has just gone, the day is shown without it. */
static void audit_head_ask(struct ctl *ctl, struct today *today)
{
    Mdg__AuditHead head = MDG__AUDIT_HEAD__INIT;
    Mdg__Audit audit = MDG__AUDIT__INIT;
    Mdg__Response *response = NULL;
    audit.of_case = MDG__AUDIT__OF_HEAD;
    audit.head = &head;
    if (audit_call(ctl, &audit, CTL_READ, &response) != 0) return;
    if (response->body && response->body->domain_case == MDG__BODY__DOMAIN_AUDIT &&
        response->body->audit->of_case == MDG__AUDIT__OF_HEAD_IS) {
        const Mdg__AuditHeadIs *is = response->body->audit->head_is;
        if (is->hash.len == TODAY_HASH_BYTES) {
            today->audit_seq = is->seq;
            memcpy(today->audit_hash, is->hash.data, TODAY_HASH_BYTES);
        }
    }
    mdg__response__free_unpacked(response, NULL);
}

int today_read(struct ctl *ctl, int32_t local_day, struct today *today)
{
    struct mdg_state state;
    *today = (struct today){.now_us = mdg_client_now_us(ctl->client)};
    int rc = today_load(ctl, local_day, &today->day);
    mdg_client_state(ctl->client, &state);
    today->unsent = state.unsent;
    today->is_online = state.link == MDG_LINK_ONLINE;
    if (rc == 0 && today->is_online && state.person_id != 0) audit_head_ask(ctl, today);
    if (!today->is_online) today->heard_us = ctl->has_caught_up ? state.offline_since_us : heard_us(ctl);
    return rc;
}

void today_fini(struct today *today)
{
    desk_day_fini(&today->day);
}

/* --- on paper ----------------------------------------------------------------------------------------- */

/* A print leaves a row in the record: now, or from the outbox when the server is back. */
static int print_record(struct ctl *ctl, int32_t day, const char *purpose)
{
    char sheet[40];
    uint8_t key[MDG_KEY_BYTES];
    Mdg__AuditPrint print = MDG__AUDIT_PRINT__INIT;
    Mdg__Audit audit = MDG__AUDIT__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    snprintf(sheet, sizeof sheet, "day sheet %04d-%02d-%02d", (int)(day / 10000), (int)(day / 100 % 100),
             (int)(day % 100));
    print.sheet = sheet;
    print.purpose = (char *)purpose;
    audit.of_case = MDG__AUDIT__OF_PRINT;
    audit.print = &print;
    if (ctl_is_online(ctl)) return audit_call(ctl, &audit, CTL_WRITE, NULL);
    body.domain_case = MDG__BODY__DOMAIN_AUDIT;
    body.audit = &audit;
    return mdg_submit(ctl->client, &body, key);
}

/* Whole or not at all; the sheet carries names, so it is the owner's alone. */
static int file_write(struct ctl *ctl, const char *path, const uint8_t *bytes, size_t length)
{
    char part[PATH_BYTES];
    int named = snprintf(part, sizeof part, "%s.part", path);
    int fd = named > 0 && (size_t)named < sizeof part ? open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    bool is_written = fd >= 0;
    for (size_t done = 0; is_written && done < length;) {
        ssize_t wrote = write(fd, bytes + done, length - done);
        if (wrote < 0 && errno == EINTR) continue;
        is_written = wrote > 0;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    if (fd >= 0 && close(fd) != 0) is_written = false;
    if (is_written && rename(part, path) == 0) return 0;
    if (fd >= 0) unlink(part);
    return ctl_fail(ctl, MDG_ERR_CONFIG, _("%s cannot be written. Please choose another place."), path);
}

static int print_today(struct ctl *ctl, const struct today *today, const char *path, const char *purpose,
                       const char *person)
{
    struct mdg_centre centre;
    struct page_file file;
    mdg_client_centre(ctl->client, &centre);
    struct day_sheet sheet = {.day = &today->day,
                              .centre = centre.name ? centre.name : "",
                              .printed_us = today->now_us,
                              .terminal = centre.terminal_name ? centre.terminal_name : "",
                              .person = person,
                              .purpose = purpose,
                              .audit_seq = today->audit_seq,
                              .offline_since_us = today->heard_us};
    memcpy(sheet.audit_hash, today->audit_hash, sizeof sheet.audit_hash);
    int rc = day_sheet_print(&sheet, &file);
    if (rc != 0) return rc;
    rc = file_write(ctl, path, file.bytes, file.length);
    if (rc == 0 && file.unknown_glyphs > 0)
        fprintf(stderr, "%s\n",
                _("A font is missing here: some characters are empty boxes. Please install Noto Sans CJK."));
    int pages = file.pages;
    page_file_fini(&file);
    if (rc != 0) return rc;
    return output_done(ctl, json_pack("{s:s, s:i, s:i}", "file", path, "pages", pages, "day", (int)today->day.day),
                       ngettext("%s: %d page.", "%s: %d pages.", (unsigned long)pages), path, pages);
}

static int run_print(struct ctl *ctl, int32_t day, const char *path)
{
    const char *purpose = option_text(&ctl->options, "purpose");
    struct mdg_state state;
    struct today today;
    mdg_client_state(ctl->client, &state);
    if (!purpose) purpose = _("the day's work");
    if (strlen(purpose) > PURPOSE_BYTES_MAX || !purpose[0])
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--purpose: please say it in 1 to %d bytes."), PURPOSE_BYTES_MAX);
    if (state.person_id == 0)
        return ctl_fail(ctl, MDG_ERR_SIGN_IN_NEEDED, _("A print names who made it. Please sign in first."));
    char *person = strdup(state.person_name ? state.person_name : "");
    if (!person) return MDG_ERR_MEMORY;
    int rc = print_record(ctl, day, purpose);
    if (rc == 0) {
        rc = today_read(ctl, day, &today);
        if (rc == 0) rc = print_today(ctl, &today, path, purpose, person);
        today_fini(&today);
    }
    free(person);
    return rc;
}

/* --- the command -------------------------------------------------------------------------------------- */

static int day_of_option(struct ctl *ctl, int32_t *day)
{
    const char *given = option_text(&ctl->options, "day");
    int64_t now_us = mdg_client_now_us(ctl->client);
    if (given && strcmp(given, "tomorrow") == 0) {
        *day = day_add(day_of_us(now_us), 1);
        return 0;
    }
    if (moment_day_parse(given ? given : "today", now_us, day) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--day: please give a day such as 2026-11-24."));
    if (*day < day_add(day_of_us(now_us), -DAYS_BACK))
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--day: at most %d days back are kept here."), DAYS_BACK);
    return 0;
}

static int run_today(struct ctl *ctl)
{
    const char *path = option_text(&ctl->options, "pdf");
    struct today today;
    int32_t day;
    if (!path && option_text(&ctl->options, "purpose"))
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--purpose goes with --pdf."));
    int rc = ctl_open(ctl, CTL_FEED | CTL_OUTBOX | CTL_MAY_OFFLINE);
    if (rc == 0) rc = day_of_option(ctl, &day);
    if (rc != 0) return rc;
    if (path) return run_print(ctl, day, path);
    rc = today_read(ctl, day, &today);
    if (rc == 0 && ctl->options.is_json)
        ctl->answer = today_json(ctl, &today);
    else if (rc == 0)
        today_print(ctl, &today, stdout);
    today_fini(&today);
    return rc;
}

const struct ctl_command TODAY_COMMANDS[] = {
    {"today",
     NULL,
     N_("Show the desk its day: rooms now and next, bookings, requests, follow-ups, counts."),
     run_today,
     {{"day", "DAY", N_("another day, up to 31 days back"), false, "today tomorrow yesterday"},
      {"pdf", "FILE", N_("print the day sheet into this file"), false, NULL},
      {"purpose", "TEXT", N_("what the print is for, for its foot and the record"), false, NULL}}},
    {0},
};
