/* server/keys/keys_internal.h - what the files of this folder share. */
#ifndef MADOGUCHI_KEYS_KEYS_INTERNAL_H
#define MADOGUCHI_KEYS_KEYS_INTERNAL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/intake_box.h"
#include "server/keys/keys.h"

struct data_keys;

struct keys {
    uint8_t pepper[KEY_BYTES];
    uint8_t master[KEY_BYTES];
    uint8_t seal[KEY_BYTES]; /* derived from the master key */
    uint8_t intake_public[INTAKE_KEY_BYTES];
    struct data_keys *data; /* owned; it guards itself */
};

/* A new file is durable only when its directory is. */
int keys_dir_sync(const char *dir);
bool keys_file_is_private(const struct stat *st);
void keys_hmac(const uint8_t key[KEY_BYTES], const void *bytes, size_t length, uint8_t mac[KEY_BYTES]);

#endif
