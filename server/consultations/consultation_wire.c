#include "server/consultations/consultation_wire.h"

#include "common/error.h"

int consultation_to_wire(struct arena *arena, const struct consultation *c, Mdg__ConsultationHead *head)
{
    head->id = c->id;
    head->rev = c->rev;
    head->number = c->number;
    head->fiscal_year = c->fiscal_year;
    head->opened_us = c->opened_us;
    head->channel = (Mdg__ConsultationChannel)c->channel;
    head->client = (Mdg__ConsultationClient)c->client;
    head->group_id = c->group_id;
    head->topic = arena_strdup(arena, c->topic);
    head->owner_id = c->owner_id;
    head->follow_up_day = c->follow_up_day;
    head->is_closed = c->closed_us != 0;
    head->outcome = (Mdg__ConsultationOutcome)c->outcome;
    head->minutes = c->minutes;
    head->entries = c->entries;
    head->people = c->people;
    head->referral = arena_strdup(arena, c->referral);
    head->erase_day = c->erase_day;
    head->is_erased = c->is_erased;
    return head->topic && head->referral ? 0 : MDG_ERR_MEMORY;
}

int consultation_notice_to_wire(struct arena *arena, const struct consultation_notice *notice, bool with_reason,
                                Mdg__ConsultationNotice *to)
{
    to->id = notice->id;
    to->case_id = notice->case_id;
    to->owner_id = notice->owner_id;
    to->reader_id = notice->reader_id;
    to->at_us = notice->at_us;
    to->reason = arena_strdup(arena, with_reason ? notice->reason : "");
    return to->reason ? 0 : MDG_ERR_MEMORY;
}
