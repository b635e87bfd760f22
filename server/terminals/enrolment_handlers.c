/* server/terminals/enrolment_handlers.c - the office's side of an enrolment: the code, the watching, the decision. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <sodium.h>

#include "server/terminals/enrolment_store.h"
#include "server/terminals/terminal_handlers.h"
#include "server/terminals/trust.h"

/* Made before the writer's turn: randomness in prepare, Argon2id in work, so that the handler only stores. */
struct enrol_work {
    int rc;
    char code[CODE_CHARACTERS + 1];
    uint8_t salt[ENROLMENT_SALT_BYTES];
    uint8_t key_sealed[ENROLMENT_KEY_SEALED_BYTES];
};

/* Whether another one is pending is asked by the handler alone: a repeated request_key must get its old answer. */
int prepare_enrol(struct request *rq)
{
    struct enrol_work *work = arena_alloc(&rq->arena, sizeof *work);
    if (!work) return MDG_ERR_MEMORY;
    code_generate(work->code);
    randombytes_buf(work->salt, sizeof work->salt);
    rq->work = work;
    return 0;
}

void work_enrol(struct request *rq)
{
    struct enrol_work *work = rq->work;
    uint8_t key[ENROLMENT_KEY_BYTES];
    work->rc = enrolment_key(work->code, work->salt, ENROLMENT_MEMORY_KIB, ENROLMENT_PASSES, key);
    if (work->rc == 0) work->rc = enrolment_key_seal(rq->keys, work->salt, key, work->key_sealed);
    OPENSSL_cleanse(key, sizeof key);
}

static int refuse_pending(struct request *rq, const struct enrolment *pending)
{
    refuse(rq, MDG_ERR_STATE, NULL, "enrolment_pending");
    return refuse_arg(rq, "until_us", "%" PRId64, pending->until_us);
}

/* A terminal that never got a certificate is named again, not doubled: its first enrolment failed. */
static int terminal_take(struct request *rq, const Mdg__TerminalEnrol *op, const char *name_key,
                         struct terminal *terminal)
{
    int rc = terminal_find(rq->db, name_key, &rq->arena, terminal);
    bool is_new = rc == MDG_ERR_NOT_FOUND;
    if (rc != 0 && !is_new) return rc;
    if (!is_new && terminal->certificate_until_us != 0) {
        refuse(rq, MDG_ERR_CONFLICT, "name", "taken");
        rq->refusal.object_id = terminal->id;
        return MDG_ERR_CONFLICT;
    }
    *terminal = (struct terminal){.id = is_new ? turn_next_id(rq->turn) : terminal->id,
                                  .name = op->name,
                                  .kind = (enum terminal_kind)op->kind,
                                  .room_id = op->room_id,
                                  .is_private = op->is_private};
    terminal->rev = change_record(rq, terminal->id);
    return is_new ? terminal_insert(rq->db, terminal, name_key) : terminal_update(rq->db, terminal, name_key);
}

static int terminal_for_enrolment(struct request *rq, const Mdg__TerminalEnrol *op, int64_t *terminal_id)
{
    struct terminal terminal;
    char *name_key = NULL;
    int rc;
    if (op->terminal_id != 0) {
        rc = terminal_get(rq->db, op->terminal_id, &rq->arena, &terminal);
        if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "terminal_id", "unknown");
    } else {
        if (op->kind == MDG__TERMINAL_KIND__TERMINAL_NONE) return refuse(rq, MDG_ERR_INVALID, "kind", "required");
        rc = terminal_room_check(rq, (enum terminal_kind)op->kind, op->room_id);
        if (rc == 0) rc = terminal_name_check(rq, op->name, &name_key);
        if (rc == 0) rc = terminal_take(rq, op, name_key, &terminal);
        free(name_key);
    }
    if (rc == 0) *terminal_id = rq->object_id = terminal.id;
    return rc;
}

static int end_if_due(struct request *rq, struct enrolment *enrolment)
{
    bool is_unfinished = enrolment->step >= ENROLMENT_WAITING && enrolment->step <= ENROLMENT_COMPARE;
    return is_unfinished && enrolment->until_us <= rq->now_us ? enrolment_end(rq->db, enrolment) : 0;
}

int handle_enrol(struct request *rq)
{
    const Mdg__TerminalEnrol *op = rq->op;
    const struct enrol_work *work = rq->work;
    struct enrolment old;
    struct trust trust;
    struct enrolment new = {.step = ENROLMENT_WAITING, .has_key = true, .tries_left = ENROLMENT_TRIES};
    if (!work || work->rc != 0) return work ? work->rc : MDG_ERR_INTERNAL;
    Mdg__EnrolmentCode *answer = answer_new(rq);
    if (!answer) return MDG_ERR_MEMORY;

    int rc = enrolment_newest(rq->db, &old);
    if (rc == 0 && enrolment_is_open(&old, rq->now_us)) return refuse_pending(rq, &old);
    if (rc == 0) rc = end_if_due(rq, &old);
    if (rc == 0) rc = trust_get(rq->db, &trust);
    if (rc == 0) rc = terminal_for_enrolment(rq, op, &new.terminal_id);
    if (rc != 0) return rc;

    new.id = turn_next_id(rq->turn);
    new.generation = trust_serving(&trust); /* what the machine sees on this very connection */
    new.until_us = rq->now_us + ENROLMENT_LIFE_US;
    memcpy(new.salt, work->salt, sizeof new.salt);
    memcpy(new.key_sealed, work->key_sealed, sizeof new.key_sealed);
    rc = enrolment_insert(rq->db, &new);
    if (rc == 0) rc = effect_add(rq, &(struct effect){.kind = EFFECT_ENROLMENT_OPEN, .until_us = new.until_us});
    answer->code = (char *)work->code;
    answer->until_us = new.until_us;
    return rc;
}

int handle_enrolment_state(struct request *rq)
{
    struct enrolment enrolment;
    struct terminal terminal;
    Mdg__EnrolmentSeen *seen = answer_new(rq);
    if (!seen) return MDG_ERR_MEMORY;
    int rc = enrolment_newest(rq->db, &enrolment);
    if (rc != 0 || enrolment.step == ENROLMENT_NONE) return rc;
    rc = terminal_get(rq->db, enrolment.terminal_id, &rq->arena, &terminal);
    if (rc != 0) return rc;

    bool is_open = enrolment_is_open(&enrolment, rq->now_us);
    bool is_issued = enrolment.step == ENROLMENT_ISSUED;
    seen->step = (Mdg__EnrolmentSeen__Step)(is_open || is_issued ? enrolment.step : ENROLMENT_ENDED);
    seen->terminal_id = terminal.id;
    seen->terminal_name = (char *)terminal.name;
    seen->until_us = enrolment.until_us;
    seen->tries_left = (uint32_t)enrolment.tries_left;
    if (seen->step == MDG__ENROLMENT_SEEN__STEP__COMPARE) {
        seen->check_number = arena_strdup(&rq->arena, enrolment.check_number);
        if (!seen->check_number) return MDG_ERR_MEMORY;
    }
    return 0;
}

static int enrolment_closed(struct request *rq, const struct enrolment *enrolment)
{
    return effect_add(rq, &(struct effect){.kind = EFFECT_ENROLMENT_CLOSED, .until_us = enrolment->until_us});
}

/* The machine that held the name before is out from this moment. */
static int enrolment_issue(struct request *rq, struct enrolment *enrolment)
{
    struct certificate certificate;
    int rc = certificates_revoke(rq->db, enrolment->terminal_id);
    if (rc == 0)
        rc = terminal_certify(rq, enrolment->terminal_id, enrolment->request.bytes, enrolment->request.length,
                              &certificate);
    if (rc != 0) return rc;
    enrolment->step = ENROLMENT_ISSUED;
    memcpy(enrolment->serial, certificate.serial, sizeof enrolment->serial);
    rc = enrolment_update(rq->db, enrolment);
    if (rc == 0)
        rc = terminal_put_state(rq->db, enrolment->terminal_id, false, certificate.until_us,
                                change_record(rq, enrolment->terminal_id));
    if (rc == 0)
        rc = effect_add(rq, &(struct effect){.kind = EFFECT_TERMINAL_CUT, .terminal_id = enrolment->terminal_id});
    return rc;
}

int handle_enrolment_decide(struct request *rq)
{
    const Mdg__EnrolmentDecide *op = rq->op;
    struct enrolment enrolment;
    int rc = enrolment_newest(rq->db, &enrolment);
    if (rc != 0) return rc;
    if (!enrolment_is_open(&enrolment, rq->now_us)) return refuse(rq, MDG_ERR_STATE, NULL, "not_pending");
    rq->object_id = enrolment.terminal_id;
    if (op->is_same) {
        if (enrolment.step != ENROLMENT_COMPARE) return refuse(rq, MDG_ERR_STATE, NULL, "no_check_number");
        rq->object_id = 0; /* named by the change */
        return enrolment_issue(rq, &enrolment);
    }
    rq->reason = "cancelled";
    rc = enrolment_end(rq->db, &enrolment);
    return rc == 0 ? enrolment_closed(rq, &enrolment) : rc;
}

/* Asked every few seconds: only what is due goes on to the writer. Nothing else is left to close, since the listener
 * goes by until_us itself. */
int handle_enrolment_resume(struct request *rq)
{
    struct enrolment enrolment;
    int rc = enrolment_newest(rq->db, &enrolment);
    if (rc != 0 || !enrolment_is_open(&enrolment, rq->now_us)) return rc;
    return effect_add(rq, &(struct effect){.kind = EFFECT_ENROLMENT_OPEN, .until_us = enrolment.until_us});
}

int prepare_enrolment_expire(struct request *rq)
{
    bool is_due;
    int rc = enrolment_is_due(rq->db, rq->now_us, &is_due);
    return rc == 0 && !is_due ? refuse(rq, MDG_ERR_STATE, NULL, "nothing_due") : rc;
}

int handle_enrolment_expire(struct request *rq)
{
    struct enrolment enrolment;
    int rc = enrolment_newest(rq->db, &enrolment);
    if (rc != 0 || enrolment.step == ENROLMENT_NONE || enrolment.until_us > rq->now_us) return rc;
    rq->object_id = enrolment.terminal_id;
    rc = end_if_due(rq, &enrolment);
    return rc == 0 ? enrolment_closed(rq, &enrolment) : rc;
}
