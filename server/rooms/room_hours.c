#include "server/rooms/room_hours.h"

#include "common/day.h"
#include "common/error.h"
#include "server/bookings/booking_store.h"
#include "server/hours/hours_store.h"

int centre_open_spans(struct db *db, int64_t from_us, int64_t to_us, struct spans *out)
{
    int32_t last = day_of_us(to_us - 1);
    out->count = 0;
    for (int32_t day = day_of_us(from_us); day <= last; day = day_add(day, 1)) {
        struct hours_day hours;
        int rc = hours_of_day(db, day, &hours);
        if (rc != 0) return rc;
        if (!hours.is_open) continue;
        int64_t open_us = day_to_us(day, hours.open_minute), close_us = day_to_us(day, hours.close_minute);
        if (open_us < from_us) open_us = from_us;
        if (close_us > to_us) close_us = to_us;
        if (!spans_add(out, open_us, close_us)) return MDG_ERR_TOO_LARGE;
    }
    return 0;
}

int room_open_spans(struct db *db, const struct room *room, int64_t from_us, int64_t to_us, struct spans *out)
{
    if (!room->is_always_open) return centre_open_spans(db, from_us, to_us, out);
    out->count = 0;
    return spans_add(out, from_us, to_us) ? 0 : MDG_ERR_TOO_LARGE;
}

static int add_taken(void *arg, const struct booking *b)
{
    return spans_add(arg, b->start_us, b->end_us) ? 0 : MDG_ERR_TOO_LARGE;
}

int room_taken_spans(struct db *db, int64_t room_id, int64_t from_us, int64_t to_us, struct spans *out)
{
    out->count = 0;
    return booking_each_between(db, from_us, to_us, room_id, add_taken, out);
}
