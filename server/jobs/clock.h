/* server/jobs/clock.h - what falls due: the server's own calls, at their times, through the same door as everybody's.
 * Loop thread. */
#ifndef MADOGUCHI_JOBS_CLOCK_H
#define MADOGUCHI_JOBS_CLOCK_H

#include <stdint.h>

#include <uv.h>

struct dispatch;

struct clock_options {
    uv_loop_t *loop;
    struct dispatch *dispatch; /* borrowed, outlives the clock */
};

struct clock {
    struct clock_options options;
    uv_timer_t timer;
    uint64_t ticks;
    int64_t ahead_us; /* wall clock minus monotonic clock, at the last tick */
};

/* In the caller's memory, which must last until the loop has run after clock_stop(). */
int clock_start(struct clock *clock, const struct clock_options *options);
void clock_stop(struct clock *clock);

#endif
