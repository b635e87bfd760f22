/* server/imports/import_handlers.h - the handlers that imports_domain.c lists; one for each call of
 * proto/imports.proto. */
#ifndef MADOGUCHI_IMPORTS_IMPORT_HANDLERS_H
#define MADOGUCHI_IMPORTS_IMPORT_HANDLERS_H

struct request;

int handle_import_open(struct request *rq);
int handle_import_add(struct request *rq);
int handle_import_check(struct request *rq);
int prepare_import_commit(struct request *rq);
int handle_import_commit(struct request *rq);
int handle_import_drop(struct request *rq);
int prepare_import_expire(struct request *rq);
int handle_import_expire(struct request *rq);

#endif
