/* server/data_dir.h - what lies in the data directory, and the lock that says who uses it. */
#ifndef MADOGUCHI_SERVER_DATA_DIR_H
#define MADOGUCHI_SERVER_DATA_DIR_H

#define PATH_BYTES 4096

struct data_dir {
    char path[PATH_BYTES];
    char keys[PATH_BYTES];
    char db[PATH_BYTES];
    char console[PATH_BYTES];
    char lock[PATH_BYTES];
    int lock_fd; /* -1: not locked */
};

/* Works out the paths; touches nothing. keys NULL: keys/ in the directory. MDG_ERR_INVALID: too long. */
int data_dir_init(struct data_dir *dir, const char *path, const char *keys);
/* MDG_ERR_CONFIG: no centre lives there; complains. */
int data_dir_check(const struct data_dir *dir);
/* Held until the process ends or data_dir_unlock(). MDG_ERR_IN_USE: another process has it; complains. */
int data_dir_lock(struct data_dir *dir);
void data_dir_unlock(struct data_dir *dir);
/* A name in this directory reached the disk. */
int data_dir_sync(const struct data_dir *dir);

#endif
