/* server/terminals/terminal_handlers.h - the handlers of the terminals domain, for its route table. */
#ifndef MADOGUCHI_TERMINALS_TERMINAL_HANDLERS_H
#define MADOGUCHI_TERMINALS_TERMINAL_HANDLERS_H

#include "server/request/request.h"
#include "server/terminals/terminal_store.h"

/* office and console (enrolment_handlers.c) */
int prepare_enrol(struct request *rq);
void work_enrol(struct request *rq);
int handle_enrol(struct request *rq);
int handle_enrolment_state(struct request *rq);
int handle_enrolment_decide(struct request *rq);
int prepare_enrolment_expire(struct request *rq);
int handle_enrolment_resume(struct request *rq); /* the clock, once at start */
int handle_enrolment_expire(struct request *rq); /* the clock */

/* the machine that wants in (applicant_handlers.c) */
int handle_open(struct request *rq);
int handle_prove(struct request *rq);
int handle_apply(struct request *rq);
int handle_collect(struct request *rq);

/* enrolled terminals (terminal_handlers.c) */
int handle_terminal_list(struct request *rq);
int handle_terminal_change(struct request *rq);
int handle_terminal_revoke(struct request *rq);
int handle_terminal_renew(struct request *rq);

/* the authority (authority_handlers.c) */
int handle_authority_state(struct request *rq);
int handle_authority_move(struct request *rq);
int prepare_server_renew(struct request *rq);
int handle_server_renew(struct request *rq); /* the clock */

/* Shared by them. */
void terminal_to_wire(const struct terminal *terminal, Mdg__Terminal *wire);
/* name_key is allocated, the caller frees it. MDG_ERR_INVALID is refused already. */
int terminal_name_check(struct request *rq, const char *name, char **name_key);
int terminal_room_check(struct request *rq, enum terminal_kind kind, int64_t room_id);
/* Certificate and authorities, in the arena. */
int terminal_certificate_to_wire(struct request *rq, const struct certificate *certificate,
                                 Mdg__TerminalCertificate *wire);
/* Signs, and stores the certificate; the terminal's row is the caller's. */
int terminal_certify(struct request *rq, int64_t terminal_id, const uint8_t *request, size_t length,
                     struct certificate *certificate);

#endif
