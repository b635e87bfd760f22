/* client/ctl/visit_names.h - the centre's places and purposes as the replica has them, found by name or number. */
#ifndef MADOGUCHI_CLIENT_CTL_VISIT_NAMES_H
#define MADOGUCHI_CLIENT_CTL_VISIT_NAMES_H

#include <stdint.h>

#include "client/ctl/ctl.h"

#define ROW_TERMINAL 4201u
#define ROW_VISIT 7201u
#define ROW_VISIT_DAY 7202u
#define ROW_VISIT_PLACE 7203u
#define ROW_VISIT_PURPOSE 7204u

struct visit_names {
    json_t *places, *purposes; /* arrays of objects: id, name, position, is_retired, purposes also place_id; owned */
};

int visit_names_load(struct ctl *ctl, struct visit_names *names);
void visit_names_fini(struct visit_names *names);

/* wanted NULL: the only one in use. MDG_ERR_INVALID or MDG_ERR_NOT_FOUND with a sentence that lists what there is. */
int visit_place_find(struct ctl *ctl, const struct visit_names *names, const char *wanted, int64_t *id);
int visit_purpose_find(struct ctl *ctl, const struct visit_names *names, int64_t place_id, const char *wanted,
                       int64_t *id);

/* Borrowed; "" when the replica does not know it. */
const char *visit_place_name(const struct visit_names *names, int64_t id);
const char *visit_purpose_name(const struct visit_names *names, int64_t id);

/* A count as a JSON object, with the names put in. */
json_t *visit_json(const struct visit_names *names, const Mdg__Visit *visit);

#endif
