#ifndef MADOGUCHI_HOURS_HOURS_DOMAIN_H
#define MADOGUCHI_HOURS_HOURS_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain HOURS_DOMAIN;

#endif
