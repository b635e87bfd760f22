#include "client/ctl/interrupt.h"

#include <signal.h>

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    struct interrupt *interrupt = handle->data;
    *interrupt->is_over = true;
    if (interrupt->wakes) *interrupt->wakes = true;
}

int interrupt_start(struct ctl *ctl, struct interrupt *interrupt, bool *is_over, bool *wakes)
{
    static const int NUMBERS[INTERRUPT_SIGNALS] = {SIGINT, SIGTERM};
    int rc = 0;
    interrupt->is_over = is_over;
    interrupt->wakes = wakes;
    for (int i = 0; rc == 0 && i < INTERRUPT_SIGNALS; i++) {
        rc = uv_signal_init(&ctl->loop, &interrupt->signals[i]);
        interrupt->signals[i].data = interrupt;
        if (rc == 0) rc = uv_signal_start(&interrupt->signals[i], on_signal, NUMBERS[i]);
    }
    return rc;
}

void interrupt_stop(struct ctl *ctl, struct interrupt *interrupt)
{
    for (int i = 0; i < INTERRUPT_SIGNALS; i++) {
        if (interrupt->signals[i].loop) uv_close((uv_handle_t *)&interrupt->signals[i], NULL);
    }
    if (ctl->has_loop) uv_run(&ctl->loop, UV_RUN_NOWAIT); /* the handles lie on the caller's stack */
}
