#include "client/lib/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/lib/profile_file.h"
#include "common/bytes.h"
#include "common/error.h"

#define ESCAPED_BYTES (3 * PROFILE_TEXT_BYTES + 4)

static const char FILE_FACTS[] = "profile.ini";
static const char FILE_SIGN_IN[] = "sign_in";

int profile_path(const struct profile *profile, const char *name, char path[PROFILE_PATH_BYTES])
{
    int length = snprintf(path, PROFILE_PATH_BYTES, "%s/%s", profile->dir, name);
    return length > 0 && length < PROFILE_PATH_BYTES ? 0 : MDG_ERR_CONFIG;
}

int profile_make_dir(const char *dir)
{
    if (mkdir(dir, 0700) == 0) return 0;
    struct stat is;
    if (errno == EEXIST) return stat(dir, &is) == 0 && S_ISDIR(is.st_mode) ? 0 : MDG_ERR_CONFIG;
    return errno == ENOSPC ? MDG_ERR_DISK_FULL : MDG_ERR_IO;
}

static bool bytes_from_hex(const char *hex, uint8_t *bytes, size_t length)
{
    if (strlen(hex) != 2 * length) return false;
    for (size_t i = 0; i < length; i++) {
        unsigned byte = 0;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) return false;
        bytes[i] = (uint8_t)byte;
    }
    return true;
}

static int facts_from_text(const char *text, struct profile *profile)
{
    const struct {
        const char *key;
        char *value;
    } TEXTS[] = {{"host", profile->host},
                 {"server_name", profile->server_name},
                 {"centre_name", profile->centre_name},
                 {"zone", profile->zone},
                 {"terminal_name", profile->terminal_name}};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        int rc = profile_file_get(text, TEXTS[i].key, TEXTS[i].value, PROFILE_TEXT_BYTES);
        if (rc != 0) return rc;
    }
    int64_t port = profile_file_get_i64(text, "port");
    if (port < 1 || port > 65535 || profile->host[0] == '\0' || profile->server_name[0] == '\0') return MDG_ERR_CONFIG;
    profile->port = (unsigned)port;
    profile->terminal_id = profile_file_get_i64(text, "terminal_id");
    profile->terminal_kind = (uint32_t)profile_file_get_i64(text, "terminal_kind");
    profile->fiscal_year_first_month = (int)profile_file_get_i64(text, "fiscal_year_first_month");
    profile->clock_offset_us = profile_file_get_i64(text, "clock_offset_us");
    char hex[2 * INTAKE_KEY_BYTES + 1];
    profile->has_intake_key = profile_file_get(text, "intake_key", hex, sizeof hex) == 0 &&
                              bytes_from_hex(hex, profile->intake_key, INTAKE_KEY_BYTES);
    return 0;
}

int profile_load(const char *dir, struct profile *profile)
{
    char path[PROFILE_PATH_BYTES];
    char *text = NULL;
    *profile = (struct profile){0};
    int length = snprintf(profile->dir, sizeof profile->dir, "%s", dir);
    if (length < 0 || (size_t)length >= sizeof profile->dir) return MDG_ERR_CONFIG;
    int rc = profile_path(profile, FILE_FACTS, path);
    if (rc == 0) rc = profile_file_read(path, &text, NULL);
    if (rc != 0) return MDG_ERR_CONFIG;
    rc = facts_from_text(text, profile);
    free(text);
    return rc;
}

int profile_save(const struct profile *profile)
{
    char path[PROFILE_PATH_BYTES], escaped[5][ESCAPED_BYTES], text[5 * ESCAPED_BYTES + 512];
    char intake_key[2 * INTAKE_KEY_BYTES + 1] = "";
    if (profile->has_intake_key) bytes_to_hex(profile->intake_key, INTAKE_KEY_BYTES, intake_key);
    int length = snprintf(
        text, sizeof text,
        "[server]\nhost = %s\nport = %u\nserver_name = %s\n"
        "[terminal]\nterminal_id = %lld\nterminal_name = %s\nterminal_kind = %u\nclock_offset_us = %lld\n"
        "[centre]\ncentre_name = %s\nzone = %s\nfiscal_year_first_month = %d\nintake_key = %s\n",
        profile_file_escape(profile->host, escaped[0], ESCAPED_BYTES), profile->port,
        profile_file_escape(profile->server_name, escaped[1], ESCAPED_BYTES), (long long)profile->terminal_id,
        profile_file_escape(profile->terminal_name, escaped[2], ESCAPED_BYTES), (unsigned)profile->terminal_kind,
        (long long)profile->clock_offset_us, profile_file_escape(profile->centre_name, escaped[3], ESCAPED_BYTES),
        profile_file_escape(profile->zone, escaped[4], ESCAPED_BYTES), profile->fiscal_year_first_month, intake_key);
    if (length < 0 || (size_t)length >= sizeof text) return MDG_ERR_CONFIG;
    int rc = profile_path(profile, FILE_FACTS, path);
    return rc == 0 ? profile_file_write(path, 0644, text, (size_t)length) : rc;
}

/* --- the sign-in ------------------------------------------------------------------------------------------ */

int profile_load_sign_in(const struct profile *profile, struct profile_sign_in *sign_in)
{
    char path[PROFILE_PATH_BYTES], hex[2 * SIGN_IN_TOKEN_BYTES + 1];
    char *text = NULL;
    *sign_in = (struct profile_sign_in){0};
    int rc = profile_path(profile, FILE_SIGN_IN, path);
    if (rc == 0) rc = profile_file_read(path, &text, NULL);
    if (rc != 0) return rc;
    rc = profile_file_get(text, "token", hex, sizeof hex);
    if (rc == 0) rc = profile_file_get(text, "name", sign_in->name, sizeof sign_in->name);
    if (rc == 0 && !bytes_from_hex(hex, sign_in->token, SIGN_IN_TOKEN_BYTES)) rc = MDG_ERR_CONFIG;
    sign_in->token_length = rc == 0 ? SIGN_IN_TOKEN_BYTES : 0;
    sign_in->person_id = profile_file_get_i64(text, "person_id");
    sign_in->roles = (uint32_t)profile_file_get_i64(text, "roles");
    sign_in->until_us = profile_file_get_i64(text, "until_us");
    OPENSSL_cleanse(text, strlen(text));
    OPENSSL_cleanse(hex, sizeof hex);
    free(text);
    if (rc != 0) *sign_in = (struct profile_sign_in){0};
    return rc;
}

int profile_save_sign_in(const struct profile *profile, const struct profile_sign_in *sign_in)
{
    char path[PROFILE_PATH_BYTES], hex[2 * SIGN_IN_TOKEN_BYTES + 1];
    char escaped[ESCAPED_BYTES], text[ESCAPED_BYTES + 256];
    bytes_to_hex(sign_in->token, SIGN_IN_TOKEN_BYTES, hex);
    int length =
        snprintf(text, sizeof text, "token = %s\nperson_id = %lld\nname = %s\nroles = %u\nuntil_us = %lld\n", hex,
                 (long long)sign_in->person_id, profile_file_escape(sign_in->name, escaped, sizeof escaped),
                 (unsigned)sign_in->roles, (long long)sign_in->until_us);
    int rc = length < 0 || (size_t)length >= sizeof text ? MDG_ERR_CONFIG : profile_path(profile, FILE_SIGN_IN, path);
    if (rc == 0) rc = profile_file_write(path, 0600, text, (size_t)length);
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(hex, sizeof hex);
    return rc;
}

void profile_forget_sign_in(const struct profile *profile)
{
    char path[PROFILE_PATH_BYTES];
    if (profile_path(profile, FILE_SIGN_IN, path) == 0) unlink(path);
}

int profile_lock(const struct profile *profile, const char *name, int *fd)
{
    char path[PROFILE_PATH_BYTES];
    int rc = profile_path(profile, name, path);
    if (rc != 0) return rc;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) return MDG_ERR_IO;
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return 0;
    close(*fd);
    *fd = -1;
    return MDG_ERR_IN_USE;
}
