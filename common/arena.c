#include "common/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define CHUNK_BYTES 4096

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size; /* of bytes[] */
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *arena, size_t cap)
{
    *arena = (struct arena){.cap = cap};
}

void arena_fini(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    arena->given = 0;
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = chunk->next)
        sodium_memzero(chunk->bytes, chunk->used);
}

void arena_set_cap(struct arena *arena, size_t cap)
{
    arena->cap = cap;
}

/* protobuf-c fills what it allocates, so it is spared the zeroing. */
static void *arena_take(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > arena->cap || size > SIZE_MAX - align - sizeof(struct arena_chunk)) return NULL;
    size_t rounded = (size + align - 1) & ~(align - 1);
    if (rounded > arena->cap - arena->given) return NULL;

    struct arena_chunk *chunk = arena->chunks;
    if (!chunk || rounded > chunk->size - chunk->used) {
        size_t room = CHUNK_BYTES - sizeof *chunk;
        if (room < rounded) room = rounded;
        chunk = malloc(sizeof *chunk + room);
        if (!chunk) return NULL;
        *chunk = (struct arena_chunk){.next = arena->chunks, .size = room};
        arena->chunks = chunk;
    }
    void *piece = chunk->bytes + chunk->used;
    chunk->used += rounded;
    arena->given += rounded;
    return piece;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *piece = arena_take(arena, size);
    if (piece) memset(piece, 0, size);
    return piece;
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    void *piece = arena_take(arena, size);
    if (piece && size > 0) memcpy(piece, bytes, size);
    return piece;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text) + 1);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : arena_take(arena, (size_t)length + 1);
    if (!text) return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

static void *allocator_alloc(void *data, size_t size)
{
    return arena_take(data, size);
}

static void allocator_free(void *data, void *piece)
{
    (void)data;
    (void)piece; /* with the arena */
}

ProtobufCAllocator arena_allocator(struct arena *arena)
{
    return (ProtobufCAllocator){allocator_alloc, allocator_free, arena};
}
