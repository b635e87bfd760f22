/* server/keys/keys_x509.h - what authority.c and certificate.c share. */
#ifndef MADOGUCHI_KEYS_KEYS_X509_H
#define MADOGUCHI_KEYS_KEYS_X509_H

#include "server/keys/authority.h"

/* A parsed request whose signature holds and whose key is of a kind we take; the caller frees it.
 * MDG_ERR_INVALID, MDG_ERR_CRYPTO. */
int certificate_request_parse(const uint8_t *request, size_t length, X509_REQ **out);
/* The whole of der or nothing. NULL: not a certificate. The caller frees it. */
X509 *certificate_parse(const struct der *der);
int certificate_serial_hex(const X509 *certificate, char serial[CERTIFICATE_SERIAL_HEX_BYTES]);

/* Before the decimal id in a terminal certificate's common name. */
#define TERMINAL_NAME_PREFIX "terminal-"

#endif
