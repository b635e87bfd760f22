/* client/ctl/today_follow.c - the desk's day, live: on a screen it is drawn anew in its place, else only the lines that
 * changed are told, with the time. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/interrupt.h"
#include "client/ctl/today.h"
#include "common/day.h"

#define GATHER_MS 100u /* what comes together is drawn together */
#define CLEAR "\033[H\033[2J"

struct follow {
    struct ctl *ctl;
    bool is_changed, is_over;
    bool is_screen;
    char *shown; /* the text as last shown; owned */
    int64_t changes, changes_wanted;
};

static void on_row(struct ctl *ctl, const Mdg__Row *row)
{
    (void)row;
    ((struct follow *)ctl->hook_arg)->is_changed = true;
}

static void on_state(struct ctl *ctl, const struct mdg_state *state)
{
    if (state->link != MDG_LINK_CONNECTING) ((struct follow *)ctl->hook_arg)->is_changed = true;
}

/* --- what is new -------------------------------------------------------------------------------------- */

/* The line stands in text as a whole line. */
static bool has_line(const char *text, const char *line, size_t length)
{
    while (text && *text) {
        size_t other = strcspn(text, "\n");
        if (other == length && memcmp(text, line, length) == 0) return true;
        text += other + (text[other] == '\n');
    }
    return false;
}

static void lines_tell(struct follow *follow, const char *text, int64_t now_us)
{
    int minute = 0;
    day_minute_of_us(now_us, &minute);
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (length > 0 && !has_line(follow->shown, text, length))
            printf("%02d:%02d:%02d  %.*s\n", minute / 60, minute % 60, (int)(now_us / US_PER_SECOND % 60), (int)length,
                   text);
        text += length + (text[length] == '\n');
    }
}

static int text_make(struct follow *follow, const struct today *today, char **out)
{
    size_t length = 0;
    FILE *memory = open_memstream(out, &length);
    if (!memory) return MDG_ERR_MEMORY;
    if (follow->ctl->options.is_json) {
        json_t *document = today_json(follow->ctl, today);
        json_object_del(document, "now_us"); /* the clock alone is no change */
        json_object_del(document, "audit");
        json_dumpf(document, memory, JSON_COMPACT);
        fputc('\n', memory);
        json_decref(document);
    } else {
        today_print(follow->ctl, today, memory);
    }
    return fclose(memory) == 0 ? 0 : MDG_ERR_MEMORY;
}

static int show(struct follow *follow)
{
    struct today today;
    char *text = NULL;
    int32_t day = day_of_us(mdg_client_now_us(follow->ctl->client));
    int rc = today_read(follow->ctl, day, &today);
    if (rc == 0) rc = text_make(follow, &today, &text);
    if (rc == 0 && (!follow->shown || strcmp(follow->shown, text) != 0)) {
        if (follow->ctl->options.is_json)
            fputs(text, stdout);
        else if (follow->is_screen)
            printf("%s%s", CLEAR, text);
        else
            lines_tell(follow, text, today.now_us);
        if (fflush(stdout) != 0) follow->is_over = true; /* whoever read it has gone */
        free(follow->shown);
        follow->shown = text;
        text = NULL;
        follow->changes++;
        if (follow->changes_wanted > 0 && follow->changes >= follow->changes_wanted) follow->is_over = true;
    }
    free(text);
    today_fini(&today);
    return rc;
}

/* --- the loop ----------------------------------------------------------------------------------------- */

/* Now and next move with the clock: at each full minute it is looked at again. */
static unsigned to_next_minute_ms(const struct ctl *ctl)
{
    int64_t into_us = mdg_client_now_us(ctl->client) % US_PER_MINUTE;
    return (unsigned)((US_PER_MINUTE - into_us) / 1000) + 1u;
}

static int follow_loop(struct follow *follow, int64_t for_s)
{
    uint64_t end_ms = for_s > 0 ? uv_hrtime() / 1000000 + (uint64_t)for_s * 1000 : UINT64_MAX;
    for (;;) {
        follow->is_changed = false; /* what comes while it is drawn is drawn next */
        int rc = show(follow);
        uint64_t now_ms = uv_hrtime() / 1000000;
        unsigned wait_ms = to_next_minute_ms(follow->ctl);
        if (rc != 0 || follow->is_over || now_ms >= end_ms) return rc;
        if (end_ms - now_ms < wait_ms) wait_ms = (unsigned)(end_ms - now_ms);
        ctl_run_until(follow->ctl, &follow->is_changed, wait_ms);
        if (follow->is_changed) ctl_run_until(follow->ctl, &follow->is_over, GATHER_MS);
        if (follow->is_over) return 0;
    }
}

int today_follow(struct ctl *ctl, int64_t for_s, int64_t changes)
{
    struct follow follow = {.ctl = ctl, .changes_wanted = changes, .is_screen = isatty(STDOUT_FILENO) == 1};
    struct interrupt interrupt = {0};
    int rc = ctl_open(ctl, CTL_FEED | CTL_OUTBOX | CTL_MAY_OFFLINE);
    if (rc != 0) return rc;
    ctl->hook_arg = &follow;
    ctl->on_row = on_row;
    ctl->on_state = on_state;
    rc = interrupt_start(ctl, &interrupt, &follow.is_over, &follow.is_changed);
    if (rc == 0) rc = follow_loop(&follow, for_s);
    interrupt_stop(ctl, &interrupt);
    ctl->on_row = NULL;
    ctl->on_state = NULL;
    free(follow.shown);
    return rc;
}
