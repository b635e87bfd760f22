/* A new certificate with a new key, over the connection that the old one opened, from two thirds of its life on. */
#include "client/lib/client.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/day.h"
#include "common/enrolment.h"
#include "common/error.h"
#include "common/log.h"

#define AGAIN_US (INT64_C(600) * 1000000)

struct renewal {
    struct der key;
    int lock; /* one process of a profile at a time */
};

bool renew_is_due(int64_t from_us, int64_t until_us, int64_t now_us)
{
    return now_us >= from_us + (until_us - from_us) / 3 * 2;
}

void renew_cancel(struct mdg_client *client)
{
    struct renewal *renewal = client->renewal;
    client->renewal = NULL;
    if (!renewal) return;
    OPENSSL_cleanse(&renewal->key, sizeof renewal->key);
    if (renewal->lock >= 0) close(renewal->lock);
    free(renewal);
}

static int take_certificate(struct mdg_client *client, const Mdg__Response *response)
{
    if (response->refusal) {
        if (response->refusal->code == MDG_ERR_INVALID)
            profile_forget_next_key(&client->profile); /* of no use any more */
        return response->refusal->code;
    }
    const Mdg__Body *body = response->body;
    if (!body || body->domain_case != MDG__BODY__DOMAIN_TERMINALS ||
        body->terminals->of_case != MDG__TERMINALS__OF_RENEWED) {
        return MDG_ERR_MALFORMED;
    }
    const Mdg__TerminalCertificate *issued = body->terminals->renewed;
    struct der certificate;
    int rc = der_from_wire(&issued->certificate, &certificate);
    if (rc == 0 && issued->n_authorities > 0) {
        rc = profile_save_authorities(&client->profile, issued->authorities, issued->n_authorities);
    }
    if (rc == 0) rc = profile_save_identity(&client->profile, &client->renewal->key, &certificate);
    if (rc == 0) rc = profile_life(&client->profile, &client->certificate_from_us, &client->certificate_until_us);
    return rc;
}

static void on_renewed(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    (void)arg;
    if (client->renewal && rc == 0) {
        rc = take_certificate(client, response);
        if (rc == 0) {
            client->renew_now = false;
            log_info("terminal.renewed", "terminal=%lld", (long long)client->profile.terminal_id);
        } else {
            log_warn("terminal.renew", "rc=%s", mdg_error_name(rc));
            client->renew_after_us = clock_now_us() + AGAIN_US;
        }
    }
    renew_cancel(client);
}

static int ask(struct mdg_client *client, const struct der *request)
{
    uint8_t key[MDG_KEY_BYTES];
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__TerminalRenew renew = MDG__TERMINAL_RENEW__INIT;
    renew.request = (ProtobufCBinaryData){request->length, (uint8_t *)(uintptr_t)request->bytes};
    terminals.of_case = MDG__TERMINALS__OF_RENEW;
    terminals.renew = &renew;
    body.domain_case = MDG__BODY__DOMAIN_TERMINALS;
    body.terminals = &terminals;
    mdg_key_new(key);
    return client_call(client, &body, key, NULL, CALL_TIMEOUT_MS, on_renewed, NULL, NULL);
}

/* For the key of a renewal whose answer got lost, a short command's say, or for a new one. */
static int request_make(struct mdg_client *client, struct der *request)
{
    struct der *key = &client->renewal->key;
    if (profile_load_next_key(&client->profile, key) == 0 && enrolment_request_again(key, request) == 0) return 0;
    int rc = enrolment_request_new(request, key);
    return rc == 0 ? profile_save_next_key(&client->profile, key) : rc;
}

/* Another process may have done it since this one connected. */
static bool is_still_due(struct mdg_client *client)
{
    int64_t from_us = client->certificate_from_us;
    int rc = profile_life(&client->profile, &client->certificate_from_us, &client->certificate_until_us);
    if (rc == 0 && client->certificate_from_us != from_us) client->renew_now = false;
    if (rc != 0) return false;
    return client->renew_now ||
           renew_is_due(client->certificate_from_us, client->certificate_until_us, mdg_client_now_us(client));
}

void renew_if_due(struct mdg_client *client)
{
    if (client->renewal || !client->connection || clock_now_us() < client->renew_after_us) return;
    if (!client->renew_now &&
        !renew_is_due(client->certificate_from_us, client->certificate_until_us, mdg_client_now_us(client))) {
        return;
    }
    struct der request;
    struct renewal *renewal = calloc(1, sizeof *renewal);
    if (!renewal) return;
    renewal->lock = -1;
    client->renewal = renewal;
    int rc = profile_lock(&client->profile, "renew.lock", &renewal->lock);
    if (rc == 0 && is_still_due(client)) {
        rc = request_make(client, &request);
        if (rc == 0) rc = ask(client, &request);
        if (rc == 0) return;
    }
    client->renew_after_us = clock_now_us() + AGAIN_US;
    if (rc != 0 && rc != MDG_ERR_IN_USE) log_warn("terminal.renew", "rc=%s", mdg_error_name(rc));
    renew_cancel(client);
}
