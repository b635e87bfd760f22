/* Who is signed in at this terminal; its token lives in the profile, for reconnecting and for what waits. */
#include "client/lib/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/log.h"

#define SIGN_IN_MS 30000u

struct sign_in_flow {
    mdg_reply_cb *cb;
    void *arg;
};

void sign_in_forget(struct mdg_client *client)
{
    if (client->sign_in.token_length == 0) return;
    OPENSSL_cleanse(&client->sign_in, sizeof client->sign_in);
    client->sign_in = (struct profile_sign_in){0};
    profile_forget_sign_in(&client->profile);
    client_notify(client);
}

void sign_in_check(struct mdg_client *client)
{
    if (client->sign_in.token_length > 0 && client->sign_in.until_us <= mdg_client_now_us(client)) {
        sign_in_forget(client);
    }
}

int sign_in_take(struct mdg_client *client, const Mdg__SignedIn *signed_in)
{
    if (signed_in->token.len != SIGN_IN_TOKEN_BYTES || strlen(signed_in->name) >= PROFILE_TEXT_BYTES) {
        return MDG_ERR_MALFORMED;
    }
    struct profile_sign_in *is = &client->sign_in;
    *is = (struct profile_sign_in){.token_length = SIGN_IN_TOKEN_BYTES,
                                   .person_id = signed_in->person_id,
                                   .roles = signed_in->roles,
                                   .until_us = signed_in->until_us};
    memcpy(is->token, signed_in->token.data, SIGN_IN_TOKEN_BYTES);
    snprintf(is->name, sizeof is->name, "%s", signed_in->name);
    /* Without the file the sign-in lasts as long as this process. */
    int rc = profile_save_sign_in(&client->profile, is);
    if (rc != 0) log_warn("sign_in.save", "rc=%s", mdg_error_name(rc));
    client_notify(client);
    return 0;
}

static int call_sign_in(struct mdg_client *client, Mdg__SignIn *sign_in, const uint8_t *key, mdg_reply_cb *cb,
                        void *arg)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_SIGN_IN;
    body.sign_in = sign_in;
    return client_call(client, &body, key, NULL, SIGN_IN_MS, cb, arg, NULL);
}

int sign_in_resume(struct mdg_client *client, mdg_reply_cb *cb, void *arg)
{
    Mdg__SignIn sign_in = MDG__SIGN_IN__INIT;
    Mdg__SignInResume resume = MDG__SIGN_IN_RESUME__INIT;
    resume.token = (ProtobufCBinaryData){client->sign_in.token_length, client->sign_in.token};
    sign_in.of_case = MDG__SIGN_IN__OF_RESUME;
    sign_in.resume = &resume;
    return call_sign_in(client, &sign_in, NULL, cb, arg);
}

static void on_started(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct sign_in_flow flow = *(struct sign_in_flow *)arg;
    free(arg);
    const Mdg__Body *body = response && !response->refusal ? response->body : NULL;
    if (rc == 0 && body && !client->is_closing && body->domain_case == MDG__BODY__DOMAIN_SIGN_IN &&
        body->sign_in->of_case == MDG__SIGN_IN__OF_STARTED) {
        sign_in_take(client, body->sign_in->started);
    }
    flow.cb(client, rc, response, flow.arg);
}

int mdg_sign_in(struct mdg_client *client, const char *name, const char *secret, mdg_reply_cb *cb, void *arg)
{
    if (client->is_closing) return MDG_ERR_SHUTTING_DOWN;
    if (client->link != MDG_LINK_ONLINE) return MDG_ERR_OFFLINE;
    struct sign_in_flow *flow = malloc(sizeof *flow);
    if (!flow) return MDG_ERR_MEMORY;
    *flow = (struct sign_in_flow){cb, arg};
    Mdg__SignIn sign_in = MDG__SIGN_IN__INIT;
    Mdg__SignInStart start = MDG__SIGN_IN_START__INIT;
    start.name = (char *)(uintptr_t)name;
    start.secret = (char *)(uintptr_t)secret;
    sign_in.of_case = MDG__SIGN_IN__OF_START;
    sign_in.start = &start;
    int rc = call_sign_in(client, &sign_in, NULL, on_started, flow);
    if (rc != 0) free(flow);
    return rc;
}

int mdg_sign_out(struct mdg_client *client, mdg_reply_cb *cb, void *arg)
{
    if (client->is_closing) return MDG_ERR_SHUTTING_DOWN;
    uint64_t id = 0;
    uint8_t key[MDG_KEY_BYTES];
    Mdg__SignIn sign_in = MDG__SIGN_IN__INIT;
    Mdg__SignInEnd end = MDG__SIGN_IN_END__INIT;
    sign_in.of_case = MDG__SIGN_IN__OF_END;
    sign_in.end = &end;
    mdg_key_new(key);
    sign_in_forget(client);
    profile_forget_sign_in(&client->profile); /* also one that this client did not take up */
    if (client->link == MDG_LINK_ONLINE && call_sign_in(client, &sign_in, key, cb, arg) == 0) return 0;
    int rc = calls_add(&client->calls, 0, cb, arg, &id);
    if (rc == 0) calls_end_later(&client->calls, id, MDG_ERR_OFFLINE);
    return rc;
}
