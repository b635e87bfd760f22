/* client/lib/profile.h - a terminal's directory on disk: its key, certificate, trusted authorities, what it knows
 * of its centre, and the sign-in. Every file is replaced as a whole, so a crash leaves the old or the new one.
 *
 *   terminal.key  0600    terminal.pem    authorities.pem    profile.ini    sign_in  0600
 */
#ifndef MADOGUCHI_CLIENT_LIB_PROFILE_H
#define MADOGUCHI_CLIENT_LIB_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "common/enrolment.h"
#include "common/intake_box.h"
#include "sign_in.pb-c.h"

#define PROFILE_TEXT_BYTES 512
#define PROFILE_PATH_BYTES 4096
#define SIGN_IN_TOKEN_BYTES 16
#define PROFILE_SERVER_NAME "madoguchid.internal" /* where the server does not say another */

struct profile {
    char dir[PROFILE_PATH_BYTES];
    char host[PROFILE_TEXT_BYTES]; /* where the server listens */
    unsigned port;
    char server_name[PROFILE_TEXT_BYTES]; /* must stand in its certificate */
    char centre_name[PROFILE_TEXT_BYTES], zone[PROFILE_TEXT_BYTES], terminal_name[PROFILE_TEXT_BYTES];
    int64_t terminal_id;
    uint32_t terminal_kind;
    int fiscal_year_first_month;
    int64_t clock_offset_us; /* server's clock minus ours, as last measured */
    bool has_intake_key;
    uint8_t intake_key[INTAKE_KEY_BYTES]; /* what waits of a consultation is sealed to it */
};

struct profile_sign_in {
    size_t token_length; /* 0: nobody is signed in */
    uint8_t token[SIGN_IN_TOKEN_BYTES];
    int64_t person_id;
    char name[PROFILE_TEXT_BYTES];
    uint32_t roles;
    int64_t until_us;
};

/* MDG_ERR_CONFIG: no profile in dir, or one that cannot be read. */
int profile_load(const char *dir, struct profile *profile);
/* Makes dir (0700) if it is not there. */
int profile_make_dir(const char *dir);
int profile_save(const struct profile *profile);
/* "DIR/NAME"; MDG_ERR_CONFIG when that is too long. */
int profile_path(const struct profile *profile, const char *name, char path[PROFILE_PATH_BYTES]);

/* A TLS context of this terminal as it stands on disk now: own key and certificate, trust in the pinned authorities
 * and nothing else. [*from_us, *until_us) is the certificate's life. The caller frees *out. */
int profile_context(const struct profile *profile, SSL_CTX **out, int64_t *from_us, int64_t *until_us);

/* Of the certificate on disk now. */
int profile_life(const struct profile *profile, int64_t *from_us, int64_t *until_us);
/* MDG_ERR_MALFORMED: empty, or longer than any certificate of ours. */
int der_from_wire(const ProtobufCBinaryData *bytes, struct der *der);

/* The key of a renewal under way, kept before it is asked for: should the answer get lost, the same key is asked for
 * again, and the server gives the same certificate. MDG_ERR_NOT_FOUND: none that can be read. */
int profile_save_next_key(const struct profile *profile, const struct der *key);
int profile_load_next_key(const struct profile *profile, struct der *key);
void profile_forget_next_key(const struct profile *profile);
/* Replaces key and certificate together (a crash between the two is mended when they are next read). */
int profile_save_identity(const struct profile *profile, const struct der *key, const struct der *certificate);
/* Replaces the pinned authorities. MDG_ERR_CRYPTO and no change: one of them is no certificate, or there is none. */
int profile_save_authorities(const struct profile *profile, const ProtobufCBinaryData *ders, size_t count);
/* Whether certificate stands among the pinned authorities, or names the same centre (a later generation).
 * With nothing pinned: yes. */
bool profile_knows_authority(const struct profile *profile, const X509 *certificate);

int profile_load_sign_in(const struct profile *profile, struct profile_sign_in *sign_in);
int profile_save_sign_in(const struct profile *profile, const struct profile_sign_in *sign_in);
void profile_forget_sign_in(const struct profile *profile);

/* Keeps other processes of this terminal out of what `name` stands for until the descriptor is closed.
 * MDG_ERR_IN_USE. */
int profile_lock(const struct profile *profile, const char *name, int *fd);

#endif
