/* client/ctl/status.c - how this terminal stands. */
#include <stdio.h>
#include <string.h>

#include "client/ctl/certificate.h"
#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/output.h"
#include "client/ctl/visit_names.h"
#include "common/locale.h"

static const char *link_word(enum mdg_link link)
{
    static const char *const WORDS[] = {"offline", "connecting", "online"};
    return WORDS[link];
}

static void on_counted_row(const Mdg__Row *row, void *arg)
{
    json_t *rows = arg;
    char word[ROW_WORD_BYTES];
    row_word(row->kind, word);
    json_object_set_new(rows, word, json_integer(json_integer_value(json_object_get(rows, word)) + 1));
}

static json_t *status_json(struct ctl *ctl, json_t *rows)
{
    struct mdg_centre centre;
    struct mdg_state state;
    int64_t from_us, until_us;
    mdg_client_centre(ctl->client, &centre);
    mdg_client_state(ctl->client, &state);
    certificate_life(ctl->options.profile_dir, &from_us, &until_us);
    int why = ctl_is_online(ctl) ? 0 : (ctl->state.why_offline != 0 ? ctl->state.why_offline : state.why_offline);
    json_t *document =
        json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:i, s:i, s:b, s:I, s:I, s:I, s:o}", "centre",
                  centre.name ? centre.name : "", "zone", centre.zone ? centre.zone : "", "terminal",
                  centre.terminal_name ? centre.terminal_name : "", "terminal_id", (json_int_t)centre.terminal_id,
                  "kind", kind_word(centre.terminal_kind), "link", link_word(state.link), "offline_since_us",
                  (json_int_t)state.offline_since_us, "unsent", (int)state.unsent, "refused", (int)state.refused,
                  "is_caught_up", state.is_caught_up, "replica_rev", (json_int_t)state.replica_rev, "clock_offset_us",
                  (json_int_t)state.clock_offset_us, "certificate_until_us", (json_int_t)until_us, "rows", rows);
    if (state.person_id != 0) {
        json_object_set_new(document, "person_id", json_integer(state.person_id));
        json_object_set_new(document, "person", json_string(state.person_name ? state.person_name : ""));
        json_object_set_new(document, "roles", roles_json(state.roles));
    }
    if (why != 0) {
        json_object_set_new(document, "why_offline", json_string(mdg_error_name(why)));
        json_object_set_new(document, "sentence", json_string(error_sentence(why)));
    }
    return document;
}

static void rows_print(const json_t *document)
{
    const char *word;
    json_t *count;
    json_t *rows = json_object_get(document, "rows");
    json_object_foreach(rows, word, count)
    {
        printf("  %s: %lld\n", word_text(word), (long long)json_integer_value(count));
    }
}

static int run_status(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Centre"), "centre", CELL_TEXT},
                                            {N_("Terminal"), "terminal", CELL_TEXT},
                                            {N_("Kind"), "kind", CELL_WORD},
                                            {N_("Certificate until"), "certificate_until_us", CELL_INSTANT},
                                            {N_("Link"), "link", CELL_WORD},
                                            {N_("Why"), "sentence", CELL_TEXT},
                                            {N_("Signed in"), "person", CELL_TEXT},
                                            {N_("Roles here"), "roles", CELL_WORDS},
                                            {N_("Not sent yet"), "unsent", CELL_NUMBER},
                                            {N_("Refused"), "refused", CELL_NUMBER},
                                            {N_("Newest change here"), "replica_rev", CELL_NUMBER},
                                            {NULL, NULL, CELL_TEXT}};
    int rc = ctl_open(ctl, CTL_FEED | CTL_OUTBOX | CTL_MAY_OFFLINE);
    if (rc != 0) return rc;
    json_t *rows = json_object();
    rc = mdg_replica_each(ctl->client, 0, on_counted_row, rows);
    if (rc != 0) {
        json_decref(rows);
        return rc;
    }
    json_t *document = status_json(ctl, rows);
    rc = output_facts(ctl, document, COLUMNS);
    if (!ctl->options.is_json) rows_print(document);
    return rc;
}

const struct ctl_command STATUS_COMMANDS[] = {
    {"status", NULL, N_("Show centre, terminal, link, and what waits."), run_status, {{0}}},
    {0},
};
