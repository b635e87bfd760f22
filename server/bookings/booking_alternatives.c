#include "server/bookings/booking_alternatives.h"

#include "common/day.h"
#include "common/error.h"
#include "server/rooms/room_hours.h"

#define BACK_DAYS 3
#define AHEAD_DAYS 14
#define OPEN_SPANS_MAX_HERE 512 /* a booking may last a year */
#define TAKEN_SPANS_MAX 1024
#define ROOMS_MAX 50
#define FOUND 1

struct search {
    struct db *db;
    const struct room *room;
    const struct booking *wanted;
    struct spans open, taken, free;
    struct booking_alternative *out;
    size_t count;
};

static void offer(struct search *search, int64_t room_id, int64_t start_us)
{
    int64_t end_us = start_us + (search->wanted->end_us - search->wanted->start_us);
    search->out[search->count++] = (struct booking_alternative){room_id, start_us, end_us};
}

static bool is_offered(const struct search *search, int64_t start_us)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->out[i].room_id == search->room->id && search->out[i].start_us == start_us) return true;
    return false;
}

static int add_taken(void *arg, const struct booking *b)
{
    struct search *search = arg;
    if (b->id == search->wanted->id) return 0;
    return spans_add(&search->taken, b->start_us, b->end_us) ? 0 : MDG_ERR_TOO_LARGE;
}

/* What is free in the room around the wanted time; nothing when there is too much to look at. */
static int look_at_room(struct search *search, int64_t from_us, int64_t to_us)
{
    search->taken.count = search->free.count = 0;
    int rc = room_open_spans(search->db, search->room, from_us, to_us, &search->open);
    if (rc == 0) rc = booking_each_between(search->db, from_us, to_us, search->room->id, add_taken, search);
    if (rc == MDG_ERR_TOO_LARGE) return 0;
    if (rc == 0 && !spans_free(&search->open, &search->taken, from_us, to_us, &search->free)) search->free.count = 0;
    return rc;
}

static void offer_nearest_time(struct search *search)
{
    int64_t start_us;
    int64_t length_us = search->wanted->end_us - search->wanted->start_us;
    if (spans_nearest(&search->free, search->wanted->start_us, length_us, &start_us))
        offer(search, search->room->id, start_us);
}

static int try_room(void *arg, const struct room *room)
{
    struct search *search = arg;
    struct booking clash;
    const struct booking *wanted = search->wanted;
    if (!room->is_always_open && !spans_hold(&search->open, wanted->start_us, wanted->end_us)) return 0;
    int rc = booking_clash(search->db, room->id, wanted->start_us, wanted->end_us, wanted->id, &clash);
    if (rc != MDG_ERR_NOT_FOUND) return rc;
    offer(search, room->id, wanted->start_us);
    return FOUND;
}

static int offer_nearest_room(struct search *search)
{
    int rc = centre_open_spans(search->db, search->wanted->start_us, search->wanted->end_us, &search->open);
    if (rc == 0) rc = room_each_near(search->db, search->room, search->wanted->people, ROOMS_MAX, try_room, search);
    return rc == FOUND || rc == MDG_ERR_TOO_LARGE ? 0 : rc;
}

static void offer_next_day(struct search *search)
{
    int minute;
    int32_t day = day_minute_of_us(search->wanted->start_us, &minute);
    int64_t length_us = search->wanted->end_us - search->wanted->start_us;
    for (int ahead = 1; ahead <= AHEAD_DAYS; ahead++) {
        int64_t start_us = day_to_us(day_add(day, ahead), minute);
        if (is_offered(search, start_us) || !spans_hold(&search->free, start_us, start_us + length_us)) continue;
        offer(search, search->room->id, start_us);
        return;
    }
}

static bool spans_make(struct arena *arena, struct spans *spans, size_t most)
{
    *spans = (struct spans){.at = arena_alloc(arena, most * sizeof *spans->at), .most = most};
    return spans->at != NULL;
}

int booking_alternatives(struct db *db, struct arena *arena, const struct room *room, const struct booking *wanted,
                         int64_t now_us, struct booking_alternative out[BOOKING_ALTERNATIVES_MAX], size_t *count)
{
    struct search search = {.db = db, .room = room, .wanted = wanted, .out = out};
    *count = 0;
    if (!spans_make(arena, &search.open, OPEN_SPANS_MAX_HERE) || !spans_make(arena, &search.taken, TAKEN_SPANS_MAX) ||
        !spans_make(arena, &search.free, OPEN_SPANS_MAX_HERE + TAKEN_SPANS_MAX))
        return MDG_ERR_MEMORY;
    int64_t from_us = wanted->start_us - BACK_DAYS * US_PER_DAY;
    int64_t to_us = wanted->end_us + (AHEAD_DAYS + 1) * US_PER_DAY;
    if (from_us < now_us) from_us = now_us;
    int rc = from_us < to_us ? look_at_room(&search, from_us, to_us) : 0;
    if (rc == 0) offer_nearest_time(&search);
    if (rc == 0) rc = offer_nearest_room(&search);
    if (rc == 0) offer_next_day(&search);
    *count = search.count;
    return rc;
}
