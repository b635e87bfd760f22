#include "server/bookings/booking_wire.h"

static int set_text(struct arena *arena, char **field, const char *text)
{
    if (text[0]) *field = arena_strdup(arena, text);
    return *field ? 0 : MDG_ERR_MEMORY;
}

int booking_to_wire(struct arena *arena, const struct booking *b, enum booking_sight sight, Mdg__Booking *to)
{
    int rc = 0;
    to->id = b->id;
    to->rev = b->rev;
    to->room_id = b->room_id;
    to->start_us = b->start_us;
    to->end_us = b->end_us;
    to->state = (Mdg__BookingState)b->state;
    to->is_public = b->is_public;
    if (sight != SIGHT_TIMES && (sight != SIGHT_PUBLIC || b->is_public)) rc = set_text(arena, &to->title, b->title);
    if (rc != 0 || sight != SIGHT_ALL) return rc;
    to->group_id = b->group_id;
    to->people = b->people;
    to->lapse_day = b->lapse_day;
    to->person_id = b->person_id;
    to->changed_us = b->changed_us;
    to->is_record = b->is_record;
    rc = set_text(arena, &to->applicant, b->applicant);
    return rc == 0 ? set_text(arena, &to->reason, b->reason) : rc;
}
