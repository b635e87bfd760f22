/* server/groups/groups_domain.h - registered groups, their accounts at the lounge and their contacts. */
#ifndef MADOGUCHI_GROUPS_GROUPS_DOMAIN_H
#define MADOGUCHI_GROUPS_GROUPS_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain GROUPS_DOMAIN;

#endif
