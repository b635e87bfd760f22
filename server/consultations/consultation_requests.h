/* server/consultations/consultation_requests.h - what several calls of consultations ask of a request. */
#ifndef MADOGUCHI_CONSULTATIONS_CONSULTATION_REQUESTS_H
#define MADOGUCHI_CONSULTATIONS_CONSULTATION_REQUESTS_H

#include "server/consultations/consultation_store.h"
#include "server/request/request.h"

/* The day on which a call was made: a waiting one's own day, else today. */
int32_t consultation_day_of_call(const struct request *rq);

/* 0, or refused: owner_id is to be somebody with the role of consultation, not disabled. */
int consultation_check_owner(struct request *rq, int64_t owner_id);

/* Gets the case for a change by this caller: the office any, a consultant his own; one of somebody else's and none at
 * all are the same answer. Refused when it is closed, or not as rev saw it (then with the case as it stands). */
int consultation_for_change(struct request *rq, int64_t case_id, int64_t rev, struct consultation *c);

#endif
