#include "server/keys/data_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/log.h"
#include "server/keys/keys_internal.h"

#define NONCE_BYTES 12
#define TAG_BYTES 16
#define CENTRE_BYTES 16
#define WRAPPED_BYTES (KEY_BYTES + SEAL_OVERHEAD_BYTES)
/* Head and records have one size; a record is written at its place, so that it can be overwritten there. The key
 * id is its number in the file, from 1. An id is never used again. */
#define RECORD_BYTES 128
#define RECORDS_MAX 4096
#define CONTEXT_BYTES_MAX (CENTRE_BYTES + 2 * 64 + 8 + 4)

static const char FILE_NAME[] = "data.keys";
static const char HEAD[] = "madoguchi data keys 1\n"; /* then the centre's 16 random bytes */

/* Record: name, a NUL, filled with zeros to 32 bytes; the wrapped key, all zeros once destroyed. */
struct record {
    char name[DATA_KEY_NAME_BYTES_MAX + 1];
    uint8_t wrapped[WRAPPED_BYTES];
};

struct data_keys {
    pthread_mutex_t mutex; /* guards all below: the writer adds, readers look up */
    char dir[PATH_MAX], path[PATH_MAX];
    const struct keys *keys;
    bool has_file;
    uint8_t centre[CENTRE_BYTES];
    struct record *records;
    size_t count;
};

/* --- the file ---------------------------------------------------------------------------------------- */

static int write_at(int fd, const uint8_t *bytes, size_t length, off_t at)
{
    while (length > 0) {
        ssize_t wrote = pwrite(fd, bytes, length, at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return errno == ENOSPC ? MDG_ERR_DISK_FULL : MDG_ERR_IO;
        bytes += wrote;
        at += wrote;
        length -= (size_t)wrote;
    }
    return fsync(fd) == 0 ? 0 : MDG_ERR_IO;
}

/* The head of a new file goes to disk under its final name only when whole. */
static int file_make(const char *dir, const char *path, uint8_t centre[CENTRE_BYTES])
{
    uint8_t head[RECORD_BYTES] = {0};
    char draft[PATH_MAX];
    int length = snprintf(draft, sizeof draft, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof draft) return MDG_ERR_CONFIG;
    if (access(path, F_OK) == 0) return MDG_ERR_CONFLICT;
    randombytes_buf(centre, CENTRE_BYTES);
    memcpy(head, HEAD, sizeof HEAD - 1);
    memcpy(head + RECORD_BYTES - CENTRE_BYTES, centre, CENTRE_BYTES);

    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return MDG_ERR_CONFIG;
    int rc = write_at(fd, head, sizeof head, 0);
    close(fd);
    if (rc == 0 && rename(draft, path) != 0) rc = MDG_ERR_IO;
    if (rc == 0) rc = keys_dir_sync(dir);
    if (rc != 0) unlink(draft);
    return rc;
}

static int path_of(const char *dir, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s", dir, FILE_NAME);
    return length > 0 && length < PATH_MAX ? 0 : MDG_ERR_CONFIG;
}

int data_keys_create(const char *dir)
{
    char path[PATH_MAX];
    uint8_t centre[CENTRE_BYTES];
    if (sodium_init() < 0) return MDG_ERR_CRYPTO;
    int rc = path_of(dir, path);
    return rc == 0 ? file_make(dir, path, centre) : rc;
}

static int complain(const char *path, const char *error)
{
    log_error("keys.data", "path=%s error=\"%s\" do=\"restore it from the key copy\"", path, error);
    return MDG_ERR_CONFIG;
}

static int head_take(struct data_keys *data_keys, const uint8_t head[RECORD_BYTES])
{
    if (memcmp(head, HEAD, sizeof HEAD - 1) != 0) return complain(data_keys->path, "not a file of data keys");
    memcpy(data_keys->centre, head + RECORD_BYTES - CENTRE_BYTES, CENTRE_BYTES);
    data_keys->has_file = true;
    return 0;
}

static int record_add(struct data_keys *data_keys, const struct record *record)
{
    struct record *grown = realloc(data_keys->records, (data_keys->count + 1) * sizeof *grown);
    if (!grown) return MDG_ERR_MEMORY;
    data_keys->records = grown;
    grown[data_keys->count++] = *record;
    return 0;
}

/* A record that a crash cut short was never used: its place is taken by the next one. */
static int records_take(struct data_keys *data_keys, int fd)
{
    uint8_t bytes[RECORD_BYTES];
    off_t at = 0;
    int rc = 0;
    while (rc == 0 && pread(fd, bytes, sizeof bytes, at) == (ssize_t)sizeof bytes) {
        struct record record;
        memcpy(record.name, bytes, sizeof record.name);
        record.name[sizeof record.name - 1] = '\0';
        memcpy(record.wrapped, bytes + sizeof record.name, sizeof record.wrapped);
        if (at == 0)
            rc = head_take(data_keys, bytes);
        else if (data_keys->count == RECORDS_MAX)
            rc = complain(data_keys->path, "too many keys");
        else
            rc = record_add(data_keys, &record);
        at += RECORD_BYTES;
    }
    return rc == 0 && at == 0 ? complain(data_keys->path, "cut short") : rc;
}

static int file_take(struct data_keys *data_keys)
{
    struct stat st;
    int fd = open(data_keys->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        log_warn("keys.data", "path=%s error=missing effect=\"what it sealed cannot be read\"", data_keys->path);
        return 0;
    }
    if (fd < 0) return complain(data_keys->path, strerror(errno));
    int rc = 0;
    if (fstat(fd, &st) != 0 || !keys_file_is_private(&st)) rc = complain(data_keys->path, "open to others");
    if (rc == 0) rc = records_take(data_keys, fd);
    close(fd);
    return rc;
}

int data_keys_open(const char *dir, const struct keys *keys, struct data_keys **out)
{
    struct data_keys *data_keys = calloc(1, sizeof *data_keys);
    *out = NULL;
    if (!data_keys) return MDG_ERR_MEMORY;
    pthread_mutex_init(&data_keys->mutex, NULL);
    data_keys->keys = keys;
    int length = snprintf(data_keys->dir, sizeof data_keys->dir, "%s", dir);
    int rc = length >= 0 && (size_t)length < sizeof data_keys->dir ? path_of(dir, data_keys->path) : MDG_ERR_CONFIG;
    if (rc == 0) rc = file_take(data_keys);
    if (rc != 0) {
        data_keys_close(data_keys);
        return rc;
    }
    *out = data_keys;
    return 0;
}

void data_keys_close(struct data_keys *data_keys)
{
    if (!data_keys) return;
    pthread_mutex_destroy(&data_keys->mutex);
    free(data_keys->records);
    free(data_keys);
}

static int record_write(struct data_keys *data_keys, size_t index, const struct record *record)
{
    uint8_t bytes[RECORD_BYTES] = {0};
    memcpy(bytes, record->name, sizeof record->name);
    memcpy(bytes + sizeof record->name, record->wrapped, sizeof record->wrapped);
    int fd = open(data_keys->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return MDG_ERR_IO;
    int rc = write_at(fd, bytes, sizeof bytes, (off_t)(index + 1) * RECORD_BYTES);
    close(fd);
    return rc == 0 ? keys_dir_sync(data_keys->dir) : rc;
}

/* --- one key ----------------------------------------------------------------------------------------- */

static bool record_is_destroyed(const struct record *record)
{
    return sodium_is_zero(record->wrapped, sizeof record->wrapped);
}

static int key_unwrap(const struct data_keys *data_keys, uint32_t id, uint8_t key[KEY_BYTES])
{
    if (id == 0 || id > data_keys->count) return MDG_ERR_NOT_FOUND;
    const struct record *record = &data_keys->records[id - 1];
    if (record_is_destroyed(record)) return MDG_ERR_NOT_FOUND;
    return keys_unseal(data_keys->keys, record->name, id, record->wrapped, sizeof record->wrapped, key);
}

static int key_make(struct data_keys *data_keys, const char *name, uint32_t *id, uint8_t key[KEY_BYTES])
{
    struct record record = {.name = ""};
    if (strlen(name) > DATA_KEY_NAME_BYTES_MAX || !name[0]) return MDG_ERR_INVALID;
    if (data_keys->count == RECORDS_MAX) return MDG_ERR_CRYPTO;
    memcpy(record.name, name, strlen(name) + 1);
    *id = (uint32_t)data_keys->count + 1;
    randombytes_buf(key, KEY_BYTES);
    int rc = keys_seal(data_keys->keys, record.name, *id, key, KEY_BYTES, record.wrapped);
    if (rc == 0 && !data_keys->has_file) {
        rc = file_make(data_keys->dir, data_keys->path, data_keys->centre);
        data_keys->has_file = rc == 0;
    }
    if (rc == 0) rc = record_write(data_keys, data_keys->count, &record);
    if (rc == 0) rc = record_add(data_keys, &record);
    if (rc == 0) log_info("keys.data", "made=%s id=%u", name, *id);
    return rc;
}

/* The newest of the name that opens, or a new one. */
static int key_for(struct data_keys *data_keys, const char *name, uint32_t *id, uint8_t key[KEY_BYTES])
{
    for (size_t i = data_keys->count; i > 0; i--) {
        *id = (uint32_t)i;
        if (strcmp(data_keys->records[i - 1].name, name) == 0 && key_unwrap(data_keys, *id, key) == 0) return 0;
    }
    return key_make(data_keys, name, id, key);
}

int data_key_destroy(const struct keys *keys, const char *name)
{
    struct data_keys *data_keys = keys->data;
    int rc = 0, destroyed = 0;
    pthread_mutex_lock(&data_keys->mutex);
    for (size_t i = 0; rc == 0 && i < data_keys->count; i++) {
        struct record *record = &data_keys->records[i];
        if (strcmp(record->name, name) != 0 || record_is_destroyed(record)) continue;
        struct record empty = *record;
        sodium_memzero(empty.wrapped, sizeof empty.wrapped);
        rc = record_write(data_keys, i, &empty);
        if (rc == 0) *record = empty;
        destroyed++;
    }
    pthread_mutex_unlock(&data_keys->mutex);
    if (rc == 0 && destroyed > 0) log_info("keys.data", "destroyed=%s", name);
    return rc == 0 && destroyed == 0 ? MDG_ERR_NOT_FOUND : rc;
}

/* --- sealing ----------------------------------------------------------------------------------------- */

static int context_of(const struct data_keys *data_keys, const char *table, const char *column, int64_t row_id,
                      uint32_t id, uint8_t context[CONTEXT_BYTES_MAX], int *length)
{
    size_t table_length = strlen(table) + 1, column_length = strlen(column) + 1;
    if (table_length > 64 || column_length > 64) return MDG_ERR_CRYPTO;
    uint8_t *at = context;
    memcpy(at, data_keys->centre, CENTRE_BYTES);
    memcpy(at += CENTRE_BYTES, table, table_length);
    memcpy(at += table_length, column, column_length);
    bytes_put_i64(at += column_length, row_id);
    bytes_put_u32(at += 8, id);
    *length = (int)(at + 4 - context);
    return 0;
}

static int gcm_seal(const uint8_t key[KEY_BYTES], const uint8_t *context, int context_length, const void *plain,
                    size_t length, uint8_t *nonce)
{
    uint8_t *body = nonce + NONCE_BYTES, *tag = body + length;
    int made = 0, rc = MDG_ERR_CRYPTO;
    randombytes_buf(nonce, NONCE_BYTES);
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    if (!gcm || EVP_EncryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, key, nonce) != 1) goto done;
    if (EVP_EncryptUpdate(gcm, NULL, &made, context, context_length) != 1) goto done;
    if (EVP_EncryptUpdate(gcm, body, &made, plain, (int)length) != 1 || (size_t)made != length) goto done;
    if (EVP_EncryptFinal_ex(gcm, tag, &made) != 1 || made != 0) goto done;
    if (EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1) rc = 0;
done:
    EVP_CIPHER_CTX_free(gcm);
    return rc;
}

static int gcm_unseal(const uint8_t key[KEY_BYTES], const uint8_t *context, int context_length, const uint8_t *nonce,
                      size_t plain_length, void *plain)
{
    const uint8_t *body = nonce + NONCE_BYTES;
    uint8_t tag[TAG_BYTES], none[16];
    int made, rc = MDG_ERR_CRYPTO;
    memcpy(tag, body + plain_length, TAG_BYTES);
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    if (!gcm || EVP_DecryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, key, nonce) != 1) goto done;
    if (EVP_DecryptUpdate(gcm, NULL, &made, context, context_length) != 1) goto done;
    if (EVP_DecryptUpdate(gcm, plain, &made, body, (int)plain_length) != 1) goto done;
    if (EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1) goto done;
    rc = EVP_DecryptFinal_ex(gcm, none, &made) == 1 ? 0 : MDG_ERR_CORRUPT;
done:
    if (rc != 0) sodium_memzero(plain, plain_length); /* what was decrypted before the tag told is nobody's */
    EVP_CIPHER_CTX_free(gcm);
    return rc;
}

int data_key_seal(const struct keys *keys, const char *name, const char *table, const char *column, int64_t row_id,
                  const void *plain, size_t length, uint8_t *sealed)
{
    uint8_t key[KEY_BYTES], context[CONTEXT_BYTES_MAX];
    uint32_t id = 0;
    int context_length = 0;
    if (length > INT_MAX) return MDG_ERR_CRYPTO;
    pthread_mutex_lock(&keys->data->mutex);
    int rc = key_for(keys->data, name, &id, key);
    if (rc == 0) rc = context_of(keys->data, table, column, row_id, id, context, &context_length);
    pthread_mutex_unlock(&keys->data->mutex);
    if (rc == 0) {
        bytes_put_u32(sealed, id);
        rc = gcm_seal(key, context, context_length, plain, length, sealed + 4);
    }
    sodium_memzero(key, sizeof key);
    return rc;
}

int data_key_unseal(const struct keys *keys, const char *table, const char *column, int64_t row_id,
                    const uint8_t *sealed, size_t length, void *plain)
{
    uint8_t key[KEY_BYTES], context[CONTEXT_BYTES_MAX];
    int context_length = 0;
    if (length < DATA_KEY_OVERHEAD_BYTES || length > INT_MAX) return MDG_ERR_CORRUPT;
    uint32_t id = bytes_get_u32(sealed);
    pthread_mutex_lock(&keys->data->mutex);
    int rc = key_unwrap(keys->data, id, key);
    if (rc == 0) rc = context_of(keys->data, table, column, row_id, id, context, &context_length);
    pthread_mutex_unlock(&keys->data->mutex);
    if (rc == 0) rc = gcm_unseal(key, context, context_length, sealed + 4, length - DATA_KEY_OVERHEAD_BYTES, plain);
    sodium_memzero(key, sizeof key);
    return rc;
}
