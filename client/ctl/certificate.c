#include "client/ctl/certificate.h"

#include <stdio.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/day.h"

#define PATH_BYTES 4200

static int64_t instant_of(const ASN1_TIME *epoch, const ASN1_TIME *time)
{
    int days = 0, seconds = 0;
    if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch, time) != 1) return 0;
    return days * US_PER_DAY + seconds * US_PER_SECOND;
}

void certificate_life(const char *profile_dir, int64_t *from_us, int64_t *until_us)
{
    char path[PATH_BYTES];
    *from_us = *until_us = 0;
    if (snprintf(path, sizeof path, "%s/terminal.pem", profile_dir) >= (int)sizeof path) return;
    FILE *file = fopen(path, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file) fclose(file);
    if (!certificate) return;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    *from_us = instant_of(epoch, X509_get0_notBefore(certificate));
    *until_us = instant_of(epoch, X509_get0_notAfter(certificate));
    ASN1_TIME_free(epoch);
    X509_free(certificate);
}
