/* The outbox and its sending. */
#include "client/lib/client.h"
#include "client/lib/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"
#include "common/log.h"

#define ANSWER_MS 60000u

struct sent_item {
    int64_t number;
};

static int send_item(void *arg, const struct outbox_entry *entry);

int submit_open(struct mdg_client *client, bool is_replaying)
{
    char path[PROFILE_PATH_BYTES];
    uint32_t kind = client->profile.terminal_kind;
    if (kind != MDG__TERMINAL_KIND__TERMINAL_COUNTER && kind != MDG__TERMINAL_KIND__TERMINAL_OFFICE) return 0;
    int rc = profile_path(&client->profile, "outbox.db", path);
    if (rc == 0) rc = outbox_open(path, &client->outbox);
    client->is_replaying = is_replaying;
    if (rc == 0) replay_init(&client->replay, client->outbox, send_item, client);
    return rc;
}

static void pump(struct mdg_client *client)
{
    uint64_t wait_ms = 0;
    if (client->is_closing) return;
    unsigned refused = outbox_refused(client->outbox);
    uv_update_time(client->loop);
    int rc = replay_pump(&client->replay, uv_now(client->loop), &wait_ms);
    if (outbox_refused(client->outbox) != refused) client_notify(client); /* one could not be read */
    if (wait_ms > 0) uv_timer_start(&client->replay_timer, submit_on_timer, wait_ms, 0);
    if (rc != 0 && client->link == MDG_LINK_ONLINE) {
        log_error("outbox.send", "rc=%s", mdg_error_name(rc));
        client_drop(client, rc);
    }
}

void submit_on_timer(uv_timer_t *timer)
{
    pump(timer->data);
}

void submit_start(struct mdg_client *client)
{
    if (!client->outbox) return;
    submit_look(client);
    client->online_after = outbox_last_number(client->outbox);
    if (!client->is_replaying) return;
    replay_open(&client->replay);
    pump(client);
}

void submit_stop(struct mdg_client *client)
{
    if (!client->outbox) return;
    uv_timer_stop(&client->replay_timer);
    replay_close(&client->replay);
}

void submit_look(struct mdg_client *client)
{
    if (!client->outbox) return;
    unsigned unsent = outbox_unsent(client->outbox), refused = outbox_refused(client->outbox);
    int rc = outbox_age(client->outbox, clock_now_us() - OUTBOX_KEPT_DAYS * US_PER_DAY);
    if (rc == 0) rc = outbox_recount(client->outbox);
    if (rc != 0) log_warn("outbox.look", "rc=%s", mdg_error_name(rc));
    if (outbox_unsent(client->outbox) != unsent || outbox_refused(client->outbox) != refused) client_notify(client);
    if (client->replay.is_open) pump(client);
}

/* --- one item and its answer ------------------------------------------------------------------------------ */

static void tell_answered(struct mdg_client *client, int64_t number, const struct outbox_entry *entry,
                          const Mdg__Refusal *refusal)
{
    if (client->events.on_answered && entry->item.number == number) {
        client->events.on_answered(client, &entry->item, refusal, client->events.arg);
    }
}

static void on_item_answered(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct sent_item *sent = arg;
    int64_t number = sent->number;
    free(sent);
    if (rc == MDG_ERR_OFFLINE || rc == MDG_ERR_SHUTTING_DOWN || client->is_closing) return; /* kept; it is sent again */

    struct outbox_entry entry = {0};
    enum replay_verdict verdict = REPLAY_LATER;
    bool is_there = outbox_get(client->outbox, number, &entry) == 0;
    uv_update_time(client->loop);
    rc = replay_answered(&client->replay, number, rc, response, uv_now(client->loop), &verdict);
    if (rc != 0) log_error("outbox.settle", "rc=%s", mdg_error_name(rc)); /* it will be asked and answered again */
    if (verdict != REPLAY_LATER) {
        client_notify(client);
        if (is_there) tell_answered(client, number, &entry, response->refusal);
    }
    outbox_entry_fini(&entry);
    pump(client);
}

/* A write that is not of this connection and this sign-in says whose it is and when it was made. */
static bool has_waited(const struct mdg_client *client, const struct outbox_entry *entry)
{
    const struct profile_sign_in *now = &client->sign_in;
    return entry->item.number <= client->online_after || entry->token_length != now->token_length ||
           memcmp(entry->token, now->token, entry->token_length) != 0;
}

static int send_item(void *arg, const struct outbox_entry *entry)
{
    struct mdg_client *client = arg;
    Mdg__Waited waited = MDG__WAITED__INIT;
    waited.token = (ProtobufCBinaryData){entry->token_length, (uint8_t *)(uintptr_t)entry->token};
    waited.made_us = entry->item.made_us;
    waited.offset_us = entry->offset_us;
    struct sent_item *sent = malloc(sizeof *sent);
    if (!sent) return MDG_ERR_MEMORY;
    sent->number = entry->item.number;
    int rc = client_call(client, entry->item.body, entry->item.key, has_waited(client, entry) ? &waited : NULL,
                         ANSWER_MS, on_item_answered, sent, NULL);
    if (rc != 0) free(sent);
    return rc;
}

/* --- the public part -------------------------------------------------------------------------------------- */

int mdg_submit(struct mdg_client *client, const Mdg__Body *body, uint8_t key[MDG_KEY_BYTES])
{
    struct outbox_entry entry = {0};
    struct intake_wrap wrap;
    if (client->is_closing) return MDG_ERR_SHUTTING_DOWN;
    if (!client->outbox) return MDG_ERR_FORBIDDEN;
    sign_in_check(client);
    mdg_key_new(entry.item.key);
    entry.item.made_us = clock_now_us();
    entry.offset_us = client->profile.clock_offset_us;
    if (client->sign_in.token_length > 0) {
        entry.token_length = client->sign_in.token_length;
        memcpy(entry.token, client->sign_in.token, entry.token_length);
        entry.item.person_id = client->sign_in.person_id;
        memcpy(entry.sign_in_name, client->sign_in.name, sizeof entry.sign_in_name);
    }
    int rc = intake_wrap_init(&wrap, &client->profile, body);
    entry.item.body = wrap.body;
    if (rc == 0) rc = outbox_add(client->outbox, &entry);
    intake_wrap_fini(&wrap);
    if (rc != 0) return rc;
    memcpy(key, entry.item.key, MDG_KEY_BYTES);
    client_notify(client);
    /* From the loop: many submits in a row leave together. */
    if (client->replay.is_open && !uv_is_active((uv_handle_t *)&client->replay_timer)) {
        uv_timer_start(&client->replay_timer, submit_on_timer, 0, 0);
    }
    return 0;
}

int mdg_outbox_each(struct mdg_client *client, void (*each)(const struct mdg_outbox_item *item, void *arg), void *arg)
{
    return client->outbox ? outbox_each(client->outbox, each, arg) : 0;
}

int mdg_outbox_dismiss(struct mdg_client *client, int64_t number)
{
    int rc = client->outbox ? outbox_dismiss(client->outbox, number) : MDG_ERR_NOT_FOUND;
    if (rc == 0) client_notify(client);
    return rc;
}

int mdg_replica_each(struct mdg_client *client, uint32_t kind, void (*each)(const Mdg__Row *row, void *arg), void *arg)
{
    return replica_each(client->replica, kind, each, arg);
}

int mdg_replica_get(struct mdg_client *client, uint32_t kind, int64_t id, Mdg__Row **out)
{
    return replica_get(client->replica, kind, id, out);
}
