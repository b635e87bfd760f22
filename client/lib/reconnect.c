#include "client/lib/reconnect.h"

#include "common/error.h"

#define FIRST_CEILING_MS 1000u
#define DOUBLINGS_MAX 5u /* 32 s, more than the most */

uint64_t reconnect_delay_ms(unsigned failures, uint32_t retry_after_ms, uint64_t random)
{
    uint64_t ceiling = (uint64_t)FIRST_CEILING_MS << (failures < DOUBLINGS_MAX ? failures : DOUBLINGS_MAX);
    if (ceiling > RECONNECT_MOST_MS) ceiling = RECONNECT_MOST_MS;
    return RECONNECT_LEAST_MS + random % (ceiling - RECONNECT_LEAST_MS + 1) + retry_after_ms;
}

bool reconnect_is_final(int error)
{
    return error == MDG_ERR_REVOKED || error == MDG_ERR_CERTIFICATE_EXPIRED || error == MDG_ERR_UNTRUSTED ||
           error == MDG_ERR_VERSION;
}
