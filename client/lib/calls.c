#include "client/lib/calls.h"

#include <stdlib.h>

struct call {
    struct call *next;
    uint64_t id;
    uint64_t deadline_ms; /* of the loop's clock */
    int end_rc;           /* what the callback gets at the deadline */
    mdg_reply_cb *cb;
    void *arg;
};

static void on_deadline(uv_timer_t *timer);

static void timer_set(struct calls *calls)
{
    if (uv_is_closing((uv_handle_t *)&calls->timer)) return;
    const struct call *earliest = calls->first;
    for (const struct call *call = calls->first; call; call = call->next) {
        if (call->deadline_ms < earliest->deadline_ms) earliest = call;
    }
    if (!earliest) {
        uv_timer_stop(&calls->timer);
        return;
    }
    uint64_t now_ms = uv_now(calls->timer.loop);
    uv_timer_start(&calls->timer, on_deadline, earliest->deadline_ms > now_ms ? earliest->deadline_ms - now_ms : 0, 0);
}

static struct call *take(struct calls *calls, uint64_t id)
{
    for (struct call **at = &calls->first; *at; at = &(*at)->next) {
        if ((*at)->id != id) continue;
        struct call *call = *at;
        *at = call->next;
        return call;
    }
    return NULL;
}

static void finish(struct calls *calls, struct call *call, int rc, const Mdg__Response *response)
{
    struct call ended = *call;
    free(call);
    ended.cb(calls->client, rc, response, ended.arg);
}

/* A callback may start, cancel or end other calls, so the list is looked through anew after each. */
static void on_deadline(uv_timer_t *timer)
{
    struct calls *calls = timer->data;
    uint64_t now_ms = uv_now(timer->loop), newest = calls->last_id;
    struct call *call = calls->first;
    while (call) {
        if (call->deadline_ms > now_ms || call->id > newest) {
            call = call->next;
            continue;
        }
        take(calls, call->id);
        finish(calls, call, call->end_rc, NULL);
        call = calls->first;
    }
    timer_set(calls);
}

int calls_init(struct calls *calls, uv_loop_t *loop, struct mdg_client *client)
{
    *calls = (struct calls){.client = client};
    int rc = uv_timer_init(loop, &calls->timer);
    calls->timer.data = calls;
    return rc;
}

int calls_add(struct calls *calls, unsigned timeout_ms, mdg_reply_cb *cb, void *arg, uint64_t *id)
{
    struct call *call = malloc(sizeof *call);
    if (!call) return MDG_ERR_MEMORY;
    uv_update_time(calls->timer.loop); /* else a deadline begins when the loop last woke */
    *call = (struct call){.id = ++calls->last_id,
                          .deadline_ms = uv_now(calls->timer.loop) + timeout_ms,
                          .end_rc = MDG_ERR_DEADLINE,
                          .cb = cb,
                          .arg = arg};
    struct call **end = &calls->first;
    while (*end) end = &(*end)->next;
    *end = call;
    *id = call->id;
    timer_set(calls);
    return 0;
}

void calls_answer(struct calls *calls, const Mdg__Response *response)
{
    for (const struct call *call = calls->first; call; call = call->next) {
        if (call->id == response->id && call->end_rc != MDG_ERR_DEADLINE) return; /* its end is on the way */
    }
    struct call *call = take(calls, response->id);
    if (!call) return;
    timer_set(calls);
    finish(calls, call, 0, response);
}

void calls_end_later(struct calls *calls, uint64_t id, int rc)
{
    for (struct call *call = calls->first; call; call = call->next) {
        if (call->id != id || call->end_rc != MDG_ERR_DEADLINE) continue;
        call->deadline_ms = 0;
        call->end_rc = rc;
    }
    timer_set(calls);
}

void calls_forget(struct calls *calls, uint64_t id)
{
    free(take(calls, id));
    timer_set(calls);
}

void calls_end_all(struct calls *calls, int rc)
{
    struct call *call = calls->first;
    calls->first = NULL;
    while (call) {
        struct call *next = call->next;
        finish(calls, call, call->end_rc == MDG_ERR_DEADLINE ? rc : call->end_rc, NULL);
        call = next;
    }
    timer_set(calls);
}

void calls_close(struct calls *calls, uv_close_cb cb)
{
    uv_close((uv_handle_t *)&calls->timer, cb);
}
