#ifndef MADOGUCHI_CENTRE_CENTRE_DOMAIN_H
#define MADOGUCHI_CENTRE_CENTRE_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain CENTRE_DOMAIN;

#endif
