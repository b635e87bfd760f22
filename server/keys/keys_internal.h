/* server/keys/keys_internal.h - what keys.c and secret.c share. */
#ifndef MADOGUCHI_KEYS_KEYS_INTERNAL_H
#define MADOGUCHI_KEYS_KEYS_INTERNAL_H

#include "server/keys/keys.h"

struct keys {
    uint8_t pepper[KEY_BYTES];
    uint8_t master[KEY_BYTES];
    uint8_t seal[KEY_BYTES]; /* derived from the master key */
};

void keys_hmac(const uint8_t key[KEY_BYTES], const void *bytes, size_t length, uint8_t mac[KEY_BYTES]);

#endif
