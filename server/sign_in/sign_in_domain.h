/* server/sign_in/sign_in_domain.h - people signing in and out, and setting their own secrets. */
#ifndef MADOGUCHI_SIGN_IN_SIGN_IN_DOMAIN_H
#define MADOGUCHI_SIGN_IN_SIGN_IN_DOMAIN_H

#include "server/request/domain.h"

extern const struct domain SIGN_IN_DOMAIN;

#endif
