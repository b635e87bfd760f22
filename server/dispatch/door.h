/* server/dispatch/door.h - what is checked on a call before any handler sees it: that it is a known call, and that
 * every field in it keeps its limits. Pure; any thread. */
#ifndef MADOGUCHI_DISPATCH_DOOR_H
#define MADOGUCHI_DISPATCH_DOOR_H

#include "server/request/domain.h"

/* Finds domain, route and the call's own message. MDG_ERR_UNKNOWN_CALL. */
int door_route(const Mdg__Request *msg, const struct domain **domain, const struct route **route, const void **op);

/* UTF-8, control characters, enumerations and the domain's limits for the call's message and all within it.
 * MDG_ERR_INVALID: *refusal names field (path within the call, in the arena), rule and arguments.
 * Rules: text (not UTF-8, or control characters), length, range, items, unknown (an enumeration's value). */
int door_check(const struct domain *domain, const void *op, struct arena *arena, struct refusal *refusal);

/* Every field of every call has its limit, and no answer arm is missing where a handler could need one: the
 * first fault as text, or NULL. Dispatch refuses to start with one. */
const char *door_audit_tables(void);

#endif
