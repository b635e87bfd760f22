/* client/ctl/watch.c - follows what happens in the centre: one line a change, until Ctrl+C. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/output.h"
#include "client/ctl/today.h"
#include "client/ctl/visit_names.h"
#include "client/ctl/watch_bookings.h"
#include "common/day.h"
#include "common/locale.h"

struct watch {
    struct ctl *ctl;
    struct visit_names names;
    json_t *terminals; /* id as text → name */
    bool is_following; /* the rows that were there already are through */
    bool is_over;
    int64_t lines, lines_wanted; /* wanted 0: no end */
    enum mdg_link link;
    unsigned unsent, refused;
};

/* --- lines -------------------------------------------------------------------------------------------- */

static void line_end(struct watch *watch)
{
    if (fflush(stdout) != 0) watch->is_over = true; /* whoever read it has gone */
    watch->lines++;
    if (watch->lines_wanted > 0 && watch->lines >= watch->lines_wanted) watch->is_over = true;
}

static void line_json(struct watch *watch, json_t *line)
{
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
    line_end(watch);
}

static void line_text(struct watch *watch, const char *text)
{
    int minute = 0;
    int64_t now_us = mdg_client_now_us(watch->ctl->client);
    day_minute_of_us(now_us, &minute);
    printf("%02d:%02d:%02d  %s\n", minute / 60, minute % 60, (int)(now_us / US_PER_SECOND % 60), text);
    line_end(watch);
}

/* --- rows --------------------------------------------------------------------------------------------- */

static const char *terminal_name(const struct watch *watch, int64_t id)
{
    char key[24];
    snprintf(key, sizeof key, "%lld", (long long)id);
    const char *name = json_string_value(json_object_get(watch->terminals, key));
    return name ? name : "";
}

static void terminal_learn(struct watch *watch, const Mdg__Row *row)
{
    if (!row->body || row->body->domain_case != MDG__BODY__DOMAIN_TERMINALS ||
        row->body->terminals->of_case != MDG__TERMINALS__OF_TERMINAL_ROW)
        return;
    char key[24];
    snprintf(key, sizeof key, "%lld", (long long)row->id);
    json_object_set_new(watch->terminals, key, json_string(row->body->terminals->terminal_row->name));
}

static void on_known_terminal(const Mdg__Row *row, void *arg)
{
    terminal_learn(arg, row);
}

static const Mdg__Visits *visits_of(const Mdg__Row *row, Mdg__Visits__OfCase arm)
{
    if (!row->body || row->body->domain_case != MDG__BODY__DOMAIN_VISITS) return NULL;
    return row->body->visits->of_case == arm ? row->body->visits : NULL;
}

static void visit_line(struct watch *watch, const Mdg__Visit *visit, char *out, size_t size)
{
    char at[MOMENT_BYTES];
    const char *place = visit_place_name(&watch->names, visit->place_id),
               *from = terminal_name(watch, visit->terminal_id);
    moment_text(visit->at_us, at, sizeof at);
    if (visit->people == 0 && visit->corrects_id == 0)
        snprintf(out, size, _("%s  %s: looked, nobody there (%s)"), at, place, from);
    else
        snprintf(out, size,
                 ngettext("%s  %s, %s: %d person (%s)", "%s  %s, %s: %d people (%s)", (unsigned)abs(visit->people)), at,
                 place, visit_purpose_name(&watch->names, visit->purpose_id), (int)visit->people, from);
}

/* The replica already holds the row, so names made a moment ago are known. */
static void names_again(struct watch *watch)
{
    visit_names_fini(&watch->names);
    visit_names_load(watch->ctl, &watch->names);
}

static json_t *row_json(struct watch *watch, const Mdg__Row *row)
{
    json_t *line = json_pack("{s:s, s:i, s:I, s:I, s:b}", "event", "row", "kind", (int)row->kind, "id",
                             (json_int_t)row->id, "rev", (json_int_t)row->rev, "is_removed", row->is_removed);
    const Mdg__Visits *visits = visits_of(row, MDG__VISITS__OF_VISIT_ROW);
    if (visits) json_object_set_new(line, "visit", visit_json(&watch->names, visits->visit_row));
    const Mdg__Booking *booking = watch_booking_of(row);
    if (booking) json_object_set_new(line, "booking", watch_booking_json(watch->ctl, booking));
    visits = visits_of(row, MDG__VISITS__OF_VISIT_DAY_ROW);
    if (visits) {
        const Mdg__VisitDay *day = visits->visit_day_row;
        json_object_set_new(line, "visit_day",
                            json_pack("{s:i, s:I, s:I, s:I, s:I, s:I}", "day", (int)day->day, "place_id",
                                      (json_int_t)day->place_id, "purpose_id", (json_int_t)day->purpose_id, "people",
                                      (json_int_t)day->people, "lines", (json_int_t)day->lines, "estimated",
                                      (json_int_t)day->estimated));
    }
    return line;
}

static void row_text(struct watch *watch, const Mdg__Row *row, char *out, size_t size)
{
    const Mdg__Visits *visits;
    const Mdg__Booking *booking = watch_booking_of(row);
    if (row->is_removed) {
        snprintf(out, size, row->kind == ROW_VISIT ? _("a count was taken back (%lld)") : _("removed: %lld"),
                 (long long)row->id);
    } else if ((visits = visits_of(row, MDG__VISITS__OF_VISIT_ROW))) {
        visit_line(watch, visits->visit_row, out, size);
    } else if ((visits = visits_of(row, MDG__VISITS__OF_VISIT_DAY_ROW))) {
        char day[MOMENT_BYTES];
        moment_day_text(visits->visit_day_row->day, day, sizeof day);
        snprintf(out, size, _("%s  %s, %s: %lld in all"), day,
                 visit_place_name(&watch->names, visits->visit_day_row->place_id),
                 visit_purpose_name(&watch->names, visits->visit_day_row->purpose_id),
                 (long long)visits->visit_day_row->people);
    } else if ((visits = visits_of(row, MDG__VISITS__OF_VISIT_PLACE_ROW))) {
        snprintf(out, size, _("place “%s”"), visits->visit_place_row->name);
    } else if ((visits = visits_of(row, MDG__VISITS__OF_VISIT_PURPOSE_ROW))) {
        snprintf(out, size, _("purpose “%s”"), visits->visit_purpose_row->name);
    } else if (booking) {
        watch_booking_text(watch->ctl, booking, out, size);
    } else if (row->kind == ROW_TERMINAL) {
        snprintf(out, size, _("terminal “%s”"), terminal_name(watch, row->id));
    } else {
        char word[ROW_WORD_BYTES];
        row_word(row->kind, word);
        snprintf(out, size, _("%s: number %lld"), word_text(word), (long long)row->id);
    }
}

static void on_row(struct ctl *ctl, const Mdg__Row *row)
{
    struct watch *watch = ctl->hook_arg;
    char text[SENTENCE_BYTES];
    if (!watch->is_following || watch->is_over) return;
    terminal_learn(watch, row);
    if (row->kind == ROW_VISIT_PLACE || row->kind == ROW_VISIT_PURPOSE) names_again(watch);
    if (ctl->options.is_json) {
        line_json(watch, row_json(watch, row));
        return;
    }
    row_text(watch, row, text, sizeof text);
    line_text(watch, text);
}

static void on_known_row(const Mdg__Row *row, void *arg)
{
    struct watch *watch = arg;
    on_row(watch->ctl, row);
}

/* --- the link ----------------------------------------------------------------------------------------- */

static void link_json(struct watch *watch, const struct mdg_state *state)
{
    static const char *const WORDS[] = {"offline", "connecting", "online"};
    json_t *line = json_pack("{s:s, s:s, s:i, s:i, s:b, s:I}", "event", "link", "link", WORDS[state->link], "unsent",
                             (int)state->unsent, "refused", (int)state->refused, "is_caught_up", state->is_caught_up,
                             "rev", (json_int_t)state->replica_rev);
    if (state->why_offline != 0)
        json_object_set_new(line, "why_offline", json_string(mdg_error_name(state->why_offline)));
    line_json(watch, line);
}

static void link_text(struct watch *watch, const struct mdg_state *state)
{
    char text[SENTENCE_BYTES];
    if (state->link == MDG_LINK_ONLINE)
        snprintf(text, sizeof text, _("connected; not sent yet: %u, refused: %u"), state->unsent, state->refused);
    else
        snprintf(text, sizeof text, "%s %s", _("not connected."), error_sentence(state->why_offline));
    line_text(watch, text);
}

/* A try to connect is no news; what came of it is. */
static void on_state(struct ctl *ctl, const struct mdg_state *state)
{
    struct watch *watch = ctl->hook_arg;
    if (!watch->is_following || watch->is_over || state->link == MDG_LINK_CONNECTING) return;
    if (state->link == watch->link && state->unsent == watch->unsent && state->refused == watch->refused) return;
    if (state->link == MDG_LINK_OFFLINE && state->why_offline == 0) return;
    watch->link = state->link;
    watch->unsent = state->unsent;
    watch->refused = state->refused;
    if (ctl->options.is_json)
        link_json(watch, state);
    else
        link_text(watch, state);
}

static int run_watch(struct ctl *ctl)
{
    struct watch watch = {.ctl = ctl, .terminals = json_object()};
    static const unsigned SLICE_MS = 3600000;
    struct interrupt interrupt = {0};
    const char *lines = option_text(&ctl->options, "lines"), *seconds = option_text(&ctl->options, "for");
    int64_t for_s = 0;
    int rc = 0;
    if (lines && number_parse(lines, 1, INT64_MAX, &watch.lines_wanted) != 0)
        rc = ctl_fail(ctl, MDG_ERR_INVALID, _("--lines: please give a whole number."));
    if (rc == 0 && seconds && number_parse(seconds, 1, 86400, &for_s) != 0)
        rc = ctl_fail(ctl, MDG_ERR_INVALID, _("--for: please give whole seconds."));
    if (rc == 0 && option_is_set(&ctl->options, "today")) {
        rc = option_is_set(&ctl->options, "all") ? ctl_fail(ctl, MDG_ERR_INVALID, _("--all does not go with --today."))
                                                 : today_follow(ctl, for_s, watch.lines_wanted);
        goto done;
    }
    if (rc != 0) goto done;
    ctl->hook_arg = &watch;
    ctl->on_row = on_row;
    ctl->on_state = on_state;
    rc = ctl_open(ctl, CTL_FEED | CTL_OUTBOX | CTL_MAY_OFFLINE);
    if (rc != 0) goto done;
    rc = interrupt_start(ctl, &interrupt, &watch.is_over, NULL);
    if (rc == 0) rc = visit_names_load(ctl, &watch.names);
    if (rc == 0) rc = mdg_replica_each(ctl->client, ROW_TERMINAL, on_known_terminal, &watch);
    if (rc != 0) goto done;
    watch.is_following = true;
    watch.link = MDG_LINK_CONNECTING; /* so that the first line says how it stands */
    on_state(ctl, &ctl->state);
    if (option_is_set(&ctl->options, "all")) rc = mdg_replica_each(ctl->client, 0, on_known_row, &watch);
    if (rc != 0) goto done;
    do {
        ctl_run_until(ctl, &watch.is_over, for_s > 0 ? (unsigned)for_s * 1000u : SLICE_MS);
    } while (!watch.is_over && for_s == 0);
done:
    interrupt_stop(ctl, &interrupt);
    ctl->on_row = NULL;
    ctl->on_state = NULL;
    visit_names_fini(&watch.names);
    json_decref(watch.terminals);
    return rc;
}

const struct ctl_command WATCH_COMMANDS[] = {
    {"watch",
     NULL,
     N_("Follow every change and the link, a line each, until Ctrl+C."),
     run_watch,
     {{"today", NULL, N_("the desk's day as a whole, drawn anew with each change"), false, NULL},
      {"all", NULL, N_("also what was there before"), false, NULL},
      {"lines", "N", N_("end after that many lines; with --today: changes"), false, NULL},
      {"for", "S", N_("end after that many seconds"), false, NULL}}},
    {0},
};
