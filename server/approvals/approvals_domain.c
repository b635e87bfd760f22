#include "server/approvals/approvals_domain.h"

#include "server/approvals/approval_store.h"

#define LIST_MAX 500

/* --- deciding ----------------------------------------------------------------------------------------- */

static int handle_decide(struct request *rq)
{
    const Mdg__ApprovalDecide *decide = rq->op;
    struct approval approval;
    int rc = approval_get(rq->db, decide->approval_id, rq->now_us, &rq->arena, &approval);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "approval_id", "open_approval");
    if (rc != 0) return rc;
    if (decide->is_approved && approval.asked_by == rq->caller.person_id)
        return refuse(rq, MDG_ERR_SECOND_PERSON, "approval_id", "another_person");
    rc = approval_decide(rq->turn, approval.id, rq->caller.person_id, decide->is_approved, rq->now_us,
                         change_record(rq, approval.id));
    if (rc != 0 || !decide->is_approved) return rc;

    /* Dispatch carries it out in this same transaction: if it is refused now, so is the approval. */
    ProtobufCAllocator allocator = arena_allocator(&rq->arena);
    rq->approved = mdg__body__unpack(&allocator, approval.body_length, approval.body);
    rq->approved_for = approval.asked_by;
    return rq->approved ? 0 : refuse(rq, MDG_ERR_STATE, "approval_id", "unreadable");
}

struct list {
    struct request *rq;
    Mdg__ApprovalListed *listed;
};

static int add_approval(void *arg, const struct approval *approval)
{
    struct list *list = arg;
    struct arena *arena = &list->rq->arena;
    Mdg__Approval *to =
        repeated_add(arena, &list->listed->n_approvals, &list->listed->approvals, &mdg__approval__descriptor);
    if (!to) return MDG_ERR_MEMORY;
    to->id = approval->id;
    to->operation = arena_strdup(arena, approval->operation);
    to->object_id = approval->object_id;
    to->asked_by = approval->asked_by;
    to->asked_by_name = arena_strdup(arena, approval->asked_by_name);
    to->asked_us = approval->asked_us;
    to->until_us = approval->until_us;
    return to->operation && to->asked_by_name ? 0 : MDG_ERR_MEMORY;
}

static int handle_list(struct request *rq)
{
    struct list list = {rq, answer_new(rq)};
    return list.listed ? approval_each_open(rq->db, rq->now_us, LIST_MAX, add_approval, &list) : MDG_ERR_MEMORY;
}

/* --- tables ------------------------------------------------------------------------------------------- */

/* Everything that needs a second person today is the office's. */
static const struct route ROUTES[] = {
    {.name = "approvals.decide",
     .op = MDG__APPROVALS__OF_DECIDE,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     .access = ROUTE_WRITE,
     .audit = AUDIT_CHANGE,
     .flags = ROUTE_CONFIRM,
     .handle = handle_decide},
    {.name = "approvals.list",
     .op = MDG__APPROVALS__OF_LIST,
     .roles = ROLE_BIT_OFFICE,
     .kinds = KINDS_STAFF,
     .scope = SCOPE_CENTRE,
     .access = ROUTE_READ,
     .audit = AUDIT_NONE,
     .handle = handle_list},
};

static const struct field_limit LIMITS[] = {
    {&mdg__approval_decide__descriptor, 1, 1, INT64_MAX, false}, /* approval_id */
};

const struct domain APPROVALS_DOMAIN = {
    .name = "approvals",
    .arm = MDG__BODY__DOMAIN_APPROVALS,
    .routes = ROUTES,
    .routes_count = sizeof ROUTES / sizeof ROUTES[0],
    .limits = LIMITS,
    .limits_count = sizeof LIMITS / sizeof LIMITS[0],
};
