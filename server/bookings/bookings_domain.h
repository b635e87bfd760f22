#ifndef MADOGUCHI_BOOKINGS_BOOKINGS_DOMAIN_H
#define MADOGUCHI_BOOKINGS_BOOKINGS_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain BOOKINGS_DOMAIN;

#endif
