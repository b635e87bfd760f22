/* common/arena.h - memory that is given out in pieces and freed at once, with a budget. One thread at a time.
 * Grows by chunks up to its cap; a ProtobufCAllocator over it bounds what one hostile frame can cost. */
#ifndef MADOGUCHI_COMMON_ARENA_H
#define MADOGUCHI_COMMON_ARENA_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t given;               /* bytes given out, rounding included */
    size_t cap;                 /* most that may be given out */
};

void arena_init(struct arena *arena, size_t cap);
void arena_fini(struct arena *arena); /* frees everything given out; the arena may be used again */
/* Overwrites what was given out, for what held secrets; arena_fini() is still to be called. */
void arena_wipe(struct arena *arena);
/* Changes the budget; what was given out stays. */
void arena_set_cap(struct arena *arena, size_t cap);

/* Zeroed and aligned for any type; NULL when the budget or the machine is out of memory. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For protobuf-c: what it unpacks lives until arena_fini(), and its _free_unpacked() must not be called. */
ProtobufCAllocator arena_allocator(struct arena *arena);

#endif
