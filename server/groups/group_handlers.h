/* server/groups/group_handlers.h - the stages of this domain's routes, for its table (groups_domain.c). */
#ifndef MADOGUCHI_GROUPS_GROUP_HANDLERS_H
#define MADOGUCHI_GROUPS_GROUP_HANDLERS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/groups/group_store.h"
#include "server/request/request.h"

#define GROUP_STAFF (ROLE_BIT_DESK | ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION)

/* Into a message that was made; texts go into the arena. MDG_ERR_MEMORY. */
int group_to_wire(struct arena *arena, const struct group *group, Mdg__Group *to);
int group_to_hit(struct arena *arena, const struct group *group, Mdg__GroupHit *to);
/* The staff's choice, or the caller's own: another one and none at all are the same answer. */
int group_for_caller(struct request *rq, int64_t id, struct group *group);

int handle_group_save(struct request *rq);
int handle_group_renew(struct request *rq);
int handle_group_end(struct request *rq);
int handle_group_get(struct request *rq);
int handle_group_search(struct request *rq);

int prepare_group_pin(struct request *rq);
void work_group_pin(struct request *rq);
int handle_group_pin(struct request *rq);
/* The account of a group that ends can no longer sign in; that of one taken up again can. */
int group_account_set(struct request *rq, const struct group *group, bool is_disabled);

int handle_group_contact_get(struct request *rq);
int handle_group_contact_set(struct request *rq);

#endif
