/* server/sign_in/sign_in_handlers.h - the stages of this domain's routes, for its table (sign_in_domain.c). */
#ifndef MADOGUCHI_SIGN_IN_SIGN_IN_HANDLERS_H
#define MADOGUCHI_SIGN_IN_SIGN_IN_HANDLERS_H

struct request;

int prepare_sign_in_start(struct request *rq);
int prepare_sign_in_confirm(struct request *rq);
void work_secret_check(struct request *rq);
int handle_sign_in_start(struct request *rq);
int handle_sign_in_resume(struct request *rq);
int handle_sign_in_end(struct request *rq);
int handle_sign_in_confirm(struct request *rq);

int prepare_secret_set(struct request *rq);
void work_secret_set(struct request *rq);
int handle_secret_set(struct request *rq);

#endif
