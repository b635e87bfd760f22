/* Hello, then the sign-in that was there before, then online. */
#include "client/lib/client.h"

#include <stdio.h>
#include <string.h>

#include "common/day.h"
#include "common/error.h"

static void go_on(struct mdg_client *client)
{
    if (client->is_closing || !client->connection) return;
    client_went_online(client);
    submit_start(client);
    if (client->has_feed) subscription_start(client);
    renew_if_due(client);
}

static void on_resumed(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    (void)arg;
    const Mdg__Refusal *refusal = response ? response->refusal : NULL;
    if (rc == 0 && refusal && replay_is_later(refusal->code)) rc = refusal->code;
    if (rc != 0) {
        client_drop(client, rc);
        return;
    }
    const Mdg__SignIn *sign_in =
        response->body && response->body->domain_case == MDG__BODY__DOMAIN_SIGN_IN ? response->body->sign_in : NULL;
    if (refusal || !sign_in || sign_in->of_case != MDG__SIGN_IN__OF_RESUMED ||
        sign_in_take(client, sign_in->resumed) != 0) {
        sign_in_forget(client);
    }
    go_on(client);
}

static bool copy_fact(char *into, const char *fact)
{
    if (strcmp(into, fact) == 0) return false;
    snprintf(into, PROFILE_TEXT_BYTES, "%s", fact);
    return true;
}

/* The key that what waits of a consultation is sealed to; kept, so that it is known offline too. */
static bool take_intake_key(struct profile *profile, const ProtobufCBinaryData *key)
{
    if (key->len != INTAKE_KEY_BYTES) return false;
    if (profile->has_intake_key && memcmp(profile->intake_key, key->data, INTAKE_KEY_BYTES) == 0) return false;
    memcpy(profile->intake_key, key->data, INTAKE_KEY_BYTES);
    profile->has_intake_key = true;
    return true;
}

/* What the server says about itself and us replaces what the profile holds. */
static void take_facts(struct mdg_client *client, const Mdg__Welcome *welcome)
{
    struct profile *profile = &client->profile;
    int64_t old_offset_us = profile->clock_offset_us;
    int64_t round_us = clock_now_us() - client->hello_us;
    if (round_us >= 0) client_measured(client, welcome->server_us - (client->hello_us + round_us / 2), round_us);

    int64_t drift_us = profile->clock_offset_us - old_offset_us;
    bool is_new = drift_us > US_PER_SECOND || drift_us < -US_PER_SECOND;
    is_new |= copy_fact(profile->centre_name, welcome->centre_name);
    is_new |= copy_fact(profile->zone, welcome->zone);
    is_new |= copy_fact(profile->terminal_name, welcome->terminal_name);
    is_new |= take_intake_key(profile, &welcome->intake_key);
    is_new |= profile->terminal_id != welcome->terminal_id || profile->terminal_kind != welcome->terminal_kind ||
              profile->fiscal_year_first_month != welcome->fiscal_year_first_month;
    profile->terminal_id = welcome->terminal_id;
    profile->terminal_kind = welcome->terminal_kind;
    profile->fiscal_year_first_month = welcome->fiscal_year_first_month;
    if (is_new) profile_save(profile); /* kept for offline only: if the disk is full, it is asked again next time */
}

static int take_welcome(struct mdg_client *client, const Mdg__Response *response)
{
    if (response->refusal) return response->refusal->code < 0 ? response->refusal->code : MDG_ERR_MALFORMED;
    const Mdg__Body *body = response->body;
    if (!body || body->domain_case != MDG__BODY__DOMAIN_CENTRE || body->centre->of_case != MDG__CENTRE__OF_WELCOME) {
        return MDG_ERR_MALFORMED;
    }
    const Mdg__Welcome *welcome = body->centre->welcome;
    if (welcome->protocol != MDG_PROTOCOL_VERSION) return MDG_ERR_VERSION;
    if (welcome->epoch.len > REPLICA_EPOCH_BYTES_MAX) return MDG_ERR_MALFORMED;
    client->epoch_length = welcome->epoch.len;
    if (welcome->epoch.len > 0) memcpy(client->epoch, welcome->epoch.data, welcome->epoch.len);
    client->renew_now = welcome->renew_now;
    take_facts(client, welcome);
    /* None said: nothing to replace. A full disk leaves the old ones, which still hold for this connection. */
    if (welcome->n_authorities > 0) {
        profile_save_authorities(&client->profile, welcome->authorities, welcome->n_authorities);
    }
    return 0;
}

static void on_welcome(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    (void)arg;
    if (rc == 0) rc = take_welcome(client, response);
    if (rc == 0) sign_in_check(client);
    if (rc == 0 && client->sign_in.token_length > 0) {
        rc = sign_in_resume(client, on_resumed, NULL);
    } else if (rc == 0) {
        go_on(client);
    }
    if (rc != 0) client_drop(client, rc);
}

void session_start(struct mdg_client *client)
{
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Centre centre = MDG__CENTRE__INIT;
    Mdg__Hello hello = MDG__HELLO__INIT;
    client->hello_us = clock_now_us();
    hello.protocol_min = hello.protocol_max = MDG_PROTOCOL_VERSION;
    hello.program = client->program;
    hello.terminal_us = client->hello_us;
    centre.of_case = MDG__CENTRE__OF_HELLO;
    centre.hello = &hello;
    body.domain_case = MDG__BODY__DOMAIN_CENTRE;
    body.centre = &centre;
    int rc = client_call(client, &body, NULL, NULL, CALL_TIMEOUT_MS, on_welcome, NULL, NULL);
    if (rc != 0) client_drop(client, rc);
}
