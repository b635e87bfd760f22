/* server/consultations/consultation_wire.h - cases and notices as they go over the wire. */
#ifndef MADOGUCHI_CONSULTATIONS_CONSULTATION_WIRE_H
#define MADOGUCHI_CONSULTATIONS_CONSULTATION_WIRE_H

#include "common/arena.h"
#include "server/consultations/consultation_store.h"

/* Both fill an initialised message; texts in the arena. MDG_ERR_MEMORY. */
int consultation_to_wire(struct arena *arena, const struct consultation *c, Mdg__ConsultationHead *head);
int consultation_notice_to_wire(struct arena *arena, const struct consultation_notice *notice, bool with_reason,
                                Mdg__ConsultationNotice *to);

#endif
