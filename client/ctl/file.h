/* client/ctl/file.h - a file that a command is given, read whole. */
#ifndef MADOGUCHI_CLIENT_CTL_FILE_H
#define MADOGUCHI_CLIENT_CTL_FILE_H

#include <stddef.h>

struct ctl;

/* Its bytes with a NUL behind; the caller frees *text. On an error the sentence is set. */
int file_read(struct ctl *ctl, const char *path, char **text, size_t *length);

#endif
