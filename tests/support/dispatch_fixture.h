/* tests/support/dispatch_fixture.h - the real dispatch over a centre in a file, without sockets: calls are packed and
 * decoded as if they had come from a connection, and their answers are kept until the test asks for them. */
#ifndef MADOGUCHI_TESTS_DISPATCH_FIXTURE_H
#define MADOGUCHI_TESTS_DISPATCH_FIXTURE_H

#include <uv.h>

#include "server/dispatch/dispatch.h"

#define HOUSE_SESSIONS 96
#define HOUSE_ANSWERS 1024
#define HOUSE_EFFECTS 64

struct house {
    char dir[64], path[96], key_dir[96];
    struct keys *keys;
    struct db *db; /* a connection of the test's own, to look and to alter */
    uv_loop_t loop;
    struct dispatch *dispatch;
    bool is_stopped;
    struct session sessions[HOUSE_SESSIONS]; /* conn_id: the index + 1; 0: gone */
    uint64_t last_id;
    Mdg__Frame *answers[HOUSE_ANSWERS]; /* by the request's id */
    struct effect effects[HOUSE_EFFECTS];
    int effects_count;
    void (*on_effect)(struct house *house, const struct effect *effect); /* looks while it comes */
    int fatal;
    int64_t now_us; /* at set-up */
};

/* One call as it is sent. */
struct house_call {
    const struct domain *domain;
    uint32_t op;
    const void *message;
    const uint8_t *key; /* REQUEST_KEY_BYTES; NULL: a new one */
    Mdg__Waited *waited;
};

int house_setup(void **state);
int house_teardown(void **state);
void house_stop(struct house *house);

/* A connection of such a terminal, with a person signed in who has those roles (person_id 0: nobody), confirmed. */
struct session *house_connect(struct house *house, enum terminal_kind kind, int64_t terminal_id, int64_t person_id,
                              uint32_t roles);

/* Sends, and gives back the request's id. */
uint64_t house_send(struct house *house, struct session *session, const struct house_call *call);
/* The answer to that request; NULL: it has not come yet. */
const Mdg__Response *house_answered(const struct house *house, uint64_t id);
/* Runs the loop until it has come. */
const Mdg__Response *house_await(struct house *house, uint64_t id);
/* Both, for a call with a key of its own. */
const Mdg__Response *house_ask(struct house *house, struct session *session, const struct domain *domain, uint32_t op,
                               const void *message);
/* 0 or the refusal's code. */
int house_code(const Mdg__Response *response);

#endif
