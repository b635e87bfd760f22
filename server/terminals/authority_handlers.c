/* server/terminals/authority_handlers.c - the rotation of the authority, for the office; renewal of the server's own
 * certificate, for the clock. */
#include "server/centre/centre_store.h"
#include "server/terminals/enrolment_store.h"
#include "server/terminals/terminal_handlers.h"
#include "server/terminals/trust.h"

int handle_authority_state(struct request *rq)
{
    struct trust trust;
    struct authority present;
    int64_t terminals, announced, moved = 0;
    Mdg__AuthoritySeen *seen = answer_new(rq);
    if (!seen) return MDG_ERR_MEMORY;
    int rc = trust_get(rq->db, &trust);
    if (rc == 0) rc = authority_get(rq->db, trust.present, &present);
    if (rc == 0) rc = terminals_enrolled(rq->db, trust.announced_us, &terminals, &announced);
    if (rc == 0 && trust.step != TRUST_STABLE) rc = terminals_of_generation(rq->db, trust.other, rq->now_us, &moved);
    if (rc != 0) return rc;
    seen->step = (Mdg__AuthoritySeen__Step)trust.step;
    seen->until_us = present.until_us;
    seen->terminals = (uint32_t)terminals;
    seen->terminals_announced = trust.step == TRUST_STABLE ? 0 : (uint32_t)announced;
    seen->terminals_moved = (uint32_t)moved;
    return 0;
}

int handle_authority_move(struct request *rq)
{
    const Mdg__AuthorityMove *op = rq->op;
    struct enrolment enrolment;
    struct centre centre;
    const char *rule = NULL;
    int rc = enrolment_newest(rq->db, &enrolment);
    if (rc != 0) return rc;
    /* The machine has been shown one authority; it must not be answered by another. */
    if (enrolment_is_open(&enrolment, rq->now_us)) return refuse(rq, MDG_ERR_STATE, NULL, "enrolment_pending");

    rq->reason = op->is_back ? "back" : "forward";
    if (op->is_back) {
        rc = trust_back(rq->db, rq->now_us, &rule);
    } else {
        rc = centre_read(rq->db, &rq->arena, &centre);
        if (rc == 0)
            rc = trust_forward(rq->db, rq->keys, centre.name, rq->caller.certificate_serial, rq->now_us, &rule);
    }
    if (rc == MDG_ERR_STATE) return refuse(rq, rc, NULL, rule);
    return rc == 0 ? effect_add(rq, &(struct effect){.kind = EFFECT_TRUST_CHANGED}) : rc;
}

int prepare_server_renew(struct request *rq)
{
    bool is_due;
    int rc = trust_server_renew_is_due(rq->db, rq->now_us, &is_due);
    return rc == 0 && !is_due ? refuse(rq, MDG_ERR_STATE, NULL, "nothing_due") : rc;
}

int handle_server_renew(struct request *rq)
{
    int rc = trust_server_renew(rq->db, rq->keys, rq->now_us);
    return rc == 0 ? effect_add(rq, &(struct effect){.kind = EFFECT_TRUST_CHANGED}) : rc;
}
