#include "client/lib/profile_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"

#define PATH_BYTES 4200

static int error_of_errno(void)
{
    if (errno == ENOSPC || errno == EDQUOT) return MDG_ERR_DISK_FULL;
    if (errno == ENOENT) return MDG_ERR_NOT_FOUND;
    return MDG_ERR_IO;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return error_of_errno();
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

static int sync_dir_of(const char *path)
{
    char dir[PATH_BYTES];
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash) slash[slash == dir ? 1 : 0] = '\0';
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return error_of_errno();
    int rc = fsync(fd) == 0 ? 0 : error_of_errno();
    close(fd);
    return rc;
}

int profile_file_write(const char *path, mode_t mode, const void *bytes, size_t length)
{
    char beside[PATH_BYTES];
    int rc = 0, fd = -1;
    int name_length = snprintf(beside, sizeof beside, "%s.%ld.tmp", path, (long)getpid());
    if (name_length < 0 || (size_t)name_length >= sizeof beside) return MDG_ERR_CONFIG;
    unlink(beside); /* of a process of the same number that did not get to its end */
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) return error_of_errno();
    rc = write_all(fd, bytes, length);
    if (rc == 0 && fsync(fd) != 0) rc = error_of_errno();
    if (close(fd) != 0 && rc == 0) rc = error_of_errno();
    if (rc == 0 && rename(beside, path) != 0) rc = error_of_errno();
    if (rc == 0) rc = sync_dir_of(path);
    if (rc != 0) unlink(beside);
    return rc;
}

int profile_file_read(const char *path, char **bytes, size_t *length)
{
    char *buffer = NULL;
    size_t have = 0;
    int rc = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error_of_errno();
    buffer = malloc(PROFILE_FILE_BYTES_MAX + 1);
    if (!buffer) rc = MDG_ERR_MEMORY;
    while (rc == 0) {
        ssize_t got = read(fd, buffer + have, PROFILE_FILE_BYTES_MAX + 1 - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) rc = error_of_errno();
        if (got <= 0) break;
        have += (size_t)got;
        if (have > PROFILE_FILE_BYTES_MAX) rc = MDG_ERR_TOO_LARGE;
    }
    close(fd);
    if (rc != 0) {
        free(buffer);
        return rc;
    }
    buffer[have] = '\0';
    *bytes = buffer;
    if (length) *length = have;
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/* Our own reader, since inih cuts lines at 200 bytes and values at " ;", which may stand in a centre's name. */
static const char *find_value(const char *text, const char *key, size_t *length)
{
    size_t key_length = strlen(key);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if (strncmp(line, key, key_length) != 0 || strncmp(line + key_length, " = ", 3) != 0) continue;
        const char *value = line + key_length + 3;
        *length = strcspn(value, "\n");
        return value;
    }
    return NULL;
}

int profile_file_get(const char *text, const char *key, char *value, size_t size)
{
    size_t length = 0, used = 0;
    const char *from = find_value(text, key, &length);
    value[0] = '\0';
    for (size_t i = 0; from && i < length; i++) {
        char c = from[i];
        if (c == '%' && i + 2 < length && hex_digit(from[i + 1]) >= 0 && hex_digit(from[i + 2]) >= 0) {
            c = (char)(hex_digit(from[i + 1]) << 4 | hex_digit(from[i + 2]));
            i += 2;
        }
        if (used + 1 >= size) return MDG_ERR_CONFIG;
        value[used++] = c;
    }
    value[used] = '\0';
    return 0;
}

int64_t profile_file_get_i64(const char *text, const char *key)
{
    char value[32];
    return profile_file_get(text, key, value, sizeof value) == 0 ? strtoll(value, NULL, 10) : 0;
}

const char *profile_file_escape(const char *value, char *out, size_t size)
{
    size_t used = 0;
    for (; *value && used + 4 <= size; value++) {
        unsigned char c = (unsigned char)*value;
        if (c < 0x20 || c == '%' || c == 0x7f) {
            used += (size_t)snprintf(out + used, size - used, "%%%02x", c);
        } else {
            out[used++] = (char)c;
        }
    }
    out[used] = '\0';
    return out;
}
