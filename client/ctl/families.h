/* client/ctl/families.h - the commands of each file. */
#ifndef MADOGUCHI_CLIENT_CTL_FAMILIES_H
#define MADOGUCHI_CLIENT_CTL_FAMILIES_H

#include "client/ctl/options.h"

extern const struct ctl_command ENROL_COMMANDS[];
extern const struct ctl_command SIGN_IN_COMMANDS[];
extern const struct ctl_command TERMINAL_COMMANDS[];
extern const struct ctl_command ACCOUNT_COMMANDS[];
extern const struct ctl_command APPROVAL_COMMANDS[];
extern const struct ctl_command VISIT_COMMANDS[];
extern const struct ctl_command VISIT_BOOK_COMMANDS[];
extern const struct ctl_command GROUP_COMMANDS[];
extern const struct ctl_command CONSULTATION_COMMANDS[];
extern const struct ctl_command ROOM_COMMANDS[];
extern const struct ctl_command BOOKING_COMMANDS[];
extern const struct ctl_command OUTBOX_COMMANDS[];
extern const struct ctl_command IMPORT_COMMANDS[];
extern const struct ctl_command IMPORTS_COMMANDS[];
extern const struct ctl_command HOURS_COMMANDS[];
extern const struct ctl_command STATUS_COMMANDS[];
extern const struct ctl_command WATCH_COMMANDS[];
extern const struct ctl_command TODAY_COMMANDS[];

#endif
