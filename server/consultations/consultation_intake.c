/* What brings text in: a new case, and an entry to an open one. Both may have waited, then their text comes in a box.
 */
#include <stdio.h>

#include <sodium.h>

#include "common/arena.h"
#include "common/day.h"
#include "server/centre/centre_store.h"
#include "server/consultations/consultation_entries.h"
#include "server/consultations/consultation_handlers.h"
#include "server/consultations/consultation_requests.h"
#include "server/keys/intake_key.h"
#include "server/groups/group_store.h"

/* --- text and contact --------------------------------------------------------------------------------- */

static int open_box(struct request *rq, const ProtobufCBinaryData *box, const Mdg__ConsultationContent **out)
{
    struct intake_key key;
    Mdg__ConsultationContent *content = NULL;
    int rc = intake_key_of(rq->keys, &key);
    if (rc == 0) rc = intake_box_open(&key, box->data, box->len, &rq->arena, &content);
    sodium_memzero(&key, sizeof key);
    *out = content;
    return rc == MDG_ERR_CORRUPT ? refuse(rq, MDG_ERR_INVALID, "sealed", "box") : rc;
}

/* One of the two is set; what comes out keeps the rules. */
static int content_take(struct request *rq, const Mdg__ConsultationContent *plain, const ProtobufCBinaryData *box,
                        const Mdg__ConsultationContent **content)
{
    const char *field, *rule;
    *content = plain;
    int rc = box ? open_box(rq, box, content) : 0;
    if (rc != 0) return rc;
    if (!*content) return refuse(rq, MDG_ERR_INVALID, "content", "required");
    rule = consultation_rules_content(*content, &field);
    return rule ? refuse(rq, MDG_ERR_INVALID, field, rule) : 0;
}

/* Adds the entry to the case and its sums; the case itself is stored by the caller. */
static int entry_add(struct request *rq, struct consultation *c, int64_t at_us, int32_t minutes,
                     const Mdg__ConsultationContent *content)
{
    struct consultation_entry entry = {.id = turn_next_id(rq->turn),
                                       .case_id = c->id,
                                       .at_us = at_us,
                                       .received_us = rq->now_us,
                                       .person_id = rq->caller.person_id,
                                       .terminal_id = rq->caller.terminal_id,
                                       .minutes = minutes,
                                       .content = content};
    c->minutes += minutes;
    c->entries++;
    return consultation_entry_insert(rq->turn, rq->keys, c, &entry);
}

/* --- intake ------------------------------------------------------------------------------------------- */

/* What can be said without the database. */
static int intake_check(struct request *rq, const Mdg__ConsultationIntake *intake)
{
    const char *rule = consultation_rules_time(intake->at_us, rq->now_us);
    if (rule) return refuse(rq, MDG_ERR_INVALID, "at_us", rule);
    if (intake->channel == MDG__CONSULTATION_CHANNEL__CHANNEL_NONE)
        return refuse(rq, MDG_ERR_INVALID, "channel", "required");
    if (intake->client == MDG__CONSULTATION_CLIENT__CLIENT_NONE)
        return refuse(rq, MDG_ERR_INVALID, "client", "required");
    if (consultation_is_blank(intake->topic)) return refuse(rq, MDG_ERR_INVALID, "topic", "required");
    rule = consultation_rules_follow_up(intake->follow_up_day, consultation_day_of_call(rq));
    return rule ? refuse(rq, MDG_ERR_INVALID, "follow_up_day", rule) : 0;
}

static int intake_check_group(struct request *rq, int64_t group_id)
{
    struct group group;
    if (group_id == 0) return 0;
    int rc = group_get(rq->db, group_id, &group);
    return rc == MDG_ERR_NOT_FOUND ? refuse(rq, rc, "group_id", "group") : rc;
}

/* Whose it is. What waited must not be lost since its consultant has left meanwhile: then it is nobody's yet. */
static int intake_owner(struct request *rq, int64_t *owner_id)
{
    const char *rule = consultation_rules_owner(rq->caller.roles, rq->caller.person_id, owner_id);
    if (rule) return refuse(rq, MDG_ERR_FORBIDDEN, "owner_id", rule);
    if (*owner_id == 0) return 0;
    int rc = consultation_check_owner(rq, *owner_id);
    if (rc != MDG_ERR_NOT_FOUND || !rq->is_deferred) return rc;
    rq->refusal = (struct refusal){.code = 0};
    *owner_id = 0;
    return 0;
}

int handle_consultation_intake(struct request *rq)
{
    const Mdg__ConsultationIntake *intake = rq->op;
    const Mdg__ConsultationContent *content = NULL;
    struct centre centre;
    struct consultation c = {.opened_us = intake->at_us,
                             .opened_day = day_of_us(intake->at_us),
                             .channel = intake->channel,
                             .client = intake->client,
                             .group_id = intake->group_id,
                             .people = intake->people,
                             .owner_id = intake->owner_id,
                             .follow_up_day = intake->follow_up_day};
    bool is_box = intake->content_case == MDG__CONSULTATION_INTAKE__CONTENT_SEALED;
    bool is_plain = intake->content_case == MDG__CONSULTATION_INTAKE__CONTENT_PLAIN;
    int rc = intake_check(rq, intake);
    if (rc == 0) rc = content_take(rq, is_plain ? intake->plain : NULL, is_box ? &intake->sealed : NULL, &content);
    if (rc == 0) rc = intake_check_group(rq, c.group_id);
    if (rc == 0) rc = intake_owner(rq, &c.owner_id);
    if (rc == 0) rc = centre_read(rq->db, &rq->arena, &centre);
    if (rc != 0) return rc;

    snprintf(c.topic, sizeof c.topic, "%s", intake->topic);
    c.fiscal_year = day_fiscal_year(c.opened_day, centre.fiscal_year_first_month);
    c.id = turn_next_id(rq->turn);
    c.rev = change_record(rq, c.id);
    rc = consultation_insert(rq->turn, &c);
    if (rc == 0) rc = entry_add(rq, &c, intake->at_us, intake->minutes, content);
    return rc == 0 ? consultation_update(rq->turn, &c) : rc;
}

/* --- an entry, without reading ------------------------------------------------------------------------ */

int handle_consultation_add(struct request *rq)
{
    const Mdg__ConsultationAdd *add = rq->op;
    const Mdg__ConsultationContent *content = NULL;
    struct consultation c;
    bool is_box = add->content_case == MDG__CONSULTATION_ADD__CONTENT_SEALED;
    bool is_plain = add->content_case == MDG__CONSULTATION_ADD__CONTENT_PLAIN;
    const char *rule = consultation_rules_time(add->at_us, rq->now_us);
    if (rule) return refuse(rq, MDG_ERR_INVALID, "at_us", rule);
    int rc = content_take(rq, is_plain ? add->plain : NULL, is_box ? &add->sealed : NULL, &content);
    if (rc == 0) rc = consultation_get(rq->db, add->case_id, 0, &c);
    if (rc == MDG_ERR_NOT_FOUND) return refuse(rq, rc, "case_id", "case");
    if (rc != 0) return rc;
    /* What waited may come after the closing of the case: it belongs to it, and is kept as long. */
    bool was_open_then = rq->is_deferred && rq->made_us <= c.closed_us && !c.is_erased;
    if (c.closed_us != 0 && !was_open_then) return refuse(rq, MDG_ERR_STATE, "case_id", "case_closed");

    c.rev = change_record(rq, c.id);
    rc = entry_add(rq, &c, add->at_us, add->minutes, content);
    return rc == 0 ? consultation_update(rq->turn, &c) : rc;
}
