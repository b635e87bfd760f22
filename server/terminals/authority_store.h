/* server/terminals/authority_store.h - the generations of the centre's authority and which of them count now. Reading
 * on any thread, writing on the writer thread. Functions return 0 or a negative MDG_ERR_* code. */
#ifndef MADOGUCHI_TERMINALS_AUTHORITY_STORE_H
#define MADOGUCHI_TERMINALS_AUTHORITY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/keys/authority.h"
#include "server/keys/keys.h"
#include "server/store/db.h"

enum trust_step { TRUST_STABLE, TRUST_ANNOUNCED, TRUST_TERMINALS, TRUST_SERVER }; /* proto AuthoritySeen.Step */

struct trust {
    enum trust_step step;
    int64_t present;
    int64_t other; /* the new one; at TRUST_STABLE the one dropped last; 0: none */
    int64_t announced_us;
};

struct authority {
    int64_t generation;
    struct der certificate, server_certificate;
    int64_t server_from_us, server_until_us, until_us;
};

int64_t trust_issuing(const struct trust *trust); /* signs terminals' certificates now */
int64_t trust_serving(const struct trust *trust); /* signed what the server shows now */
bool trust_is_trusted(const struct trust *trust, int64_t generation);

/* MDG_ERR_CONFIG: the database was never initialised. */
int trust_get(struct db *db, struct trust *trust);
int trust_put(struct db *db, const struct trust *trust);

/* MDG_ERR_NOT_FOUND. */
int authority_get(struct db *db, int64_t generation, struct authority *authority);
/* Private keys come unsealed: the caller wipes them with OPENSSL_cleanse(). */
int authority_key_get(struct db *db, const struct keys *keys, int64_t generation, struct der *key);
int authority_server_key_get(struct db *db, const struct keys *keys, int64_t generation, struct der *key);
int authority_insert(struct db *db, const struct keys *keys, const struct authority *authority, const struct der *key,
                     const struct der *server_key);
/* Another certificate for the server, with its key. */
int authority_server_put(struct db *db, const struct keys *keys, const struct authority *authority,
                         const struct der *server_key);
int authority_delete(struct db *db, int64_t generation);
/* The highest generation there is; 0: none. */
int authority_newest(struct db *db, int64_t *generation);

#endif
