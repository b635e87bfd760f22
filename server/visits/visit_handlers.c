#include "server/visits/visit_handlers.h"

#include <stdio.h>
#include <string.h>

#include "common/day.h"
#include "server/request/request.h"
#include "server/visits/visit_rules.h"
#include "server/visits/visit_wire.h"

/* --- counting ----------------------------------------------------------------------------------------- */

/* Figures of a closed month stand still. */
static int check_open(struct request *rq, int32_t day, const char *field)
{
    bool is_closed;
    int rc = visit_month_is_closed(rq->db, day_month(day), &is_closed);
    if (rc != 0 || !is_closed) return rc;
    refuse(rq, MDG_ERR_CLOSED, field, "period_closed");
    return refuse_arg(rq, "month", "%d", (int)day_month(day));
}

static int check_place(struct request *rq, int64_t place_id, int64_t purpose_id)
{
    struct visit_place place;
    int rc = visit_place_get(rq->db, false, place_id, &place);
    if (rc == MDG_ERR_NOT_FOUND || (rc == 0 && place.is_retired && !rq->is_deferred))
        return refuse(rq, MDG_ERR_NOT_FOUND, "place_id", "place");
    if (rc != 0 || purpose_id == 0) return rc;
    rc = visit_place_get(rq->db, true, purpose_id, &place);
    if (rc == MDG_ERR_NOT_FOUND || (rc == 0 && (place.place_id != place_id || (place.is_retired && !rq->is_deferred))))
        return refuse(rq, MDG_ERR_NOT_FOUND, "purpose_id", "purpose_of_place");
    return rc;
}

int handle_visit_count(struct request *rq)
{
    const Mdg__VisitCount *count = rq->op;
    const char *field, *rule;
    struct visit v = {.place_id = count->place_id,
                      .purpose_id = count->purpose_id,
                      .people = count->people,
                      .at_us = count->at_us,
                      .received_us = rq->now_us,
                      .is_estimate = count->is_estimate,
                      .terminal_id = rq->caller.terminal_id,
                      .person_id = rq->caller.person_id};
    memcpy(v.count_key, rq->msg->request_key.data, sizeof v.count_key);
    rule = visit_rules_count(v.people, v.purpose_id, v.at_us, rq->now_us, &field);
    if (rule) return refuse(rq, MDG_ERR_INVALID, field, rule);
    v.slot = visit_slot_of_us(v.at_us, &v.day);

    int rc = check_open(rq, v.day, "at_us");
    if (rc == 0) rc = check_place(rq, v.place_id, v.purpose_id);
    if (rc != 0) return rc;
    v.id = turn_next_id(rq->turn);
    v.rev = change_record(rq, v.id);
    return visit_insert(rq->turn, &v, change_record(rq, v.id));
}

/* The day on which a call was made: a waiting one's own day, else today. */
static int32_t day_of_call(const struct request *rq)
{
    return day_of_us(rq->is_deferred ? rq->made_us : rq->now_us);
}

int handle_visit_undo(struct request *rq)
{
    const Mdg__VisitUndo *undo = rq->op;
    struct visit v;
    int64_t people;
    /* Another terminal's count and none at all are the same answer. */
    int rc = visit_find_count(rq->db, undo->count_key.data, rq->caller.terminal_id, &v);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "count_key", "own_count");
    if (rc != 0) return rc;
    if (v.is_undone) return refuse(rq, MDG_ERR_STATE, "count_key", "undone_already");
    if (v.day != day_of_call(rq)) return refuse(rq, MDG_ERR_STATE, "count_key", "same_day");
    rc = check_open(rq, v.day, "count_key");
    if (rc == 0) rc = visit_people_now(rq->db, v.id, &people);
    if (rc != 0) return rc;
    if (people != v.people) return refuse(rq, MDG_ERR_STATE, "count_key", "corrected");
    int64_t rev = change_record(rq, v.id);
    return visit_undo(rq->turn, &v, rev, change_record(rq, v.id));
}

int handle_visit_correct(struct request *rq)
{
    const Mdg__VisitCorrect *correct = rq->op;
    struct visit was;
    int64_t people;
    bool is_closed;
    int rc = visit_get(rq->db, correct->visit_id, &was);
    if (rc == MDG_ERR_NOT_FOUND || (rc == 0 && (was.is_undone || was.corrects_id)))
        return refuse(rq, MDG_ERR_NOT_FOUND, "visit_id", "count");
    if (rc == 0 && was.purpose_id == 0) return refuse(rq, MDG_ERR_STATE, "visit_id", "nobody_there");
    if (rc == 0) rc = visit_people_now(rq->db, was.id, &people);
    if (rc != 0) return rc;
    if (people == correct->people) return refuse(rq, MDG_ERR_STATE, "people", "same_number");

    struct visit v = was;
    v.people = (int32_t)(correct->people - people);
    v.corrects_id = was.id;
    v.received_us = rq->now_us;
    v.terminal_id = rq->caller.terminal_id;
    v.person_id = rq->caller.person_id;
    memcpy(v.count_key, rq->msg->request_key.data, sizeof v.count_key);
    snprintf(v.reason, sizeof v.reason, "%s", correct->reason);
    rq->reason = correct->reason;

    /* A closed month does not move: the difference is a line of today, and shows in the next report. */
    rc = visit_month_is_closed(rq->db, day_month(was.day), &is_closed);
    if (rc == 0 && is_closed) {
        v.at_us = rq->now_us;
        v.slot = visit_slot_of_us(v.at_us, &v.day);
        rc = check_open(rq, v.day, "visit_id");
    }
    if (rc != 0) return rc;
    v.id = turn_next_id(rq->turn);
    v.rev = change_record(rq, v.id);
    return visit_insert(rq->turn, &v, change_record(rq, v.id));
}

/* --- reading ------------------------------------------------------------------------------------------ */

#define PAGE_LINES 500

struct totals_page {
    struct request *rq;
    Mdg__VisitTotalsListed *listed;
};

static int add_total(void *arg, const struct visit_total *total)
{
    struct totals_page *page = arg;
    Mdg__VisitTotal *to =
        repeated_add(&page->rq->arena, &page->listed->n_totals, &page->listed->totals, &mdg__visit_total__descriptor);
    if (!to) return MDG_ERR_MEMORY;
    to->day = total->day;
    to->slot = total->slot;
    to->place_id = total->place_id;
    to->purpose_id = total->purpose_id;
    to->people = total->people;
    to->lines = total->lines;
    to->estimated = total->estimated;
    return 0;
}

/* day.slot.place.purpose of the last line given. */
static bool cursor_read(const char *text, struct visit_total *after)
{
    long long place, purpose;
    int day, slot, end = 0;
    *after = (struct visit_total){.slot = -1};
    if (!text[0]) return true;
    if (sscanf(text, "%d.%d.%lld.%lld%n", &day, &slot, &place, &purpose, &end) != 4 || text[end]) return false;
    *after = (struct visit_total){.day = day, .slot = slot, .place_id = place, .purpose_id = purpose};
    return true;
}

/* Whoever sees visits only as totals sees whole days, as of the evening before: a count of an hour ago may be one
 * person whom somebody saw come in. */
static bool sees_totals_only(const struct caller *caller)
{
    return !(caller->roles & (ROLE_BIT_DESK | ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION));
}

int handle_visit_totals(struct request *rq)
{
    const Mdg__VisitTotals *totals = rq->op;
    struct visit_total after;
    bool more;
    if (!day_is_valid(totals->from_day)) return refuse(rq, MDG_ERR_INVALID, "from_day", "day");
    if (!day_is_valid(totals->to_day)) return refuse(rq, MDG_ERR_INVALID, "to_day", "day");
    if (totals->to_day < totals->from_day) return refuse(rq, MDG_ERR_INVALID, "to_day", "before_from");
    if (totals->step == MDG__VISIT_STEP__VISIT_STEP_NONE) return refuse(rq, MDG_ERR_INVALID, "step", "required");
    if (!cursor_read(totals->cursor, &after)) return refuse(rq, MDG_ERR_INVALID, "cursor", "cursor");
    int32_t to_day = totals->to_day;
    if (sees_totals_only(&rq->caller)) {
        if (totals->step != MDG__VISIT_STEP__VISIT_STEP_MONTH && totals->step != MDG__VISIT_STEP__VISIT_STEP_DAY)
            return refuse(rq, MDG_ERR_FORBIDDEN, "step", "whole_days");
        int32_t yesterday = day_add(day_of_us(rq->now_us), -1);
        if (to_day > yesterday) to_day = yesterday;
    }

    struct totals_page page = {rq, answer_new(rq)};
    if (!page.listed) return MDG_ERR_MEMORY;
    page.listed->as_of_day = to_day;
    int rc = visit_totals(rq->db, (enum visit_step)totals->step, totals->from_day, to_day, &after, PAGE_LINES,
                          add_total, &page, &more);
    if (rc == 0 && more) {
        const Mdg__VisitTotal *last = page.listed->totals[page.listed->n_totals - 1];
        page.listed->next_cursor = arena_printf(&rq->arena, "%d.%d.%lld.%lld", last->day, last->slot,
                                                (long long)last->place_id, (long long)last->purpose_id);
        if (!page.listed->next_cursor) rc = MDG_ERR_MEMORY;
    }
    return rc;
}

struct list_page {
    struct request *rq;
    Mdg__VisitListed *listed;
};

static int add_visit(void *arg, const struct visit *v)
{
    struct list_page *page = arg;
    Mdg__Visit *to =
        repeated_add(&page->rq->arena, &page->listed->n_visits, &page->listed->visits, &mdg__visit__descriptor);
    return to ? visit_to_wire(&page->rq->arena, v, to) : MDG_ERR_MEMORY;
}

int handle_visit_list(struct request *rq)
{
    const Mdg__VisitList *list = rq->op;
    bool more;
    if (list->to_us <= list->from_us) return refuse(rq, MDG_ERR_INVALID, "to_us", "before_from");
    struct list_page page = {rq, answer_new(rq)};
    if (!page.listed) return MDG_ERR_MEMORY;
    int rc = visit_each(rq->db, list->from_us, list->to_us, list->after_us, list->after_id, PAGE_LINES, add_visit,
                        &page, &more);
    page.listed->has_more = more;
    return rc;
}

/* --- places, purposes, months ------------------------------------------------------------------------- */

static int save_place(struct request *rq, bool is_purpose, struct visit_place *place, const char *name)
{
    bool is_new = place->id == 0;
    struct visit_place was;
    snprintf(place->name, sizeof place->name, "%s", name);
    if (!is_new) {
        int rc = visit_place_get(rq->db, is_purpose, place->id, &was);
        if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "id", is_purpose ? "purpose" : "place");
        if (rc != 0) return rc;
        if (is_purpose && place->place_id != was.place_id) return refuse(rq, MDG_ERR_STATE, "place_id", "stays");
    } else if (is_purpose) {
        int rc = visit_place_get(rq->db, false, place->place_id, &was);
        if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "place_id", "place");
        if (rc != 0) return rc;
    }
    if (is_new) place->id = turn_next_id(rq->turn);
    place->rev = change_record(rq, place->id);
    int rc = visit_place_put(rq->turn, is_purpose, place, is_new);
    return rc == MDG_ERR_CONFLICT ? refuse(rq, rc, "name", "taken") : rc;
}

int handle_visit_place_save(struct request *rq)
{
    const Mdg__VisitPlaceSave *save = rq->op;
    struct visit_place place = {.id = save->id, .position = save->position, .is_retired = save->is_retired};
    return save_place(rq, false, &place, save->name);
}

int handle_visit_purpose_save(struct request *rq)
{
    const Mdg__VisitPurposeSave *save = rq->op;
    struct visit_place purpose = {
        .id = save->id, .place_id = save->place_id, .position = save->position, .is_retired = save->is_retired};
    return save_place(rq, true, &purpose, save->name);
}

static int check_month(struct request *rq, int32_t month)
{
    return day_is_valid(month * 100 + 1) ? 0 : refuse(rq, MDG_ERR_INVALID, "month", "month");
}

int handle_period_close(struct request *rq)
{
    const Mdg__PeriodClose *close = rq->op;
    int rc = check_month(rq, close->month);
    if (rc != 0) return rc;
    if (!visit_month_is_over(close->month, day_of_us(rq->now_us)))
        return refuse(rq, MDG_ERR_STATE, "month", "month_not_over");
    rc = visit_month_close(rq->turn, close->month, rq->caller.person_id, rq->now_us, change_record(rq, close->month));
    return rc == MDG_ERR_CONFLICT ? refuse(rq, MDG_ERR_STATE, "month", "closed_already") : rc;
}

int prepare_period_reopen(struct request *rq)
{
    const Mdg__PeriodReopen *reopen = rq->op;
    bool is_closed;
    int rc = check_month(rq, reopen->month);
    if (rc == 0) rc = visit_month_is_closed(rq->db, reopen->month, &is_closed);
    if (rc == 0 && !is_closed) rc = refuse(rq, MDG_ERR_STATE, "month", "not_closed");
    rq->object_id = reopen->month; /* what the second person is asked about */
    return rc;
}

int handle_period_reopen(struct request *rq)
{
    const Mdg__PeriodReopen *reopen = rq->op;
    rq->reason = reopen->reason;
    int rc = visit_month_reopen(rq->turn, reopen->month);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, MDG_ERR_STATE, "month", "not_closed");
    if (rc == 0) change_record(rq, reopen->month);
    return rc;
}
