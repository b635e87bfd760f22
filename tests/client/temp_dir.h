/* tests/client/temp_dir.h - a directory that a test has for itself. */
#ifndef MADOGUCHI_TESTS_CLIENT_TEMP_DIR_H
#define MADOGUCHI_TESTS_CLIENT_TEMP_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEMP_PATH_BYTES 256

static inline int temp_remove(const char *path, const struct stat *is, int type, struct FTW *where)
{
    (void)is;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void temp_dir_make(char dir[TEMP_PATH_BYTES])
{
    const char *base = getenv("TMPDIR");
    snprintf(dir, TEMP_PATH_BYTES, "%s/madoguchi-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(dir)) abort();
}

static inline void temp_dir_remove(const char *dir)
{
    nftw(dir, temp_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
