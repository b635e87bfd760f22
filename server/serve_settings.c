#include "server/serve_settings.h"

#include <string.h>

#include "common/locale.h"
#include "server/command.h"

/* Limits of times and sizes that the protocol's page promises (proto/README.md) are not settings; how many may
 * come, and how fast, depends on the house. */
const struct config_setting SERVE_SETTINGS[] = {
    SETTING_DATA,
    SETTING_KEYS,
    {"config", CONFIG_PATH, 0, 0, "FILE", NULL,
     N_("Reads settings from this file; options given here stand before it."), true},
    {"listen", CONFIG_ADDRESS, 0, 0, "ADDR:PORT", "0.0.0.0:7443",
     N_("Where enrolled terminals connect; port 0 takes any free one."), false},
    {"enrol-listen", CONFIG_ADDRESS, 0, 0, "ADDR:PORT", "0.0.0.0:7444",
     N_("Where machines enrol; it listens only while a code is pending."), false},
    {"log-level", CONFIG_TEXT, 1, 8, "LEVEL", "info", N_("The least that is logged: debug, info, warn or error."),
     false},
    {"readers", CONFIG_COUNT, 1, 64, "THREADS", "2", N_("Threads that answer reads."), false},
    {"connections", CONFIG_COUNT, 1, 60000, "CONNECTIONS", "1500",
     N_("Connections at the same time; one more is told to come back."), false},
    {"connections-before-hello", CONFIG_COUNT, 1, 60000, "CONNECTIONS", "64",
     N_("Of these, connections that have not said hello yet."), false},
    {"address-connections", CONFIG_COUNT, 1, 60000, "CONNECTIONS", "8",
     N_("Connections from one address that have not said hello yet."), false},
    {"terminal-connections", CONFIG_COUNT, 1, 64, "CONNECTIONS", "4", N_("Connections of one terminal."), false},
    {"request-rate", CONFIG_COUNT, 1, 1000000, "PER-SECOND", "500",
     N_("Requests a second on a connection of counter, office or council."), false},
    {"request-burst", CONFIG_COUNT, 1, 1000000, "REQUESTS", "2000",
     N_("How many of them may come at once after a silence."), false},
    {"narrow-request-rate", CONFIG_COUNT, 1, 1000000, "PER-SECOND", "20",
     N_("Requests a second on a connection of lounge, door or display, and before hello."), false},
    {"narrow-request-burst", CONFIG_COUNT, 1, 1000000, "REQUESTS", "100",
     N_("How many of those may come at once after a silence."), false},
    {"accept-rate", CONFIG_COUNT, 1, 1000000, "PER-SECOND", "200", N_("Connections taken a second."), false},
    {"drain", CONFIG_SECONDS, 1, 600, "SECONDS", "5",
     N_("How long requests in flight are waited for when the server ends."), false},
};
_Static_assert(sizeof SERVE_SETTINGS / sizeof SERVE_SETTINGS[0] == SERVE_SETTINGS_COUNT, "as the header says");

static const char *const LEVELS[] = {"debug", "info", "warn", "error"}; /* in the order of enum log_level */

static int level_of(const char *text)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(text, LEVELS[i]) == 0) return i;
    return -1;
}

enum log_level serve_log_level(const struct config *config)
{
    int level = level_of(config_text(config, "log-level"));
    return level < 0 ? LOG_INFO : (enum log_level)level;
}

const char *serve_settings_check(const struct config *config)
{
    if (level_of(config_text(config, "log-level")) < 0) return _("log-level must be debug, info, warn or error");
    if (config_number(config, "connections-before-hello") > config_number(config, "connections"))
        return _("connections-before-hello must not be more than connections");
    return NULL;
}

void serve_limits(const struct config *config, struct net_limits *limits)
{
    net_limits_default(limits);
    limits->connections_total = (uint32_t)config_number(config, "connections");
    limits->before_hello = (uint32_t)config_number(config, "connections-before-hello");
    limits->per_address_before = (uint32_t)config_number(config, "address-connections");
    limits->per_terminal_after = (uint32_t)config_number(config, "terminal-connections");
    limits->wide = (struct net_rate){(uint32_t)config_number(config, "request-rate"),
                                     (uint32_t)config_number(config, "request-burst")};
    limits->narrow = (struct net_rate){(uint32_t)config_number(config, "narrow-request-rate"),
                                       (uint32_t)config_number(config, "narrow-request-burst")};
    limits->accepts.per_second = (uint32_t)config_number(config, "accept-rate");
    limits->drain_ms = (uint32_t)config_number(config, "drain") * 1000;
}
