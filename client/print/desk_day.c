#include "client/print/desk_day.h"

#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"
#include "common/locale.h"

#define DAY_BYTES_MAX (64u << 20)

static const struct {
    const char *name, *sign, *word;
} STATES[DESK_STATES_COUNT] = {
    [DESK_FREE] = {"free", "○", N_("free")},
    [DESK_TENTATIVE] = {"tentative", "△", N_("tentative")},
    [DESK_CONFIRMED] = {"confirmed", "●", N_("booked")},
    [DESK_WAITING] = {"waiting", "◐", N_("yet to come")},
    [DESK_IN_USE] = {"in_use", "■", N_("in use")},
    [DESK_ENDED] = {"ended", "✓", N_("finished")},
    [DESK_NO_SHOW] = {"no_show", "×", N_("nobody came")},
    [DESK_UNAVAILABLE] = {"unavailable", "×", N_("not available")},
};

const char *desk_state_sign(enum desk_state state)
{
    return STATES[state].sign;
}

const char *desk_state_word(enum desk_state state)
{
    return _(STATES[state].word);
}

const char *desk_state_name(enum desk_state state)
{
    return STATES[state].name;
}

void desk_day_init(struct desk_day *day, int32_t local_day)
{
    *day = (struct desk_day){.day = local_day,
                             .from_us = day_to_us(local_day, 0),
                             .to_us = day_to_us(day_add(local_day, 1), 0),
                             .hours = {.holiday = "", .closed_reason = ""}};
    arena_init(&day->arena, DAY_BYTES_MAX);
}

void desk_day_fini(struct desk_day *day)
{
    arena_fini(&day->arena);
    *day = (struct desk_day){0};
}

/* Room for one more; arrays double, and what they were before stays in the arena until the end. */
static int grow(struct arena *arena, void **array, size_t count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0) return 0;
    void *grown = arena_alloc(arena, (count > 0 ? 2 * count : 1) * size);
    if (!grown) return MDG_ERR_MEMORY;
    if (count > 0) memcpy(grown, *array, count * size);
    *array = grown;
    return 0;
}

static int text_keep(struct arena *arena, const char **text)
{
    *text = arena_strdup(arena, *text ? *text : "");
    return *text ? 0 : MDG_ERR_MEMORY;
}

int desk_day_add_room(struct desk_day *day, const struct desk_room *room)
{
    int rc = grow(&day->arena, (void **)&day->rooms, day->rooms_count, sizeof *room);
    if (rc != 0) return rc;
    day->rooms[day->rooms_count] = *room;
    rc = text_keep(&day->arena, &day->rooms[day->rooms_count].name);
    day->rooms_count += rc == 0;
    return rc;
}

static int booking_put(struct desk_day *day, struct desk_booking **array, size_t *count,
                       const struct desk_booking *booking)
{
    int rc = grow(&day->arena, (void **)array, *count, sizeof *booking);
    if (rc == 0) (*array)[(*count)++] = *booking;
    return rc;
}

int desk_day_add_booking(struct desk_day *day, const struct desk_booking *booking)
{
    struct desk_booking kept = *booking;
    bool is_today = kept.start_us < day->to_us && kept.end_us > day->from_us;
    bool is_pending = kept.state == DESK_TENTATIVE && kept.end_us > day->from_us;
    if (!is_today && !is_pending) return 0;
    int rc = text_keep(&day->arena, &kept.who);
    if (rc == 0) rc = text_keep(&day->arena, &kept.purpose);
    if (rc == 0 && is_today) rc = booking_put(day, &day->bookings, &day->bookings_count, &kept);
    if (rc == 0 && is_pending) rc = booking_put(day, &day->pending, &day->pending_count, &kept);
    return rc;
}

int desk_day_add_case(struct desk_day *day, const struct desk_case *found)
{
    int rc = grow(&day->arena, (void **)&day->cases, day->cases_count, sizeof *found);
    if (rc != 0) return rc;
    day->cases[day->cases_count] = *found;
    rc = text_keep(&day->arena, &day->cases[day->cases_count].owner);
    day->cases_count += rc == 0;
    return rc;
}

int desk_day_add_count(struct desk_day *day, const struct desk_count *count)
{
    int rc = grow(&day->arena, (void **)&day->counts, day->counts_count, sizeof *count);
    if (rc != 0) return rc;
    struct desk_count *kept = &day->counts[day->counts_count];
    *kept = *count;
    rc = text_keep(&day->arena, &kept->place);
    if (rc == 0) rc = text_keep(&day->arena, &kept->purpose);
    day->counts_count += rc == 0;
    return rc;
}

/* --- order -------------------------------------------------------------------------------------------- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int room_compare(const void *a, const void *b)
{
    const struct desk_room *left = a, *right = b;
    int order = COMPARE(left->position, right->position);
    return order != 0 ? order : COMPARE(left->id, right->id);
}

static size_t room_order(const struct desk_day *day, int64_t room_id)
{
    size_t i = 0;
    while (i < day->rooms_count && day->rooms[i].id != room_id) i++;
    return i;
}

static int booking_compare(const void *a, const void *b)
{
    const struct desk_booking *left = a, *right = b;
    int order = COMPARE(left->start_us, right->start_us);
    return order != 0 ? order : COMPARE(left->id, right->id);
}

static int booking_compare_by_room(const void *a, const void *b, void *arg)
{
    const struct desk_booking *left = a, *right = b;
    size_t left_room = room_order(arg, left->room_id), right_room = room_order(arg, right->room_id);
    int order = COMPARE(left_room, right_room);
    if (order == 0) order = COMPARE(left->room_id, right->room_id); /* rooms that are not known here */
    return order != 0 ? order : booking_compare(a, b);
}

static int case_compare(const void *a, const void *b)
{
    const struct desk_case *left = a, *right = b;
    int order = COMPARE(left->follow_up_day, right->follow_up_day);
    if (order == 0) order = COMPARE(left->fiscal_year, right->fiscal_year);
    return order != 0 ? order : COMPARE(left->number, right->number);
}

/* "Looked, nobody there" comes last, as on the count pad. */
static int count_compare(const void *a, const void *b)
{
    const struct desk_count *left = a, *right = b;
    int order = COMPARE(left->place_position, right->place_position);
    if (order == 0) order = COMPARE(left->place_id, right->place_id);
    if (order == 0) order = COMPARE(left->purpose_id == 0, right->purpose_id == 0);
    if (order == 0) order = COMPARE(left->purpose_position, right->purpose_position);
    return order != 0 ? order : COMPARE(left->purpose_id, right->purpose_id);
}

static void sort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1) qsort(array, count, size, compare);
}

void desk_day_finish(struct desk_day *day)
{
    sort(day->rooms, day->rooms_count, sizeof *day->rooms, room_compare);
    if (day->bookings_count > 1)
        qsort_r(day->bookings, day->bookings_count, sizeof *day->bookings, booking_compare_by_room, day);
    sort(day->pending, day->pending_count, sizeof *day->pending, booking_compare);
    sort(day->cases, day->cases_count, sizeof *day->cases, case_compare);
    sort(day->counts, day->counts_count, sizeof *day->counts, count_compare);
}

/* --- questions ---------------------------------------------------------------------------------------- */

enum desk_state desk_booking_state(const struct desk_booking *booking, int64_t now_us)
{
    if (booking->state == DESK_CONFIRMED && booking->start_us <= now_us && now_us < booking->end_us)
        return DESK_WAITING;
    return booking->state;
}

static bool holds_room(const struct desk_booking *booking, int64_t now_us)
{
    switch (booking->state) {
    case DESK_IN_USE:
        return true;
    case DESK_TENTATIVE:
    case DESK_CONFIRMED:
        return booking->start_us <= now_us && now_us < booking->end_us;
    default:
        return false;
    }
}

const struct desk_booking *desk_room_now(const struct desk_day *day, int64_t room_id, int64_t now_us)
{
    const struct desk_booking *found = NULL;
    for (size_t i = 0; i < day->bookings_count; i++) {
        const struct desk_booking *booking = &day->bookings[i];
        if (booking->room_id != room_id || !holds_room(booking, now_us)) continue;
        if (!found || booking->state == DESK_IN_USE) found = booking;
    }
    return found;
}

const struct desk_booking *desk_room_next(const struct desk_day *day, int64_t room_id, int64_t now_us)
{
    const struct desk_booking *now = desk_room_now(day, room_id, now_us);
    for (size_t i = 0; i < day->bookings_count; i++) {
        const struct desk_booking *booking = &day->bookings[i];
        if (booking->room_id != room_id || booking == now || booking->end_us <= now_us) continue;
        if (booking->state == DESK_TENTATIVE || booking->state == DESK_CONFIRMED) return booking;
    }
    return NULL;
}

const struct desk_room *desk_room_find(const struct desk_day *day, int64_t room_id)
{
    size_t order = room_order(day, room_id);
    return order < day->rooms_count ? &day->rooms[order] : NULL;
}

int64_t desk_people_counted(const struct desk_day *day)
{
    int64_t people = 0;
    for (size_t i = 0; i < day->counts_count; i++) people += day->counts[i].people;
    return people;
}
