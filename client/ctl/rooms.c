/* client/ctl/rooms.c - what can be booked, and what is free. */
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/moment.h"
#include "client/ctl/output.h"
#include "client/ctl/room_book.h"
#include "common/day.h"
#include "common/locale.h"

static int rooms_call(struct ctl *ctl, Mdg__Rooms *rooms, enum ctl_access access, Mdg__Response **out)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_ROOMS;
    body.rooms = rooms;
    return ctl_call(ctl, &body, access, NULL, out);
}

/* --- the rooms ---------------------------------------------------------------------------------------- */

static int run_room_list(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Number"), "id", CELL_NUMBER},
                                            {N_("Name"), "name", CELL_TEXT},
                                            {N_("Kind"), "kind", CELL_WORD},
                                            {N_("Capacity"), "capacity", CELL_NUMBER},
                                            {N_("Always open"), "is_always_open", CELL_MARK},
                                            {N_("No longer used"), "is_retired", CELL_MARK},
                                            {N_("Note"), "note", CELL_TEXT},
                                            {NULL, NULL, CELL_TEXT}};
    struct room_book book = {0};
    int rc = ctl_open(ctl, CTL_FEED | CTL_MAY_OFFLINE);
    if (rc == 0) rc = room_book_load(ctl, &book);
    if (rc == 0) rc = output_table(ctl, json_pack("{s:O}", "rooms", book.rooms), "rooms", COLUMNS);
    room_book_fini(&book);
    return rc;
}

static int number_option(struct ctl *ctl, const char *name, int64_t most, const json_t *room, int32_t *out)
{
    const char *text = option_text(&ctl->options, name);
    int64_t number = room ? json_integer_value(json_object_get(room, name)) : 0;
    if (text && number_parse(text, 0, most, &number) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--%s: please give a number up to %lld."), name, (long long)most);
    *out = (int32_t)number;
    return 0;
}

static const char *text_option(const struct ctl *ctl, const char *name, const json_t *room)
{
    const char *given = option_text(&ctl->options, name);
    const char *was = room ? json_string_value(json_object_get(room, name)) : NULL;
    return given ? given : was ? was : "";
}

static protobuf_c_boolean switch_option(const struct ctl *ctl, const char *on, const char *off, const json_t *room,
                                        const char *key)
{
    if (option_is_set(&ctl->options, on)) return true;
    if (option_is_set(&ctl->options, off)) return false;
    return room && json_is_true(json_object_get(room, key));
}

/* What is not given stays as it is. */
static int save_fill(struct ctl *ctl, const json_t *room, Mdg__RoomSave *save)
{
    static const char *const KINDS[] = {"", "room", "lobby", "panel"};
    const char *kind = text_option(ctl, "kind", room);
    save->name = (char *)text_option(ctl, "name", room);
    save->note = (char *)text_option(ctl, "note", room);
    if (!save->name[0]) return ctl_fail(ctl, MDG_ERR_INVALID, _("Please give --name for a new one."));
    for (int i = 1; i < 4; i++)
        if (strcmp(kind[0] ? kind : "room", KINDS[i]) == 0) save->kind = (Mdg__RoomKind)i;
    if (save->kind == MDG__ROOM_KIND__ROOM_KIND_NONE)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--kind: please give room, lobby or panel."));
    save->is_always_open = switch_option(ctl, "always-open", "with-hours", room, "is_always_open");
    save->is_retired = switch_option(ctl, "retire", "use", room, "is_retired");
    int rc = number_option(ctl, "capacity", 99999, room, &save->capacity);
    if (rc == 0) rc = number_option(ctl, "position", 9999, room, &save->position);
    if (rc != 0 || !room) return rc;
    save->id = room_id_of(room);
    save->rev = json_integer_value(json_object_get(room, "rev"));
    return 0;
}

static int run_room_save(struct ctl *ctl)
{
    Mdg__RoomSave save = MDG__ROOM_SAVE__INIT;
    Mdg__Rooms rooms = MDG__ROOMS__INIT;
    Mdg__Response *response = NULL;
    struct room_book book = {0};
    const json_t *room = NULL;
    rooms.of_case = MDG__ROOMS__OF_SAVE;
    rooms.save = &save;
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = room_book_load(ctl, &book);
    if (rc == 0 && ctl->options.operand) rc = room_book_find(ctl, &book, ctl->options.operand, &room);
    if (rc == 0) rc = save_fill(ctl, room, &save);
    if (rc == 0) rc = rooms_call(ctl, &rooms, CTL_WRITE, &response);
    if (rc == 0) {
        int64_t id = response->object_id;
        rc = output_done(ctl,
                         json_pack("{s:I, s:s, s:I}", "room_id", (json_int_t)id, "name", save.name, "rev",
                                   (json_int_t)response->rev),
                         _("Room “%s” has number %lld."), save.name, (long long)id);
        mdg__response__free_unpacked(response, NULL);
    }
    room_book_fini(&book);
    return rc;
}

/* --- what is free ------------------------------------------------------------------------------------- */

/* A time, or a whole day; today where nothing is given. */
static int span_parse(struct ctl *ctl, int64_t *from_us, int64_t *to_us)
{
    const char *from = option_text(&ctl->options, "from"), *to = option_text(&ctl->options, "to");
    int64_t now_us = mdg_client_now_us(ctl->client);
    int32_t day = day_of_us(now_us);
    if (from && moment_day_parse(from, now_us, &day) != 0) {
        if (moment_parse(from, now_us, from_us) != 0)
            return ctl_fail(ctl, MDG_ERR_INVALID, _("--from: please give a day or a time such as 2026-11-24 13:00."));
        day = day_of_us(*from_us);
    } else {
        *from_us = day_to_us(day, 0);
    }
    *to_us = day_to_us(day_add(day, 1), 0);
    if (!to) return 0;
    if (moment_day_parse(to, now_us, &day) == 0)
        *to_us = day_to_us(day_add(day, 1), 0);
    else if (moment_parse(to, strlen(to) > 8 ? now_us : *from_us, to_us) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--to: please give a day or a time such as 2026-11-24 13:00."));
    return 0;
}

static void add_spans(const Mdg__Available *available, const struct room_book *book, json_t *document)
{
    json_t *spans = json_object_get(document, "spans");
    for (size_t i = 0; i < available->n_spans; i++) {
        const Mdg__FreeSpan *span = available->spans[i];
        json_array_append_new(spans, json_pack("{s:I, s:s, s:I, s:I}", "room_id", (json_int_t)span->room_id, "room",
                                               room_book_name(book, span->room_id), "from_us",
                                               (json_int_t)span->from_us, "to_us", (json_int_t)span->to_us));
    }
    json_object_set_new(document, "has_more", json_boolean(available->has_more));
}

static int run_availability(struct ctl *ctl)
{
    static const struct column COLUMNS[] = {{N_("Room"), "room", CELL_TEXT},
                                            {N_("From"), "from_us", CELL_INSTANT},
                                            {N_("To"), "to_us", CELL_INSTANT},
                                            {NULL, NULL, CELL_TEXT}};
    Mdg__Availability ask = MDG__AVAILABILITY__INIT;
    Mdg__Rooms rooms = MDG__ROOMS__INIT;
    Mdg__Response *response = NULL;
    struct room_book book = {0};
    const json_t *room = NULL;
    const char *wanted = option_text(&ctl->options, "room");
    json_t *document = json_pack("{s:[]}", "spans");
    rooms.of_case = MDG__ROOMS__OF_AVAILABILITY;
    rooms.availability = &ask;
    int rc = ctl_open(ctl, CTL_FEED);
    if (rc == 0) rc = room_book_load(ctl, &book);
    if (rc == 0) rc = span_parse(ctl, &ask.from_us, &ask.to_us);
    if (rc == 0) rc = number_option(ctl, "people", 99999, NULL, &ask.people);
    if (rc == 0 && wanted) rc = room_book_find(ctl, &book, wanted, &room);
    if (room) ask.room_id = room_id_of(room);
    if (rc == 0) rc = rooms_call(ctl, &rooms, CTL_READ, &response);
    if (rc == 0 && response->body && response->body->domain_case == MDG__BODY__DOMAIN_ROOMS &&
        response->body->rooms->of_case == MDG__ROOMS__OF_AVAILABLE)
        add_spans(response->body->rooms->available, &book, document);
    if (response) mdg__response__free_unpacked(response, NULL);
    room_book_fini(&book);
    if (rc == 0) return output_table(ctl, document, "spans", COLUMNS);
    json_decref(document);
    return rc;
}

const struct ctl_command ROOM_COMMANDS[] = {
    {"room list", NULL, N_("List the rooms."), run_room_list, {{NULL, NULL, NULL, false, NULL}}},
    {"room save",
     "[ROOM]",
     N_("Make a room, or change one; what is not given stays as it is."),
     run_room_save,
     {{"name", "NAME", N_("its name"), false, NULL},
      {"kind", "KIND", N_("room, lobby or panel (room)"), false, "room lobby panel"},
      {"capacity", "N", N_("how many people it holds (not said)"), false, NULL},
      {"position", "N", N_("its place in lists"), false, NULL},
      {"note", "TEXT", N_("a note"), false, NULL},
      {"always-open", NULL, N_("bookable without regard to the opening hours"), false, NULL},
      {"with-hours", NULL, N_("bookable within the opening hours only"), false, NULL},
      {"retire", NULL, N_("no longer in use"), false, NULL},
      {"use", NULL, N_("in use again"), false, NULL}}},
    {"availability",
     NULL,
     N_("Show what is free; nobody need be signed in."),
     run_availability,
     {{"from", "TIME", N_("from this day or time on (today)"), false, NULL},
      {"to", "TIME", N_("until this day or time (the end of the day)"), false, NULL},
      {"room", "ROOM", N_("of one room, by name or number"), false, NULL},
      {"people", "N", N_("rooms that hold as many"), false, NULL}}},
    {NULL, NULL, NULL, NULL, {{NULL, NULL, NULL, false, NULL}}},
};
