#include "common/frame.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/bytes.h"
#include "common/error.h"

void frame_splitter_init(struct frame_splitter *splitter, size_t limit)
{
    *splitter = (struct frame_splitter){.limit = limit};
}

void frame_splitter_fini(struct frame_splitter *splitter)
{
    free(splitter->bytes);
    *splitter = (struct frame_splitter){.limit = splitter->limit};
}

/* The stream has no boundary to go on from: a limit of 0 refuses whatever comes. */
static int splitter_fail(struct frame_splitter *splitter, int rc)
{
    frame_splitter_fini(splitter);
    splitter->limit = 0;
    return rc;
}

static int splitter_check(const struct frame_splitter *splitter, size_t length)
{
    if (length > splitter->limit) return MDG_ERR_TOO_LARGE;
    return length == 0 ? MDG_ERR_MALFORMED : 0;
}

/* Goes on with the head that an earlier piece began. */
static size_t splitter_take_head(struct frame_splitter *splitter, const uint8_t *bytes, size_t length)
{
    size_t take = FRAME_HEAD_BYTES - splitter->head_have;
    if (take > length) take = length;
    memcpy(splitter->head + splitter->head_have, bytes, take);
    splitter->head_have += take;
    return take;
}

/* A head is complete: either the whole frame lies in bytes, or a buffer for it is begun. *used: of bytes. */
static int splitter_begin(struct frame_splitter *splitter, const uint8_t *bytes, size_t length, size_t *used,
                          frame_cb *cb, void *arg)
{
    size_t need = bytes_get_u32(splitter->head);
    *used = 0;
    int rc = splitter_check(splitter, need);
    if (rc != 0) return rc;

    if (length >= need) {
        *used = need;
        splitter->head_have = 0;
        return cb(arg, bytes, need);
    }
    splitter->bytes = malloc(need);
    if (!splitter->bytes) return MDG_ERR_MEMORY;
    splitter->need = need;
    splitter->have = 0;
    return 0;
}

static int splitter_go_on(struct frame_splitter *splitter, const uint8_t *bytes, size_t length, size_t *used,
                          frame_cb *cb, void *arg)
{
    size_t take = splitter->need - splitter->have;
    if (take > length) take = length;
    memcpy(splitter->bytes + splitter->have, bytes, take);
    splitter->have += take;
    *used = take;
    if (splitter->have < splitter->need) return 0;

    /* Taken out first: an idle connection holds no buffer. */
    uint8_t *whole = splitter->bytes;
    size_t whole_length = splitter->need;
    splitter->bytes = NULL;
    splitter->have = splitter->need = 0;
    splitter->head_have = 0;
    int rc = cb(arg, whole, whole_length);
    sodium_memzero(whole, whole_length); /* it may hold a secret */
    free(whole);
    return rc;
}

int frame_splitter_feed(struct frame_splitter *splitter, const uint8_t *bytes, size_t length, frame_cb *cb, void *arg)
{
    if (splitter->limit == 0) return MDG_ERR_MALFORMED;
    while (length > 0) {
        size_t used = 0;
        int rc = 0;
        if (splitter->bytes) {
            rc = splitter_go_on(splitter, bytes, length, &used, cb, arg);
        } else {
            size_t head = splitter_take_head(splitter, bytes, length);
            bytes += head;
            length -= head;
            if (splitter->head_have == FRAME_HEAD_BYTES) rc = splitter_begin(splitter, bytes, length, &used, cb, arg);
        }
        if (rc != 0) return splitter_fail(splitter, rc);
        bytes += used;
        length -= used;
    }
    return 0;
}

bool frame_splitter_is_midway(const struct frame_splitter *splitter)
{
    return splitter->head_have > 0;
}

void frame_write_head(uint8_t head[FRAME_HEAD_BYTES], size_t length)
{
    bytes_put_u32(head, (uint32_t)length);
}
