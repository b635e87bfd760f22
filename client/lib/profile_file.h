/* client/lib/profile_file.h - small files written as a whole, and the lines "key = value" in them. */
#ifndef MADOGUCHI_CLIENT_LIB_PROFILE_FILE_H
#define MADOGUCHI_CLIENT_LIB_PROFILE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROFILE_FILE_BYTES_MAX (64u * 1024u)

/* Writes beside path, syncs and renames, then syncs the directory. MDG_ERR_DISK_FULL, MDG_ERR_IO. */
int profile_file_write(const char *path, mode_t mode, const void *bytes, size_t length);
/* The whole file with a NUL after it; the caller frees *bytes. MDG_ERR_NOT_FOUND, MDG_ERR_IO, MDG_ERR_TOO_LARGE. */
int profile_file_read(const char *path, char **bytes, size_t *length);
/* UTF-8 text of a value, or "" where the key is missing; control characters were written as %XX. MDG_ERR_CONFIG:
 * it does not fit. */
int profile_file_get(const char *text, const char *key, char *value, size_t size);
int64_t profile_file_get_i64(const char *text, const char *key);
/* Writes value so that it stands on one line. Cut where it does not fit; returns value's form. */
const char *profile_file_escape(const char *value, char *out, size_t size);

#endif
