/* server/main.c - finds the command, reads its options, runs it. The commands are in command_*.c. */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/locale.h"
#include "common/log.h"
#include "server/command.h"
#include "server/store/db.h"

/* What this process holds in memory is nobody else's: no core file, no reading by other processes of the user. */
static void guard_process(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* its search for leaks reads the process from outside */
    prctl(PR_SET_DUMPABLE, 0);
#endif
    umask(077);
    db_engine_start();
    signal(SIGPIPE, SIG_IGN); /* a peer that has gone is an error of the write */
}

static bool is_word(const char *argument, const char *word)
{
    return argument && strcmp(argument, word) == 0;
}

static enum mdg_exit run(const struct command *command, int argc, char *const argv[])
{
    for (int i = 0; i < argc; i++) {
        if (!is_word(argv[i], "--help")) continue;
        command_print_help_of(command, stdout);
        return MDG_EXIT_OK;
    }
    struct config *config = NULL;
    int rc = config_new(command->settings, command->settings_count, &config);
    if (rc != 0) return complain(rc, "%s", _("out of memory"));

    enum mdg_exit exit_code;
    rc = config_read_arguments(config, argc, argv);
    if (rc == 0 && command->required) rc = config_require(config, command->required);
    if (rc == 0)
        exit_code = command->run(config);
    else
        exit_code = complain(rc, "%s", config_problem(config));
    config_free(config);
    return exit_code;
}

int main(int argc, char *argv[])
{
    guard_process();
    locale_open();
    log_open(LOG_WARN); /* serve sets its own level */

    int words = 0;
    if (argc < 2) {
        command_print_help(stderr);
        return MDG_EXIT_INPUT;
    }
    if (is_word(argv[1], "--help") || is_word(argv[1], "help")) {
        command_print_help(stdout);
        return MDG_EXIT_OK;
    }
    if (is_word(argv[1], "--version")) {
        puts("madoguchid " MDG_VERSION);
        return MDG_EXIT_OK;
    }
    const struct command *command = command_find(argc - 1, argv + 1, &words);
    if (!command) return complain(MDG_ERR_INVALID, _("there is no command '%s'; see madoguchid --help"), argv[1]);
    enum mdg_exit exit_code = run(command, argc - 1 - words, argv + 1 + words);
    if (fflush(stdout) != 0 && exit_code == MDG_EXIT_OK)
        return complain(MDG_ERR_IO, "%s", _("the output cannot be written"));
    return exit_code;
}
