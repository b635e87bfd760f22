/* client/ctl/help.h - what the command table yields besides the parser: help, completion, man page. To stdout. */
#ifndef MADOGUCHI_CLIENT_CTL_HELP_H
#define MADOGUCHI_CLIENT_CTL_HELP_H

#include "client/ctl/options.h"

/* command NULL: the list of all. */
void help_print(const struct ctl_command *command);
void completion_print(void); /* bash */
void man_print(void);        /* roff, section 1 */

#endif
