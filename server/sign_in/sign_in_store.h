/* server/sign_in/sign_in_store.h - who is signed in at which terminal, from when until when. A token is known
 * by its SHA-256 alone. Reading on any connection, changing on the writer thread only. */
#ifndef MADOGUCHI_SIGN_IN_SIGN_IN_STORE_H
#define MADOGUCHI_SIGN_IN_SIGN_IN_STORE_H

#include <stddef.h>
#include <stdint.h>

#define SIGN_IN_TOKEN_BYTES 16

struct db;

struct sign_in {
    int64_t id, person_id, terminal_id;
    int64_t from_us, until_us; /* it holds in [from_us, until_us), if not ended before */
    int64_t idle_us;           /* it ends sooner after this long without a call */
    int64_t last_us;           /* the last call that was written down: up to a minute behind */
    int64_t ended_us;          /* 0: not ended */
};

int sign_in_insert(struct db *db, const struct sign_in *sign_in, const uint8_t token[SIGN_IN_TOKEN_BYTES]);
/* MDG_ERR_NOT_FOUND, also for a token of another length. */
int sign_in_by_token(struct db *db, const uint8_t *token, size_t length, struct sign_in *sign_in);
/* An ended one keeps its end. */
int sign_in_end(struct db *db, int64_t sign_in_id, int64_t now_us);
int sign_in_end_person(struct db *db, int64_t person_id, int64_t now_us);

/* A call has come: the idle time begins anew. Never moves back. */
int sign_in_touch(struct db *db, int64_t sign_in_id, int64_t last_call_us);

/* Who made a write that waited: the token's person, if the token belongs to this terminal, made_us lies in its
 * span, and the person is not disabled now; else MDG_ERR_TOKEN. person_roles are those of now. */
int sign_in_waited(struct db *db, const uint8_t *token, size_t length, int64_t terminal_id, int64_t made_us,
                   int64_t *person_id, uint32_t *person_roles, int64_t *sign_in_id);

#endif
