/* server/net/net.h - listeners and connections: bytes from sockets to dispatch, replies and changes back. Loop
 * thread. Knows TLS, frames, limits and views' revs; knows no records.
 *
 * Order of life: net_new, net_events (into dispatch's options), dispatch_new, net_start; later net_drain,
 * dispatch_stop, net_free, dispatch_free. */
#ifndef MADOGUCHI_NET_NET_H
#define MADOGUCHI_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <uv.h>

#include "server/dispatch/dispatch.h"
#include "server/net/limits.h"

struct net;

struct net_options {
    uv_loop_t *loop;
    const char *listen;       /* "127.0.0.1:7443", "[::1]:7443"; port 0: any */
    const char *enrol_listen; /* as above */
    const char *console_path; /* Unix socket of mode 0600; one left behind is replaced; NULL: none */
    struct net_limits limits;
    /* Makes the context of a listener from what is trusted now; asked at start and at EFFECT_TRUST_CHANGED. The
     * callee's context belongs to net afterwards. */
    int (*tls_context)(void *arg, bool is_enrolment, SSL_CTX **out);
    /* dispatch reports a failed disk: the process has to end, nobody is answered any more. */
    void (*on_fatal)(void *arg, int rc);
    void *arg;
};

/* Opens the sockets, so that a port in use is known at once (UV_EADDRINUSE; logged with the address), but takes
 * nobody in. Strings of options are copied. MDG_ERR_INVALID: not an address. */
int net_new(const struct net_options *options, struct net **out);
/* For dispatch_options.events; net stays the owner of arg. */
struct dispatch_events net_events(struct net *net);
/* Begins to accept. dispatch is borrowed and must outlive the last connection. */
int net_start(struct net *net, struct dispatch *dispatch);

/* The numbers really bound. The enrolment port keeps its number, but listens only while a code is pending. */
int net_port(const struct net *net);
int net_enrol_port(const struct net *net);

/* Takes nobody in and no request any more, lets what is in flight be answered, says goodbye
 * (MDG_ERR_SHUTTING_DOWN), and is done within limits.drain_ms. done comes once, on the loop. */
void net_drain(struct net *net, void (*done)(void *arg), void *arg);
/* Closes what is left and turns the loop until its own handles are closed. NULL is allowed. */
void net_free(struct net *net);

#endif
