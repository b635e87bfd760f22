/* server/command_grant.c - sets an account's roles while the centre has fewer than two office accounts. */
#include <stdio.h>
#include <string.h>

#include "common/locale.h"
#include "server/command.h"
#include "server/console_client.h"
#include "server/data_dir.h"

static const struct config_setting SETTINGS[] = {
    SETTING_DATA,
    {"name", CONFIG_TEXT, 1, 100, "NAME", NULL, N_("The account's name."), true},
    {"roles", CONFIG_TEXT, 1, 100, "ROLES", NULL,
     N_("With commas between: desk, office, consultation, group, council, chair; none takes all away."), true},
};
static const char *const REQUIRED[] = {"data", "name", "roles", NULL};

/* False: a word that is no role. */
static bool roles_parse(const char *text, uint32_t *roles)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } ROLES[] = {
        {"none", MDG__ROLE__ROLE_NONE},     {"desk", MDG__ROLE__ROLE_DESK},
        {"office", MDG__ROLE__ROLE_OFFICE}, {"consultation", MDG__ROLE__ROLE_CONSULTATION},
        {"group", MDG__ROLE__ROLE_GROUP},   {"council", MDG__ROLE__ROLE_COUNCIL},
        {"chair", MDG__ROLE__ROLE_CHAIR},
    };
    *roles = 0;
    for (;;) {
        const size_t length = strcspn(text, ",");
        size_t i = 0;
        while (i < sizeof ROLES / sizeof ROLES[0] &&
               (strlen(ROLES[i].name) != length || memcmp(ROLES[i].name, text, length) != 0))
            i++;
        if (i == sizeof ROLES / sizeof ROLES[0]) return false;
        *roles |= ROLES[i].bit;
        if (text[length] == '\0') return true;
        text += length + 1;
    }
}

static int grant(struct console *console, const struct config *config, uint32_t roles)
{
    char name[101];
    Mdg__AccountGrant grant = MDG__ACCOUNT_GRANT__INIT;
    Mdg__Accounts accounts = MDG__ACCOUNTS__INIT;
    Mdg__Body body = MDG__BODY__INIT;
    Mdg__Response *response = NULL;
    snprintf(name, sizeof name, "%s", config_text(config, "name"));
    grant.name = name;
    grant.roles = roles;
    accounts.of_case = MDG__ACCOUNTS__OF_GRANT;
    accounts.grant = &grant;
    body.domain_case = MDG__BODY__DOMAIN_ACCOUNTS;
    body.accounts = &accounts;

    int rc = console_call(console, &body, 1, &response);
    if (rc != 0) return rc;
    mdg__response__free_unpacked(response, NULL);
    printf(_("%s now has the roles %s."), name, config_text(config, "roles"));
    printf("\n");
    return 0;
}

static enum mdg_exit run(struct config *config)
{
    struct data_dir dir;
    struct console *console = NULL;
    uint32_t roles;
    if (!roles_parse(config_text(config, "roles"), &roles))
        return complain(MDG_ERR_INVALID,
                        _("--roles takes desk, office, consultation, group, council, chair or none, with "
                          "commas between"));
    int rc = data_dir_init(&dir, config_text(config, "data"), NULL);
    if (rc == 0) rc = data_dir_check(&dir);
    if (rc == 0) rc = console_open(dir.console, &console);
    if (rc == 0) rc = grant(console, config, roles);
    console_close(console);
    return mdg_error_exit(rc);
}

const struct command COMMAND_GRANT = {
    .name = "grant",
    .summary = N_("Sets an account's roles while there are fewer than two office accounts."),
    .settings = SETTINGS,
    .settings_count = sizeof SETTINGS / sizeof SETTINGS[0],
    .required = REQUIRED,
    .run = run,
};
