/* client/ctl/sending.h - a write by way of the outbox: kept first, so it is never lost; when the server is there, its
 * answer is waited for. */
#ifndef MADOGUCHI_CLIENT_CTL_SENDING_H
#define MADOGUCHI_CLIENT_CTL_SENDING_H

#include "client/ctl/ctl.h"

struct sending {
    uint8_t key[MDG_KEY_BYTES];
    bool is_waiting; /* kept; the server has not answered */

    bool is_answered;
    int rc;
    int64_t refused_number;
};

/* Sends body so that it survives whatever happens. With is_now, and at terminals without an outbox, the server must
 * answer. 0 also when it waits. */
int sending_submit(struct ctl *ctl, const Mdg__Body *body, bool is_now, struct sending *sending);
/* Says so: the sentence when the server has it, else how much waits. Takes the document's reference. */
int sending_done(struct ctl *ctl, const struct sending *sending, json_t *document, const char *sentence);

#endif
