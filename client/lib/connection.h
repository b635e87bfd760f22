/* client/lib/connection.h - one connection to a server: address, TCP, TLS, frames, pings. Loop thread. */
#ifndef MADOGUCHI_CLIENT_LIB_CONNECTION_H
#define MADOGUCHI_CLIENT_LIB_CONNECTION_H

#include <uv.h>

#include <openssl/ssl.h>

#include "common/tls_stream.h"
#include "frame.pb-c.h"

struct connection;

struct connection_events {
    void (*on_open)(void *arg);                           /* TLS is through */
    void (*on_frame)(void *arg, const Mdg__Frame *frame); /* a response or a part; borrowed */
    /* A measurement of the server's clock minus ours, and how long the question was under way. May be NULL. */
    void (*on_clock)(void *arg, int64_t offset_us, int64_t round_us);
    /* Once, last; the connection is gone. goodbye is what the server said, or NULL; borrowed. */
    void (*on_closed)(void *arg, int rc, const Mdg__Refusal *goodbye);
    void *arg;
};

struct connection_options {
    uv_loop_t *loop;
    const char *host;
    unsigned port;
    SSL_CTX *context;        /* borrowed while opening */
    const char *server_name; /* must stand in the server's certificate; NULL: the certificate is not checked here */
    struct connection_events events;
};

/* Not 0: nothing was started, no event comes. */
int connection_open(const struct connection_options *options, struct connection **out);
/* MDG_ERR_OFFLINE: not open or closing. MDG_ERR_TOO_LARGE. An error on the way comes as on_closed. */
int connection_send(struct connection *connection, const Mdg__Frame *frame);
/* on_closed follows from the loop, with this rc unless it was closing already. */
void connection_close(struct connection *connection, int rc);
struct tls_stream *connection_tls(struct connection *connection);

#endif
