#include "server/consultations/consultation_handlers.h"

#include <stdio.h>

#include "common/day.h"
#include "server/accounts/account_store.h"
#include "server/consultations/consultation_entries.h"
#include "server/consultations/consultation_requests.h"
#include "server/consultations/consultation_wire.h"
#include "server/request/domain.h"

int32_t consultation_day_of_call(const struct request *rq)
{
    return day_of_us(rq->is_deferred ? rq->made_us : rq->now_us);
}

int consultation_check_owner(struct request *rq, int64_t owner_id)
{
    uint32_t roles = 0;
    int rc = account_roles_now(rq->db, owner_id, &roles);
    if (rc != 0 && rc != MDG_ERR_FORBIDDEN) return rc;
    return rc == 0 && (roles & ROLE_BIT_CONSULTATION) ? 0 : refuse(rq, MDG_ERR_NOT_FOUND, "owner_id", "consultant");
}

static int refuse_stale(struct request *rq, const struct consultation *c)
{
    Mdg__ConsultationHead *head = answer_new(rq);
    int rc = head ? consultation_to_wire(&rq->arena, c, head) : MDG_ERR_MEMORY;
    if (rc != 0) return rc;
    refuse(rq, MDG_ERR_STALE, "rev", "changed");
    rq->refusal.object_id = c->id;
    rq->refusal.has_answer = true;
    return MDG_ERR_STALE;
}

int consultation_for_change(struct request *rq, int64_t case_id, int64_t rev, struct consultation *c)
{
    bool is_any = (rq->route->roles & rq->caller.roles & ROLE_BIT_OFFICE) != 0;
    int rc = consultation_get(rq->db, case_id, is_any ? 0 : rq->caller.person_id, c);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "case_id", is_any ? "case" : "own_case");
    if (rc != 0) return rc;
    if (c->rev != rev) return refuse_stale(rq, c);
    return c->closed_us == 0 ? 0 : refuse(rq, MDG_ERR_STATE, "case_id", "case_closed");
}

int handle_consultation_follow_up(struct request *rq)
{
    const Mdg__ConsultationFollowUp *follow_up = rq->op;
    struct consultation c;
    const char *rule = consultation_rules_follow_up(follow_up->day, consultation_day_of_call(rq));
    if (rule) return refuse(rq, MDG_ERR_INVALID, "day", rule);
    int rc = consultation_for_change(rq, follow_up->case_id, follow_up->rev, &c);
    if (rc == 0 && follow_up->owner_id != 0) rc = consultation_check_owner(rq, follow_up->owner_id);
    if (rc != 0) return rc;
    c.follow_up_day = follow_up->day;
    if (follow_up->owner_id != 0) c.owner_id = follow_up->owner_id;
    c.rev = change_record(rq, c.id);
    return consultation_update(rq->turn, &c);
}

int handle_consultation_close(struct request *rq)
{
    const Mdg__ConsultationClose *close = rq->op;
    struct consultation c;
    if (close->outcome == MDG__CONSULTATION_OUTCOME__OUTCOME_NONE)
        return refuse(rq, MDG_ERR_INVALID, "outcome", "required");
    int rc = consultation_for_change(rq, close->case_id, close->rev, &c);
    if (rc != 0) return rc;
    c.outcome = close->outcome;
    snprintf(c.referral, sizeof c.referral, "%s", close->referral);
    c.closed_us = rq->now_us;
    c.erase_day = consultation_erase_day(day_of_us(rq->now_us));
    c.follow_up_day = 0;
    c.rev = change_record(rq, c.id);
    rc = consultation_update(rq->turn, &c);
    return rc == 0 ? consultation_entries_close(rq->turn, rq->keys, &c) : rc;
}

int handle_consultation_assign(struct request *rq)
{
    const Mdg__ConsultationAssign *assign = rq->op;
    struct consultation c;
    int rc = consultation_for_change(rq, assign->case_id, assign->rev, &c);
    if (rc == 0) rc = consultation_check_owner(rq, assign->owner_id);
    if (rc != 0) return rc;
    if (c.owner_id == assign->owner_id) return refuse(rq, MDG_ERR_STATE, "owner_id", "owner_already");
    c.owner_id = assign->owner_id;
    c.rev = change_record(rq, c.id);
    return consultation_update(rq->turn, &c);
}

/* --- what falls due ----------------------------------------------------------------------------------- */

#define ERASED_AT_ONCE 200

struct due {
    int64_t ids[ERASED_AT_ONCE];
    size_t count;
};

static int add_due(void *arg, const struct consultation *c)
{
    struct due *due = arg;
    due->ids[due->count++] = c->id;
    return 0;
}

int prepare_consultation_erase_due(struct request *rq)
{
    struct due due = {.count = 0};
    bool is_key_due = false;
    int32_t today = day_of_us(rq->now_us);
    int rc = consultation_each_due(rq->db, today, 1, add_due, &due);
    if (rc == 0 && due.count == 0) rc = consultation_keys_are_due(rq->db, today, &is_key_due);
    if (rc != 0) return rc;
    return due.count > 0 || is_key_due ? 0 : refuse(rq, MDG_ERR_STATE, NULL, "nothing_due");
}

int handle_consultation_erase_due(struct request *rq)
{
    struct due due = {.count = 0};
    char name[CONSULTATION_KEY_NAME_BYTES] = "";
    int destroyed = 0;
    int32_t today = day_of_us(rq->now_us);
    int rc = consultation_each_due(rq->db, today, ERASED_AT_ONCE, add_due, &due);
    for (size_t i = 0; rc == 0 && i < due.count; i++)
        rc = consultation_erase(rq->turn, due.ids[i], rq->now_us, change_record(rq, due.ids[i]));
    if (rc == 0) rc = consultation_keys_destroy(rq->turn, rq->keys, today, rq->now_us, &destroyed, name);
    if (rc != 0 || destroyed == 0) return rc;
    /* The clock's calls are audited when they name something. */
    if (rq->object_id == 0) rq->object_id = turn_next_id(rq->turn);
    rq->reason = arena_printf(&rq->arena, "key %s destroyed", name);
    return 0;
}
