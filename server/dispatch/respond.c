/* From what a handler left to the bytes of a frame. */
#include "server/dispatch/call.h"

#include <stdlib.h>

#include "common/frame.h"

uint8_t *frame_pack(const Mdg__Frame *frame, size_t *length)
{
    size_t content = mdg__frame__get_packed_size(frame);
    uint8_t *bytes = malloc(FRAME_HEAD_BYTES + content);
    if (!bytes) return NULL;
    frame_write_head(bytes, content);
    mdg__frame__pack(frame, bytes + FRAME_HEAD_BYTES);
    *length = FRAME_HEAD_BYTES + content;
    return bytes;
}

void refusal_to_wire(const struct refusal *refusal, struct refusal_wire *wire)
{
    wire->refusal = (Mdg__Refusal)MDG__REFUSAL__INIT;
    wire->refusal.code = refusal->code;
    wire->refusal.name = (char *)mdg_error_name(refusal->code);
    if (refusal->field) wire->refusal.field = (char *)refusal->field;
    if (refusal->rule) wire->refusal.rule = (char *)refusal->rule;
    wire->refusal.retry_after_ms = refusal->retry_after_ms;
    for (int i = 0; i < refusal->args_count; i++) {
        wire->args[i] = (Mdg__RefusalArgument)MDG__REFUSAL_ARGUMENT__INIT;
        wire->args[i].key = (char *)refusal->args[i].key;
        wire->args[i].value = (char *)refusal->args[i].value;
        wire->arg_pointers[i] = &wire->args[i];
    }
    wire->refusal.n_args = (size_t)refusal->args_count;
    wire->refusal.args = wire->arg_pointers;
}

uint8_t *call_pack(const struct call *call, size_t *length)
{
    const struct request *rq = &call->rq;
    struct refusal_wire wire;
    Mdg__Response response = MDG__RESPONSE__INIT;
    Mdg__Frame frame = MDG__FRAME__INIT;
    response.id = rq->msg->id;
    if (rq->refusal.code != 0) {
        refusal_to_wire(&rq->refusal, &wire);
        response.refusal = &wire.refusal;
        response.object_id = rq->refusal.object_id;
        if (rq->refusal.has_answer) response.body = rq->answer;
    } else {
        response.object_id = rq->object_id;
        response.rev = rq->rev;
        response.body = rq->answer;
    }
    frame.kind_case = MDG__FRAME__KIND_RESPONSE;
    frame.response = &response;
    return frame_pack(&frame, length);
}

int part_encode(struct feed_part *part, const struct feed_row *const *rows, size_t count,
                const struct feed_horizon *horizons, size_t horizons_count)
{
    Mdg__Part wire = MDG__PART__INIT;
    Mdg__Frame frame = MDG__FRAME__INIT;
    Mdg__Row *removed = calloc(count + 1, sizeof *removed);
    Mdg__Row **row_pointers = calloc(count + 1, sizeof *row_pointers);
    Mdg__Horizon *horizon = calloc(horizons_count + 1, sizeof *horizon);
    Mdg__Horizon **horizon_pointers = calloc(horizons_count + 1, sizeof *horizon_pointers);
    if (removed && row_pointers && horizon && horizon_pointers) {
        for (size_t i = 0; i < count; i++) {
            Mdg__Row *row = rows[i]->message;
            if (!row) {
                row = &removed[i];
                mdg__row__init(row);
                row->is_removed = 1;
                row->kind = rows[i]->kind;
                row->id = rows[i]->id;
                row->rev = rows[i]->rev;
                row->day = rows[i]->day;
            }
            row_pointers[i] = row;
        }
        for (size_t i = 0; i < horizons_count; i++) {
            mdg__horizon__init(&horizon[i]);
            horizon[i].kind = horizons[i].kind;
            horizon[i].from_day = horizons[i].from_day;
            horizon_pointers[i] = &horizon[i];
        }
        wire.subscription = part->view.name & VIEW_EVERY ? 1 : 2; /* a terminal's view, or a person's */
        wire.from_rev = part->from_rev;
        wire.to_rev = part->to_rev;
        wire.is_caught_up = part->is_caught_up;
        wire.rows = row_pointers;
        wire.n_rows = count;
        wire.horizons = horizon_pointers;
        wire.n_horizons = horizons_count;
        frame.kind_case = MDG__FRAME__KIND_PART;
        frame.part = &wire;
        part->bytes = frame_pack(&frame, &part->length);
    }
    free(removed);
    free(row_pointers);
    free(horizon);
    free(horizon_pointers);
    return part->bytes ? 0 : MDG_ERR_MEMORY;
}
