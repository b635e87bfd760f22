/* common/bytes.h - fixed-width integers in byte strings (big-endian) and hexadecimal. */
#ifndef MADOGUCHI_COMMON_BYTES_H
#define MADOGUCHI_COMMON_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline void bytes_put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint32_t bytes_get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void bytes_put_i64(uint8_t *at, int64_t value)
{
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
}

/* Lower case, 2 * length characters and a NUL. */
static inline void bytes_to_hex(const uint8_t *bytes, size_t length, char *hex)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = DIGITS[bytes[i] >> 4];
        hex[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
    hex[2 * length] = '\0';
}

#endif
