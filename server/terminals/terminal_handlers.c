#include "server/terminals/terminal_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "server/terminals/enrolment_store.h"
#include "server/terminals/trust.h"

#define PAGE_ROWS 200
#define OLD_CERTIFICATE_LIFE_US (INT64_C(7) * 86400 * 1000000) /* after a renewal: time to store the new one */
#define CERTIFICATES_LIVE_MAX 4                                /* a terminal that renews in a loop is stopped */

/* --- shared ------------------------------------------------------------------------------------------ */

void terminal_to_wire(const struct terminal *terminal, Mdg__Terminal *wire)
{
    wire->id = terminal->id;
    wire->name = (char *)terminal->name;
    wire->kind = (Mdg__TerminalKind)terminal->kind;
    wire->room_id = terminal->room_id;
    wire->is_private = terminal->is_private;
    wire->is_revoked = terminal->is_revoked;
    wire->certificate_until_us = terminal->certificate_until_us;
    wire->last_seen_us = terminal->last_seen_us;
}

int terminal_name_check(struct request *rq, const char *name, char **name_key)
{
    *name_key = text_name_key(name);
    if (*name_key && **name_key) return 0;
    free(*name_key);
    *name_key = NULL;
    return refuse(rq, MDG_ERR_INVALID, "name", "blank");
}

int terminal_room_check(struct request *rq, enum terminal_kind kind, int64_t room_id)
{
    if (kind == KIND_DOOR && room_id == 0) return refuse(rq, MDG_ERR_INVALID, "room_id", "door_needs_room");
    if (kind != KIND_DOOR && room_id != 0) return refuse(rq, MDG_ERR_INVALID, "room_id", "doors_only");
    return 0;
}

int terminal_certificate_to_wire(struct request *rq, const struct certificate *certificate,
                                 Mdg__TerminalCertificate *wire)
{
    size_t count;
    struct der *list;
    int rc = trust_authorities(rq->db, &rq->arena, &count, &list);
    if (rc != 0) return rc;
    wire->certificate.len = certificate->der.length;
    wire->certificate.data = arena_copy(&rq->arena, certificate->der.bytes, certificate->der.length);
    wire->authorities = arena_alloc(&rq->arena, count * sizeof wire->authorities[0]);
    if (!wire->certificate.data || !wire->authorities) return MDG_ERR_MEMORY;
    for (size_t i = 0; i < count; i++) wire->authorities[i] = (ProtobufCBinaryData){list[i].length, list[i].bytes};
    wire->n_authorities = count;
    return 0;
}

int terminal_certify(struct request *rq, int64_t terminal_id, const uint8_t *request, size_t length,
                     struct certificate *certificate)
{
    *certificate = (struct certificate){.terminal_id = terminal_id, .issued_us = rq->now_us};
    int rc = certificate_request_check(request, length, certificate->key_fingerprint);
    if (rc == 0)
        rc = trust_issue_terminal(rq->db, rq->keys, request, length, terminal_id, rq->now_us, &certificate->der,
                                  certificate->serial, &certificate->generation);
    if (rc == 0) rc = certificate_until_us(&certificate->der, &certificate->until_us);
    if (rc == 0) rc = certificate_insert(rq->db, certificate);
    return rc;
}

/* --- office ------------------------------------------------------------------------------------------ */

int handle_terminal_list(struct request *rq)
{
    const Mdg__TerminalList *op = rq->op;
    struct terminal *list;
    size_t count;
    Mdg__TerminalListed *listed = answer_new(rq);
    if (!listed) return MDG_ERR_MEMORY;
    int rc = terminal_page(rq->db, op->after_id, PAGE_ROWS + 1, &rq->arena, &list, &count);
    if (rc != 0) return rc;
    listed->has_more = count > PAGE_ROWS;
    for (size_t i = 0; i < count && i < PAGE_ROWS; i++) {
        Mdg__Terminal *wire =
            repeated_add(&rq->arena, &listed->n_terminals, &listed->terminals, &mdg__terminal__descriptor);
        if (!wire) return MDG_ERR_MEMORY;
        terminal_to_wire(&list[i], wire);
    }
    return 0;
}

int handle_terminal_change(struct request *rq)
{
    const Mdg__TerminalChange *op = rq->op;
    struct terminal terminal;
    char *name_key = NULL;
    int rc = terminal_get(rq->db, op->terminal_id, &rq->arena, &terminal);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "terminal_id", "unknown");
    bool is_moved = rc == 0 && op->room_id != terminal.room_id;
    if (rc == 0) rc = terminal_name_check(rq, op->name, &name_key);
    if (rc == 0) rc = terminal_room_check(rq, terminal.kind, op->room_id);
    if (rc != 0) goto done;

    terminal.name = op->name;
    terminal.room_id = op->room_id;
    terminal.is_private = op->is_private;
    terminal.rev = change_record(rq, terminal.id);
    rc = terminal_update(rq->db, &terminal, name_key);
    if (rc == MDG_ERR_CONFLICT) refuse(rq, rc, "name", "taken");
    if (rc == 0)
        rc = effect_add(rq, &(struct effect){.kind = EFFECT_TERMINAL_CHANGED,
                                             .terminal_id = terminal.id,
                                             .room_id = terminal.room_id,
                                             .is_private = terminal.is_private});
    /* What a door shows hangs on its room: it comes back and subscribes anew. */
    if (rc == 0 && is_moved)
        rc = effect_add(rq, &(struct effect){.kind = EFFECT_TERMINAL_CUT, .terminal_id = terminal.id});
done:
    free(name_key);
    return rc;
}

/* An enrolment of the terminal that is under way must not give it a new certificate. */
static int enrolment_cancel(struct request *rq, int64_t terminal_id)
{
    struct enrolment enrolment;
    int rc = enrolment_newest(rq->db, &enrolment);
    if (rc != 0 || enrolment.terminal_id != terminal_id || !enrolment_is_open(&enrolment, rq->now_us)) return rc;
    rc = enrolment_end(rq->db, &enrolment);
    if (rc == 0) rc = effect_add(rq, &(struct effect){.kind = EFFECT_ENROLMENT_CLOSED, .until_us = enrolment.until_us});
    return rc;
}

int handle_terminal_revoke(struct request *rq)
{
    const Mdg__TerminalRevoke *op = rq->op;
    struct terminal terminal;
    int rc = terminal_get(rq->db, op->terminal_id, &rq->arena, &terminal);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "terminal_id", "unknown");
    if (rc != 0) return rc;
    if (terminal.is_revoked) return refuse(rq, MDG_ERR_STATE, "terminal_id", "revoked");

    rq->reason = op->reason;
    rc = certificates_revoke(rq->db, terminal.id);
    if (rc == 0)
        rc = terminal_put_state(rq->db, terminal.id, true, terminal.certificate_until_us,
                                change_record(rq, terminal.id));
    if (rc == 0) rc = enrolment_cancel(rq, terminal.id);
    if (rc == 0) rc = effect_add(rq, &(struct effect){.kind = EFFECT_TERMINAL_CUT, .terminal_id = terminal.id});
    return rc;
}

/* --- every terminal, for itself ---------------------------------------------------------------------- */

/* A renewal whose answer was lost is asked for again with the same request: that key's certificate is given once
 * more, if it came after the one in use. Any other key that was seen before is refused. */
static int answer_again(struct request *rq, const struct certificate *known, Mdg__TerminalCertificate *renewed)
{
    struct certificate in_use;
    const char *serial = rq->caller.certificate_serial;
    int rc = serial[0] ? certificate_get(rq->db, serial, &in_use) : MDG_ERR_NOT_FOUND;
    bool is_ours = rc == 0 && known->terminal_id == rq->caller.terminal_id && !known->is_revoked &&
                   known->until_us > rq->now_us && known->issued_us > in_use.issued_us;
    if (!is_ours) return refuse(rq, MDG_ERR_INVALID, "request", "key_used");
    return terminal_certificate_to_wire(rq, known, renewed);
}

static int renew_check(struct request *rq)
{
    struct terminal terminal;
    int64_t live;
    int rc = terminal_get(rq->db, rq->caller.terminal_id, &rq->arena, &terminal);
    if (rc == MDG_ERR_NOT_FOUND || (rc == 0 && terminal.is_revoked))
        return refuse(rq, MDG_ERR_REVOKED, NULL, "revoked");
    if (rc == 0) rc = certificates_live(rq->db, terminal.id, rq->now_us, &live);
    if (rc == 0 && live >= CERTIFICATES_LIVE_MAX) return refuse(rq, MDG_ERR_STATE, NULL, "too_many_certificates");
    return rc;
}

int handle_terminal_renew(struct request *rq)
{
    const Mdg__TerminalRenew *op = rq->op;
    int64_t terminal_id = rq->caller.terminal_id;
    uint8_t fingerprint[FINGERPRINT_BYTES];
    struct certificate certificate;
    Mdg__TerminalCertificate *renewed = answer_new(rq);
    if (!renewed) return MDG_ERR_MEMORY;
    int rc = certificate_request_check(op->request.data, op->request.len, fingerprint);
    if (rc == MDG_ERR_INVALID) return refuse(rq, rc, "request", "request");
    if (rc == 0) rc = certificate_of_key(rq->db, fingerprint, &certificate);
    if (rc == 0) return answer_again(rq, &certificate, renewed);
    if (rc != MDG_ERR_NOT_FOUND) return rc;

    rc = renew_check(rq);
    if (rc == 0) rc = terminal_certify(rq, terminal_id, op->request.data, op->request.len, &certificate);
    if (rc == 0)
        rc = certificates_shorten(rq->db, terminal_id, certificate.serial, rq->now_us + OLD_CERTIFICATE_LIFE_US);
    if (rc == 0)
        rc = terminal_put_state(rq->db, terminal_id, false, certificate.until_us, change_record(rq, terminal_id));
    if (rc == 0) rc = terminal_certificate_to_wire(rq, &certificate, renewed);
    return rc;
}
