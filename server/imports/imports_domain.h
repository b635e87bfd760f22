#ifndef MADOGUCHI_IMPORTS_IMPORTS_DOMAIN_H
#define MADOGUCHI_IMPORTS_IMPORTS_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain IMPORTS_DOMAIN;

#endif
