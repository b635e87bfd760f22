/* server/terminals/terminals_domain.h - the machines: enrolment, renewal, revocation, the centre's authority. */
#ifndef MADOGUCHI_TERMINALS_TERMINALS_DOMAIN_H
#define MADOGUCHI_TERMINALS_TERMINALS_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain TERMINALS_DOMAIN;

#endif
