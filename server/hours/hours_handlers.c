#include "server/hours/hours_handlers.h"

#include <stdio.h>

#include "common/day.h"
#include "common/era.h"
#include "server/hours/hours_rules.h"
#include "server/hours/hours_wire.h"

/* --- opening hours ------------------------------------------------------------------------------------ */

/* Refuses with what stands there now, so that nobody has to ask for it. */
static int refuse_with_hours(struct request *rq, int code, const char *field, const char *rule,
                             const struct opening_hours *hours)
{
    Mdg__OpeningHoursSeen *seen = answer_new(rq);
    Mdg__OpeningHours *row = seen ? arena_alloc(&rq->arena, sizeof *row) : NULL;
    if (!row) return MDG_ERR_MEMORY;
    mdg__opening_hours__init(row);
    int rc = opening_hours_to_wire(&rq->arena, hours, row);
    if (rc != 0) return rc;
    seen->row = row;
    seen->rev = hours->rev;
    refuse(rq, code, field, rule);
    rq->refusal.has_answer = true;
    rq->refusal.object_id = hours->id;
    refuse_arg(rq, "rev", "%lld", (long long)hours->rev);
    return refuse_arg(rq, "from_day", "%d", (int)hours->from_day);
}

static int hours_get_seen(struct request *rq, int64_t id, int64_t rev, struct opening_hours *was)
{
    int rc = opening_hours_get(rq->db, id, was);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "id", "hours");
    if (rc != 0) return rc;
    return was->rev == rev ? 0 : refuse_with_hours(rq, MDG_ERR_STALE, "rev", "changed", was);
}

static int spans_take(struct request *rq, const Mdg__OpeningHoursSave *save, struct opening_hours *hours)
{
    const char *field;
    int at;
    hours->spans_count = (int)save->n_spans;
    for (int i = 0; i < hours->spans_count; i++)
        hours->spans[i] = (struct open_span){.days = save->spans[i]->days,
                                             .open_minute = save->spans[i]->open_minute,
                                             .close_minute = save->spans[i]->close_minute};
    const char *rule = hours_rules_spans(hours->spans, hours->spans_count, &at, &field);
    if (!rule) return 0;
    refuse(rq, MDG_ERR_INVALID, field, rule);
    return refuse_arg(rq, "span", "%d", at + 1);
}

int handle_opening_hours_save(struct request *rq)
{
    const Mdg__OpeningHoursSave *save = rq->op;
    const int32_t today = day_of_us(rq->now_us);
    struct opening_hours hours = {.id = save->id, .from_day = save->from_day}, was;
    int rc = spans_take(rq, save, &hours);
    const char *rule = rc == 0 ? hours_rules_from(save->from_day, today) : NULL;
    if (rule) return refuse(rq, MDG_ERR_INVALID, "from_day", rule);
    if (rc == 0 && save->id != 0) {
        rc = hours_get_seen(rq, save->id, save->rev, &was);
        if (rc == 0 && was.from_day < today) rc = refuse(rq, MDG_ERR_STATE, "id", "begun");
    }
    if (rc != 0) return rc;

    rc = opening_hours_from(rq->db, hours.from_day, &was);
    if (rc == 0 && was.id != save->id) return refuse_with_hours(rq, MDG_ERR_CONFLICT, "from_day", "day_taken", &was);
    if (rc != 0 && rc != MDG_ERR_NOT_FOUND) return rc;
    if (save->id == 0) hours.id = turn_next_id(rq->turn);
    hours.rev = change_record(rq, hours.id);
    return opening_hours_put(rq->turn, &hours, save->id == 0);
}

int handle_opening_hours_remove(struct request *rq)
{
    const Mdg__OpeningHoursRemove *op = rq->op;
    struct opening_hours hours;
    int rc = hours_get_seen(rq, op->id, op->rev, &hours);
    if (rc == 0 && hours.from_day <= day_of_us(rq->now_us)) rc = refuse(rq, MDG_ERR_STATE, "id", "begun");
    if (rc != 0) return rc;
    hours.is_removed = true;
    hours.rev = change_record(rq, hours.id);
    return opening_hours_put(rq->turn, &hours, false);
}

/* --- closed days -------------------------------------------------------------------------------------- */

static int refuse_with_closed(struct request *rq, int code, const char *field, const char *rule,
                              const struct closed_day *closed)
{
    Mdg__ClosedDaySeen *seen = answer_new(rq);
    Mdg__ClosedDay *row = seen ? arena_alloc(&rq->arena, sizeof *row) : NULL;
    if (!row) return MDG_ERR_MEMORY;
    mdg__closed_day__init(row);
    int rc = closed_day_to_wire(&rq->arena, closed, row);
    if (rc != 0) return rc;
    seen->row = row;
    seen->rev = closed->rev;
    refuse(rq, code, field, rule);
    rq->refusal.has_answer = true;
    rq->refusal.object_id = closed->id;
    refuse_arg(rq, "rev", "%lld", (long long)closed->rev);
    refuse_arg(rq, "from_day", "%d", (int)closed->from_day);
    return refuse_arg(rq, "to_day", "%d", (int)closed->to_day);
}

static int closed_get_seen(struct request *rq, int64_t id, int64_t rev, struct closed_day *was)
{
    int rc = closed_day_get(rq->db, id, was);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "id", "closed_day");
    if (rc != 0) return rc;
    return was->rev == rev ? 0 : refuse_with_closed(rq, MDG_ERR_STALE, "rev", "changed", was);
}

int handle_closed_day_save(struct request *rq)
{
    const Mdg__ClosedDaySave *save = rq->op;
    const int32_t today = day_of_us(rq->now_us);
    struct closed_day closed = {.id = save->id, .from_day = save->from_day, .to_day = save->to_day};
    struct closed_day was = {.id = 0}, other;
    const char *field;
    snprintf(closed.reason, sizeof closed.reason, "%s", save->reason);
    int rc = save->id != 0 ? closed_get_seen(rq, save->id, save->rev, &was) : 0;
    if (rc != 0) return rc;
    const char *rule = hours_rules_closed(closed.from_day, closed.to_day, was.from_day, was.to_day, today, &field);
    if (rule) {
        bool is_state = was.id != 0 && (field[0] == 'i' || (was.from_day < today && closed.from_day != was.from_day));
        return refuse(rq, is_state ? MDG_ERR_STATE : MDG_ERR_INVALID, field, rule);
    }
    rc = closed_day_clash(rq->db, &closed, &other);
    if (rc == 0) return refuse_with_closed(rq, MDG_ERR_CONFLICT, "from_day", "closed_already_then", &other);
    if (rc != MDG_ERR_NOT_FOUND) return rc;
    if (save->id == 0) closed.id = turn_next_id(rq->turn);
    closed.rev = change_record(rq, closed.id);
    return closed_day_put(rq->turn, &closed, save->id == 0);
}

int handle_closed_day_remove(struct request *rq)
{
    const Mdg__ClosedDayRemove *op = rq->op;
    struct closed_day closed;
    int rc = closed_get_seen(rq, op->id, op->rev, &closed);
    if (rc == 0 && closed.from_day <= day_of_us(rq->now_us)) rc = refuse(rq, MDG_ERR_STATE, "id", "begun");
    if (rc != 0) return rc;
    closed.is_removed = true;
    closed.rev = change_record(rq, closed.id);
    return closed_day_put(rq->turn, &closed, false);
}

/* --- the calendar ------------------------------------------------------------------------------------- */

static int calendar_add(struct request *rq, Mdg__CalendarListed *listed, int32_t day)
{
    struct hours_day hours;
    char era[ERA_DATE_BYTES];
    int rc = hours_of_day(rq->db, day, &hours);
    if (rc != 0) return rc;
    Mdg__CalendarDay *to = repeated_add(&rq->arena, &listed->n_days, &listed->days, &mdg__calendar_day__descriptor);
    if (!to) return MDG_ERR_MEMORY;
    era_date(day, era, sizeof era);
    to->day = day;
    to->open_minute = hours.open_minute;
    to->close_minute = hours.close_minute;
    to->holiday = arena_strdup(&rq->arena, hours.holiday);
    to->closed_reason = arena_strdup(&rq->arena, hours.closed_reason);
    to->era_date = arena_strdup(&rq->arena, era);
    return to->holiday && to->closed_reason && to->era_date ? 0 : MDG_ERR_MEMORY;
}

int handle_calendar(struct request *rq)
{
    const Mdg__CalendarQuery *query = rq->op;
    const char *field;
    const char *rule = hours_rules_calendar(query->from_day, query->to_day, &field);
    if (rule) return refuse(rq, MDG_ERR_INVALID, field, rule);
    Mdg__CalendarListed *listed = answer_new(rq);
    if (!listed) return MDG_ERR_MEMORY;
    int rc = 0;
    for (int32_t day = query->from_day; rc == 0 && day <= query->to_day; day = day_add(day, 1))
        rc = calendar_add(rq, listed, day);
    return rc;
}
