/* What happens to a write on the writer thread: the memory of its key, who made it if it waited, the handler, the
 * second person's approval, and the audit row. */
#include "server/dispatch/call.h"

#include <string.h>

#include "server/accounts/account_store.h"
#include "server/approvals/approval_store.h"
#include "server/dispatch/door.h"
#include "server/sign_in/sign_in_store.h"

#define APPROVED_ARENA_BYTES (64u * 1024u)

static struct call *call_of(struct writer_job *job)
{
    return (struct call *)((char *)job - offsetof(struct call, writer_job));
}

static const uint8_t *key_of(const struct call *call)
{
    const ProtobufCBinaryData *key = &call->rq.msg->request_key;
    return key->len == REQUEST_KEY_BYTES ? key->data : NULL;
}

/* DB_ROW: this key was answered before, and is now answered the same way. */
static int answer_as_then(struct call *call)
{
    struct request *rq = &call->rq;
    struct audit_seen seen;
    int rc = audit_seen(rq->db, key_of(call), &seen);
    if (rc != DB_ROW) return rc;
    call->is_repeat = true;
    if (memcmp(seen.digest, call->digest, sizeof seen.digest) != 0) {
        refuse(rq, MDG_ERR_KEY_REUSED, "request_key", "other_content");
    } else if (seen.outcome != 0) {
        refuse(rq, seen.outcome, seen.field ? arena_strdup(&rq->arena, seen.field) : NULL,
               seen.rule ? arena_strdup(&rq->arena, seen.rule) : NULL);
        rq->refusal.object_id = seen.object_id;
    } else {
        rq->object_id = seen.object_id;
        rq->rev = seen.rev;
    }
    audit_seen_done(rq->db);
    return DB_ROW;
}

bool call_was_answered(struct call *call)
{
    struct audit_seen seen;
    bool is_known = key_of(call) && audit_seen(call->rq.db, key_of(call), &seen) == DB_ROW;
    audit_seen_done(call->rq.db);
    return is_known;
}

/* A write that waited is judged by the sign-in under which it was made, with that person's rights of now. */
static int judge_waited(struct request *rq)
{
    const Mdg__Waited *waited = rq->msg->waited;
    if (rq->now_us - rq->made_us > (int64_t)REQUEST_KEY_DAYS * 86400 * 1000000)
        return refuse(rq, MDG_ERR_TOO_OLD, "waited.made_us", "key_days");
    rq->caller.person_id = rq->caller.sign_in_id = 0;
    rq->caller.person_roles = 0;
    if (waited->token.len > 0) {
        int rc = sign_in_waited(rq->db, waited->token.data, waited->token.len, rq->caller.terminal_id, rq->made_us,
                                &rq->caller.person_id, &rq->caller.person_roles, &rq->caller.sign_in_id);
        /* Counting needs the terminal alone: a token that does not cover it costs the name, not the count. */
        if (rc == MDG_ERR_TOKEN && (rq->route->flags & ROUTE_TERMINAL_SUFFICES)) {
            rq->caller.person_id = rq->caller.sign_in_id = 0;
            rq->caller.person_roles = 0;
        } else if (rc != 0) {
            return refuse(rq, rc, "waited.token", "sign_in");
        }
    }
    rq->caller.roles = roles_effective(rq->caller.kind, rq->caller.is_private, rq->caller.person_roles);
    return rights_check(rq, false);
}

/* Carries out the call that approvals.decide found, for the person who asked for it. */
static int run_approved(struct call *call)
{
    struct request *rq = &call->rq;
    struct request approved = *rq;
    const void *op;
    Mdg__Request msg = MDG__REQUEST__INIT;
    msg.body = (Mdg__Body *)rq->approved;
    approved.msg = &msg;
    approved.approved = NULL;
    approved.answer = NULL;
    approved.approval_id = rq->object_id;
    approved.object_id = approved.rev = 0;
    approved.caller.person_id = rq->approved_for;
    approved.reason = rq->approved_reason;
    int rc = door_route(&msg, &approved.domain, &approved.route, &op);
    if (rc != 0) return rc;
    approved.op = op;
    /* Whoever asked must still have the right: it may have been taken since. */
    uint32_t roles = 0;
    rc = account_roles_now(rq->db, rq->approved_for, &roles);
    if (rc == MDG_ERR_FORBIDDEN || (rc == 0 && !(roles & approved.route->roles)))
        return refuse(rq, MDG_ERR_FORBIDDEN, "approval_id", "asker_role");
    if (rc != 0) return rc;
    rc = approved.route->handle(&approved);
    rq->arena = approved.arena;
    if (rc != 0 || approved.refusal.code != 0) rq->refusal = approved.refusal;
    memcpy(rq->effects, approved.effects, sizeof rq->effects);
    rq->effects_count = approved.effects_count;
    if (rc != 0) return rc;

    struct audit_entry entry = {.at_us = rq->now_us,
                                .person_id = rq->approved_for,
                                .terminal_id = rq->caller.terminal_id,
                                .operation = approved.route->name,
                                .object_id = approved.object_id,
                                .rev = approved.rev,
                                .rule = "approved",
                                .reason = approved.reason,
                                .count = 1};
    return audit_append(rq->turn, &entry);
}

int call_run(struct writer_job *job, struct turn *turn)
{
    struct call *call = call_of(job);
    struct request *rq = &call->rq;
    rq->db = turn->db;
    rq->turn = turn;
    call->is_repeat = false; /* known for certain only here, where nobody else writes */
    int rc = key_of(call) ? answer_as_then(call) : 0;
    if (rc == DB_ROW) return 0;
    if (rc == 0 && rq->is_deferred) rc = judge_waited(rq);
    if (rc != 0) return rc;

    if ((rq->route->flags & ROUTE_APPROVAL) && rq->caller.kind != KIND_CONSOLE) {
        call->is_asked = true;
        return approval_store(rq);
    }
    rc = rq->route->handle(rq);
    if (rc == 0 && rq->approved) rc = run_approved(call);
    return rc;
}

/* What a handler returned without saying why. */
static void refusal_complete(struct request *rq, int rc)
{
    if (rc != 0 && rq->refusal.code != rc) rq->refusal = (struct refusal){.code = rc};
}

/* Texts of the row have bounded length: rules and fields are constants or paths, reasons are checked at the door. */
int call_settle(struct writer_job *job, struct turn *turn, int rc)
{
    struct call *call = call_of(job);
    struct request *rq = &call->rq;
    refusal_complete(rq, rc);
    /* The clock looks often and seldom finds something. */
    if (rq->caller.kind == KIND_CLOCK && rc == 0 && rq->object_id == 0) return 0;
    if (call->is_repeat && rq->refusal.code != MDG_ERR_KEY_REUSED) return 0;
    /* A rule's answer is one for good; the house's own trouble passes, and then the call may come again. */
    bool is_passing = mdg_error_exit(rq->refusal.code) == MDG_EXIT_UNAVAILABLE;
    bool is_kept_by_key = rq->route->audit == AUDIT_CHANGE && key_of(call) && !call->is_repeat && !is_passing;
    struct audit_entry entry = {.at_us = rq->now_us,
                                .person_id = rq->caller.person_id,
                                .terminal_id = rq->caller.terminal_id,
                                .operation = rq->route->name,
                                .request_key = is_kept_by_key ? key_of(call) : NULL,
                                .request_digest = is_kept_by_key ? call->digest : NULL,
                                .outcome = rq->refusal.code,
                                .object_id = rq->refusal.code ? rq->refusal.object_id : rq->object_id,
                                .rev = rq->rev,
                                .field = rq->refusal.field,
                                .rule = call->is_asked ? "asked" : rq->refusal.rule,
                                .reason = rq->reason,
                                .is_deferred = rq->is_deferred,
                                .count = 1};
    return audit_append(turn, &entry);
}
