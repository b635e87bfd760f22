/* server/consultations/consultation_handlers.h - the calls of consultations, for their route table. */
#ifndef MADOGUCHI_CONSULTATIONS_CONSULTATION_HANDLERS_H
#define MADOGUCHI_CONSULTATIONS_CONSULTATION_HANDLERS_H

struct request;

/* consultation_intake.c: what brings text in */
int handle_consultation_intake(struct request *rq);
int handle_consultation_add(struct request *rq);

/* consultation_handlers.c: what becomes of a case */
int handle_consultation_follow_up(struct request *rq);
int handle_consultation_close(struct request *rq);
int handle_consultation_assign(struct request *rq);
int prepare_consultation_erase_due(struct request *rq);
int handle_consultation_erase_due(struct request *rq);

/* consultation_reading.c: what is read */
int handle_consultation_find(struct request *rq);
int handle_consultation_read(struct request *rq);

#endif
