#include "server/groups/group_handlers.h"

#include <stdio.h>

#include "common/day.h"
#include "common/name_search.h"
#include "server/groups/group_rules.h"

int group_to_wire(struct arena *arena, const struct group *group, Mdg__Group *to)
{
    to->id = group->id;
    to->number = group->number;
    to->name = arena_strdup(arena, group->name);
    to->reading = arena_strdup(arena, group->reading);
    to->field = arena_strdup(arena, group->field);
    to->from_day = group->from_day;
    to->to_day = group->to_day;
    to->is_ended = group->is_ended;
    to->note = arena_strdup(arena, group->note);
    return to->name && to->reading && to->field && to->note ? 0 : MDG_ERR_MEMORY;
}

int group_to_hit(struct arena *arena, const struct group *group, Mdg__GroupHit *to)
{
    Mdg__Group *wire = arena_alloc(arena, sizeof *wire);
    if (!wire) return MDG_ERR_MEMORY;
    mdg__group__init(wire);
    to->id = group->id;
    to->rev = group->rev;
    to->group = wire;
    return group_to_wire(arena, group, wire);
}

int group_for_caller(struct request *rq, int64_t id, struct group *group)
{
    int rc;
    if (rq->caller.roles & GROUP_STAFF) {
        rc = group_get(rq->db, id, group);
    } else {
        rc = group_of_person(rq->db, rq->caller.person_id, group);
        if (rc == 0 && id != 0 && id != group->id) rc = MDG_ERR_NOT_FOUND;
    }
    return rc == MDG_ERR_NOT_FOUND ? refuse(rq, rc, "id", "group") : rc;
}

/* --- changing ----------------------------------------------------------------------------------------- */

/* Both versions are the caller's to compare: what was asked for, and what stands there. */
static int refuse_stale(struct request *rq, const struct group *now)
{
    Mdg__GroupHit *hit = answer_new(rq);
    int rc = hit ? group_to_hit(&rq->arena, now, hit) : MDG_ERR_MEMORY;
    if (rc != 0) return rc;
    refuse(rq, MDG_ERR_STALE, "rev", "changed");
    rq->refusal.object_id = now->id;
    rq->refusal.has_answer = true;
    return MDG_ERR_STALE;
}

static int find_to_change(struct request *rq, int64_t id, int64_t rev, struct group *group)
{
    int rc = group_get(rq->db, id, group);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "id", "group");
    if (rc == 0 && group->rev != rev) return refuse_stale(rq, group);
    return rc;
}

static bool is_office(const struct request *rq)
{
    return (rq->caller.roles & ROLE_BIT_OFFICE) != 0;
}

/* A desk drafts; what the office registered is the office's. */
static int check_draft(struct request *rq, const Mdg__GroupSave *save, const struct group *was)
{
    if (was->is_ended) return refuse(rq, MDG_ERR_STATE, "id", "group_ended");
    if (!is_office(rq) && was->from_day != 0) return refuse(rq, MDG_ERR_FORBIDDEN, "id", "group_registered");
    if (!is_office(rq) && (save->from_day != 0 || save->to_day != 0))
        return refuse(rq, MDG_ERR_FORBIDDEN, "from_day", "draft_only");
    if (was->from_day != 0 && save->from_day == 0) return refuse(rq, MDG_ERR_INVALID, "from_day", "required");
    return 0;
}

static int check_number(struct request *rq, const struct group *was, struct group *group)
{
    struct group there;
    if (group->number == 0) {
        group->number = was->number;
        if (group->number != 0) return 0;
        int rc = group_next_number(rq->db, &group->number);
        return rc == MDG_ERR_CONFLICT ? refuse(rq, rc, "number", "none_left") : rc;
    }
    if (group->number == was->number) return 0;
    if (was->person_id != 0) return refuse(rq, MDG_ERR_STATE, "number", "number_stays");
    int rc = group_by_number(rq->db, group->number, &there);
    if (rc == MDG_ERR_NOT_FOUND) return 0;
    if (rc != 0) return rc;
    refuse(rq, MDG_ERR_CONFLICT, "number", "number_taken");
    rq->refusal.object_id = there.id;
    return refuse_arg(rq, "name", "%s", there.name);
}

static int check_rules(struct request *rq, const struct group *group)
{
    const char *field;
    const char *rule = group_rules_names(group->name, group->reading, &field);
    if (!rule) rule = group_rules_term(group->from_day, group->to_day, day_of_us(rq->now_us), &field);
    return rule ? refuse(rq, MDG_ERR_INVALID, field, rule) : 0;
}

int handle_group_save(struct request *rq)
{
    const Mdg__GroupSave *save = rq->op;
    struct group was = {.created_us = rq->now_us};
    int rc = save->id != 0 ? find_to_change(rq, save->id, save->rev, &was) : 0;
    if (rc == 0) rc = check_draft(rq, save, &was);
    if (rc != 0) return rc;

    struct group group = was;
    group.number = save->number;
    group.from_day = save->from_day;
    group.to_day = save->to_day;
    snprintf(group.name, sizeof group.name, "%s", save->name);
    snprintf(group.reading, sizeof group.reading, "%s", save->reading);
    snprintf(group.field, sizeof group.field, "%s", save->field);
    snprintf(group.note, sizeof group.note, "%s", save->note);
    rc = check_rules(rq, &group);
    if (rc == 0) rc = check_number(rq, &was, &group);
    if (rc != 0) return rc;

    if (save->id == 0) group.id = turn_next_id(rq->turn);
    group.rev = change_record(rq, group.id);
    return save->id == 0 ? group_insert(rq->db, &group) : group_update(rq->db, &group);
}

int handle_group_renew(struct request *rq)
{
    const Mdg__GroupRenew *renew = rq->op;
    struct group group;
    int rc = find_to_change(rq, renew->id, renew->rev, &group);
    if (rc != 0) return rc;
    if (group.from_day == 0) return refuse(rq, MDG_ERR_STATE, "id", "group_draft");
    bool was_ended = group.is_ended;
    const char *rule = group_rules_renew(group.from_day, renew->to_day, day_of_us(rq->now_us));
    if (rule) return refuse(rq, MDG_ERR_INVALID, "to_day", rule);
    group.to_day = renew->to_day;
    group.is_ended = false;
    group.rev = change_record(rq, group.id);
    rc = group_update(rq->db, &group);
    if (rc == 0 && was_ended) rc = group_set_end_reason(rq->db, group.id, NULL);
    if (rc == 0 && was_ended) rc = group_account_set(rq, &group, false);
    return rc;
}

int handle_group_end(struct request *rq)
{
    const Mdg__GroupEnd *end = rq->op;
    struct group group;
    int rc = find_to_change(rq, end->id, end->rev, &group);
    if (rc != 0) return rc;
    if (group.is_ended) return refuse(rq, MDG_ERR_STATE, "id", "group_ended");
    const char *rule = group_rules_end(group.from_day, end->last_day, day_of_us(rq->now_us));
    if (rule) return refuse(rq, MDG_ERR_INVALID, "last_day", rule);

    if (group.from_day != 0) group.to_day = end->last_day; /* a draft never had a term */
    group.is_ended = true;
    group.rev = change_record(rq, group.id);
    rq->reason = end->reason;
    rc = group_update(rq->db, &group);
    if (rc == 0) rc = group_set_end_reason(rq->db, group.id, end->reason);
    if (rc == 0) rc = group_account_set(rq, &group, true);
    return rc;
}

/* --- looking ------------------------------------------------------------------------------------------ */

int handle_group_get(struct request *rq)
{
    const Mdg__GroupGet *get = rq->op;
    struct group group;
    int rc = group_for_caller(rq, get->id, &group);
    if (rc != 0) return rc;
    Mdg__GroupHit *hit = answer_new(rq);
    return hit ? group_to_hit(&rq->arena, &group, hit) : MDG_ERR_MEMORY;
}

struct search {
    struct name_query query;
    struct name_hits hits;
};

static int search_key(void *arg, const struct group_key *key)
{
    struct search *search = arg;
    enum name_rank rank = name_query_rank(&search->query, key->name, key->reading, key->loose);
    return rank == NAME_RANK_NONE ? 0 : name_hits_offer(&search->hits, key->id, rank, key->order);
}

static int answer_hits(struct request *rq, const struct name_hits *hits)
{
    Mdg__GroupFound *found = answer_new(rq);
    if (!found) return MDG_ERR_MEMORY;
    found->total = (int32_t)hits->total;
    for (size_t i = 0; i < hits->count; i++) {
        struct group group;
        Mdg__GroupHit *hit = repeated_add(&rq->arena, &found->n_groups, &found->groups, &mdg__group_hit__descriptor);
        int rc = hit ? group_get(rq->db, hits->hits[i].id, &group) : MDG_ERR_MEMORY;
        if (rc == 0) rc = group_to_hit(&rq->arena, &group, hit);
        if (rc != 0) return rc;
    }
    return 0;
}

int handle_group_search(struct request *rq)
{
    const Mdg__GroupSearch *ask = rq->op;
    struct search search;
    int rc = name_query_init(&search.query, ask->text);
    if (rc != 0) return refuse(rq, rc, "text", "required");
    name_hits_init(&search.hits, (size_t)ask->limit);
    rc = group_each_key(rq->db, &search.query, ask->with_ended, search_key, &search);
    if (rc == 0) rc = answer_hits(rq, &search.hits);
    name_hits_fini(&search.hits);
    name_query_fini(&search.query);
    return rc;
}
