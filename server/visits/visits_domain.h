#ifndef MADOGUCHI_VISITS_VISITS_DOMAIN_H
#define MADOGUCHI_VISITS_VISITS_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain VISITS_DOMAIN;

#endif
