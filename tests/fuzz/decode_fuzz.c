/* tests/fuzz/decode_fuzz.c - what a peer's bytes pass through before any handler sees them: decoding in its budget,
 * then the door's checks of the call they name. Luck alone would seldom form a call, so most inputs get its shape. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/text.h"
#include "server/dispatch/dispatch.h"
#include "server/dispatch/door.h"

#define BUDGET_MAX (1024u * 1024u)
#define BYTES_MAX (256u * 1024u)
#define HEAD_BYTES_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_refusal(int rc, const struct refusal *refusal)
{
    struct refusal_wire wire;
    if (rc == 0) return;
    /* What goes back to the peer must be a frame that it can read. */
    if (refusal->code != rc || refusal->args_count > REFUSAL_ARGS_MAX) abort();
    refusal_to_wire(refusal, &wire);
    size_t size = mdg__refusal__get_packed_size(&wire.refusal);
    uint8_t *packed = malloc(size + 1);
    if (!packed) abort();
    mdg__refusal__pack(&wire.refusal, packed);
    Mdg__Refusal *back = mdg__refusal__unpack(NULL, size, packed);
    if (!back || !text_is_clean(back->field, strlen(back->field), false)) abort();
    mdg__refusal__free_unpacked(back, NULL);
    free(packed);
}

static void check_frame(const uint8_t *bytes, size_t length)
{
    struct arena arena;
    Mdg__Frame *frame = NULL;
    int rc = dispatch_decode(bytes, length, &arena, &frame);
    if (rc != 0 && rc != MDG_ERR_MALFORMED && rc != MDG_ERR_MEMORY) abort();
    if (arena.given > arena.cap || arena.cap > BUDGET_MAX) abort();
    if (rc == 0 && frame->kind_case == MDG__FRAME__KIND_REQUEST) {
        const struct domain *domain = NULL;
        const struct route *route = NULL;
        const void *op = NULL;
        struct refusal refusal = {0};
        rc = door_route(frame->request, &domain, &route, &op);
        if (rc == 0) check_refusal(door_check(domain, op, &arena, &refusal), &refusal);
    }
    arena_fini(&arena);
}

static size_t put_varint(uint8_t *at, uint64_t value)
{
    size_t used = 0;
    for (; value > 127; value >>= 7) at[used++] = (uint8_t)(value | 128);
    at[used++] = (uint8_t)value;
    return used;
}

/* Of a length-delimited field. */
static size_t put_head(uint8_t *at, uint32_t field, size_t length)
{
    size_t used = put_varint(at, (uint64_t)field << 3 | 2);
    return used + put_varint(at + used, length);
}

/* Frame.request.body.<domain>.<call>, with the fuzzer's bytes as the call's own message. */
static void check_call(uint32_t domain, uint32_t call, const uint8_t *bytes, size_t length)
{
    const uint32_t fields[] = {1, 4, domain, call};
    uint8_t head[4 * HEAD_BYTES_MAX];
    size_t at = sizeof head, inner = length;
    for (size_t i = sizeof fields / sizeof fields[0]; i-- > 0;) {
        uint8_t piece[HEAD_BYTES_MAX];
        size_t used = put_head(piece, fields[i], inner);
        at -= used;
        memcpy(head + at, piece, used);
        inner += used;
    }
    uint8_t *frame = malloc(inner);
    if (!frame) abort();
    memcpy(frame, head + at, sizeof head - at);
    memcpy(frame + sizeof head - at, bytes, length);
    check_frame(frame, inner);
    free(frame);
}

/* ---- calls of the right shape, with whatever the fuzzer wants in their fields ---- */

struct source {
    const uint8_t *bytes;
    size_t length;
};

struct wire {
    uint8_t bytes[16 * 1024];
    size_t length;
};

static uint8_t next_byte(struct source *source)
{
    if (source->length == 0) return 1; /* an odd one ends what is optional */
    source->length--;
    return *source->bytes++;
}

/* One to eight bytes, so that small, large and negative numbers are all near. */
static uint64_t next_number(struct source *source)
{
    uint64_t value = 0;
    int size = next_byte(source) & 7;
    for (int i = 0; i <= size; i++) value = value << 8 | next_byte(source);
    return size == 0 && value > 127 ? (uint64_t)(int64_t)(int8_t)value : value;
}

static void add_bytes(struct wire *wire, const void *bytes, size_t length)
{
    if (length > sizeof wire->bytes - wire->length) return;
    if (length > 0) memcpy(wire->bytes + wire->length, bytes, length);
    wire->length += length;
}

static void add_head(struct wire *wire, uint32_t field, unsigned wire_type)
{
    uint8_t head[10];
    add_bytes(wire, head, put_varint(head, (uint64_t)field << 3 | wire_type));
}

static void add_sized(struct wire *wire, uint32_t field, const void *bytes, size_t length)
{
    uint8_t head[10];
    add_head(wire, field, 2);
    add_bytes(wire, head, put_varint(head, length));
    add_bytes(wire, bytes, length);
}

static void add_message(struct wire *wire, const ProtobufCMessageDescriptor *of, struct source *source, int depth);

static void add_field(struct wire *wire, const ProtobufCFieldDescriptor *field, struct source *source, int depth)
{
    uint8_t small[10];
    uint64_t number;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: {
        size_t length = next_byte(source) & 63;
        if (length > source->length) length = source->length;
        add_sized(wire, field->id, source->bytes, length);
        source->bytes += length;
        source->length -= length;
        break;
    }
    case PROTOBUF_C_TYPE_MESSAGE: {
        struct wire *inner = calloc(1, sizeof *inner);
        if (!inner) abort();
        if (depth > 0) add_message(inner, field->descriptor, source, depth - 1);
        add_sized(wire, field->id, inner->bytes, inner->length);
        free(inner);
        break;
    }
    default: /* the contract has no fixed-width numbers */
        number = next_number(source);
        add_head(wire, field->id, 0);
        add_bytes(wire, small, put_varint(small, number));
        break;
    }
}

static void add_message(struct wire *wire, const ProtobufCMessageDescriptor *of, struct source *source, int depth)
{
    for (unsigned i = 0; i < of->n_fields; i++) {
        uint8_t how = next_byte(source);
        if (how & 1) continue;
        int times = of->fields[i].label == PROTOBUF_C_LABEL_REPEATED ? 1 + (how >> 1 & 3) : 1;
        while (times-- > 0) add_field(wire, &of->fields[i], source, depth);
    }
}

static void check_shaped(const struct domain *domain, const struct route *route, struct source source)
{
    const ProtobufCFieldDescriptor *arm = protobuf_c_message_descriptor_get_field(&mdg__body__descriptor, domain->arm);
    const ProtobufCFieldDescriptor *call = protobuf_c_message_descriptor_get_field(arm->descriptor, route->op);
    struct wire *wire = calloc(1, sizeof *wire);
    if (!wire) abort();
    add_message(wire, call->descriptor, &source, 3);
    check_call(domain->arm, route->op, wire->bytes, wire->length);
    free(wire);
}

/* The first byte chooses: the bytes as a frame, as some call's message, or as the fields of some call. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 3 || length > BYTES_MAX) return 0;
    const struct domain *domain = DOMAINS[bytes[1] % DOMAINS_COUNT];
    if (domain->routes_count == 0) return 0;
    const struct route *route = &domain->routes[bytes[2] % domain->routes_count];
    switch (bytes[0] % 4) {
    case 0:
        check_frame(bytes + 1, length - 1);
        break;
    case 1:
        check_call(domain->arm, route->op, bytes + 3, length - 3);
        break;
    default:
        check_shaped(domain, route, (struct source){bytes + 3, length - 3});
        break;
    }
    return 0;
}
