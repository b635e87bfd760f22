/* server/audit/audit_domain.h - the record of who did what, as terminals see it. The chain itself is store/audit.h. */
#ifndef MADOGUCHI_AUDIT_AUDIT_DOMAIN_H
#define MADOGUCHI_AUDIT_AUDIT_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain AUDIT_DOMAIN;

#endif
