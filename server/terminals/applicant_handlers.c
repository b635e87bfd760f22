/* server/terminals/applicant_handlers.c - the machine's side of an enrolment, before it has a certificate. Until the
 * code is proved it sees a salt and the authority's certificate, and every refusal is the same whatever it sends. What
 * follows the proof is for the connection that gave it, known by its TLS exporter. */
#include <string.h>

#include <openssl/crypto.h>
#include <sodium.h>

#include "server/terminals/enrolment_store.h"
#include "server/terminals/terminal_handlers.h"
#include "server/terminals/trust.h"

/* The enrolment that a machine may try its code on. */
static int pending_get(struct request *rq, struct enrolment *enrolment)
{
    if (sodium_is_zero(rq->caller.exporter, sizeof rq->caller.exporter)) return MDG_ERR_INTERNAL; /* not bound to TLS */
    int rc = enrolment_newest(rq->db, enrolment);
    if (rc == 0 && !enrolment_is_open(enrolment, rq->now_us)) return refuse(rq, MDG_ERR_STATE, NULL, "not_pending");
    return rc;
}

int handle_open(struct request *rq)
{
    struct enrolment enrolment;
    struct authority authority;
    Mdg__EnrolmentOffer *offer = answer_new(rq);
    if (!offer) return MDG_ERR_MEMORY;
    int rc = pending_get(rq, &enrolment);
    if (rc == 0) rc = authority_get(rq->db, enrolment.generation, &authority);
    if (rc != 0) return rc;
    offer->salt.len = sizeof enrolment.salt;
    offer->salt.data = arena_copy(&rq->arena, enrolment.salt, sizeof enrolment.salt);
    offer->authority.len = authority.certificate.length;
    offer->authority.data = arena_copy(&rq->arena, authority.certificate.bytes, authority.certificate.length);
    if (!offer->salt.data || !offer->authority.data) return MDG_ERR_MEMORY;
    offer->memory_kib = ENROLMENT_MEMORY_KIB;
    offer->passes = ENROLMENT_PASSES;
    return 0;
}

/* Counted, and kept although it is refused; the last try ends the enrolment. */
static int wrong_code(struct request *rq, struct enrolment *enrolment)
{
    enrolment->tries_left--;
    int rc = enrolment->tries_left > 0 ? enrolment_update(rq->db, enrolment) : enrolment_end(rq->db, enrolment);
    if (rc == 0 && enrolment->tries_left == 0)
        rc = effect_add(rq, &(struct effect){.kind = EFFECT_ENROLMENT_CLOSED, .until_us = enrolment->until_us});
    if (rc != 0) return rc;
    rq->answer = NULL;
    refuse_and_keep(rq, MDG_ERR_WRONG_CODE, "proof", "code");
    refuse_arg(rq, "tries_left", "%d", enrolment->tries_left);
    return 0;
}

struct proofs {
    uint8_t terminal[ENROLMENT_PROOF_BYTES], server[ENROLMENT_PROOF_BYTES];
};

static int proofs_compute(struct request *rq, const struct enrolment *enrolment, struct proofs *proofs)
{
    struct authority authority;
    uint8_t fingerprint[FINGERPRINT_BYTES], key[ENROLMENT_KEY_BYTES];
    const uint8_t *exporter = rq->caller.exporter;
    int rc = authority_get(rq->db, enrolment->generation, &authority);
    if (rc == 0) rc = certificate_fingerprint(authority.certificate.bytes, authority.certificate.length, fingerprint);
    if (rc == 0) rc = enrolment_key_unseal(rq->keys, enrolment, key);
    if (rc == 0) rc = enrolment_proof(key, ENROLMENT_TERMINAL, exporter, fingerprint, proofs->terminal);
    if (rc == 0) rc = enrolment_proof(key, ENROLMENT_SERVER, exporter, fingerprint, proofs->server);
    OPENSSL_cleanse(key, sizeof key);
    return rc;
}

int handle_prove(struct request *rq)
{
    const Mdg__EnrolmentProve *op = rq->op;
    struct enrolment enrolment;
    struct proofs proofs;
    Mdg__EnrolmentProof *answer = answer_new(rq);
    if (!answer) return MDG_ERR_MEMORY;
    int rc = pending_get(rq, &enrolment);
    if (rc != 0) return rc;
    if (enrolment.is_proved) /* used up: whoever comes now, also with the right code, is too late */
        return refuse(rq, MDG_ERR_WRONG_CODE, "proof", "code");
    rc = proofs_compute(rq, &enrolment, &proofs);
    if (rc != 0) return rc;
    if (CRYPTO_memcmp(op->proof.data, proofs.terminal, sizeof proofs.terminal) != 0) return wrong_code(rq, &enrolment);

    enrolment.step = ENROLMENT_PROVED;
    enrolment.has_key = false;
    enrolment.is_proved = true;
    memcpy(enrolment.exporter, rq->caller.exporter, sizeof enrolment.exporter);
    rc = enrolment_update(rq->db, &enrolment);
    rq->object_id = enrolment.terminal_id;
    answer->proof.len = sizeof proofs.server;
    answer->proof.data = arena_copy(&rq->arena, proofs.server, sizeof proofs.server);
    if (rc == 0 && !answer->proof.data) rc = MDG_ERR_MEMORY;
    return rc;
}

/* The enrolment that this connection has proved and that still lives. */
static int proved_get(struct request *rq, struct enrolment *enrolment)
{
    if (sodium_is_zero(rq->caller.exporter, sizeof rq->caller.exporter)) return MDG_ERR_INTERNAL;
    int rc = enrolment_of_exporter(rq->db, rq->caller.exporter, enrolment);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, MDG_ERR_STATE, NULL, "prove_first");
    if (rc == 0 && (enrolment->step == ENROLMENT_ENDED || enrolment->until_us <= rq->now_us))
        return refuse(rq, MDG_ERR_STATE, NULL, "ended");
    return rc;
}

/* Checks what only the request can tell now, so that the office never compares numbers in vain. */
static int request_check(struct request *rq, const ProtobufCBinaryData *request)
{
    uint8_t key_fingerprint[FINGERPRINT_BYTES];
    struct certificate known;
    int rc = certificate_request_check(request->data, request->len, key_fingerprint);
    if (rc == MDG_ERR_INVALID) return refuse(rq, rc, "request", "request");
    if (rc == 0) rc = certificate_of_key(rq->db, key_fingerprint, &known);
    if (rc == 0) return refuse(rq, MDG_ERR_INVALID, "request", "key_used");
    return rc == MDG_ERR_NOT_FOUND ? 0 : rc;
}

static int check_number_set(struct request *rq, const ProtobufCBinaryData *request, struct enrolment *enrolment)
{
    struct authority authority;
    uint8_t fingerprint[FINGERPRINT_BYTES];
    int rc = authority_get(rq->db, enrolment->generation, &authority);
    if (rc == 0) rc = certificate_fingerprint(authority.certificate.bytes, authority.certificate.length, fingerprint);
    if (rc == 0)
        rc = enrolment_check_number(rq->caller.exporter, fingerprint, request->data, request->len,
                                    enrolment->check_number);
    if (rc != 0) return rc;
    enrolment->step = ENROLMENT_COMPARE;
    memcpy(enrolment->request.bytes, request->data, request->len);
    enrolment->request.length = request->len;
    return enrolment_update(rq->db, enrolment);
}

int handle_apply(struct request *rq)
{
    const Mdg__EnrolmentApply *op = rq->op;
    struct enrolment enrolment;
    Mdg__EnrolmentApplied *applied = answer_new(rq);
    if (!applied) return MDG_ERR_MEMORY;
    int rc = proved_get(rq, &enrolment);
    if (rc != 0) return rc;
    rq->object_id = enrolment.terminal_id;
    bool is_same = enrolment.request.length == op->request.len &&
                   memcmp(enrolment.request.bytes, op->request.data, op->request.len) == 0;
    if (enrolment.step != ENROLMENT_PROVED && !is_same) return refuse(rq, MDG_ERR_STATE, "request", "applied");
    if (enrolment.step == ENROLMENT_PROVED) {
        rc = request_check(rq, &op->request);
        if (rc == 0) rc = check_number_set(rq, &op->request, &enrolment);
        if (rc != 0) return rc;
    }
    applied->check_number = arena_strdup(&rq->arena, enrolment.check_number);
    return applied->check_number ? 0 : MDG_ERR_MEMORY;
}

static int collected_fill(struct request *rq, const struct enrolment *enrolment, Mdg__EnrolmentCollected *collected)
{
    struct certificate certificate;
    struct terminal terminal;
    Mdg__TerminalCertificate *issued = arena_alloc(&rq->arena, sizeof *issued);
    if (!issued) return MDG_ERR_MEMORY;
    mdg__terminal_certificate__init(issued);
    int rc = certificate_get(rq->db, enrolment->serial, &certificate);
    if (rc == 0) rc = terminal_get(rq->db, enrolment->terminal_id, &rq->arena, &terminal);
    if (rc == 0) rc = terminal_certificate_to_wire(rq, &certificate, issued);
    if (rc != 0) return rc;
    collected->issued = issued;
    collected->terminal_id = terminal.id;
    collected->terminal_name = (char *)terminal.name;
    collected->kind = (Mdg__TerminalKind)terminal.kind;
    collected->server_name = arena_strdup(&rq->arena, SERVER_NAME);
    return collected->server_name ? 0 : MDG_ERR_MEMORY;
}

/* A read, because it is asked twice a second: that it was collected need not be remembered. */
int handle_collect(struct request *rq)
{
    struct enrolment enrolment;
    Mdg__EnrolmentCollected *collected = answer_new(rq);
    if (!collected) return MDG_ERR_MEMORY;
    int rc = proved_get(rq, &enrolment);
    if (rc != 0) return rc;
    if (enrolment.step == ENROLMENT_PROVED) return refuse(rq, MDG_ERR_STATE, NULL, "apply_first");
    collected->is_waiting = enrolment.step == ENROLMENT_COMPARE;
    if (collected->is_waiting) return 0;
    rc = collected_fill(rq, &enrolment, collected);
    if (rc == 0) rc = effect_add(rq, &(struct effect){.kind = EFFECT_ENROLMENT_CLOSED, .until_us = enrolment.until_us});
    return rc;
}
