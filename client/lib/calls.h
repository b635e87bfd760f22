/* client/lib/calls.h - the calls that wait for their answers: ids, deadlines, cancelling. Knows no connection. */
#ifndef MADOGUCHI_CLIENT_LIB_CALLS_H
#define MADOGUCHI_CLIENT_LIB_CALLS_H

#include "client/lib/madoguchi.h"

struct call;

struct calls {
    uv_timer_t timer;          /* of the earliest deadline */
    struct call *first;        /* in the order of starting */
    struct mdg_client *client; /* handed to callbacks, not used */
    uint64_t last_id;
};

int calls_init(struct calls *calls, uv_loop_t *loop, struct mdg_client *client);
/* cb runs once: by calls_answer(), calls_end_all(), or from the loop. *id is never used twice. MDG_ERR_MEMORY. */
int calls_add(struct calls *calls, unsigned timeout_ms, mdg_reply_cb *cb, void *arg, uint64_t *id);
/* An answer to a call that is not waited for any more is ignored. */
void calls_answer(struct calls *calls, const Mdg__Response *response);
/* Its callback comes from the loop with rc, whatever else happens. */
void calls_end_later(struct calls *calls, uint64_t id, int rc);
/* Forgets a call that could not be sent; its callback does not run. */
void calls_forget(struct calls *calls, uint64_t id);
/* All callbacks run now, with rc. Calls they start are not among them. */
void calls_end_all(struct calls *calls, int rc);
/* Closes the timer only; call calls_end_all() as well. */
void calls_close(struct calls *calls, uv_close_cb cb);

#endif
