#ifndef MADOGUCHI_ROOMS_ROOMS_DOMAIN_H
#define MADOGUCHI_ROOMS_ROOMS_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain ROOMS_DOMAIN;

#endif
