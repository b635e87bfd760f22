#include "server/request/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/request/domain.h"

/* --- refusing ----------------------------------------------------------------------------------------- */

int refuse(struct request *rq, int code, const char *field, const char *rule)
{
    rq->refusal = (struct refusal){.code = code, .field = field, .rule = rule};
    return code;
}

int refuse_and_keep(struct request *rq, int code, const char *field, const char *rule)
{
    refuse(rq, code, field, rule);
    return 0;
}

int refuse_arg(struct request *rq, const char *key, const char *format, ...)
{
    struct refusal *refusal = &rq->refusal;
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (refusal->args_count < REFUSAL_ARGS_MAX) {
        refusal->args[refusal->args_count].key = key;
        refusal->args[refusal->args_count].value = arena_strdup(&rq->arena, text);
        if (refusal->args[refusal->args_count].value) refusal->args_count++;
    }
    return refusal->code;
}

/* --- answering ---------------------------------------------------------------------------------------- */

static void *message_new(struct arena *arena, const ProtobufCMessageDescriptor *of)
{
    ProtobufCMessage *message = arena_alloc(arena, of->sizeof_message);
    if (message) protobuf_c_message_init(of, message);
    return message;
}

/* Makes arm number `arm` of the oneof in parent: its message, or NULL. */
static void *arm_new(struct arena *arena, ProtobufCMessage *parent, uint32_t arm)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(parent->descriptor, arm);
    if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE) return NULL;
    void *message = message_new(arena, field->descriptor);
    if (!message) return NULL;
    memcpy((char *)parent + field->offset, &message, sizeof message);
    memcpy((char *)parent + field->quantifier_offset, &arm, sizeof arm);
    return message;
}

void *answer_new(struct request *rq)
{
    rq->answer = message_new(&rq->arena, &mdg__body__descriptor);
    void *domain = rq->answer ? arm_new(&rq->arena, &rq->answer->base, rq->domain->arm) : NULL;
    void *answer = domain ? arm_new(&rq->arena, domain, rq->route->op + DOMAIN_ARM_ANSWER) : NULL;
    if (!answer) rq->answer = NULL;
    return answer;
}

Mdg__Row *row_new(struct arena *arena, uint32_t kind, void **body)
{
    Mdg__Row *row = message_new(arena, &mdg__row__descriptor);
    if (!row) return NULL;
    row->kind = kind;
    row->body = message_new(arena, &mdg__body__descriptor);
    void *domain = row->body ? arm_new(arena, &row->body->base, kind / 1000) : NULL;
    *body = domain ? arm_new(arena, domain, kind % 1000) : NULL;
    return *body ? row : NULL;
}

int row_feed(struct feed_rows *rows, uint32_t kind, int64_t id, int64_t rev, int32_t day, Mdg__Row *row)
{
    struct feed_row fed = {.kind = kind, .id = id, .rev = rev, .day = day, .message = row, .is_removed = !row};
    if (row) {
        row->id = id;
        row->rev = rev;
        row->day = day;
        fed.bytes = mdg__row__get_packed_size(row);
    }
    return feed_rows_add(rows, &fed);
}

void *repeated_add(struct arena *arena, size_t *count, void *array_field, const ProtobufCMessageDescriptor *of)
{
    void **array;
    memcpy(&array, array_field, sizeof array);
    /* Grows at 16, 32, 64 …: the count alone tells how much room there is. */
    bool is_full = *count == 0 || (*count >= 16 && (*count & (*count - 1)) == 0);
    if (is_full) {
        size_t size = *count < 16 ? 16 : *count * 2;
        void **grown = arena_alloc(arena, size * sizeof *grown);
        if (!grown) return NULL;
        if (*count > 0) memcpy(grown, array, *count * sizeof *grown);
        array = grown;
        memcpy(array_field, &array, sizeof array);
    }
    void *element = message_new(arena, of);
    if (element) array[(*count)++] = element;
    return element;
}

/* --- changes and effects ------------------------------------------------------------------------------ */

int64_t change_record(struct request *rq, int64_t object_id)
{
    int64_t rev = turn_next_rev(rq->turn);
    if (rq->object_id == 0) {
        rq->object_id = object_id;
        rq->rev = rev;
    }
    return rev;
}

int effect_add(struct request *rq, const struct effect *effect)
{
    if (rq->effects_count == REQUEST_EFFECTS_MAX) return MDG_ERR_INTERNAL;
    rq->effects[rq->effects_count++] = *effect;
    return 0;
}
