/* server/store/turn.h - the centre's write turn: what one batch of the writer holds between begin and commit.
 * Hands out change numbers and ids in memory and writes the feed row once, at the end. Writer thread only. */
#ifndef MADOGUCHI_STORE_TURN_H
#define MADOGUCHI_STORE_TURN_H

#include <stdint.h>

#define AUDIT_HASH_BYTES 32
#define EPOCH_BYTES 16

struct db;

struct turn {
    struct db *db;
    int64_t rev;       /* the last change number given out */
    int64_t last_id;   /* the last id given out, the centre's number in the high bits */
    int64_t audit_seq; /* the last audit row, and its hash: the head of the chain */
    uint8_t audit_hash[AUDIT_HASH_BYTES];
};

/* Begins the transaction by taking the feed row. */
int turn_begin(struct turn *turn, struct db *db);
/* Writes the feed row and commits. After an error the caller must turn_abort(). */
int turn_commit(struct turn *turn);
void turn_abort(struct turn *turn);

/* One request's part of the turn: what is rolled back gives its numbers back too. */
int turn_mark(const struct turn *turn, struct turn *mark);
int turn_release(struct turn *turn);
int turn_rewind(struct turn *turn, const struct turn *mark);

int64_t turn_next_rev(struct turn *turn);
int64_t turn_next_id(struct turn *turn);

#endif
