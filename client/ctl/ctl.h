/* client/ctl/ctl.h - one run of madoguchictl: its options, its client, its answer. A command is a plain function that
 * reads top to bottom: ctl_open(), ctl_call() and friends run the loop until there is an answer. */
#ifndef MADOGUCHI_CLIENT_CTL_CTL_H
#define MADOGUCHI_CLIENT_CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <uv.h>

#include "client/ctl/options.h"
#include "client/lib/madoguchi.h"
#include "common/sentence.h"

enum ctl_open_flag {
    CTL_FEED = 1 << 0,        /* wants the replica up to date: names of places, totals */
    CTL_OUTBOX = 1 << 1,      /* replays what waits in this profile's outbox */
    CTL_MAY_OFFLINE = 1 << 2, /* goes on without the server */
    CTL_NO_SIGN_IN = 1 << 3,  /* does not take up the profile's sign-in */
    CTL_UNPLUGGED = 1 << 4    /* only looks at what lies in the profile */
};

enum ctl_access { CTL_READ, CTL_WRITE };

struct ctl {
    struct ctl_options options;
    uv_loop_t loop;
    bool has_loop;
    struct mdg_client *client; /* NULL until ctl_open() */
    struct mdg_state state;    /* as of the last event; person_name is not kept */
    bool has_settled;          /* the first attempt to connect has ended, well or not */
    bool has_caught_up;        /* the replica was, at least once */

    /* Set by watch before ctl_open(). */
    void (*on_row)(struct ctl *ctl, const Mdg__Row *row);
    void (*on_state)(struct ctl *ctl, const struct mdg_state *state);
    void (*on_answered)(struct ctl *ctl, const struct mdg_outbox_item *item, const Mdg__Refusal *refusal);
    void *hook_arg;

    int error;                    /* what ctl_fail() or a refusal said */
    char problem[SENTENCE_BYTES]; /* its sentence; "" when error_sentence() shall speak */
    json_t *refusal;              /* code, name, field, rule, args; NULL */
    Mdg__Response *refused;       /* the last refusal of ctl_call() with what it brought along; owned; NULL */
    json_t *answer;               /* the document of --json; NULL: {"ok": true} */
};

void ctl_init(struct ctl *ctl);
void ctl_fini(struct ctl *ctl);

/* Sets the sentence and returns code, so a command says `return ctl_fail(...)`. */
int ctl_fail(struct ctl *ctl, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a refusal of the server. */
int ctl_refused(struct ctl *ctl, const Mdg__Refusal *refusal);

/* Opens the profile and runs the loop until the connection stands (with CTL_FEED: until the replica has caught up) or
 * has failed. Without CTL_MAY_OFFLINE that is an error. */
int ctl_open(struct ctl *ctl, unsigned flags);
bool ctl_is_online(const struct ctl *ctl);

/* Runs the loop until *is_done or until timeout_ms have passed. MDG_ERR_DEADLINE. */
int ctl_run_until(struct ctl *ctl, const bool *is_done, unsigned timeout_ms);
/* Runs the loop that long. */
void ctl_wait(struct ctl *ctl, unsigned ms);

/* Asks and waits. 0: *out is the accepted response, freed by the caller with mdg__response__free_unpacked(out, NULL);
 * out may be NULL. A refusal's code comes back with its sentence set. When the server asks for the own passphrase
 * once more, the person is asked for it and the call repeated; when it is busy, the call is repeated after the
 * time it names, until the time of --timeout is over. key: NULL makes a new one for a write. */
int ctl_call(struct ctl *ctl, const Mdg__Body *body, enum ctl_access access, const uint8_t *key, Mdg__Response **out);

/* How long to wait before a busy server is asked again: as long as it says. false: that is more than what is left. */
bool ctl_busy_wait(uint32_t retry_after_ms, uint64_t left_ms, unsigned *wait_ms);

/* A line that must not be seen: from stdin with --secret-stdin, else from the terminal without echo. *out is wiped
 * and freed by secret_free(). */
int ctl_secret(struct ctl *ctl, const char *prompt, char **out);
void secret_free(char *secret);

#endif
