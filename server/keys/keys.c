#include "server/keys/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/log.h"
#include "server/keys/data_keys.h"
#include "server/keys/intake_key.h"
#include "server/keys/keys_internal.h"

#define SEAL_VERSION 1
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define WHERE_BYTES_MAX 128

static const char PEPPER_FILE[] = "pepper";
static const char MASTER_FILE[] = "master";

/* --- files ------------------------------------------------------------------------------------------- */

static int path_of(const char *dir, const char *name, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s", dir, name);
    return length > 0 && length < PATH_MAX ? 0 : MDG_ERR_CONFIG;
}

static int write_whole(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t wrote = write(fd, bytes, length);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return errno == ENOSPC ? MDG_ERR_DISK_FULL : MDG_ERR_IO;
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return fsync(fd) == 0 ? 0 : MDG_ERR_IO;
}

static int file_create(const char *path)
{
    uint8_t key[KEY_BYTES];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return errno == EEXIST ? MDG_ERR_CONFLICT : MDG_ERR_CONFIG;
    randombytes_buf(key, sizeof key);
    int rc = write_whole(fd, key, sizeof key);
    sodium_memzero(key, sizeof key);
    close(fd);
    if (rc != 0) unlink(path);
    return rc;
}

/* A new file is durable only when its directory is. */
int keys_dir_sync(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return MDG_ERR_IO;
    int rc = fsync(fd) == 0 ? 0 : MDG_ERR_IO;
    close(fd);
    return rc;
}

int keys_create(const char *dir)
{
    char pepper[PATH_MAX], master[PATH_MAX];
    if (sodium_init() < 0) return MDG_ERR_CRYPTO;
    int rc = path_of(dir, PEPPER_FILE, pepper);
    if (rc == 0) rc = path_of(dir, MASTER_FILE, master);
    if (rc != 0) return rc;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        log_error("keys.create", "dir=%s error=\"%s\"", dir, strerror(errno));
        return MDG_ERR_CONFIG;
    }
    if (access(pepper, F_OK) == 0 || access(master, F_OK) == 0) return MDG_ERR_CONFLICT;
    rc = file_create(pepper);
    if (rc != 0) return rc;
    rc = file_create(master);
    if (rc == 0) {
        rc = data_keys_create(dir);
        if (rc != 0) unlink(master);
    }
    if (rc != 0) {
        unlink(pepper); /* half a set would be taken for a whole one */
        return rc;
    }
    return keys_dir_sync(dir);
}

/* A service manager's credential belongs to root and shows its access list in the group's bits (0440);
 * a file of ours is for its owner alone. */
bool keys_file_is_private(const struct stat *st)
{
    if (!S_ISREG(st->st_mode) || (st->st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) != 0) return false;
    if ((st->st_mode & S_IRGRP) != 0) return (st->st_mode & 0777) == 0440 && st->st_uid == 0 && st->st_gid == 0;
    return st->st_uid == geteuid() || st->st_uid == 0;
}

static int file_read(const char *dir, const char *name, uint8_t key[KEY_BYTES])
{
    char path[PATH_MAX];
    struct stat st;
    int rc = path_of(dir, name, path);
    if (rc != 0) return rc;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        log_error("keys.open", "path=%s error=\"%s\" do=\"restore it from the key copy\"", path, strerror(errno));
        return MDG_ERR_CONFIG;
    }
    rc = MDG_ERR_CONFIG;
    if (fstat(fd, &st) != 0) {
        log_error("keys.open", "path=%s error=\"%s\"", path, strerror(errno));
    } else if (!keys_file_is_private(&st)) {
        log_error("keys.open", "path=%s error=\"open to others\" do=\"chown to the service, chmod 600\"", path);
    } else if (st.st_size != KEY_BYTES || read(fd, key, KEY_BYTES) != KEY_BYTES) {
        log_error("keys.open", "path=%s error=\"not %d bytes\" do=\"restore it from the key copy\"", path, KEY_BYTES);
    } else {
        rc = 0;
    }
    close(fd);
    return rc;
}

/* --- derivation -------------------------------------------------------------------------------------- */

/* libsodium's, which takes no locks: every write's digest comes this way. */
void keys_hmac(const uint8_t key[KEY_BYTES], const void *bytes, size_t length, uint8_t mac[KEY_BYTES])
{
    _Static_assert(crypto_auth_hmacsha256_KEYBYTES == KEY_BYTES && crypto_auth_hmacsha256_BYTES == KEY_BYTES, "sizes");
    crypto_auth_hmacsha256(mac, bytes, length, key);
}

/* The master key itself encrypts and signs nothing: each use has its own key under it. */
static int derive(const uint8_t master[KEY_BYTES], const char *use, const char *purpose, uint8_t key[KEY_BYTES])
{
    char label[WHERE_BYTES_MAX];
    int length = snprintf(label, sizeof label, "madoguchi %s %s", use, purpose);
    if (length < 0 || (size_t)length >= sizeof label) return MDG_ERR_CRYPTO;
    keys_hmac(master, label, (size_t)length, key);
    return 0;
}

static int intake_open(struct keys *keys)
{
    struct intake_key key;
    int rc = intake_key_of(keys, &key);
    if (rc == 0) memcpy(keys->intake_public, key.public_half, sizeof keys->intake_public);
    sodium_memzero(&key, sizeof key);
    return rc;
}

int keys_open(const char *dir, struct keys **out)
{
    *out = NULL;
    if (sodium_init() < 0) return MDG_ERR_CRYPTO;
    struct keys *keys = sodium_malloc(sizeof *keys); /* locked in memory, between guard pages */
    if (!keys) return MDG_ERR_MEMORY;
    keys->data = NULL;
    int rc = file_read(dir, PEPPER_FILE, keys->pepper);
    if (rc == 0) rc = file_read(dir, MASTER_FILE, keys->master);
    if (rc == 0) rc = derive(keys->master, "seal", "1", keys->seal);
    if (rc == 0) rc = intake_open(keys);
    if (rc == 0) rc = data_keys_open(dir, keys, &keys->data);
    if (rc != 0) {
        sodium_free(keys);
        return rc;
    }
    sodium_mprotect_readonly(keys);
    *out = keys;
    return 0;
}

void keys_close(struct keys *keys)
{
    if (keys) data_keys_close(keys->data);
    sodium_free(keys);
}

int keys_mac(const struct keys *keys, const char *purpose, const void *bytes, size_t length, uint8_t mac[KEY_BYTES])
{
    uint8_t key[KEY_BYTES];
    int rc = derive(keys->master, "mac", purpose, key);
    if (rc == 0) keys_hmac(key, bytes, length, mac);
    sodium_memzero(key, sizeof key);
    return rc;
}

/* --- sealing ----------------------------------------------------------------------------------------- */

/* What a sealed value is bound to: moved to another row or column, it does not open. */
static int seal_context(const char *where, int64_t row_id, uint8_t bytes[WHERE_BYTES_MAX + 10], int *length)
{
    size_t where_length = strlen(where);
    if (where_length > WHERE_BYTES_MAX) return MDG_ERR_CRYPTO;
    bytes[0] = SEAL_VERSION;
    memcpy(bytes + 1, where, where_length + 1);
    bytes_put_i64(bytes + 1 + where_length + 1, row_id);
    *length = (int)(1 + where_length + 1 + 8);
    return 0;
}

int keys_seal(const struct keys *keys, const char *where, int64_t row_id, const void *plain, size_t length,
              uint8_t *sealed)
{
    uint8_t context[WHERE_BYTES_MAX + 10];
    int context_length, made;
    if (length > INT_MAX) return MDG_ERR_CRYPTO;
    int rc = seal_context(where, row_id, context, &context_length);
    if (rc != 0) return rc;

    uint8_t *nonce = sealed + 1, *body = nonce + NONCE_BYTES, *tag = body + length;
    sealed[0] = SEAL_VERSION;
    randombytes_buf(nonce, NONCE_BYTES);
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    rc = MDG_ERR_CRYPTO;
    if (!gcm || EVP_EncryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, keys->seal, nonce) != 1) goto done;
    if (EVP_EncryptUpdate(gcm, NULL, &made, context, context_length) != 1) goto done;
    if (EVP_EncryptUpdate(gcm, body, &made, plain, (int)length) != 1 || (size_t)made != length) goto done;
    if (EVP_EncryptFinal_ex(gcm, tag, &made) != 1 || made != 0) goto done;
    if (EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1) rc = 0;
done:
    EVP_CIPHER_CTX_free(gcm);
    return rc;
}

int keys_unseal(const struct keys *keys, const char *where, int64_t row_id, const uint8_t *sealed, size_t length,
                void *plain)
{
    uint8_t context[WHERE_BYTES_MAX + 10], none[16];
    int context_length, made;
    if (length < SEAL_OVERHEAD_BYTES || length > INT_MAX || sealed[0] != SEAL_VERSION) return MDG_ERR_CORRUPT;
    int rc = seal_context(where, row_id, context, &context_length);
    if (rc != 0) return rc;

    size_t plain_length = length - SEAL_OVERHEAD_BYTES;
    const uint8_t *nonce = sealed + 1, *body = nonce + NONCE_BYTES;
    uint8_t tag[TAG_BYTES];
    memcpy(tag, body + plain_length, TAG_BYTES);
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    rc = MDG_ERR_CRYPTO;
    if (!gcm || EVP_DecryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, keys->seal, nonce) != 1) goto done;
    if (EVP_DecryptUpdate(gcm, NULL, &made, context, context_length) != 1) goto done;
    if (EVP_DecryptUpdate(gcm, plain, &made, body, (int)plain_length) != 1) goto done;
    if (EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1) goto done;
    rc = EVP_DecryptFinal_ex(gcm, none, &made) == 1 ? 0 : MDG_ERR_CORRUPT;
done:
    if (rc != 0) sodium_memzero(plain, plain_length); /* what was decrypted before the tag told is nobody's */
    EVP_CIPHER_CTX_free(gcm);
    return rc;
}
