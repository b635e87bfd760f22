/* server/terminals/trust.h - the centre's authority at work: what the server shows, whom it trusts, what it signs, and
 * the rotation, a step at a time. Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_TERMINALS_TRUST_H
#define MADOGUCHI_TERMINALS_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "common/arena.h"
#include "server/keys/authority.h"
#include "server/keys/keys.h"
#include "server/store/db.h"
#include "server/store/turn.h"
#include "server/terminals/authority_store.h"

/* The server's TLS context as the database says now: its certificate and key, and, unless is_enrolment, a terminal's
 * certificate under a trusted authority demanded of whoever connects. Opens a connection of its own, so any thread
 * may call it. The caller owns *out. */
int trust_context(const char *db_path, const struct keys *keys, bool is_enrolment, SSL_CTX **out);

/* The first authority and server certificate of a new centre. MDG_ERR_CONFLICT: there is one. */
int trust_create(struct turn *turn, const struct keys *keys, const char *centre_name, int64_t now_us);

/* The authorities that a terminal must trust now, in the arena. */
int trust_authorities(struct db *db, struct arena *arena, size_t *count, struct der **list);
/* The certificate with which it came is of an authority that signs no more, or a later one was issued: that has not
 * reached it, and this one has only days to live. */
int trust_renew_now(struct db *db, const char *serial, bool *renew_now);
/* The server's certificate has lived two thirds of its life: send terminals.server_renew. */
int trust_server_renew_is_due(struct db *db, int64_t now_us, bool *is_due);

/* Signs under the authority that issues now; its key is in memory for that one signature. MDG_ERR_INVALID: the
 * request is none. */
int trust_issue_terminal(struct db *db, const struct keys *keys, const uint8_t *request, size_t length,
                         int64_t terminal_id, int64_t now_us, struct der *certificate,
                         char serial[CERTIFICATE_SERIAL_HEX_BYTES], int64_t *generation);
/* A new server certificate under the authority that serves now. */
int trust_server_renew(struct db *db, const struct keys *keys, int64_t now_us);

/* One step of the rotation. MDG_ERR_STATE: *rule says why not (nothing_to_undo, terminals_left, expired,
 * own_certificate). serial: of the certificate of the terminal that asks, or NULL. */
int trust_forward(struct db *db, const struct keys *keys, const char *centre_name, const char *serial, int64_t now_us,
                  const char **rule);
int trust_back(struct db *db, int64_t now_us, const char **rule);

#endif
