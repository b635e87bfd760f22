#include "client/ctl/file.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/ctl/ctl.h"
#include "common/locale.h"

#define FILE_BYTES_MAX (64u * 1024u * 1024u)

int file_read(struct ctl *ctl, const char *path, char **text, size_t *length)
{
    FILE *file = fopen(path, "re");
    if (!file) return ctl_fail(ctl, MDG_ERR_CONFIG, _("%s cannot be read. Please check the path."), path);
    size_t size = 0, have = 0;
    int rc = 0;
    *text = NULL;
    do {
        if (have + 1 >= size) {
            size = size ? size * 2 : 65536;
            char *grown = size <= FILE_BYTES_MAX ? realloc(*text, size) : NULL;
            if (!grown) {
                rc = ctl_fail(ctl, MDG_ERR_TOO_LARGE, _("%s is too large. Please cut it into smaller files."), path);
                break;
            }
            *text = grown;
        }
        have += fread(*text + have, 1, size - have - 1, file);
    } while (!feof(file) && !ferror(file));
    if (rc == 0 && ferror(file)) rc = ctl_fail(ctl, MDG_ERR_IO, _("%s cannot be read. Please check the path."), path);
    fclose(file);
    if (rc != 0) {
        free(*text);
        *text = NULL;
        return rc;
    }
    (*text)[have] = '\0';
    *length = have;
    return 0;
}
