/* tests/fuzz/frame_fuzz.c - the frame splitter. The first byte chooses limit and pieces, the rest is the stream. The
 * same stream in one piece and in many must give the same frames. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct seen {
    uint64_t digest; /* FNV-1a over lengths and contents */
    size_t count, limit;
};

static int on_frame(void *arg, const uint8_t *bytes, size_t length)
{
    struct seen *seen = arg;
    if (length == 0 || length > seen->limit) abort();
    seen->count++;
    seen->digest = (seen->digest ^ length) * UINT64_C(1099511628211);
    for (size_t i = 0; i < length; i++) seen->digest = (seen->digest ^ bytes[i]) * UINT64_C(1099511628211);
    return 0;
}

static int split(const uint8_t *bytes, size_t length, size_t limit, size_t piece, struct seen *seen)
{
    struct frame_splitter splitter;
    int rc = 0;
    *seen = (struct seen){.limit = limit};
    frame_splitter_init(&splitter, limit);
    while (rc == 0 && length > 0) {
        size_t take = piece < length ? piece : length;
        uint8_t *copy = malloc(take); /* of the exact size: reading past it is noticed */
        if (!copy) abort();
        memcpy(copy, bytes, take);
        rc = frame_splitter_feed(&splitter, copy, take, on_frame, seen);
        free(copy);
        bytes += take;
        length -= take;
        if (splitter.have > splitter.need || splitter.need > limit) abort();
    }
    frame_splitter_fini(&splitter);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const size_t LIMITS[] = {1, 5, 300, 4096};
    struct seen whole, pieces;
    if (length < 1) return 0;
    size_t limit = LIMITS[bytes[0] & 3];
    size_t piece = 1 + (bytes[0] >> 2);
    int rc = split(bytes + 1, length - 1, limit, SIZE_MAX, &whole);
    int rc_pieces = split(bytes + 1, length - 1, limit, piece, &pieces);
    if (rc != rc_pieces || whole.count != pieces.count || whole.digest != pieces.digest) abort();
    return 0;
}
