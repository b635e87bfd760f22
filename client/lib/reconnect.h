/* client/lib/reconnect.h - when to try again. Pure: randomness and counts are arguments. */
#ifndef MADOGUCHI_CLIENT_LIB_RECONNECT_H
#define MADOGUCHI_CLIENT_LIB_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

#define RECONNECT_FIRST_MS 500u
#define RECONNECT_MOST_MS 30000u
#define RECONNECT_STEADY_MS 60000u     /* a connection that lived so long was a good one */
#define RECONNECT_DOUBT_MS 300000u     /* between attempts while a certificate is in doubt */
#define RECONNECT_CLOCK_JUMP_MS 60000u /* by more than that, the clock was set */

/* Evenly spread between 0 and a ceiling that doubles with each failure in a row (0: the first), from 0.5 to 30 s;
 * after retry_after_ms, if the server asked for that, so that they do not come back all at once. */
uint64_t reconnect_delay_ms(unsigned failures, uint32_t retry_after_ms, uint64_t random);
/* The failures to count on from, after a connection that lived so long. */
unsigned reconnect_failures_left(unsigned failures, uint64_t lived_ms);
/* Trying again cannot help before a person acts. */
bool reconnect_is_final(int error);

/* A certificate was not taken for its dates or its authority. It may be so for good, or because a machine was started
 * with a wrong clock: it is tried again when the clock was set since, and now and then anyway. */
bool reconnect_is_in_doubt(int error);
struct reconnect_moment {
    int64_t wall_us;
    uint64_t steady_ns; /* uv_hrtime(): no one sets it */
};
bool reconnect_doubt_is_over(struct reconnect_moment tried, struct reconnect_moment now);

#endif
