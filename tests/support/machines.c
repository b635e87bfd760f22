#include "tests/support/machines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "common/tls_stream.h"
#include "server/terminals/terminals_domain.h"
#include "server/terminals/trust.h"

static void must(int rc, const char *what)
{
    if (rc != 0) fail_msg("%s: %s", what, mdg_error_name(rc));
}

struct caller caller_console(void)
{
    return (struct caller){.kind = KIND_CONSOLE, .has_hello = true, .roles = ROLE_BIT_CONSOLE};
}

struct caller caller_office(void)
{
    return (struct caller){.kind = KIND_OFFICE,
                           .has_hello = true,
                           .terminal_id = 1,
                           .person_id = 2,
                           .roles = ROLE_BIT_OFFICE,
                           .confirmed_until_us = INT64_MAX};
}

struct caller caller_clock(void)
{
    return (struct caller){.kind = KIND_CLOCK, .has_hello = true, .roles = ROLE_BIT_CLOCK};
}

struct caller caller_applicant(uint8_t number)
{
    struct caller caller = {.kind = KIND_APPLICANT, .has_hello = true, .roles = ROLE_BIT_APPLICANT};
    memset(caller.exporter, number, sizeof caller.exporter);
    return caller;
}

int terminals_call(struct fixture *fixture, const struct caller *caller, Mdg__Terminals__OfCase arm,
                   const void *message, int64_t now_us, struct request *out)
{
    static const Mdg__EnrolmentOpen EMPTY = MDG__ENROLMENT_OPEN__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    const void *content = message ? message : &EMPTY; /* empty messages are all alike */
    terminals.of_case = arm;
    memcpy(&terminals.enrol, &content, sizeof content); /* the arms share one place */
    body.domain_case = MDG__BODY__DOMAIN_TERMINALS;
    body.terminals = &terminals;
    return fixture_run(fixture, &TERMINALS_DOMAIN, caller, &body, now_us, out);
}

int terminals_try(struct fixture *fixture, const struct caller *caller, Mdg__Terminals__OfCase arm, const void *message,
                  int64_t now_us)
{
    struct request rq;
    int rc = terminals_call(fixture, caller, arm, message, now_us, &rq);
    arena_fini(&rq.arena);
    return rc;
}

/* --- steps ------------------------------------------------------------------------------------------- */

int machine_enrol(struct fixture *fixture, const char *name, Mdg__TerminalKind kind, int64_t now_us,
                  struct machine *machine)
{
    static uint8_t connections; /* another exporter for each machine */
    struct request rq;
    struct caller console = caller_console();
    Mdg__TerminalEnrol enrol = MDG__TERMINAL_ENROL__INIT;
    enrol.name = (char *)name;
    enrol.kind = kind;
    enrol.room_id = kind == MDG__TERMINAL_KIND__TERMINAL_DOOR ? 9 : 0;
    memset(machine, 0, sizeof *machine);
    machine->caller = caller_applicant((uint8_t)(++connections % 250 + 1));
    int rc = terminals_call(fixture, &console, MDG__TERMINALS__OF_ENROL, &enrol, now_us, &rq);
    if (rc == 0) {
        assert_int_equal(strlen(rq.answer->terminals->enrolled_code->code), CODE_CHARACTERS);
        memcpy(machine->code, rq.answer->terminals->enrolled_code->code, sizeof machine->code);
        machine->id = rq.object_id;
    }
    arena_fini(&rq.arena);
    return rc;
}

static void der_take(const ProtobufCBinaryData *bytes, struct der *der)
{
    assert_in_range(bytes->len, 1, DER_BYTES_MAX);
    memcpy(der->bytes, bytes->data, bytes->len);
    der->length = bytes->len;
}

int machine_open(struct fixture *fixture, struct machine *machine, int64_t now_us)
{
    struct request rq;
    int rc = terminals_call(fixture, &machine->caller, MDG__TERMINALS__OF_OPEN, NULL, now_us, &rq);
    if (rc == 0) {
        const Mdg__EnrolmentOffer *offer = rq.answer->terminals->offer;
        assert_int_equal(offer->salt.len, ENROLMENT_SALT_BYTES);
        assert_int_equal(offer->memory_kib, ENROLMENT_MEMORY_KIB);
        assert_int_equal(offer->passes, ENROLMENT_PASSES);
        der_take(&offer->authority, &machine->authority);
        must(certificate_fingerprint(machine->authority.bytes, machine->authority.length, machine->fingerprint), "SHA");
        must(enrolment_key(machine->code, offer->salt.data, offer->memory_kib, offer->passes, machine->key), "key");
    }
    arena_fini(&rq.arena);
    return rc;
}

int machine_prove(struct fixture *fixture, struct machine *machine, int64_t now_us)
{
    struct request rq;
    uint8_t proof[ENROLMENT_PROOF_BYTES], expected[ENROLMENT_PROOF_BYTES];
    const uint8_t *exporter = machine->caller.exporter;
    Mdg__EnrolmentProve prove = MDG__ENROLMENT_PROVE__INIT;
    must(enrolment_proof(machine->key, ENROLMENT_TERMINAL, exporter, machine->fingerprint, proof), "proof");
    must(enrolment_proof(machine->key, ENROLMENT_SERVER, exporter, machine->fingerprint, expected), "proof");
    prove.proof = (ProtobufCBinaryData){sizeof proof, proof};
    int rc = terminals_call(fixture, &machine->caller, MDG__TERMINALS__OF_PROVE, &prove, now_us, &rq);
    if (rc == 0) {
        assert_int_equal(rq.answer->terminals->proof->proof.len, sizeof expected);
        assert_memory_equal(rq.answer->terminals->proof->proof.data, expected, sizeof expected);
    } else {
        assert_null(rq.answer); /* no server's proof for who has none */
    }
    arena_fini(&rq.arena);
    return rc;
}

int machine_apply(struct fixture *fixture, struct machine *machine, int64_t now_us)
{
    struct request rq;
    char number[7];
    Mdg__EnrolmentApply apply = MDG__ENROLMENT_APPLY__INIT;
    if (machine->request.length == 0) must(enrolment_request_new(&machine->request, &machine->private_key), "request");
    apply.request = (ProtobufCBinaryData){machine->request.length, machine->request.bytes};
    int rc = terminals_call(fixture, &machine->caller, MDG__TERMINALS__OF_APPLY, &apply, now_us, &rq);
    if (rc == 0) {
        must(enrolment_check_number(machine->caller.exporter, machine->fingerprint, machine->request.bytes,
                                    machine->request.length, number),
             "check number");
        assert_string_equal(rq.answer->terminals->applied->check_number, number);
    }
    arena_fini(&rq.arena);
    return rc;
}

int machine_decide(struct fixture *fixture, bool is_same, int64_t now_us)
{
    struct caller office = caller_office();
    Mdg__EnrolmentDecide decide = MDG__ENROLMENT_DECIDE__INIT;
    decide.is_same = is_same;
    return terminals_try(fixture, &office, MDG__TERMINALS__OF_ENROLMENT_DECIDE, &decide, now_us);
}

static void certificate_take(struct machine *machine, const Mdg__TerminalCertificate *issued)
{
    int64_t id;
    der_take(&issued->certificate, &machine->certificate);
    machine->authorities_count = issued->n_authorities;
    assert_in_range(issued->n_authorities, 1, 2);
    for (size_t i = 0; i < issued->n_authorities; i++) der_take(&issued->authorities[i], &machine->authorities[i]);
    const unsigned char *at = machine->certificate.bytes;
    X509 *certificate = d2i_X509(NULL, &at, (long)machine->certificate.length);
    must(certificate_terminal(certificate, &id, machine->serial), "certificate");
    assert_int_equal(id, machine->id);
    X509_free(certificate);
}

int machine_collect(struct fixture *fixture, struct machine *machine, int64_t now_us)
{
    struct request rq;
    int rc = terminals_call(fixture, &machine->caller, MDG__TERMINALS__OF_COLLECT, NULL, now_us, &rq);
    if (rc == 0 && rq.answer->terminals->collected->is_waiting) {
        rc = MDG_ERR_BUSY;
    } else if (rc == 0) {
        const Mdg__EnrolmentCollected *collected = rq.answer->terminals->collected;
        assert_int_equal(collected->terminal_id, machine->id);
        assert_string_equal(collected->server_name, SERVER_NAME);
        certificate_take(machine, collected->issued);
        machine->caller = (struct caller){.kind = (enum terminal_kind)collected->kind,
                                          .has_hello = true,
                                          .terminal_id = machine->id,
                                          .roles = ROLE_BIT_TERMINAL};
        memcpy(machine->caller.certificate_serial, machine->serial, sizeof machine->serial);
    }
    arena_fini(&rq.arena);
    return rc;
}

void machine_make(struct fixture *fixture, const char *name, Mdg__TerminalKind kind, int64_t now_us,
                  struct machine *machine)
{
    must(machine_enrol(fixture, name, kind, now_us, machine), "enrol");
    must(machine_open(fixture, machine, now_us), "open");
    must(machine_prove(fixture, machine, now_us), "prove");
    must(machine_apply(fixture, machine, now_us), "apply");
    must(machine_decide(fixture, true, now_us), "decide");
    must(machine_collect(fixture, machine, now_us), "collect");
}

int machine_renew(struct fixture *fixture, struct machine *machine, int64_t now_us)
{
    struct request rq;
    struct machine renewed = *machine;
    Mdg__TerminalRenew renew = MDG__TERMINAL_RENEW__INIT;
    must(enrolment_request_new(&renewed.request, &renewed.private_key), "request");
    renew.request = (ProtobufCBinaryData){renewed.request.length, renewed.request.bytes};
    int rc = terminals_call(fixture, &machine->caller, MDG__TERMINALS__OF_RENEW, &renew, now_us, &rq);
    if (rc == 0) {
        certificate_take(&renewed, rq.answer->terminals->renewed);
        *machine = renewed;
        memcpy(machine->caller.certificate_serial, machine->serial, sizeof machine->serial);
    }
    arena_fini(&rq.arena);
    return rc;
}

Mdg__EnrolmentSeen__Step machines_step(struct fixture *fixture, int64_t now_us)
{
    struct request rq;
    struct caller office = caller_office();
    must(terminals_call(fixture, &office, MDG__TERMINALS__OF_ENROLMENT_STATE, NULL, now_us, &rq), "state");
    Mdg__EnrolmentSeen__Step step = rq.answer->terminals->enrolment_seen->step;
    arena_fini(&rq.arena);
    return step;
}

int machine_admit(struct fixture *fixture, const struct machine *machine, int64_t now_us)
{
    struct caller caller = {.kind = KIND_NONE};
    int rc = terminal_admit(fixture->db, machine->id, machine->serial, now_us, &caller);
    if (rc == 0) assert_int_equal(caller.terminal_id, machine->id);
    return rc;
}

/* --- TLS --------------------------------------------------------------------------------------------- */

static void context_time(SSL_CTX *context, int64_t now_us)
{
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context), (time_t)(now_us / 1000000));
}

static SSL_CTX *client_context(const struct machine *machine, int64_t now_us)
{
    SSL_CTX *context;
    must(tls_context_new(false, &context), "tls_context_new");
    context_time(context, now_us);
    if (!machine) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
        return context;
    }
    for (size_t i = 0; i < machine->authorities_count; i++) {
        const unsigned char *at = machine->authorities[i].bytes;
        X509 *ca = d2i_X509(NULL, &at, (long)machine->authorities[i].length);
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca), 1);
        X509_free(ca);
    }
    assert_int_equal(X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(context), SERVER_NAME, 0), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    assert_int_equal(
        SSL_CTX_use_certificate_ASN1(context, (int)machine->certificate.length, machine->certificate.bytes), 1);
    const unsigned char *at = machine->private_key.bytes;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)machine->private_key.length);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    EVP_PKEY_free(key);
    return context;
}

/* Both ends in turn, until neither moves on. */
static bool shake_hands(SSL *server, SSL *client)
{
    for (int round = 0; round < 10; round++) {
        if (SSL_do_handshake(client) != 1 && SSL_get_error(client, -1) != SSL_ERROR_WANT_READ) return false;
        if (SSL_do_handshake(server) != 1 && SSL_get_error(server, -1) != SSL_ERROR_WANT_READ) return false;
        if (SSL_is_init_finished(client) && SSL_is_init_finished(server)) return true;
    }
    return false;
}

int machine_shake(struct fixture *fixture, const struct machine *machine, bool is_enrolment, int64_t now_us)
{
    SSL_CTX *server_context;
    BIO *server_end, *client_end;
    must(trust_context(fixture->db_path, fixture->keys, is_enrolment, &server_context), "trust_context");
    context_time(server_context, now_us);
    SSL_CTX *context = client_context(machine, now_us);
    SSL *server = SSL_new(server_context), *client = SSL_new(context);
    assert_int_equal(BIO_new_bio_pair(&server_end, 65536, &client_end, 65536), 1);
    SSL_set_bio(server, server_end, server_end);
    SSL_set_bio(client, client_end, client_end);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);

    bool is_done = shake_hands(server, client);
    long seen_by_client = SSL_get_verify_result(client), seen_by_server = SSL_get_verify_result(server);
    int result = machine && seen_by_client != X509_V_OK ? (int)seen_by_client : (int)seen_by_server;
    if (!is_done && result == X509_V_OK) result = X509_V_ERR_UNSPECIFIED; /* e.g. no certificate at all */
    if (is_done) assert_int_equal(result, X509_V_OK);
    ERR_clear_error();
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(context);
    SSL_CTX_free(server_context);
    return result;
}
