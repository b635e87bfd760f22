/* server/console_client.h - the console's side of the running server's local socket: the protocol's frames without TLS,
 * one call at a time, waiting for each. */
#ifndef MADOGUCHI_SERVER_CONSOLE_CLIENT_H
#define MADOGUCHI_SERVER_CONSOLE_CLIENT_H

#include "frame.pb-c.h"

struct console;

/* Connects and says hello. Complains; MDG_ERR_OFFLINE: no server runs on this data directory. */
int console_open(const char *path, struct console **out);
void console_close(struct console *console); /* NULL is allowed */

/* is_write: sends a fresh request_key. On success *response is the caller's (mdg__response__free_unpacked). A refusal
 * is told to the person in a sentence and its code returned. */
int console_call(struct console *console, Mdg__Body *body, int is_write, Mdg__Response **response);

/* "code XXXX-XXXX-XX", at once: somebody waits to read it out. */
void console_print_code(const char *code);

#endif
