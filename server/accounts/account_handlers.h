/* server/accounts/account_handlers.h - the stages of this domain's routes, for its table (accounts_domain.c). */
#ifndef MADOGUCHI_ACCOUNTS_ACCOUNT_HANDLERS_H
#define MADOGUCHI_ACCOUNTS_ACCOUNT_HANDLERS_H

struct request;

/* account_handlers.c */
int handle_account_list(struct request *rq);
int handle_account_disable(struct request *rq);
int handle_account_enable(struct request *rq);
int handle_account_unlock(struct request *rq);
int handle_terminal_unlock(struct request *rq);

/* account_codes.c: what ends in a one-day code */
int prepare_account_create(struct request *rq);
int prepare_account_reset(struct request *rq);
int prepare_account_recover(struct request *rq);
void work_account_code(struct request *rq);
int handle_account_create(struct request *rq);
int handle_account_reset(struct request *rq);
int handle_account_recover(struct request *rq);

/* account_roles.c */
int prepare_account_roles(struct request *rq);
int handle_account_roles(struct request *rq);
int handle_account_grant(struct request *rq);

#endif
