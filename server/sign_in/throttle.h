/* server/sign_in/throttle.h - how often a secret may be tried. Pure: state and time in, verdict and next state
 * out. What is counted is kept three times: for a name at a terminal, for the name, and for the terminal.
 *
 *            failure, streak below 5                15 minutes over
 *          ┌──────────────────────┐            ┌───────────────────────┐
 *          ▼                      │            ▼                       │
 *        open ────────────────────┴──────► locked until ───────────────┘
 *          │          5th in a row
 *          └── 20th in a day, 30th in an hour ──► shut: until the office opens it
 */
#ifndef MADOGUCHI_SIGN_IN_THROTTLE_H
#define MADOGUCHI_SIGN_IN_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#define THROTTLE_RECENT_MAX 30

struct throttle_rule {
    int streak_max; /* failures in a row that lock for a while; 0: not counted */
    int64_t lock_us;
    int window_max; /* failures within window_us that shut; 0: not counted; at most THROTTLE_RECENT_MAX */
    int64_t window_us;
};

extern const struct throttle_rule THROTTLE_PAIR;     /* a name at a staff terminal */
extern const struct throttle_rule THROTTLE_NAME;     /* a name at all staff terminals together */
extern const struct throttle_rule THROTTLE_TERMINAL; /* all names at a terminal */
/* A name at a terminal of the public: it can lock (name, itself) only, so the day is counted here too. */
extern const struct throttle_rule THROTTLE_PUBLIC_PAIR;

/* All zero: nothing has happened. */
struct throttle_state {
    int streak;
    int64_t locked_until_us;
    bool is_shut;
    int64_t last_us;
    int recent_count;
    int64_t recent_us[THROTTLE_RECENT_MAX]; /* rising */
};

struct throttle_verdict {
    bool is_allowed;
    int64_t until_us; /* when refused: the instant at which it opens; 0: the office opens it */
};

struct throttle_verdict throttle_check(const struct throttle_state *state, int64_t now_us);
void throttle_failure(const struct throttle_rule *rule, struct throttle_state *state, int64_t now_us);
/* The right secret ends a row of failures. What the day or the hour has seen stays: somebody who knows one
 * secret must not be able to wash away guesses at others, nor wait for the owner to do it. */
void throttle_success(struct throttle_state *state);
/* It would make no difference to forget this state. */
bool throttle_is_idle(const struct throttle_state *state, int64_t now_us);

#endif
