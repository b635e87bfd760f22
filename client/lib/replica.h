/* client/lib/replica.h - what the server's view of this terminal holds: rows by kind and id, up to a change number.
 * A cache: whatever is wrong with the file, it is deleted and filled anew. */
#ifndef MADOGUCHI_CLIENT_LIB_REPLICA_H
#define MADOGUCHI_CLIENT_LIB_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.pb-c.h"

#define REPLICA_EPOCH_BYTES_MAX 64
#define REPLICA_VIEW_BYTES_MAX 64

struct replica;

enum replica_use {
    REPLICA_OWN,  /* the file is this process's: it is made anew when it is damaged or of a newer program, and where no
                     file can be kept at all (a full disk), the replica is in memory */
    REPLICA_COPY, /* another process keeps the file: begins in memory with what is in it */
    REPLICA_LOOK  /* another process keeps the file: shows what is in it, now and later */
};
/* path NULL: in memory. The caller frees *out. */
int replica_open(const char *path, enum replica_use use, struct replica **out);
void replica_close(struct replica *replica);
/* Empties it by making the file anew, or in memory where that fails. */
int replica_remake(struct replica *replica);

/* Where it stands; what it is a view of. */
struct replica_position {
    uint8_t epoch[REPLICA_EPOCH_BYTES_MAX];
    size_t epoch_length;
    char view[REPLICA_VIEW_BYTES_MAX + 1];
    int64_t rev; /* 0: holds nothing */
};
const struct replica_position *replica_position(const struct replica *replica);
/* The view that the next fresh start belongs to. */
int replica_set_source(struct replica *replica, const uint8_t *epoch, size_t epoch_length, const char *view);

struct replica_events {
    void (*on_reset)(void *arg);
    void (*on_row)(void *arg, const Mdg__Row *row);
    void *arg;
};
/* Takes in one part, whole or not at all, then tells of it. MDG_ERR_STALE: it does not join what is there, nothing
 * was changed. MDG_ERR_CORRUPT, MDG_ERR_DISK_FULL, MDG_ERR_IO: remake it and subscribe afresh. */
int replica_apply(struct replica *replica, const Mdg__Part *part, const struct replica_events *events);

int replica_each(struct replica *replica, uint32_t kind, void (*each)(const Mdg__Row *row, void *arg), void *arg);
/* MDG_ERR_NOT_FOUND. The caller frees *out with mdg__row__free_unpacked(). */
int replica_get(struct replica *replica, uint32_t kind, int64_t id, Mdg__Row **out);

#endif
