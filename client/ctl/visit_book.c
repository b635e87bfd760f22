/* client/ctl/visit_book.c - what counting rests on: places, purposes, and the closing of months. */
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/moment.h"
#include "client/ctl/output.h"
#include "client/ctl/visit_names.h"
#include "common/locale.h"

static int visits_write(struct ctl *ctl, Mdg__Visits *visits, int64_t *object_id)
{
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Response *response = NULL;
    body.domain_case = MDG__BODY__DOMAIN_VISITS;
    body.visits = visits;
    int rc = ctl_call(ctl, &body, CTL_WRITE, NULL, &response);
    if (rc != 0) return rc;
    *object_id = response->object_id;
    mdg__response__free_unpacked(response, NULL);
    return 0;
}

static int run_place_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Number"), "id", CELL_NUMBER},
                                            {N_("Name"), "name", CELL_TEXT},
                                            {N_("Position"), "position", CELL_NUMBER},
                                            {N_("No longer used"), "is_retired", CELL_MARK},
                                            {NULL, NULL, CELL_TEXT}};
    struct visit_names names = {0};
    int rc = ctl_open(ctl, CTL_FEED | CTL_MAY_OFFLINE);
    if (rc == 0) rc = visit_names_load(ctl, &names);
    if (rc == 0) rc = output_table(ctl, json_pack("{s:O}", "places", names.places), "places", COLUMNS);
    visit_names_fini(&names);
    return rc;
}

static int run_purpose_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Number"), "id", CELL_NUMBER},
                                            {N_("Place"), "place", CELL_TEXT},
                                            {N_("Name"), "name", CELL_TEXT},
                                            {N_("Position"), "position", CELL_NUMBER},
                                            {N_("No longer used"), "is_retired", CELL_MARK},
                                            {NULL, NULL, CELL_TEXT}};
    struct visit_names names = {0};
    int rc = ctl_open(ctl, CTL_FEED | CTL_MAY_OFFLINE);
    if (rc == 0) rc = visit_names_load(ctl, &names);
    for (size_t i = 0; rc == 0 && i < json_array_size(names.purposes); i++) {
        json_t *row = json_array_get(names.purposes, i);
        int64_t place_id = json_integer_value(json_object_get(row, "place_id"));
        json_object_set_new(row, "place", json_string(visit_place_name(&names, place_id)));
    }
    if (rc == 0) rc = output_table(ctl, json_pack("{s:O}", "purposes", names.purposes), "purposes", COLUMNS);
    visit_names_fini(&names);
    return rc;
}

static const json_t *row_of(const json_t *rows, int64_t id)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (json_integer_value(json_object_get(row, "id")) == id) return row;
    }
    return NULL;
}

/* What both kinds of row share: what is not given stays as it is. */
static int common_fill(struct ctl *ctl, const json_t *row, char **name, int32_t *position,
                       protobuf_c_boolean *is_retired)
{
    const struct ctl_options *options = &ctl->options;
    const char *given = option_text(options, "name"), *place = option_text(options, "position");
    int64_t number = row ? json_integer_value(json_object_get(row, "position")) : 0;
    if (!row && !given) return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give --name for a new one."));
    if (place && number_parse(place, 0, INT32_MAX, &number) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--position: please give a whole number."));
    *name = (char *)(given ? given : json_string_value(json_object_get(row, "name")));
    *position = (int32_t)number;
    *is_retired = row && json_is_true(json_object_get(row, "is_retired"));
    if (option_is_set(options, "retire")) *is_retired = true;
    if (option_is_set(options, "use")) *is_retired = false;
    return 0;
}

static int run_place_save(struct ctl *ctl)
{
    Mdg__VisitPlaceSave save = MDG__VISIT_PLACE_SAVE__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    struct visit_names names = {0};
    int64_t id = 0;
    visits.of_case = MDG__VISITS__OF_PLACE_SAVE;
    visits.place_save = &save;
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = visit_names_load(ctl, &names);
    if (rc == 0 && ctl->options.operand) rc = visit_place_find(ctl, &names, ctl->options.operand, &save.id);
    if (rc == 0) rc = common_fill(ctl, row_of(names.places, save.id), &save.name, &save.position, &save.is_retired);
    if (rc == 0) rc = visits_write(ctl, &visits, &id);
    if (rc == 0)
        rc = output_done(ctl, json_pack("{s:I, s:s}", "place_id", (json_int_t)id, "name", save.name),
                         _("Place “%s” has number %lld."), save.name, (long long)id);
    visit_names_fini(&names);
    return rc;
}

static int purpose_fill(struct ctl *ctl, const struct visit_names *names, Mdg__VisitPurposeSave *save)
{
    const char *place = option_text(&ctl->options, "place");
    int rc = 0;
    if (place || !ctl->options.operand) rc = visit_place_find(ctl, names, place, &save->place_id);
    if (rc == 0 && ctl->options.operand)
        rc = visit_purpose_find(ctl, names, save->place_id, ctl->options.operand, &save->id);
    if (rc != 0) return rc;
    const json_t *row = row_of(names->purposes, save->id);
    if (row) save->place_id = json_integer_value(json_object_get(row, "place_id"));
    return common_fill(ctl, row, &save->name, &save->position, &save->is_retired);
}

static int run_purpose_save(struct ctl *ctl)
{
    Mdg__VisitPurposeSave save = MDG__VISIT_PURPOSE_SAVE__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    struct visit_names names = {0};
    int64_t id = 0;
    visits.of_case = MDG__VISITS__OF_PURPOSE_SAVE;
    visits.purpose_save = &save;
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = visit_names_load(ctl, &names);
    if (rc == 0) rc = purpose_fill(ctl, &names, &save);
    if (rc == 0) rc = visits_write(ctl, &visits, &id);
    if (rc == 0)
        rc = output_done(ctl,
                         json_pack("{s:I, s:I, s:s}", "purpose_id", (json_int_t)id, "place_id",
                                   (json_int_t)save.place_id, "name", save.name),
                         _("Purpose “%s” has number %lld."), save.name, (long long)id);
    visit_names_fini(&names);
    return rc;
}

static int month_parse(struct ctl *ctl, int32_t *month)
{
    if (moment_month_parse(ctl->options.operand, month) == 0) return 0;
    return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give a month such as 2026-11."));
}

static int run_close(struct ctl *ctl)
{
    Mdg__PeriodClose close = MDG__PERIOD_CLOSE__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    int64_t id = 0;
    visits.of_case = MDG__VISITS__OF_PERIOD_CLOSE;
    visits.period_close = &close;
    int rc = month_parse(ctl, &close.month);
    if (rc == 0) rc = ctl_open(ctl, 0);
    if (rc == 0) rc = visits_write(ctl, &visits, &id);
    return rc != 0 ? rc
                   : output_done(ctl, json_pack("{s:i}", "month", (int)close.month),
                                 _("%04d/%02d is closed; its figures stay."), (int)(close.month / 100),
                                 (int)(close.month % 100));
}

static int run_reopen(struct ctl *ctl)
{
    Mdg__PeriodReopen reopen = MDG__PERIOD_REOPEN__INIT;
    Mdg__Visits visits = MDG__VISITS__INIT;
    int64_t id = 0;
    reopen.reason = (char *)option_text(&ctl->options, "reason");
    visits.of_case = MDG__VISITS__OF_PERIOD_REOPEN;
    visits.period_reopen = &reopen;
    int rc = month_parse(ctl, &reopen.month);
    if (rc == 0) rc = ctl_open(ctl, 0);
    if (rc == 0) rc = visits_write(ctl, &visits, &id);
    return rc != 0
               ? rc
               : output_done(ctl, json_pack("{s:i, s:I}", "month", (int)reopen.month, "approval_id", (json_int_t)id),
                             _("This waits for a second person as approval %lld."), (long long)id);
}

const struct ctl_command VISIT_BOOK_COMMANDS[] = {
    {"visit place list", NULL, N_("Show the places where visitors are counted."), run_place_list, {{0}}},
    {"visit place save",
     "[PLACE]",
     N_("Make a place, or change the one that is named."),
     run_place_save,
     {{"name", "NAME", N_("its name"), false, NULL},
      {"position", "N", N_("order on screens"), false, NULL},
      {"retire", NULL, N_("no longer offered; what was counted stays"), false, NULL},
      {"use", NULL, N_("offered again"), false, NULL}}},
    {"visit purpose list", NULL, N_("Show the purposes of each place."), run_purpose_list, {{0}}},
    {"visit purpose save",
     "[PURPOSE]",
     N_("Make a purpose, or change the one that is named."),
     run_purpose_save,
     {{"place", "PLACE", N_("the place of it, by name or number"), false, NULL},
      {"name", "NAME", N_("its name"), false, NULL},
      {"position", "N", N_("order on screens; 1 to 9 are the keys of the count pad"), false, NULL},
      {"retire", NULL, N_("no longer offered; what was counted stays"), false, NULL},
      {"use", NULL, N_("offered again"), false, NULL}}},
    {"visit close", "MONTH", N_("Close a month: its figures stay as they are."), run_close, {{0}}},
    {"visit reopen",
     "MONTH",
     N_("Ask for a closed month to be opened; a second person decides."),
     run_reopen,
     {{"reason", "TEXT", N_("why, in your own words"), true, NULL}}},
    {0},
};
