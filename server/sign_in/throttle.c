#include "server/sign_in/throttle.h"

#include <string.h>

#include "common/day.h"

const struct throttle_rule THROTTLE_PAIR = {.streak_max = 5, .lock_us = 15 * US_PER_MINUTE};
const struct throttle_rule THROTTLE_NAME = {.window_max = 20, .window_us = US_PER_DAY};
const struct throttle_rule THROTTLE_TERMINAL = {.window_max = 30, .window_us = US_PER_HOUR};
const struct throttle_rule THROTTLE_PUBLIC_PAIR = {
    .streak_max = 5, .lock_us = 15 * US_PER_MINUTE, .window_max = 20, .window_us = US_PER_DAY};

#define STREAK_FORGOTTEN_US US_PER_DAY

struct throttle_verdict throttle_check(const struct throttle_state *state, int64_t now_us)
{
    if (state->is_shut) return (struct throttle_verdict){false, 0};
    if (now_us < state->locked_until_us) return (struct throttle_verdict){false, state->locked_until_us};
    return (struct throttle_verdict){true, 0};
}

static void recent_forget_before(struct throttle_state *state, int64_t before_us)
{
    int gone = 0;
    while (gone < state->recent_count && state->recent_us[gone] <= before_us) gone++;
    state->recent_count -= gone;
    memmove(state->recent_us, state->recent_us + gone, (size_t)state->recent_count * sizeof state->recent_us[0]);
}

void throttle_failure(const struct throttle_rule *rule, struct throttle_state *state, int64_t now_us)
{
    /* A clock that was set back must not let what stands ahead of it count for ever, nor make it vanish. */
    if (now_us < state->last_us) now_us = state->last_us;
    if (now_us - state->last_us >= STREAK_FORGOTTEN_US) state->streak = 0;
    state->last_us = now_us;

    if (rule->streak_max > 0 && ++state->streak >= rule->streak_max) {
        state->streak = 0;
        state->locked_until_us = now_us + rule->lock_us;
    }
    if (rule->window_max > 0) {
        recent_forget_before(state, now_us - rule->window_us);
        if (state->recent_count < THROTTLE_RECENT_MAX) state->recent_us[state->recent_count++] = now_us;
        if (state->recent_count >= rule->window_max) state->is_shut = true;
    }
}

void throttle_success(struct throttle_state *state)
{
    state->streak = 0;
    state->locked_until_us = 0;
}

bool throttle_is_idle(const struct throttle_state *state, int64_t now_us)
{
    return !state->is_shut && now_us >= state->locked_until_us && now_us - state->last_us >= STREAK_FORGOTTEN_US;
}
