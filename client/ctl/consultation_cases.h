/* client/ctl/consultation_cases.h - cases as people name them: found in the replica, where the open ones are, or at the
 * server. */
#ifndef MADOGUCHI_CLIENT_CTL_CONSULTATION_CASES_H
#define MADOGUCHI_CLIENT_CTL_CONSULTATION_CASES_H

#include "client/ctl/ctl.h"

#define ROW_CONSULTATION_HEAD 12201u

struct consultation_case {
    int64_t id, rev;
    int fiscal_year, number;
};

int consultations_call(struct ctl *ctl, Mdg__Consultations *consultations, enum ctl_access access, Mdg__Response **out);

/* By "2026-17" or by its long number. MDG_ERR_INVALID, MDG_ERR_NOT_FOUND with a sentence. */
int consultation_case_find(struct ctl *ctl, const char *wanted, struct consultation_case *found);
/* The case that was opened at this very moment, once the server has it. MDG_ERR_NOT_FOUND. */
int consultation_case_opened(struct ctl *ctl, int64_t opened_us, struct consultation_case *found);

/* A group by its number, as the replica has it. */
int consultation_group_find(struct ctl *ctl, const char *wanted, int64_t *group_id);

json_t *consultation_head_json(const Mdg__ConsultationHead *head);

/* The words of the options, and the other way round; 0: no such word. "" for 0. */
int consultation_channel_of(const char *word);
int consultation_client_of(const char *word);
int consultation_outcome_of(const char *word);

#endif
