/* From the feed into the replica: subscribe where the replica stands, take in parts, begin again at a hole. */
#include "client/lib/client.h"

#include <string.h>

#include "common/error.h"
#include "common/log.h"

#define SUBSCRIPTION 1u

static void on_subscribed(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg);

/* Counter and office keep theirs on disk; what the others see may not rest there (server/README.md 7). Of several
 * processes that follow the feed, the first keeps the file. */
int subscription_open_replica(struct mdg_client *client)
{
    char path[PROFILE_PATH_BYTES];
    uint32_t kind = client->profile.terminal_kind;
    bool may_rest = kind == MDG__TERMINAL_KIND__TERMINAL_COUNTER || kind == MDG__TERMINAL_KIND__TERMINAL_OFFICE;
    enum replica_use use = REPLICA_LOOK;
    int rc = profile_path(&client->profile, "replica.db", path);
    if (rc == 0 && may_rest && client->has_feed) {
        bool is_ours = profile_lock(&client->profile, "replica.lock", &client->replica_lock) == 0;
        use = is_ours ? REPLICA_OWN : REPLICA_COPY;
    }
    return rc == 0 ? replica_open(may_rest ? path : NULL, use, &client->replica) : rc;
}

static int subscribe(struct mdg_client *client)
{
    const struct replica_position *at = replica_position(client->replica);
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Feed feed = MDG__FEED__INIT;
    Mdg__Subscribe ask = MDG__SUBSCRIBE__INIT;
    ask.subscription = SUBSCRIPTION;
    ask.epoch = (ProtobufCBinaryData){at->epoch_length, (uint8_t *)(uintptr_t)at->epoch};
    ask.since_rev = at->rev;
    feed.of_case = MDG__FEED__OF_SUBSCRIBE;
    feed.subscribe = &ask;
    body.domain_case = MDG__BODY__DOMAIN_FEED;
    body.feed = &feed;
    client->is_caught_up = false;
    int rc = client_call(client, &body, NULL, NULL, CALL_TIMEOUT_MS, on_subscribed, NULL, NULL);
    client->is_subscribing = rc == 0;
    return rc;
}

void subscription_start(struct mdg_client *client)
{
    int rc = subscribe(client);
    if (rc != 0) client_drop(client, rc);
}

/* The file is of no use: begin again with an empty one. */
static void start_afresh(struct mdg_client *client, int why)
{
    log_warn("replica.remade", "rc=%s", mdg_error_name(why));
    int rc = replica_remake(client->replica);
    if (rc == 0) rc = subscribe(client);
    if (rc != 0) client_drop(client, rc);
}

static void on_subscribed(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    (void)arg;
    client->is_subscribing = false;
    if (rc == MDG_ERR_SHUTTING_DOWN || client->is_closing) return;
    if (rc == 0 && response->refusal) rc = response->refusal->code;
    const Mdg__Body *body = response ? response->body : NULL;
    if (rc == 0 &&
        (!body || body->domain_case != MDG__BODY__DOMAIN_FEED || body->feed->of_case != MDG__FEED__OF_SUBSCRIBED)) {
        rc = MDG_ERR_MALFORMED;
    }
    if (rc != 0) {
        log_warn("feed.subscribe", "rc=%s", mdg_error_name(rc));
        client_drop(client, rc);
        return;
    }
    const Mdg__Subscribed *is = body->feed->subscribed;
    const struct replica_position *at = replica_position(client->replica);
    bool is_other_view = at->rev > 0 && strcmp(at->view, is->view) != 0;
    rc = replica_set_source(client->replica, is->epoch.data, is->epoch.len, is->view);
    if (rc != 0) {
        client_drop(client, rc);
    } else if (is_other_view && is->since_rev > 0) {
        start_afresh(client, MDG_ERR_STALE);
    }
}

static void tell_reset(void *arg)
{
    struct mdg_client *client = arg;
    if (!client->is_closing && client->events.on_reset) client->events.on_reset(client, client->events.arg);
}

static void tell_row(void *arg, const Mdg__Row *row)
{
    struct mdg_client *client = arg;
    if (!client->is_closing && client->events.on_row) client->events.on_row(client, row, client->events.arg);
}

void subscription_take(struct mdg_client *client, const Mdg__Part *part)
{
    const struct replica_events events = {tell_reset, tell_row, client};
    if (part->subscription != SUBSCRIPTION || !client->has_feed) return;
    int rc = replica_apply(client->replica, part, &events);
    if (client->is_closing) return;
    if (rc == 0) {
        client->is_caught_up = part->is_caught_up;
        client_notify(client);
    } else if (rc == MDG_ERR_STALE && client->is_subscribing) {
        return; /* of the subscription before, still on its way */
    } else if (rc == MDG_ERR_STALE) {
        log_warn("feed.hole", "have=%lld from=%lld", (long long)replica_position(client->replica)->rev,
                 (long long)part->from_rev);
        subscription_start(client);
    } else if (rc == MDG_ERR_MALFORMED) {
        client_drop(client, rc);
    } else {
        start_afresh(client, rc);
    }
}
