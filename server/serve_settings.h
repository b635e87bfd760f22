/* server/serve_settings.h - the settings of madoguchid serve: its options, and the keys of its file. */
#ifndef MADOGUCHI_SERVER_SERVE_SETTINGS_H
#define MADOGUCHI_SERVER_SERVE_SETTINGS_H

#include "common/config.h"
#include "common/log.h"
#include "server/net/limits.h"

extern const struct config_setting SERVE_SETTINGS[];
#define SERVE_SETTINGS_COUNT 17

enum log_level serve_log_level(const struct config *config); /* of a value that serve_settings_check() passed */
void serve_limits(const struct config *config, struct net_limits *limits);
/* What no single line can say. The sentence of the fault, or NULL. */
const char *serve_settings_check(const struct config *config);

#endif
