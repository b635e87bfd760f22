/* client/ctl/import.c - counts from a file. The whole file is read and judged first; nothing is sent unless every line
 * is good. Each count's key comes from the file, so a run that broke off is simply run again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/file.h"
#include "client/ctl/import_plan.h"
#include "client/ctl/output.h"
#include "client/ctl/visit_names.h"
#include "common/day.h"
#include "common/locale.h"

#define IN_FLIGHT_MAX 64
#define PROBLEMS_SHOWN 50
#define BUSY_WAIT_MS 200u

/* --- which columns ------------------------------------------------------------------------------------ */

struct columns {
    struct import_column items[CSV_CELLS_MAX];
    size_t count;
    char *copy; /* the titles lie in here */
};

static int columns_of_map(struct ctl *ctl, const struct visit_names *names, int64_t place_id, struct columns *columns)
{
    const char *map;
    for (int i = 0; (map = option_nth(&ctl->options, "map", i)); i++) {
        char *title = strdup(map), *equals = title ? strchr(title, '=') : NULL;
        int rc = title ? 0 : MDG_ERR_MEMORY;
        if (rc == 0 && (!equals || equals == title || columns->count == CSV_CELLS_MAX))
            rc = ctl_fail(ctl, MDG_ERR_INVALID, _("--map: please give COLUMN=PURPOSE."));
        if (rc == 0) {
            *equals = '\0';
            rc = visit_purpose_find(ctl, names, place_id, equals + 1, &columns->items[columns->count].purpose_id);
        }
        if (rc != 0) {
            free(title);
            return rc;
        }
        columns->items[columns->count++].title = title;
    }
    return 0;
}

/* Without --map: the columns that are called like a purpose of the place. */
static int columns_of_titles(struct ctl *ctl, const struct visit_names *names, int64_t place_id, const char *text,
                             size_t length, struct columns *columns)
{
    struct csv_line titles;
    columns->copy = malloc(length + 1);
    if (!columns->copy) return MDG_ERR_MEMORY;
    memcpy(columns->copy, text, length + 1);
    int count = import_titles(columns->copy, length, &titles);
    for (int t = 0; t < count; t++) {
        for (size_t i = 0; i < json_array_size(names->purposes); i++) {
            const json_t *row = json_array_get(names->purposes, i);
            if (json_integer_value(json_object_get(row, "place_id")) != place_id ||
                strcmp(json_string_value(json_object_get(row, "name")), titles.cells[t]) != 0)
                continue;
            char *title = strdup(titles.cells[t]);
            if (!title) return MDG_ERR_MEMORY;
            columns->items[columns->count].title = title;
            columns->items[columns->count++].purpose_id = json_integer_value(json_object_get(row, "id"));
            break;
        }
    }
    if (columns->count > 0) return 0;
    return ctl_fail(ctl, MDG_ERR_INVALID, _("No column is called like a purpose of that place. Please give --map."));
}

static void columns_fini(struct columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) free((char *)columns->items[i].title);
    free(columns->copy);
}

/* --- preview ------------------------------------------------------------------------------------------ */

static json_t *plan_json(const struct ctl *ctl, const struct import_plan *plan)
{
    json_t *problems = json_array();
    for (size_t i = 0; i < plan->problems_count; i++) {
        char reason[SENTENCE_BYTES];
        import_problem_text(&plan->problems[i], reason, sizeof reason);
        json_array_append_new(problems,
                              json_pack("{s:i, s:s, s:s, s:s}", "line", plan->problems[i].line, "field",
                                        plan->problems[i].field, "value", plan->problems[i].value, "reason", reason));
    }
    return json_pack("{s:s, s:i, s:I, s:I, s:i, s:o}", "file", ctl->options.operand, "lines", plan->lines, "counts",
                     (json_int_t)plan->counts_count, "people", (json_int_t)plan->people, "nobody", plan->nobody,
                     "problems", problems);
}

static void problems_print(const struct import_plan *plan)
{
    for (size_t i = 0; i < plan->problems_count && i < PROBLEMS_SHOWN; i++) {
        char reason[SENTENCE_BYTES];
        const struct import_problem *problem = &plan->problems[i];
        import_problem_text(problem, reason, sizeof reason);
        if (problem->field[0])
            fprintf(stderr, _("Line %d, %s: %s\n"), problem->line, problem->field, reason);
        else
            fprintf(stderr, _("Line %d: %s\n"), problem->line, reason);
    }
    if (plan->problems_count > PROBLEMS_SHOWN)
        fprintf(stderr, _("… and %zu more.\n"), plan->problems_count - PROBLEMS_SHOWN);
}

/* --- sending ------------------------------------------------------------------------------------------ */

struct import_run;
struct flight {
    struct import_run *run;
    size_t index; /* of the count */
    bool is_used;
};

struct import_run {
    struct ctl *ctl;
    const struct import_plan *plan;
    int64_t place_id;
    bool is_estimate;
    size_t next, accepted, refused;
    size_t *again; /* counts the server was too busy for */
    size_t again_count;
    struct flight flights[IN_FLIGHT_MAX];
    int in_flight;
    bool was_busy, has_room;
    int rc; /* no answer: stop */
    json_t *refusals;
};

static void refusal_note(struct import_run *run, size_t index, const Mdg__Refusal *refusal)
{
    char reason[SENTENCE_BYTES];
    refusal_sentence(refusal, reason, sizeof reason);
    run->refused++;
    if (!run->ctl->options.is_json && run->refused <= PROBLEMS_SHOWN)
        fprintf(stderr, _("Line %d: %s\n"), run->plan->counts[index].line, reason);
    json_array_append_new(run->refusals, json_pack("{s:i, s:s, s:s}", "line", run->plan->counts[index].line, "name",
                                                   refusal->name, "reason", reason));
}

static void on_counted(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct flight *flight = arg;
    struct import_run *run = flight->run;
    (void)client;
    flight->is_used = false;
    run->in_flight--;
    run->has_room = true;
    if (rc != 0) {
        run->rc = rc;
    } else if (!response->refusal) {
        run->accepted++;
    } else if (response->refusal->code == MDG_ERR_BUSY) {
        run->again[run->again_count++] = flight->index;
        run->was_busy = true;
    } else {
        refusal_note(run, flight->index, response->refusal);
    }
}

static int count_send(struct import_run *run, size_t index)
{
    const struct import_count *planned = &run->plan->counts[index];
    Mdg__VisitCount count = MDG__VISIT_COUNT__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    struct flight *flight = run->flights;
    while (flight->is_used) flight++; /* in_flight < IN_FLIGHT_MAX, so there is one */
    count.place_id = run->place_id;
    count.purpose_id = planned->purpose_id;
    count.people = planned->people;
    count.at_us = planned->at_us;
    count.is_estimate = run->is_estimate && planned->people > 0;
    visits.of_case = MDG__VISITS__OF_COUNT;
    visits.count = &count;
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    body.visits = &visits;
    *flight = (struct flight){.run = run, .index = index, .is_used = true};
    int rc = mdg_call(run->ctl->client, &body, planned->key, run->ctl->options.timeout_ms, on_counted, flight, NULL);
    if (rc != 0)
        flight->is_used = false;
    else
        run->in_flight++;
    return rc;
}

/* Keeps up to IN_FLIGHT_MAX on their way, so that the server commits many at once. */
static int import_send(struct import_run *run)
{
    size_t count = run->plan->counts_count;
    while (run->rc == 0 && (run->next < count || run->again_count > 0)) {
        if (run->was_busy) {
            run->was_busy = false;
            ctl_wait(run->ctl, BUSY_WAIT_MS);
        }
        while (run->rc == 0 && run->in_flight < IN_FLIGHT_MAX && (run->next < count || run->again_count > 0)) {
            size_t index = run->again_count > 0 ? run->again[--run->again_count] : run->next++;
            run->rc = count_send(run, index);
        }
        run->has_room = false;
        while (run->in_flight > 0 && !run->has_room) uv_run(&run->ctl->loop, UV_RUN_ONCE);
        while (run->next == count && run->in_flight > 0) uv_run(&run->ctl->loop, UV_RUN_ONCE);
    }
    while (run->in_flight > 0) uv_run(&run->ctl->loop, UV_RUN_ONCE); /* their callbacks point at us */
    return run->rc;
}

static int import_report(struct import_run *run, json_t *document, int rc)
{
    struct ctl *ctl = run->ctl;
    static const struct column COLUMNS[] = {{N_("Lines"), "lines", CELL_NUMBER},
                                            {N_("People"), "people", CELL_NUMBER},
                                            {N_("Nobody there"), "nobody", CELL_NUMBER},
                                            {N_("Accepted"), "accepted", CELL_NUMBER},
                                            {N_("Refused"), "refused", CELL_NUMBER},
                                            {N_("Not sent"), "not_sent", CELL_NUMBER},
                                            {NULL, NULL, CELL_TEXT}};
    size_t not_sent = run->plan->counts_count - run->accepted - run->refused;
    json_object_set_new(document, "accepted", json_integer((json_int_t)run->accepted));
    json_object_set_new(document, "refused", json_integer((json_int_t)run->refused));
    json_object_set_new(document, "not_sent", json_integer((json_int_t)not_sent));
    json_object_set(document, "refusals", run->refusals);
    output_facts(ctl, document, COLUMNS);
    if (rc != 0) return ctl_fail(ctl, rc, _("%s Please run it again: nothing is counted twice."), error_sentence(rc));
    if (run->refused > 0) return ctl_fail(ctl, MDG_ERR_CONFLICT, _("Some lines were refused; the others are counted."));
    return 0;
}

static int import_carry_out(struct ctl *ctl, const struct import_plan *plan, int64_t place_id)
{
    json_t *document = plan_json(ctl, plan);
    if (!ctl->options.is_json) {
        problems_print(plan);
        printf(_("%d lines: %zu counts, %lld people, %d times nobody there.\n"), plan->lines, plan->counts_count,
               (long long)plan->people, plan->nobody);
    }
    if (plan->problems_count > 0) {
        output_done(ctl, document, "%s", _("Nothing was sent."));
        return ctl_fail(ctl, MDG_ERR_INVALID,
                        ngettext("%zu line is not right. Please correct the file.",
                                 "%zu faults are in the file. Please correct it.", plan->problems_count),
                        plan->problems_count);
    }
    if (option_is_set(&ctl->options, "dry-run")) return output_done(ctl, document, "%s", _("Nothing was sent."));
    struct import_run run = {.ctl = ctl,
                             .plan = plan,
                             .place_id = place_id,
                             .is_estimate = option_is_set(&ctl->options, "estimate"),
                             .again = calloc(plan->counts_count + 1, sizeof(size_t)),
                             .refusals = json_array()};
    int rc = run.again ? import_send(&run) : MDG_ERR_MEMORY;
    rc = import_report(&run, document, rc);
    free(run.again);
    json_decref(run.refusals);
    return rc;
}

static int run_import(struct ctl *ctl)
{
    struct visit_names names = {0};
    struct columns columns = {0};
    struct import_plan plan = {0};
    char *text = NULL;
    size_t length = 0;
    int64_t place_id = 0;
    const char *time_title = option_text(&ctl->options, "time");
    bool is_dry = option_is_set(&ctl->options, "dry-run");
    int rc = file_read(ctl, ctl->options.operand, &text, &length);
    if (rc == 0) rc = ctl_open(ctl, CTL_FEED | (is_dry ? CTL_MAY_OFFLINE : 0));
    if (rc == 0) rc = visit_names_load(ctl, &names);
    if (rc == 0) rc = visit_place_find(ctl, &names, option_text(&ctl->options, "place"), &place_id);
    if (rc == 0 && option_is_set(&ctl->options, "map")) rc = columns_of_map(ctl, &names, place_id, &columns);
    if (rc == 0 && columns.count == 0) rc = columns_of_titles(ctl, &names, place_id, text, length, &columns);
    if (rc == 0)
        rc = import_plan_read(&plan, text, length, time_title ? time_title : "start", columns.items, columns.count,
                              mdg_client_now_us(ctl->client));
    if (rc == 0) rc = import_carry_out(ctl, &plan, place_id);
    import_plan_fini(&plan);
    columns_fini(&columns);
    visit_names_fini(&names);
    free(text);
    return rc;
}

const struct ctl_command IMPORT_COMMANDS[] = {
    {"import visits",
     "FILE",
     N_("Count what a CSV file holds: a time and numbers of people in each line."),
     run_import,
     {{"place", "PLACE", N_("where, by name or number; may be left out when there is only one"), false, NULL},
      {"map", "COLUMN=PURPOSE", N_("a column and its purpose; may be repeated (columns called like a purpose)"), false,
       NULL},
      {"time", "COLUMN", N_("the column with the time, in the centre's zone (start)"), false, NULL},
      {"estimate", NULL, N_("a hand estimate, marked wherever it is shown"), false, NULL},
      {"dry-run", NULL, N_("only look whether every line is good"), false, NULL}}},
    {0},
};
