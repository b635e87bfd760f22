#include "client/lib/client.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "common/day.h"
#include "common/error.h"
#include "common/log.h"

#define MINUTE_MS 60000u
#define DOUBT_LOOK_MS 1000u          /* the clock is looked at that often: nobody tells when it is set */
#define STEADY_ROUND_US (500 * 1000) /* a slower answer measures the clock worse than an older quick one */

static void connect_now(struct mdg_client *client);

/* --- states ----------------------------------------------------------------------------------------------- */

int64_t mdg_client_now_us(const struct mdg_client *client)
{
    return clock_now_us() + client->profile.clock_offset_us;
}

void mdg_client_state(const struct mdg_client *client, struct mdg_state *state)
{
    *state = (struct mdg_state){
        .link = client->link,
        .why_offline = client->why_offline,
        .offline_since_us = client->offline_since_us,
        .unsent = client->outbox ? outbox_unsent(client->outbox) : 0,
        .refused = client->outbox ? outbox_refused(client->outbox) : 0,
        .is_caught_up = client->is_caught_up,
        .replica_rev = replica_position(client->replica)->rev,
        .clock_offset_us = client->profile.clock_offset_us,
        .person_name = "",
    };
    if (client->sign_in.token_length == 0) return;
    state->person_id = client->sign_in.person_id;
    state->person_name = client->sign_in.name;
    state->roles = client->sign_in.roles;
}

void mdg_client_centre(const struct mdg_client *client, struct mdg_centre *centre)
{
    const struct profile *profile = &client->profile;
    *centre = (struct mdg_centre){
        .name = profile->centre_name,
        .zone = profile->zone,
        .terminal_name = profile->terminal_name,
        .terminal_id = profile->terminal_id,
        .terminal_kind = profile->terminal_kind,
        .fiscal_year_first_month = profile->fiscal_year_first_month,
    };
}

static void on_notify(uv_timer_t *timer)
{
    struct mdg_client *client = timer->data;
    struct mdg_state state;
    if (client->is_closing || !client->events.on_state) return;
    mdg_client_state(client, &state);
    client->events.on_state(client, &state, client->events.arg);
}

void client_notify(struct mdg_client *client)
{
    if (!client->is_closing) uv_timer_start(&client->notify_timer, on_notify, 0, 0);
}

static void go_offline(struct mdg_client *client, int why)
{
    if (client->link == MDG_LINK_ONLINE || client->offline_since_us == 0) client->offline_since_us = clock_now_us();
    client->link = MDG_LINK_OFFLINE;
    client->why_offline = why;
    client->is_caught_up = false;
    client->is_subscribing = false;
    client_notify(client);
}

void client_went_online(struct mdg_client *client)
{
    client->link = MDG_LINK_ONLINE;
    client->why_offline = 0;
    client->offline_since_us = 0;
    client_notify(client);
}

void client_measured(struct mdg_client *client, int64_t offset_us, int64_t round_us)
{
    if (round_us > STEADY_ROUND_US && client->clock_round_us > 0 && round_us > client->clock_round_us) return;
    client->profile.clock_offset_us = offset_us;
    client->clock_round_us = round_us;
}

/* --- connecting ------------------------------------------------------------------------------------------- */

static void on_retry(uv_timer_t *timer)
{
    connect_now(timer->data);
}

static struct reconnect_moment moment_now(void)
{
    return (struct reconnect_moment){.wall_us = clock_now_us(), .steady_ns = uv_hrtime()};
}

static void on_doubt_look(uv_timer_t *timer)
{
    struct mdg_client *client = timer->data;
    if (reconnect_doubt_is_over(client->tried, moment_now())) connect_now(client);
}

static void retry_later(struct mdg_client *client, int why, uint32_t retry_after_ms)
{
    uint64_t random = 0;
    go_offline(client, why);
    if (client->is_closing || client->is_unplugged || reconnect_is_final(why)) return;
    if (reconnect_is_in_doubt(why)) {
        uv_timer_start(&client->retry_timer, on_doubt_look, DOUBT_LOOK_MS, DOUBT_LOOK_MS);
        return;
    }
    if (RAND_bytes((unsigned char *)&random, sizeof random) != 1) random = uv_hrtime();
    uv_timer_start(&client->retry_timer, on_retry, reconnect_delay_ms(client->failures, retry_after_ms, random), 0);
    client->failures++;
}

static void handle_gone(struct mdg_client *client);

static void on_connection_open(void *arg)
{
    struct mdg_client *client = arg;
    client->opened_ns = uv_hrtime();
    session_start(client);
}

static void on_connection_frame(void *arg, const Mdg__Frame *frame)
{
    struct mdg_client *client = arg;
    if (client->is_closing) return;
    if (frame->kind_case == MDG__FRAME__KIND_RESPONSE) {
        calls_answer(&client->calls, frame->response);
    } else if (client->link == MDG_LINK_ONLINE) {
        subscription_take(client, frame->part);
    }
}

static void on_connection_clock(void *arg, int64_t offset_us, int64_t round_us)
{
    client_measured(arg, offset_us, round_us);
}

static void on_connection_closed(void *arg, int rc, const Mdg__Refusal *goodbye)
{
    struct mdg_client *client = arg;
    uint64_t lived_ms = client->opened_ns > 0 ? (uv_hrtime() - client->opened_ns) / 1000000 : 0;
    client->connection = NULL;
    client->opened_ns = 0;
    if (!client->is_closing) {
        submit_stop(client);
        client->failures = reconnect_failures_left(client->failures, lived_ms);
        retry_later(client, rc, goodbye ? goodbye->retry_after_ms : 0);
        calls_end_all(&client->calls, MDG_ERR_OFFLINE);
    }
    handle_gone(client);
}

static int open_connection(struct mdg_client *client)
{
    SSL_CTX *context = NULL; /* anew each time: another process may have renewed the certificate */
    int rc = profile_context(&client->profile, &context, &client->certificate_from_us, &client->certificate_until_us);
    if (rc != 0) return rc;
    /* By both clocks: the offset is of a time when this machine's may have been wrong. */
    if (client->certificate_until_us <= clock_now_us() && client->certificate_until_us <= mdg_client_now_us(client)) {
        SSL_CTX_free(context);
        return MDG_ERR_CERTIFICATE_EXPIRED;
    }
    const struct connection_options options = {
        .loop = client->loop,
        .host = client->profile.host,
        .port = client->profile.port,
        .context = context,
        .server_name = client->profile.server_name,
        .events = {on_connection_open, on_connection_frame, on_connection_clock, on_connection_closed, client},
    };
    rc = connection_open(&options, &client->connection);
    SSL_CTX_free(context);
    if (rc == 0) client->handles++;
    return rc;
}

static void connect_now(struct mdg_client *client)
{
    if (client->is_closing || client->is_unplugged || client->connection) return;
    uv_timer_stop(&client->retry_timer);
    client->tried = moment_now();
    int rc = open_connection(client);
    if (rc != 0) {
        retry_later(client, rc, 0);
        return;
    }
    if (reconnect_is_in_doubt(client->why_offline)) return;
    client->link = MDG_LINK_CONNECTING;
    client_notify(client);
}

void client_drop(struct mdg_client *client, int rc)
{
    if (client->connection) connection_close(client->connection, rc);
}

void mdg_client_set_cable(struct mdg_client *client, bool is_plugged)
{
    if (client->is_closing || client->is_unplugged == !is_plugged) return;
    client->is_unplugged = !is_plugged;
    if (is_plugged) {
        client->failures = 0;
        uv_timer_start(&client->retry_timer, on_retry, 0, 0);
        return;
    }
    uv_timer_stop(&client->retry_timer);
    client_drop(client, MDG_ERR_OFFLINE);
    go_offline(client, MDG_ERR_OFFLINE);
}

/* --- calls ------------------------------------------------------------------------------------------------ */

int client_call(struct mdg_client *client, const Mdg__Body *body, const uint8_t *key, const Mdg__Waited *waited,
                unsigned timeout_ms, mdg_reply_cb *cb, void *arg, uint64_t *id)
{
    Mdg__Frame frame = MDG__FRAME__INIT;
    Mdg__Request request = MDG__REQUEST__INIT;
    uint64_t call_id = 0;
    if (client->is_closing) return MDG_ERR_SHUTTING_DOWN;
    if (!client->connection) return MDG_ERR_OFFLINE;
    int rc = calls_add(&client->calls, timeout_ms, cb, arg, &call_id);
    if (rc != 0) return rc;
    request.id = call_id;
    request.body = (Mdg__Body *)(uintptr_t)body; /* packing only reads it */
    request.waited = (Mdg__Waited *)(uintptr_t)waited;
    if (key) request.request_key = (ProtobufCBinaryData){MDG_KEY_BYTES, (uint8_t *)(uintptr_t)key};
    frame.kind_case = MDG__FRAME__KIND_REQUEST;
    frame.request = &request;
    rc = connection_send(client->connection, &frame);
    if (rc != 0) {
        calls_forget(&client->calls, call_id);
        return rc;
    }
    if (id) *id = call_id;
    return 0;
}

struct user_call {
    mdg_reply_cb *cb;
    void *arg;
};

static void on_user_reply(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct user_call call = *(struct user_call *)arg;
    free(arg);
    /* The server has ended the sign-in, e.g. after idling. What waited in the outbox says nothing about now. */
    if (rc == 0 && response->refusal && response->refusal->code == MDG_ERR_SIGN_IN_NEEDED) sign_in_forget(client);
    call.cb(client, rc, response, call.arg);
}

int mdg_call(struct mdg_client *client, const Mdg__Body *body, const uint8_t *key, unsigned timeout_ms,
             mdg_reply_cb *cb, void *arg, uint64_t *call_id)
{
    if (client->is_closing) return MDG_ERR_SHUTTING_DOWN;
    if (client->link != MDG_LINK_ONLINE) return MDG_ERR_OFFLINE;
    struct user_call *call = malloc(sizeof *call);
    if (!call) return MDG_ERR_MEMORY;
    *call = (struct user_call){cb, arg};
    int rc = client_call(client, body, key, NULL, timeout_ms, on_user_reply, call, call_id);
    if (rc != 0) free(call);
    return rc;
}

void mdg_call_cancel(struct mdg_client *client, uint64_t call_id)
{
    calls_end_later(&client->calls, call_id, UV_ECANCELED);
}

void mdg_key_new(uint8_t key[MDG_KEY_BYTES])
{
    if (RAND_bytes(key, MDG_KEY_BYTES) != 1) abort(); /* OpenSSL has no randomness: nothing may go on */
}

/* --- life ------------------------------------------------------------------------------------------------- */

static void on_minute(uv_timer_t *timer)
{
    struct mdg_client *client = timer->data;
    sign_in_check(client);
    submit_look(client);
    if (client->link == MDG_LINK_ONLINE) renew_if_due(client);
}

static void client_free(struct mdg_client *client)
{
    replica_close(client->replica);
    outbox_close(client->outbox);
    if (client->replica_lock >= 0) close(client->replica_lock);
    OPENSSL_cleanse(&client->sign_in, sizeof client->sign_in);
    free(client);
}

static void handle_gone(struct mdg_client *client)
{
    if (--client->handles > 0) return;
    void (*on_closed)(void *) = client->on_closed;
    void *arg = client->on_closed_arg;
    calls_end_all(&client->calls, MDG_ERR_SHUTTING_DOWN);
    renew_cancel(client);
    client_free(client);
    if (on_closed) on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
    handle_gone(handle->data);
}

static void on_calls_closed(uv_handle_t *handle)
{
    handle_gone(((struct calls *)handle->data)->client);
}

void mdg_client_close(struct mdg_client *client, void (*on_closed)(void *arg), void *arg)
{
    if (client->is_closing) return;
    uv_timer_t *timers[] = {&client->retry_timer, &client->notify_timer, &client->replay_timer, &client->minute_timer};
    client->is_closing = true;
    client->on_closed = on_closed;
    client->on_closed_arg = arg;
    client_drop(client, MDG_ERR_SHUTTING_DOWN);
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        uv_close((uv_handle_t *)timers[i], on_handle_closed);
    }
    calls_close(&client->calls, on_calls_closed);
}

/* libuv's timers cannot fail to be made, so from here on there is nothing to undo but memory. */
static void make_timers(struct mdg_client *client)
{
    uv_timer_t *timers[] = {&client->retry_timer, &client->notify_timer, &client->replay_timer, &client->minute_timer};
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        uv_timer_init(client->loop, timers[i]);
        timers[i]->data = client;
    }
    calls_init(&client->calls, client->loop, client);
    client->handles = sizeof timers / sizeof timers[0] + 1;
    uv_timer_start(&client->minute_timer, on_minute, MINUTE_MS, MINUTE_MS);
    uv_timer_start(&client->retry_timer, on_retry, 0, 0);
}

int mdg_client_new(uv_loop_t *loop, const struct mdg_options *options, struct mdg_client **out)
{
    struct mdg_client *client = calloc(1, sizeof *client);
    if (!client) return MDG_ERR_MEMORY;
    *client = (struct mdg_client){.loop = loop,
                                  .has_feed = !options->without_feed,
                                  .events = options->events,
                                  .replica_lock = -1,
                                  .why_offline = MDG_ERR_OFFLINE,
                                  .offline_since_us = clock_now_us()};
    snprintf(client->program, sizeof client->program, "%s", options->program ? options->program : "libmadoguchi");
    int rc = profile_load(options->profile_dir, &client->profile);
    if (rc == 0) rc = subscription_open_replica(client);
    if (rc == 0) rc = submit_open(client, !options->without_outbox);
    if (rc != 0) {
        client_free(client);
        return rc;
    }
    if (!options->without_sign_in) profile_load_sign_in(&client->profile, &client->sign_in);
    make_timers(client);
    sign_in_check(client);
    submit_look(client);
    *out = client;
    return 0;
}
