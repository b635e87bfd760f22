/* client/ctl/interrupt.h - Ctrl+C as a good end of what goes on until then. */
#ifndef MADOGUCHI_CLIENT_CTL_INTERRUPT_H
#define MADOGUCHI_CLIENT_CTL_INTERRUPT_H

#include "client/ctl/ctl.h"

#define INTERRUPT_SIGNALS 2

/* On the caller's stack, zeroed; interrupt_stop() before it goes. */
struct interrupt {
    uv_signal_t signals[INTERRUPT_SIGNALS];
    bool *is_over, *wakes; /* borrowed */
};

/* SIGINT and SIGTERM set *is_over, and *wakes where something else is waited for (or NULL). */
int interrupt_start(struct ctl *ctl, struct interrupt *interrupt, bool *is_over, bool *wakes);
/* Also when it was never begun, or only half. */
void interrupt_stop(struct ctl *ctl, struct interrupt *interrupt);

#endif
