#ifndef MADOGUCHI_APPROVALS_APPROVALS_DOMAIN_H
#define MADOGUCHI_APPROVALS_APPROVALS_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain APPROVALS_DOMAIN;

#endif
