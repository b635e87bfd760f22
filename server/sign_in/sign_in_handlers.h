/* server/sign_in/sign_in_handlers.h - the stages of this domain's routes, for its table (sign_in_domain.c). */
#ifndef MADOGUCHI_SIGN_IN_SIGN_IN_HANDLERS_H
#define MADOGUCHI_SIGN_IN_SIGN_IN_HANDLERS_H

#include <stdint.h>

struct account;
struct request;

/* Which of the person's own roles count at the caller's terminal; 0: no sign-in there. */
uint32_t sign_in_roles(const struct request *rq, const struct account *account);

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
