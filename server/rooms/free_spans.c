#include "server/rooms/free_spans.h"

bool spans_add(struct spans *spans, int64_t from_us, int64_t to_us)
{
    if (to_us <= from_us) return true;
    if (spans->count > 0 && spans->at[spans->count - 1].to_us == from_us) {
        spans->at[spans->count - 1].to_us = to_us;
        return true;
    }
    if (spans->count == spans->most) return false;
    spans->at[spans->count++] = (struct span){from_us, to_us};
    return true;
}

bool spans_free(const struct spans *open, const struct spans *taken, int64_t from_us, int64_t to_us, struct spans *out)
{
    size_t next = 0; /* the first taken one that may reach into the present open span */
    out->count = 0;
    for (size_t i = 0; i < open->count; i++) {
        int64_t at_us = open->at[i].from_us > from_us ? open->at[i].from_us : from_us;
        int64_t end_us = open->at[i].to_us < to_us ? open->at[i].to_us : to_us;
        while (next < taken->count && taken->at[next].to_us <= at_us) next++;
        for (size_t j = next; j < taken->count && taken->at[j].from_us < end_us; j++) {
            if (!spans_add(out, at_us, taken->at[j].from_us)) return false;
            if (taken->at[j].to_us > at_us) at_us = taken->at[j].to_us;
        }
        if (!spans_add(out, at_us, end_us)) return false;
    }
    return true;
}

bool spans_hold(const struct spans *spans, int64_t from_us, int64_t to_us)
{
    for (size_t i = 0; i < spans->count; i++)
        if (spans->at[i].from_us <= from_us && to_us <= spans->at[i].to_us) return true;
    return false;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

bool spans_nearest(const struct spans *spans, int64_t wanted_us, int64_t length_us, int64_t *start_us)
{
    bool has_one = false;
    for (size_t i = 0; i < spans->count; i++) {
        int64_t first = spans->at[i].from_us, last = spans->at[i].to_us - length_us;
        if (last < first) continue;
        int64_t at = wanted_us < first ? first : wanted_us > last ? last : wanted_us;
        if (has_one && distance(at, wanted_us) > distance(*start_us, wanted_us))
            break; /* from here on farther and farther */
        *start_us = at;
        has_one = true;
    }
    return has_one;
}
