/* client/ctl/main.c - madoguchictl: parse, run, say how it went. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/help.h"
#include "client/ctl/output.h"
#include "common/locale.h"
#include "common/log.h"

/* One document for --json: the answer, or what went wrong. watch has printed its lines already. */
static void answer_print(struct ctl *ctl, int rc, const char *sentence)
{
    if (rc == 0) {
        bool is_watch = ctl->options.command && strcmp(ctl->options.command->name, "watch") == 0;
        if (ctl->answer)
            json_dumpf(ctl->answer, stdout, JSON_INDENT(2));
        else if (!is_watch)
            fputs("{\"ok\": true}", stdout);
        if (!is_watch) putchar('\n');
        return;
    }
    json_t *error = json_pack("{s:i, s:s, s:s}", "code", rc, "name", mdg_error_name(rc), "sentence", sentence);
    if (ctl->refusal) json_object_set(error, "refusal", ctl->refusal);
    json_t *document = ctl->answer ? json_incref(ctl->answer) : json_object();
    json_object_set_new(document, "error", error);
    json_dumpf(document, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(document);
}

int main(int argc, char **argv)
{
    struct ctl ctl;
    char problem[SENTENCE_BYTES];
    signal(SIGPIPE, SIG_IGN); /* a server that was killed is an error of the write, not our end */
    locale_open();
    log_open(LOG_ERROR); /* what a person must know is said in a sentence */
    ctl_init(&ctl);
    int rc = options_parse(&ctl.options, argc, argv, problem, sizeof problem);
    if (rc == 0 && ctl.options.is_completion) {
        completion_print();
    } else if (rc == 0 && ctl.options.is_man) {
        man_print();
    } else if (rc == 0 && ctl.options.is_version) {
        puts("madoguchictl " MDG_VERSION);
    } else if (rc == 0 && ctl.options.is_help) {
        help_print(ctl.options.command);
    } else {
        if (rc == 0) {
            rc = ctl.options.command->run(&ctl);
            /* A command may try one thing, be refused, and go on to another: only its own result counts. */
            snprintf(problem, sizeof problem, "%s",
                     ctl.problem[0] && ctl.error == rc ? ctl.problem : error_sentence(rc));
        }
        if (ctl.options.is_json) answer_print(&ctl, rc, problem);
        if (rc != 0) fprintf(stderr, "%s\n", problem);
    }
    if (fflush(stdout) != 0 && rc == 0) rc = MDG_ERR_IO;
    ctl_fini(&ctl);
    return (int)mdg_error_exit(rc);
}
