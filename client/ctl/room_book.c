#include "client/ctl/room_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/locale.h"
#include "common/text.h"

#define ROW_ROOM 9201u

static const char *const KINDS[] = {"none", "room", "lobby", "panel"};

static int64_t integer_of(const json_t *room, const char *key)
{
    return json_integer_value(json_object_get(room, key));
}

int64_t room_id_of(const json_t *room)
{
    return integer_of(room, "id");
}

static bool is_before(const json_t *a, const json_t *b)
{
    int64_t left = integer_of(a, "position"), right = integer_of(b, "position");
    return left != right ? left < right : room_id_of(a) < room_id_of(b);
}

/* Rows come by id, so most are at their place when they come last. */
static void on_room(const Mdg__Row *row, void *arg)
{
    struct room_book *book = arg;
    if (!row->body || row->body->domain_case != MDG__BODY__DOMAIN_ROOMS ||
        row->body->rooms->of_case != MDG__ROOMS__OF_ROOM_ROW)
        return;
    const Mdg__Room *room = row->body->rooms->room_row;
    const char *kind = (unsigned)room->kind < sizeof KINDS / sizeof KINDS[0] ? KINDS[room->kind] : KINDS[0];
    json_t *object =
        json_pack("{s:I, s:s, s:s, s:i, s:i, s:s, s:b, s:b, s:I}", "id", (json_int_t)room->id, "name", room->name,
                  "kind", kind, "capacity", (int)room->capacity, "position", (int)room->position, "note", room->note,
                  "is_always_open", room->is_always_open, "is_retired", room->is_retired, "rev", (json_int_t)row->rev);
    size_t at = json_array_size(book->rooms);
    while (at > 0 && is_before(object, json_array_get(book->rooms, at - 1))) at--;
    json_array_insert_new(book->rooms, at, object);
}

int room_book_load(struct ctl *ctl, struct room_book *book)
{
    book->rooms = json_array();
    return mdg_replica_each(ctl->client, ROW_ROOM, on_room, book);
}

void room_book_fini(struct room_book *book)
{
    if (book->rooms) json_decref(book->rooms);
    book->rooms = NULL;
}

const char *room_book_name(const struct room_book *book, int64_t id)
{
    for (size_t i = 0; i < json_array_size(book->rooms); i++) {
        const json_t *room = json_array_get(book->rooms, i);
        if (room_id_of(room) == id) return json_string_value(json_object_get(room, "name"));
    }
    return "";
}

/* What could have been meant: "和室, 会議室". */
static void names_join(const struct room_book *book, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(book->rooms) && length < size; i++) {
        const json_t *room = json_array_get(book->rooms, i);
        if (json_is_true(json_object_get(room, "is_retired"))) continue;
        int wrote = snprintf(out + length, size - length, "%s%s", length > 0 ? ", " : "",
                             json_string_value(json_object_get(room, "name")));
        if (wrote < 0) break;
        length += (size_t)wrote;
    }
}

static const json_t *find(const struct room_book *book, const char *wanted)
{
    const json_t *found = NULL;
    int64_t number = 0;
    int in_use = 0;
    char *wanted_key = wanted ? text_name_key(wanted) : NULL;
    bool is_number = wanted && number_parse(wanted, 1, INT64_MAX, &number) == 0;
    for (size_t i = 0; i < json_array_size(book->rooms); i++) {
        const json_t *room = json_array_get(book->rooms, i);
        if (!wanted) {
            if (!json_is_true(json_object_get(room, "is_retired"))) found = in_use++ == 0 ? room : NULL;
            continue;
        }
        char *key = text_name_key(json_string_value(json_object_get(room, "name")));
        if (key && wanted_key && strcmp(key, wanted_key) == 0) found = room;
        if (is_number && room_id_of(room) == number && !found) found = room;
        free(key);
    }
    free(wanted_key);
    return found;
}

int room_book_find(struct ctl *ctl, const struct room_book *book, const char *wanted, const json_t **room)
{
    char list[300];
    *room = find(book, wanted);
    if (*room) return 0;
    names_join(book, list, sizeof list);
    if (!list[0])
        return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("This terminal knows no rooms yet. The office makes them."));
    if (!wanted) return ctl_fail(ctl, MDG_ERR_INVALID, _("--room: please choose one of: %s."), list);
    return ctl_fail(ctl, MDG_ERR_NOT_FOUND, _("There is no room “%s”. There are: %s."), wanted, list);
}
