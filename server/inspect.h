/* server/inspect.h - whether a database is whole: the engine's check, the audit chain, each domain's figures. */
#ifndef MADOGUCHI_SERVER_INSPECT_H
#define MADOGUCHI_SERVER_INSPECT_H

#include <stdio.h>

/* Says to out what was looked at, a line each; out NULL: only what is wrong. All from one snapshot, so the server
 * may run meanwhile. MDG_ERR_CORRUPT: something was found, and said to stderr. Otherwise why it could not look. */
int inspect_database(const char *path, FILE *out);

#endif
