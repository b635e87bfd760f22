/* common/frame.h - cuts a byte stream into frames: a 4-byte big-endian length, then that many bytes.
 * Knows nothing of what is inside. One splitter a connection, one thread. */
#ifndef MADOGUCHI_COMMON_FRAME_H
#define MADOGUCHI_COMMON_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD_BYTES 4u
#define FRAME_BYTES_MAX (256u * 1024u) /* the largest any side may send, head not counted */

struct frame_splitter {
    uint8_t *bytes; /* owned: the frame being put together; NULL while none is */
    size_t have, need;
    size_t limit; /* largest frame taken, checked before allocating */
    uint8_t head[FRAME_HEAD_BYTES];
    size_t head_have;
};

/* Called with each whole frame (borrowed until it returns). Not 0: stops, and frame_splitter_feed returns it. */
typedef int frame_cb(void *arg, const uint8_t *bytes, size_t length);

void frame_splitter_init(struct frame_splitter *splitter, size_t limit);
void frame_splitter_fini(struct frame_splitter *splitter);
/* MDG_ERR_TOO_LARGE: a frame over the limit. MDG_ERR_MALFORMED: an empty frame. MDG_ERR_MEMORY. After any
 * error the stream is lost and the splitter takes no more. A frame that lies whole in bytes is not copied. */
int frame_splitter_feed(struct frame_splitter *splitter, const uint8_t *bytes, size_t length, frame_cb *cb, void *arg);
/* A frame has begun and is not complete (for the time-out). */
bool frame_splitter_is_midway(const struct frame_splitter *splitter);

void frame_write_head(uint8_t head[FRAME_HEAD_BYTES], size_t length);

#endif
