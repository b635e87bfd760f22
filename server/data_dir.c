#include "server/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/locale.h"
#include "server/command.h"

static int path_join(char out[PATH_BYTES], const char *dir, const char *name)
{
    int length = snprintf(out, PATH_BYTES, "%s/%s", dir, name);
    return length < 0 || length >= PATH_BYTES ? MDG_ERR_INVALID : 0;
}

int data_dir_init(struct data_dir *dir, const char *path, const char *keys)
{
    *dir = (struct data_dir){.lock_fd = -1};
    int length = snprintf(dir->path, sizeof dir->path, "%s", path);
    int rc = length < 0 || (size_t)length >= sizeof dir->path ? MDG_ERR_INVALID : 0;
    if (rc == 0) rc = path_join(dir->db, path, "madoguchi.db");
    if (rc == 0) rc = path_join(dir->console, path, "console.sock");
    if (rc == 0) rc = path_join(dir->lock, path, "lock");
    if (rc == 0 && !keys) return path_join(dir->keys, path, "keys");
    if (rc == 0) {
        length = snprintf(dir->keys, sizeof dir->keys, "%s", keys);
        if (length < 0 || (size_t)length >= sizeof dir->keys) rc = MDG_ERR_INVALID;
    }
    return rc;
}

int data_dir_check(const struct data_dir *dir)
{
    struct stat about;
    if (stat(dir->db, &about) == 0) return 0;
    complain(MDG_ERR_CONFIG, _("%s: no centre lives there (%s). 'madoguchid init' makes one."), dir->path,
             strerror(errno));
    return MDG_ERR_CONFIG;
}

int data_dir_lock(struct data_dir *dir)
{
    dir->lock_fd = open(dir->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (dir->lock_fd < 0) {
        complain(MDG_ERR_CONFIG, _("%s cannot be opened: %s"), dir->lock, strerror(errno));
        return MDG_ERR_CONFIG;
    }
    if (flock(dir->lock_fd, LOCK_EX | LOCK_NB) == 0) return 0;
    data_dir_unlock(dir);
    complain(MDG_ERR_IN_USE, _("%s is in use by another madoguchid. Stop that one first."), dir->path);
    return MDG_ERR_IN_USE;
}

void data_dir_unlock(struct data_dir *dir)
{
    if (dir->lock_fd >= 0) close(dir->lock_fd);
    dir->lock_fd = -1;
}

int data_dir_sync(const struct data_dir *dir)
{
    int fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return MDG_ERR_IO;
    int rc = fsync(fd) == 0 ? 0 : MDG_ERR_IO;
    close(fd);
    return rc;
}
