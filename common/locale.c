#include "common/locale.h"

#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* gettext translates nothing while the locale is plain "C", so a system without ja_JP gets C.UTF-8 and the language
 * by LANGUAGE, which gettext reads first. */
static void use_language_without_locale(void)
{
    static const char *const NAMES[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *wanted = NULL;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && (!wanted || !*wanted); i++) wanted = getenv(NAMES[i]);
    if (!setlocale(LC_CTYPE, "C.UTF-8") || !setlocale(LC_MESSAGES, "C.UTF-8")) return;
    if (!wanted || !*wanted) return;
    char language[32];
    size_t length = strcspn(wanted, ".@");
    if (length >= sizeof language) return;
    memcpy(language, wanted, length);
    language[length] = '\0';
    const char *chosen = getenv("LANGUAGE");
    if (!chosen || !*chosen) setenv("LANGUAGE", language, 1); /* what the person set stays */
}

static bool runs_from_build_tree(void)
{
    static const char BUILD[] = MDG_BUILD_LOCALE_DIR; /* the build directory and "/locale" */
    char program[PATH_MAX], build[PATH_MAX], resolved[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) return false;
    program[length] = '\0';
    if (snprintf(build, sizeof build, "%s", BUILD) >= (int)sizeof build) return false;
    char *slash = strrchr(build, '/');
    if (!slash || slash == build) return false;
    *slash = '\0';
    if (!realpath(build, resolved)) return false;
    size_t root = strlen(resolved);
    return strncmp(program, resolved, root) == 0 && program[root] == '/';
}

void locale_open(void)
{
    if (!setlocale(LC_CTYPE, "") || !setlocale(LC_MESSAGES, "")) use_language_without_locale();
    bindtextdomain(LOCALE_DOMAIN, runs_from_build_tree() ? MDG_BUILD_LOCALE_DIR : MDG_LOCALE_DIR);
    bind_textdomain_codeset(LOCALE_DOMAIN, "UTF-8");
    textdomain(LOCALE_DOMAIN);
}
