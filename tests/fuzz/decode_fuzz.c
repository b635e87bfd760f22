/* tests/fuzz/decode_fuzz.c - what a peer's bytes pass through before any handler sees them: decoding in its budget,
 * then the door's checks of the call they name. A request that is not found by luck is tried as the body of every
 * domain. */
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1 || length > BYTES_MAX) return 0;
    check_frame(bytes, length);
    for (size_t i = 0; i < DOMAINS_COUNT; i++) {
        const struct domain *domain = DOMAINS[i];
        for (size_t j = 0; j < domain->routes_count; j++) {
            check_call(domain->arm, domain->routes[j].op, bytes, length);
        }
    }
    return 0;
}
