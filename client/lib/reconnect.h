/* client/lib/reconnect.h - when to try again. Pure: randomness and counts are arguments. */
#ifndef MADOGUCHI_CLIENT_LIB_RECONNECT_H
#define MADOGUCHI_CLIENT_LIB_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

#define RECONNECT_FIRST_MS 500u
#define RECONNECT_MOST_MS 30000u
#define RECONNECT_STEADY_MS 60000u /* a connection that lived so long was a good one */

/* Evenly spread between 0 and a ceiling that doubles with each failure in a row (0: the first), from 0.5 to 30 s;
 * after retry_after_ms, if the server asked for that, so that they do not come back all at once. */
uint64_t reconnect_delay_ms(unsigned failures, uint32_t retry_after_ms, uint64_t random);
/* The failures to count on from, after a connection that lived so long. */
unsigned reconnect_failures_left(unsigned failures, uint64_t lived_ms);
/* Trying again cannot help before a person acts. */
bool reconnect_is_final(int error);

#endif
