/* server/accounts/accounts_domain.h - accounts of people and their roles. */
#ifndef MADOGUCHI_ACCOUNTS_ACCOUNTS_DOMAIN_H
#define MADOGUCHI_ACCOUNTS_ACCOUNTS_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain ACCOUNTS_DOMAIN;

#endif
