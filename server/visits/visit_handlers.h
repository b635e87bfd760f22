/* server/visits/visit_handlers.h - the handlers that visits_domain.c lists; one for each call of proto/visits.proto. */
#ifndef MADOGUCHI_VISITS_VISIT_HANDLERS_H
#define MADOGUCHI_VISITS_VISIT_HANDLERS_H

struct request;

int handle_visit_count(struct request *rq);
int handle_visit_undo(struct request *rq);
int handle_visit_correct(struct request *rq);
int handle_visit_totals(struct request *rq);
int handle_visit_list(struct request *rq);
int handle_visit_place_save(struct request *rq);
int handle_visit_purpose_save(struct request *rq);
int handle_period_close(struct request *rq);
int prepare_period_reopen(struct request *rq);
int handle_period_reopen(struct request *rq);

#endif
