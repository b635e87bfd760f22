/* client/ctl/certificate.h - from when to when the terminal's certificate holds, read from the profile. */
#ifndef MADOGUCHI_CLIENT_CTL_CERTIFICATE_H
#define MADOGUCHI_CLIENT_CTL_CERTIFICATE_H

#include <stdint.h>

/* Both 0 where there is none that can be read. */
void certificate_life(const char *profile_dir, int64_t *from_us, int64_t *until_us);

#endif
