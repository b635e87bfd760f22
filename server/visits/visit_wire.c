#include "server/visits/visit_wire.h"

int visit_to_wire(struct arena *arena, const struct visit *v, Mdg__Visit *to)
{
    to->id = v->id;
    to->place_id = v->place_id;
    to->purpose_id = v->purpose_id;
    to->people = v->people;
    to->at_us = v->at_us;
    to->received_us = v->received_us;
    to->terminal_id = v->terminal_id;
    to->person_id = v->person_id;
    to->is_estimate = v->is_estimate;
    to->corrects_id = v->corrects_id;
    if (v->reason[0]) to->reason = arena_strdup(arena, v->reason);
    to->count_key.data = arena_copy(arena, v->count_key, sizeof v->count_key);
    to->count_key.len = sizeof v->count_key;
    return to->count_key.data && to->reason ? 0 : MDG_ERR_MEMORY;
}
