#include "client/lib/reconnect.h"

#include "common/error.h"

#define DOUBLINGS_MAX 6u /* 32 s, more than the most */

uint64_t reconnect_delay_ms(unsigned failures, uint32_t retry_after_ms, uint64_t random)
{
    uint64_t ceiling = (uint64_t)RECONNECT_FIRST_MS << (failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX);
    if (ceiling > RECONNECT_MOST_MS) ceiling = RECONNECT_MOST_MS;
    return random % (ceiling + 1) + retry_after_ms;
}

unsigned reconnect_failures_left(unsigned failures, uint64_t lived_ms)
{
    return lived_ms >= RECONNECT_STEADY_MS ? 0 : failures;
}

bool reconnect_is_final(int error)
{
    return error == MDG_ERR_REVOKED || error == MDG_ERR_VERSION;
}

bool reconnect_is_in_doubt(int error)
{
    return error == MDG_ERR_CERTIFICATE_EXPIRED || error == MDG_ERR_UNTRUSTED;
}

bool reconnect_doubt_is_over(struct reconnect_moment tried, struct reconnect_moment now)
{
    int64_t steady_us = (int64_t)((now.steady_ns - tried.steady_ns) / 1000);
    int64_t jump_us = now.wall_us - tried.wall_us - steady_us, most_us = (int64_t)RECONNECT_CLOCK_JUMP_MS * 1000;
    return steady_us >= (int64_t)RECONNECT_DOUBT_MS * 1000 || jump_us > most_us || jump_us < -most_us;
}
