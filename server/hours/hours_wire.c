#include "server/hours/hours_wire.h"

int opening_hours_to_wire(struct arena *arena, const struct opening_hours *hours, Mdg__OpeningHours *to)
{
    to->id = hours->id;
    to->from_day = hours->from_day;
    for (int i = 0; i < hours->spans_count; i++) {
        Mdg__OpenSpan *span = repeated_add(arena, &to->n_spans, &to->spans, &mdg__open_span__descriptor);
        if (!span) return MDG_ERR_MEMORY;
        span->days = hours->spans[i].days;
        span->open_minute = hours->spans[i].open_minute;
        span->close_minute = hours->spans[i].close_minute;
    }
    return 0;
}

int closed_day_to_wire(struct arena *arena, const struct closed_day *closed, Mdg__ClosedDay *to)
{
    to->id = closed->id;
    to->from_day = closed->from_day;
    to->to_day = closed->to_day;
    to->reason = arena_strdup(arena, closed->reason);
    return to->reason ? 0 : MDG_ERR_MEMORY;
}

int holiday_to_wire(struct arena *arena, const struct holiday *holiday, Mdg__Holiday *to)
{
    to->day = holiday->day;
    to->name = arena_strdup(arena, holiday->name);
    return to->name ? 0 : MDG_ERR_MEMORY;
}
