/* client/lib/intake.h - text of a consultation goes into the outbox only as a box sealed to the server: on a terminal's
 * disk nobody reads it. Loop thread. */
#ifndef MADOGUCHI_CLIENT_LIB_INTAKE_H
#define MADOGUCHI_CLIENT_LIB_INTAKE_H

#include "client/lib/profile.h"
#include "frame.pb-c.h"

/* A write as it may be stored. Borrows what it was made from. */
struct intake_wrap {
    const Mdg__Body *body; /* the one given, or `sealed` */
    Mdg__Body sealed;
    Mdg__Consultations consultations;
    Mdg__ConsultationIntake intake;
    Mdg__ConsultationAdd add;
    uint8_t *box; /* owned */
};

/* MDG_ERR_OFFLINE: it holds text, and the server never told its key. MDG_ERR_MEMORY, MDG_ERR_CRYPTO. */
int intake_wrap_init(struct intake_wrap *wrap, const struct profile *profile, const Mdg__Body *body);
void intake_wrap_fini(struct intake_wrap *wrap);

#endif
