#include "client/ctl/visit_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/locale.h"
#include "common/text.h"

static void on_place(const Mdg__Row *row, void *arg)
{
    struct visit_names *names = arg;
    if (!row->body || row->body->domain_case != MDG__BODY__DOMAIN_VISITS ||
        row->body->visits->of_case != MDG__VISITS__OF_VISIT_PLACE_ROW)
        return;
    const Mdg__VisitPlace *place = row->body->visits->visit_place_row;
    json_array_append_new(names->places,
                          json_pack("{s:I, s:s, s:i, s:b}", "id", (json_int_t)place->id, "name", place->name,
                                    "position", (int)place->position, "is_retired", place->is_retired));
}

static void on_purpose(const Mdg__Row *row, void *arg)
{
    struct visit_names *names = arg;
    if (!row->body || row->body->domain_case != MDG__BODY__DOMAIN_VISITS ||
        row->body->visits->of_case != MDG__VISITS__OF_VISIT_PURPOSE_ROW)
        return;
    const Mdg__VisitPurpose *purpose = row->body->visits->visit_purpose_row;
    json_array_append_new(names->purposes,
                          json_pack("{s:I, s:I, s:s, s:i, s:b}", "id", (json_int_t)purpose->id, "place_id",
                                    (json_int_t)purpose->place_id, "name", purpose->name, "position",
                                    (int)purpose->position, "is_retired", purpose->is_retired));
}

int visit_names_load(struct ctl *ctl, struct visit_names *names)
{
    names->places = json_array();
    names->purposes = json_array();
    int rc = mdg_replica_each(ctl->client, ROW_VISIT_PLACE, on_place, names);
    if (rc == 0) rc = mdg_replica_each(ctl->client, ROW_VISIT_PURPOSE, on_purpose, names);
    return rc;
}

void visit_names_fini(struct visit_names *names)
{
    if (names->places) json_decref(names->places);
    if (names->purposes) json_decref(names->purposes);
    *names = (struct visit_names){0};
}

static int64_t integer_of(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static const char *name_of(const json_t *rows, int64_t id)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (integer_of(row, "id") == id) return json_string_value(json_object_get(row, "name"));
    }
    return "";
}

const char *visit_place_name(const struct visit_names *names, int64_t id)
{
    return name_of(names->places, id);
}

const char *visit_purpose_name(const struct visit_names *names, int64_t id)
{
    return name_of(names->purposes, id);
}

/* What could have been meant: "入口, 閲覧室". */
static void names_join(const json_t *rows, int64_t place_id, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(rows) && length < size; i++) {
        const json_t *row = json_array_get(rows, i);
        if (json_is_true(json_object_get(row, "is_retired"))) continue;
        if (place_id != 0 && integer_of(row, "place_id") != place_id) continue;
        int wrote = snprintf(out + length, size - length, "%s%s", length > 0 ? ", " : "",
                             json_string_value(json_object_get(row, "name")));
        if (wrote < 0) break;
        length += (size_t)wrote;
    }
}

/* By number, by name, or the only one in use. place_id 0: places. The id, or 0. */
static int64_t row_find(const json_t *rows, int64_t place_id, const char *wanted)
{
    int64_t number = 0, found = 0;
    int in_use = 0;
    char *wanted_key = wanted ? text_name_key(wanted) : NULL;
    bool is_number = wanted && number_parse(wanted, 1, INT64_MAX, &number) == 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        int64_t id = integer_of(row, "id");
        if (place_id != 0 && integer_of(row, "place_id") != place_id) continue;
        if (!wanted) {
            if (json_is_true(json_object_get(row, "is_retired"))) continue;
            found = in_use++ == 0 ? id : 0;
            continue;
        }
        char *key = text_name_key(json_string_value(json_object_get(row, "name")));
        if (key && wanted_key && strcmp(key, wanted_key) == 0) found = id;
        if (is_number && id == number && found == 0) found = id;
        free(key);
    }
    free(wanted_key);
    return found;
}

int visit_place_find(struct ctl *ctl, const struct visit_names *names, const char *wanted, int64_t *id)
{
    char list[300];
    *id = row_find(names->places, 0, wanted);
    if (*id != 0) return 0;
    names_join(names->places, 0, list, sizeof list);
    if (!list[0])
        return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("This terminal knows no places yet. The office makes them."));
    if (!wanted) return ctl_fail(ctl, MDG_ERR_INVALID, _("--place: please choose one of: %s."), list);
    return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("There is no place “%s”. There are: %s."), wanted, list);
}

int visit_purpose_find(struct ctl *ctl, const struct visit_names *names, int64_t place_id, const char *wanted,
                       int64_t *id)
{
    char list[300];
    *id = row_find(names->purposes, place_id, wanted);
    if (*id != 0) return 0;
    names_join(names->purposes, place_id, list, sizeof list);
    if (!list[0]) return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("That place has no purposes yet. The office makes them."));
    if (!wanted) return ctl_fail(ctl, MDG_ERR_INVALID, _("--purpose: please choose one of: %s."), list);
    return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("There is no purpose “%s” there. There are: %s."), wanted, list);
}

json_t *visit_json(const struct visit_names *names, const Mdg__Visit *visit)
{
    char key[2 * MDG_KEY_BYTES + 1] = "";
    if (visit->count_key.len == MDG_KEY_BYTES) bytes_to_hex(visit->count_key.data, MDG_KEY_BYTES, key);
    return json_pack(
        "{s:I, s:I, s:s, s:I, s:s, s:i, s:I, s:I, s:I, s:I, s:b, s:I, s:s, s:s}", "id", (json_int_t)visit->id,
        "place_id", (json_int_t)visit->place_id, "place", visit_place_name(names, visit->place_id), "purpose_id",
        (json_int_t)visit->purpose_id, "purpose", visit_purpose_name(names, visit->purpose_id), "people",
        (int)visit->people, "at_us", (json_int_t)visit->at_us, "received_us", (json_int_t)visit->received_us,
        "terminal_id", (json_int_t)visit->terminal_id, "person_id", (json_int_t)visit->person_id, "is_estimate",
        visit->is_estimate, "corrects_id", (json_int_t)visit->corrects_id, "reason", visit->reason, "key", key);
}
