/* server/hours/hours_handlers.h - the handlers that hours_domain.c lists; one for each call of proto/hours.proto. */
#ifndef MADOGUCHI_HOURS_HOURS_HANDLERS_H
#define MADOGUCHI_HOURS_HOURS_HANDLERS_H

struct request;

int handle_opening_hours_save(struct request *rq);
int handle_opening_hours_remove(struct request *rq);
int handle_closed_day_save(struct request *rq);
int handle_closed_day_remove(struct request *rq);
int handle_calendar(struct request *rq);

#endif
