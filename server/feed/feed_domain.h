#ifndef MADOGUCHI_FEED_FEED_DOMAIN_H
#define MADOGUCHI_FEED_FEED_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain FEED_DOMAIN;

#endif
