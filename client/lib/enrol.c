/* Becoming a terminal of a centre (proto/README.md 3). Before the server has proved that it knows the code, nothing it
 * says is believed; its proof is bound to this very connection, so what came before is its own word too.
 *
 *   hello ─► open ─► (key of the code) ─► prove ─► apply ─► check number shown ─► collect, again and again ─► profile
 */
#include "client/lib/madoguchi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "client/lib/calls.h"
#include "client/lib/connection.h"
#include "client/lib/local_db.h"
#include "client/lib/profile.h"
#include "common/day.h"
#include "common/enrolment.h"
#include "common/error.h"

#define STEP_MS 30000u
#define COLLECT_MS 500u

struct enrolment {
    uv_loop_t *loop;
    struct profile profile; /* filled as we go, written at the end */
    unsigned listener_port;
    char code[CODE_CHARACTERS + 1];
    void (*on_check_number)(void *arg, const char *number);
    void (*on_done)(void *arg, int rc, const Mdg__Refusal *refusal, const struct mdg_centre *centre);
    void *arg;

    struct connection *connection;
    struct calls calls;
    uv_timer_t timer;
    uv_work_t work;
    int handles; /* not yet closed: calls, timer, connection, work */
    bool is_ending;
    int rc;
    Mdg__Refusal *refusal; /* owned */

    uint8_t salt[ENROLMENT_SALT_BYTES], exporter[TLS_EXPORTER_BYTES], fingerprint[FINGERPRINT_BYTES];
    uint32_t memory_kib, passes;
    struct der authority, request, private_key;
    uint8_t code_key[ENROLMENT_KEY_BYTES];
    int work_rc;
};

/* --- the end ---------------------------------------------------------------------------------------------- */

static void handle_gone(struct enrolment *enrolment)
{
    if (--enrolment->handles > 0) return;
    const struct profile *profile = &enrolment->profile;
    const struct mdg_centre centre = {.name = profile->centre_name,
                                      .zone = profile->zone,
                                      .terminal_name = profile->terminal_name,
                                      .terminal_id = profile->terminal_id,
                                      .terminal_kind = profile->terminal_kind,
                                      .fiscal_year_first_month = profile->fiscal_year_first_month};
    int rc = enrolment->rc;
    enrolment->on_done(enrolment->arg, rc, enrolment->refusal, rc == 0 ? &centre : NULL);
    mdg__refusal__free_unpacked(enrolment->refusal, NULL);
    OPENSSL_cleanse(enrolment, sizeof *enrolment);
    free(enrolment);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_gone(handle->data);
}

static void on_calls_closed(uv_handle_t *handle)
{
    struct calls *calls = handle->data;
    handle_gone((struct enrolment *)((char *)calls - offsetof(struct enrolment, calls)));
}

static void finish(struct enrolment *enrolment, int rc)
{
    if (enrolment->is_ending) return;
    enrolment->is_ending = true;
    enrolment->rc = rc;
    if (enrolment->connection) connection_close(enrolment->connection, UV_ECANCELED);
    uv_close((uv_handle_t *)&enrolment->timer, on_timer_closed);
    calls_close(&enrolment->calls, on_calls_closed);
    calls_end_all(&enrolment->calls, UV_ECANCELED);
}

static void keep_refusal(struct enrolment *enrolment, const Mdg__Refusal *refusal)
{
    size_t size = mdg__refusal__get_packed_size(refusal);
    uint8_t *packed = malloc(size ? size : 1);
    if (!packed || enrolment->refusal) {
        free(packed);
        return;
    }
    mdg__refusal__pack(refusal, packed);
    enrolment->refusal = mdg__refusal__unpack(NULL, size, packed);
    free(packed);
}

/* The terminals' message of an answer of the expected arm, or NULL, and then the flow has ended. */
static const Mdg__Terminals *answer_of(struct enrolment *enrolment, int rc, const Mdg__Response *response,
                                       Mdg__Terminals__OfCase expected)
{
    if (enrolment->is_ending) return NULL;
    const Mdg__Body *body = response ? response->body : NULL;
    if (rc == 0 && response->refusal) {
        keep_refusal(enrolment, response->refusal);
        rc = response->refusal->code < 0 ? response->refusal->code : MDG_ERR_MALFORMED;
    }
    if (rc == 0 &&
        (!body || body->domain_case != MDG__BODY__DOMAIN_TERMINALS || body->terminals->of_case != expected)) {
        rc = MDG_ERR_MALFORMED;
    }
    if (rc != 0) finish(enrolment, rc);
    return rc == 0 ? body->terminals : NULL;
}

/* --- calls ------------------------------------------------------------------------------------------------ */

static void call(struct enrolment *enrolment, Mdg__Body *body, mdg_reply_cb *cb)
{
    Mdg__Frame frame = MDG__FRAME__INIT;
    Mdg__Request request = MDG__REQUEST__INIT;
    uint8_t key[MDG_KEY_BYTES];
    int rc =
        enrolment->connection ? calls_add(&enrolment->calls, STEP_MS, cb, enrolment, &request.id) : MDG_ERR_OFFLINE;
    if (rc == 0) {
        mdg_key_new(key);
        request.request_key = (ProtobufCBinaryData){sizeof key, key};
        request.body = body;
        frame.kind_case = MDG__FRAME__KIND_REQUEST;
        frame.request = &request;
        rc = connection_send(enrolment->connection, &frame);
        if (rc != 0) calls_forget(&enrolment->calls, request.id);
    }
    if (rc != 0) finish(enrolment, rc);
}

static void call_terminals(struct enrolment *enrolment, Mdg__Terminals *terminals, mdg_reply_cb *cb)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_TERMINALS;
    body.terminals = terminals;
    call(enrolment, &body, cb);
}

/* --- collect: until the office has compared the numbers ----------------------------------------------------- */

static void on_collect_time(uv_timer_t *timer);

static int write_profile(struct enrolment *enrolment, const Mdg__EnrolmentCollected *collected)
{
    struct profile *profile = &enrolment->profile;
    struct der certificate;
    char replica[PROFILE_PATH_BYTES];
    if (!collected->issued) return MDG_ERR_MALFORMED;
    int rc = der_from_wire(&collected->issued->certificate, &certificate);
    if (rc != 0) return rc;
    profile->terminal_id = collected->terminal_id;
    profile->terminal_kind = (uint32_t)collected->kind;
    snprintf(profile->terminal_name, sizeof profile->terminal_name, "%s", collected->terminal_name);
    snprintf(profile->server_name, sizeof profile->server_name, "%s",
             collected->server_name[0] ? collected->server_name : PROFILE_SERVER_NAME);

    ProtobufCBinaryData offered = {enrolment->authority.length, enrolment->authority.bytes};
    const ProtobufCBinaryData *authorities = &offered;
    size_t count = 1;
    if (collected->issued->n_authorities > 0) {
        authorities = collected->issued->authorities;
        count = collected->issued->n_authorities;
    }
    rc = profile_make_dir(profile->dir);
    if (rc == 0) rc = profile_save_authorities(profile, authorities, count);
    if (rc == 0) rc = profile_save_identity(profile, &enrolment->private_key, &certificate);
    if (rc == 0) rc = profile_path(profile, "replica.db", replica);
    if (rc == 0) local_db_delete(replica); /* it may be another kind of terminal now, with another view */
    if (rc == 0) profile_forget_sign_in(profile);
    return rc == 0 ? profile_save(profile) : rc; /* last: only with it is there a profile */
}

static void on_collected(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct enrolment *enrolment = arg;
    (void)client;
    const Mdg__Terminals *answer = answer_of(enrolment, rc, response, MDG__TERMINALS__OF_COLLECTED);
    if (!answer) return;
    if (answer->collected->is_waiting) {
        uv_timer_start(&enrolment->timer, on_collect_time, COLLECT_MS, 0);
    } else {
        finish(enrolment, write_profile(enrolment, answer->collected));
    }
}

static void on_collect_time(uv_timer_t *timer)
{
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__EnrolmentCollect collect = MDG__ENROLMENT_COLLECT__INIT;
    terminals.of_case = MDG__TERMINALS__OF_COLLECT;
    terminals.collect = &collect;
    call_terminals(timer->data, &terminals, on_collected);
}

/* --- apply ------------------------------------------------------------------------------------------------ */

static void on_applied(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct enrolment *enrolment = arg;
    char number[7];
    (void)client;
    const Mdg__Terminals *answer = answer_of(enrolment, rc, response, MDG__TERMINALS__OF_APPLIED);
    if (!answer) return;
    rc = enrolment_check_number(enrolment->exporter, enrolment->fingerprint, enrolment->request.bytes,
                                enrolment->request.length, number);
    if (rc == 0 && strcmp(answer->applied->check_number, number) != 0) rc = MDG_ERR_UNTRUSTED;
    if (rc != 0) {
        finish(enrolment, rc);
        return;
    }
    if (enrolment->on_check_number) enrolment->on_check_number(enrolment->arg, number);
    uv_timer_start(&enrolment->timer, on_collect_time, COLLECT_MS, 0);
}

static void apply(struct enrolment *enrolment)
{
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__EnrolmentApply message = MDG__ENROLMENT_APPLY__INIT;
    int rc = enrolment_request_new(&enrolment->request, &enrolment->private_key);
    if (rc != 0) {
        finish(enrolment, rc);
        return;
    }
    message.request = (ProtobufCBinaryData){enrolment->request.length, enrolment->request.bytes};
    terminals.of_case = MDG__TERMINALS__OF_APPLY;
    terminals.apply = &message;
    call_terminals(enrolment, &terminals, on_applied);
}

/* --- prove ------------------------------------------------------------------------------------------------ */

/* The server's certificate must be one of the authority that it has just vouched for. */
static int check_server_certificate(struct enrolment *enrolment)
{
    SSL *ssl = connection_tls(enrolment->connection)->ssl;
    const unsigned char *at = enrolment->authority.bytes;
    X509 *authority = d2i_X509(NULL, &at, (long)enrolment->authority.length);
    X509 *server = SSL_get1_peer_certificate(ssl);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    int rc = MDG_ERR_UNTRUSTED;
    if (authority && server && store && check && X509_STORE_add_cert(store, authority) == 1 &&
        X509_STORE_CTX_init(check, store, server, SSL_get_peer_cert_chain(ssl)) == 1 &&
        X509_STORE_CTX_set_default(check, "ssl_server") == 1 &&
        X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(check), PROFILE_SERVER_NAME, 0) == 1 &&
        X509_verify_cert(check) == 1) {
        rc = 0;
    }
    X509_STORE_CTX_free(check);
    X509_STORE_free(store);
    X509_free(server);
    X509_free(authority);
    ERR_clear_error();
    return rc;
}

static void on_proof(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct enrolment *enrolment = arg;
    uint8_t expected[ENROLMENT_PROOF_BYTES];
    (void)client;
    const Mdg__Terminals *answer = answer_of(enrolment, rc, response, MDG__TERMINALS__OF_PROOF);
    if (!answer) return;
    rc = enrolment_proof(enrolment->code_key, ENROLMENT_SERVER, enrolment->exporter, enrolment->fingerprint, expected);
    const ProtobufCBinaryData *proof = &answer->proof->proof;
    if (rc == 0 && (proof->len != sizeof expected || CRYPTO_memcmp(proof->data, expected, sizeof expected) != 0)) {
        rc = MDG_ERR_UNTRUSTED;
    }
    if (rc == 0) rc = check_server_certificate(enrolment);
    if (rc == 0) {
        apply(enrolment);
    } else {
        finish(enrolment, rc);
    }
}

static void prove(struct enrolment *enrolment)
{
    uint8_t proof[ENROLMENT_PROOF_BYTES];
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__EnrolmentProve message = MDG__ENROLMENT_PROVE__INIT;
    int rc = tls_stream_exporter(connection_tls(enrolment->connection), enrolment->exporter);
    if (rc == 0) {
        rc = enrolment_proof(enrolment->code_key, ENROLMENT_TERMINAL, enrolment->exporter, enrolment->fingerprint,
                             proof);
    }
    if (rc != 0) {
        finish(enrolment, rc);
        return;
    }
    message.proof = (ProtobufCBinaryData){sizeof proof, proof};
    terminals.of_case = MDG__TERMINALS__OF_PROVE;
    terminals.prove = &message;
    call_terminals(enrolment, &terminals, on_proof);
}

static void on_work(uv_work_t *work)
{
    struct enrolment *enrolment = work->data;
    enrolment->work_rc =
        enrolment_key(enrolment->code, enrolment->salt, enrolment->memory_kib, enrolment->passes, enrolment->code_key);
}

static void on_worked(uv_work_t *work, int status)
{
    struct enrolment *enrolment = work->data;
    int rc = status == 0 ? enrolment->work_rc : status;
    if (!enrolment->is_ending && rc == 0) {
        prove(enrolment);
    } else if (!enrolment->is_ending) {
        finish(enrolment, rc);
    }
    handle_gone(enrolment);
}

/* --- hello, open ------------------------------------------------------------------------------------------- */

/* Weaker parameters would make the proof guessable; far stronger ones would hold this machine up. */
static int take_offer(struct enrolment *enrolment, const Mdg__EnrolmentOffer *offer)
{
    struct profile there;
    if (offer->salt.len != ENROLMENT_SALT_BYTES) return MDG_ERR_MALFORMED;
    if (offer->memory_kib < ENROLMENT_MEMORY_KIB || offer->passes < ENROLMENT_PASSES ||
        offer->memory_kib > 16 * ENROLMENT_MEMORY_KIB || offer->passes > 16 * ENROLMENT_PASSES) {
        return MDG_ERR_UNTRUSTED;
    }
    memcpy(enrolment->salt, offer->salt.data, ENROLMENT_SALT_BYTES);
    enrolment->memory_kib = offer->memory_kib;
    enrolment->passes = offer->passes;
    int rc = der_from_wire(&offer->authority, &enrolment->authority);
    if (rc == 0) rc = certificate_fingerprint(offer->authority.data, offer->authority.len, enrolment->fingerprint);
    if (rc != 0) return rc;

    const unsigned char *at = enrolment->authority.bytes;
    X509 *authority = d2i_X509(NULL, &at, (long)enrolment->authority.length);
    if (!authority) rc = MDG_ERR_MALFORMED;
    if (rc == 0 && profile_load(enrolment->profile.dir, &there) == 0 && !profile_knows_authority(&there, authority)) {
        rc = MDG_ERR_CONFLICT;
    }
    X509_free(authority);
    ERR_clear_error();
    return rc;
}

static void on_offer(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct enrolment *enrolment = arg;
    (void)client;
    const Mdg__Terminals *answer = answer_of(enrolment, rc, response, MDG__TERMINALS__OF_OFFER);
    if (!answer) return;
    rc = take_offer(enrolment, answer->offer);
    if (rc == 0) {
        enrolment->work.data = enrolment;
        rc = uv_queue_work(enrolment->loop, &enrolment->work, on_work, on_worked);
    }
    if (rc == 0) {
        enrolment->handles++;
    } else {
        finish(enrolment, rc);
    }
}

static int take_welcome(struct enrolment *enrolment, const Mdg__Body *body)
{
    if (!body || body->domain_case != MDG__BODY__DOMAIN_CENTRE || body->centre->of_case != MDG__CENTRE__OF_WELCOME) {
        return MDG_ERR_MALFORMED;
    }
    const Mdg__Welcome *welcome = body->centre->welcome;
    struct profile *profile = &enrolment->profile;
    if (welcome->protocol != MDG_PROTOCOL_VERSION) return MDG_ERR_VERSION;
    snprintf(profile->centre_name, sizeof profile->centre_name, "%s", welcome->centre_name);
    snprintf(profile->zone, sizeof profile->zone, "%s", welcome->zone);
    profile->fiscal_year_first_month = welcome->fiscal_year_first_month;
    profile->clock_offset_us = welcome->server_us - clock_now_us();
    return 0;
}

static void on_welcome(struct mdg_client *client, int rc, const Mdg__Response *response, void *arg)
{
    struct enrolment *enrolment = arg;
    (void)client;
    if (enrolment->is_ending) return;
    if (rc == 0 && response->refusal) {
        keep_refusal(enrolment, response->refusal);
        rc = response->refusal->code < 0 ? response->refusal->code : MDG_ERR_MALFORMED;
    }
    if (rc == 0) rc = take_welcome(enrolment, response->body);
    if (rc != 0) {
        finish(enrolment, rc);
        return;
    }
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__EnrolmentOpen open = MDG__ENROLMENT_OPEN__INIT;
    terminals.of_case = MDG__TERMINALS__OF_OPEN;
    terminals.open = &open;
    call_terminals(enrolment, &terminals, on_offer);
}

static void on_open(void *arg)
{
    struct enrolment *enrolment = arg;
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Centre centre = MDG__CENTRE__INIT;
    Mdg__Hello hello = MDG__HELLO__INIT;
    if (enrolment->is_ending) return;
    hello.protocol_min = hello.protocol_max = MDG_PROTOCOL_VERSION;
    hello.program = (char *)(uintptr_t) "libmadoguchi " MDG_VERSION;
    hello.terminal_us = clock_now_us();
    centre.of_case = MDG__CENTRE__OF_HELLO;
    centre.hello = &hello;
    body.domain_case = MDG__BODY__DOMAIN_CENTRE;
    body.centre = &centre;
    call(enrolment, &body, on_welcome);
}

static void on_frame(void *arg, const Mdg__Frame *frame)
{
    struct enrolment *enrolment = arg;
    if (frame->kind_case == MDG__FRAME__KIND_RESPONSE && !enrolment->is_ending) {
        calls_answer(&enrolment->calls, frame->response);
    }
}

static void on_closed(void *arg, int rc, const Mdg__Refusal *goodbye)
{
    struct enrolment *enrolment = arg;
    enrolment->connection = NULL;
    if (!enrolment->is_ending && goodbye) keep_refusal(enrolment, goodbye);
    finish(enrolment, rc);
    handle_gone(enrolment);
}

int mdg_enrol(uv_loop_t *loop, const struct mdg_enrol_options *options)
{
    SSL_CTX *context = NULL;
    struct enrolment *enrolment = calloc(1, sizeof *enrolment);
    if (!enrolment) return MDG_ERR_MEMORY;
    *enrolment = (struct enrolment){.loop = loop,
                                    .on_check_number = options->on_check_number,
                                    .on_done = options->on_done,
                                    .arg = options->arg,
                                    .profile = {.port = options->service_port}};
    snprintf(enrolment->profile.host, sizeof enrolment->profile.host, "%s", options->host);
    int length = snprintf(enrolment->profile.dir, sizeof enrolment->profile.dir, "%s", options->profile_dir);
    int rc = length > 0 && (size_t)length < sizeof enrolment->profile.dir ? 0 : MDG_ERR_INVALID;
    if (rc == 0) rc = code_normalize(options->code, enrolment->code);
    if (rc == 0) rc = tls_context_new(false, &context);
    const struct connection_options opening = {.loop = loop,
                                               .host = options->host,
                                               .port = options->port,
                                               .context = context,
                                               .events = {on_open, on_frame, NULL, on_closed, enrolment}};
    if (rc == 0) rc = connection_open(&opening, &enrolment->connection);
    SSL_CTX_free(context);
    if (rc != 0) {
        OPENSSL_cleanse(enrolment, sizeof *enrolment);
        free(enrolment);
        return rc;
    }
    calls_init(&enrolment->calls, loop, NULL);
    uv_timer_init(loop, &enrolment->timer);
    enrolment->timer.data = enrolment;
    enrolment->handles = 3;
    return 0;
}
