/* What is read: the heads that the counter finds a case by, and the text, which leaves only when it is audited. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/day.h"
#include "common/fold.h"
#include "server/consultations/consultation_entries.h"
#include "server/consultations/consultation_handlers.h"
#include "server/consultations/consultation_requests.h"
#include "server/consultations/consultation_wire.h"
#include "server/groups/group_store.h"

/* --- find --------------------------------------------------------------------------------------------- */

#define FOUND_MAX 100
#define FOUND_ENOUGH 1 /* of the callback: not an error, the page is full */

struct search {
    struct request *rq;
    Mdg__ConsultationFound *found;
    char *wanted;         /* folded; NULL: everything */
    int64_t group_number; /* 0: not a number */
};

static bool folded_holds(const char *text, const char *wanted)
{
    char *folded = fold_loose(text);
    bool holds = folded && strstr(folded, wanted);
    free(folded);
    return holds;
}

/* 0: no. DB_ROW: yes. */
static int case_matches(const struct search *search, const struct consultation *c)
{
    struct group group;
    if (!search->wanted || folded_holds(c->topic, search->wanted)) return DB_ROW;
    if (c->group_id == 0) return 0;
    int rc = group_get(search->rq->db, c->group_id, &group);
    if (rc != 0) return rc == MDG_ERR_NOT_FOUND ? 0 : rc;
    if (search->group_number != 0) return group.number == search->group_number ? DB_ROW : 0;
    return folded_holds(group.name, search->wanted) ? DB_ROW : 0;
}

static int found_add(struct search *search, const struct consultation *c)
{
    struct arena *arena = &search->rq->arena;
    Mdg__ConsultationFound *found = search->found;
    Mdg__ConsultationHead *head =
        repeated_add(arena, &found->n_cases, &found->cases, &mdg__consultation_head__descriptor);
    return head ? consultation_to_wire(arena, c, head) : MDG_ERR_MEMORY;
}

static int on_case(void *arg, const struct consultation *c)
{
    struct search *search = arg;
    int rc = case_matches(search, c);
    if (rc != DB_ROW) return rc;
    if (search->found->n_cases == FOUND_MAX) {
        search->found->has_more = true;
        return FOUND_ENOUGH;
    }
    return found_add(search, c);
}

static int64_t group_number_of(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= 6 && strspn(text, "0123456789") == length ? strtoll(text, NULL, 10) : 0;
}

static int find_by_number(struct search *search, int32_t fiscal_year, int32_t number)
{
    struct consultation c;
    int rc = consultation_by_number(search->rq->db, fiscal_year, number, &c);
    if (rc == MDG_ERR_NOT_FOUND) return 0;
    return rc == 0 ? found_add(search, &c) : rc;
}

static int check_span(struct request *rq, const Mdg__ConsultationFind *find)
{
    if (find->from_day != 0 && !day_is_valid(find->from_day)) return refuse(rq, MDG_ERR_INVALID, "from_day", "day");
    if (find->to_day != 0 && !day_is_valid(find->to_day)) return refuse(rq, MDG_ERR_INVALID, "to_day", "day");
    if (find->to_day != 0 && find->to_day < find->from_day) return refuse(rq, MDG_ERR_INVALID, "to_day", "before_from");
    return 0;
}

int handle_consultation_find(struct request *rq)
{
    const Mdg__ConsultationFind *find = rq->op;
    const struct consultation_filter filter = {.with_closed = find->with_closed,
                                               .before_id = find->after_id,
                                               .owner_id = find->owner_id,
                                               .from_day = find->from_day,
                                               .to_day = find->to_day};
    int32_t fiscal_year, number;
    int rc = check_span(rq, find);
    if (rc != 0) return rc;
    char *text = fold_key(find->text);
    if (!text) return MDG_ERR_MEMORY;
    struct search search = {.rq = rq, .found = answer_new(rq), .group_number = group_number_of(text)};
    if (!search.found) {
        rc = MDG_ERR_MEMORY;
    } else if (consultation_number_parse(text, &fiscal_year, &number)) {
        rc = find_by_number(&search, fiscal_year, number);
    } else {
        if (text[0]) search.wanted = fold_loose(text);
        if (text[0] && !search.wanted) rc = MDG_ERR_MEMORY;
        if (rc == 0) rc = consultation_each(rq->db, &filter, on_case, &search);
        if (rc == FOUND_ENOUGH) rc = 0;
    }
    free(search.wanted);
    free(text);
    return rc;
}

/* --- the text ----------------------------------------------------------------------------------------- */

#define TEXT_BYTES (200u * 1024u) /* of a page; the frame around it has 256 KiB */

/* Another's case is read only with a reason, and office and owner are told at once. */
static int tell_notice(struct request *rq, const struct consultation *c, const char *reason)
{
    struct consultation_notice notice = {.id = turn_next_id(rq->turn),
                                         .case_id = c->id,
                                         .owner_id = c->owner_id,
                                         .reader_id = rq->caller.person_id,
                                         .at_us = rq->now_us,
                                         .day = day_of_us(rq->now_us)};
    snprintf(notice.reason, sizeof notice.reason, "%s", reason);
    notice.rev = change_record(rq, c->id);
    rq->reason = reason;
    return consultation_notice_insert(rq->turn, &notice);
}

static int text_fill(struct request *rq, const struct consultation *c, int64_t after_id, Mdg__ConsultationText *text)
{
    struct consultation_entry *entries;
    size_t count;
    bool has_more;
    text->head = arena_alloc(&rq->arena, sizeof *text->head);
    if (!text->head) return MDG_ERR_MEMORY;
    mdg__consultation_head__init(text->head);
    int rc = consultation_to_wire(&rq->arena, c, text->head);
    if (rc == 0)
        rc = consultation_entries_read(rq->db, rq->keys, c->id, after_id, TEXT_BYTES, &rq->arena, &entries, &count,
                                       &has_more);
    if (rc != 0) return rc;
    text->has_more = has_more;
    for (size_t i = 0; i < count; i++) {
        Mdg__ConsultationEntry *to =
            repeated_add(&rq->arena, &text->n_entries, &text->entries, &mdg__consultation_entry__descriptor);
        if (!to) return MDG_ERR_MEMORY;
        to->id = entries[i].id;
        to->at_us = entries[i].at_us;
        to->person_id = entries[i].person_id;
        to->minutes = entries[i].minutes;
        to->content = (Mdg__ConsultationContent *)entries[i].content;
    }
    return 0;
}

int handle_consultation_read(struct request *rq)
{
    const Mdg__ConsultationRead *read = rq->op;
    struct consultation c;
    int rc = consultation_get(rq->db, read->case_id, 0, &c);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "case_id", "case");
    if (rc != 0) return rc;
    bool is_own = c.owner_id == rq->caller.person_id;
    if (!is_own && consultation_is_blank(read->reason)) {
        refuse(rq, MDG_ERR_FORBIDDEN, "reason", "others_case");
        rq->refusal.object_id = c.id; /* the audit row says which case it was */
        return MDG_ERR_FORBIDDEN;
    }
    rq->object_id = c.id;
    if (!is_own) rc = tell_notice(rq, &c, read->reason);
    Mdg__ConsultationText *text = rc == 0 ? answer_new(rq) : NULL;
    if (rc == 0 && !text) rc = MDG_ERR_MEMORY;
    return rc == 0 ? text_fill(rq, &c, read->after_entry_id, text) : rc;
}
