/* server/command_enrol_first.c - the console lets the first terminal in: code, comparison of the check number,
 * decision. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/locale.h"
#include "server/command.h"
#include "server/console_client.h"
#include "server/data_dir.h"

#define ASK_AGAIN_US 200000

static const struct config_setting SETTINGS[] = {
    SETTING_DATA,
    {"name", CONFIG_TEXT, 1, 100, "NAME", NULL, N_("The terminal's name."), true},
    {"kind", CONFIG_TEXT, 1, 20, "KIND", "office", N_("counter, office, lounge, door, council or display."), true},
    {"yes", CONFIG_FLAG, 0, 0, NULL, "no", N_("Accepts the check number without asking: the machine is in your sight."),
     true},
};
static const char *const REQUIRED[] = {"data", "name", NULL};

static int kind_of(const char *text)
{
    static const char *const KINDS[] = {"counter", "office", "lounge", "door", "council", "display"};
    for (int i = 0; i < 6; i++)
        if (strcmp(text, KINDS[i]) == 0) return i + 1; /* enum TerminalKind */
    return 0;
}

static int call(struct console *console, Mdg__Terminals *terminals, int is_write, Mdg__Response **response)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_TERMINALS;
    body.terminals = terminals;
    return console_call(console, &body, is_write, response);
}

/* The arm of the answer, or NULL when the server answered something else. */
static const Mdg__Terminals *answer_of(const Mdg__Response *response, Mdg__Terminals__OfCase arm)
{
    const Mdg__Body *body = response->body;
    if (!body || body->domain_case != MDG__BODY__DOMAIN_TERMINALS || body->terminals->of_case != arm) return NULL;
    return body->terminals;
}

static int issue_code(struct console *console, const struct config *config, int kind)
{
    char name[101];
    Mdg__TerminalEnrol enrol = MDG__TERMINAL_ENROL__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__Response *response = NULL;
    snprintf(name, sizeof name, "%s", config_text(config, "name"));
    enrol.name = name;
    enrol.kind = (Mdg__TerminalKind)kind;
    terminals.of_case = MDG__TERMINALS__OF_ENROL;
    terminals.enrol = &enrol;

    int rc = call(console, &terminals, 1, &response);
    if (rc != 0) return rc;
    const Mdg__Terminals *answer = answer_of(response, MDG__TERMINALS__OF_ENROLLED_CODE);
    if (answer) console_print_code(answer->enrolled_code->code);
    mdg__response__free_unpacked(response, NULL);
    return answer ? 0 : MDG_ERR_INTERNAL;
}

static int look(struct console *console, Mdg__EnrolmentSeen__Step *step, char number[16])
{
    Mdg__EnrolmentState state = MDG__ENROLMENT_STATE__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__Response *response = NULL;
    terminals.of_case = MDG__TERMINALS__OF_ENROLMENT_STATE;
    terminals.enrolment_state = &state;
    int rc = call(console, &terminals, 0, &response);
    if (rc != 0) return rc;
    const Mdg__Terminals *answer = answer_of(response, MDG__TERMINALS__OF_ENROLMENT_SEEN);
    if (answer) {
        *step = answer->enrolment_seen->step;
        snprintf(number, 16, "%s", answer->enrolment_seen->check_number);
    }
    mdg__response__free_unpacked(response, NULL);
    return answer ? 0 : MDG_ERR_INTERNAL;
}

/* Until the machine has come and its number stands here too, or the code is over. */
static int await_number(struct console *console, char number[16])
{
    for (;;) {
        Mdg__EnrolmentSeen__Step step = MDG__ENROLMENT_SEEN__STEP__NONE;
        int rc = look(console, &step, number);
        if (rc != 0) return rc;
        if (step == MDG__ENROLMENT_SEEN__STEP__COMPARE) return 0;
        if (step == MDG__ENROLMENT_SEEN__STEP__ENDED || step == MDG__ENROLMENT_SEEN__STEP__NONE) {
            complain(MDG_ERR_WRONG_CODE, _("the code ran out or was given wrong too often. Run enrol-first again."));
            return MDG_ERR_WRONG_CODE;
        }
        usleep(ASK_AGAIN_US);
    }
}

static int ask_same(const struct config *config)
{
    char answer[32];
    if (config_flag(config, "yes")) return 1;
    printf("%s ", _("Does the terminal show the same number? same? [y/N]"));
    fflush(stdout);
    if (!fgets(answer, sizeof answer, stdin)) return 0;
    return answer[0] == 'y' || answer[0] == 'Y';
}

static int decide(struct console *console, int is_same)
{
    Mdg__EnrolmentDecide decision = MDG__ENROLMENT_DECIDE__INIT;
    Mdg__Terminals terminals = MDG__TERMINALS__INIT;
    Mdg__Response *response = NULL;
    decision.is_same = is_same;
    terminals.of_case = MDG__TERMINALS__OF_ENROLMENT_DECIDE;
    terminals.enrolment_decide = &decision;
    int rc = call(console, &terminals, 1, &response);
    if (response) mdg__response__free_unpacked(response, NULL);
    return rc;
}

static int enrol(struct console *console, const struct config *config, int kind)
{
    char number[16] = "";
    int rc = issue_code(console, config, kind);
    if (rc == 0) {
        puts(_("Give it to the terminal: madoguchictl enrol. Waiting for it ..."));
        fflush(stdout);
        rc = await_number(console, number);
    }
    if (rc != 0) return rc;
    printf(_("check number %s"), number);
    printf("\n");

    const int is_same = ask_same(config);
    rc = decide(console, is_same);
    if (rc == 0 && !is_same) {
        complain(MDG_ERR_UNTRUSTED,
                 _("Not the same: nothing was enrolled. Somebody may stand between; look at the network."));
        return MDG_ERR_UNTRUSTED;
    }
    if (rc == 0) puts(_("The terminal is enrolled."));
    return rc;
}

static enum mdg_exit run(struct config *config)
{
    struct data_dir dir;
    struct console *console = NULL;
    const int kind = kind_of(config_text(config, "kind"));
    if (kind == 0)
        return complain(MDG_ERR_INVALID, _("--kind must be counter, office, lounge, door, council or display"));
    int rc = data_dir_init(&dir, config_text(config, "data"), NULL);
    if (rc == 0) rc = data_dir_check(&dir);
    if (rc == 0) rc = console_open(dir.console, &console);
    if (rc == 0) rc = enrol(console, config, kind);
    console_close(console);
    return mdg_error_exit(rc);
}

const struct command COMMAND_ENROL_FIRST = {
    .name = "enrol-first",
    .summary = N_("Lets the first terminal of a running server in."),
    .settings = SETTINGS,
    .settings_count = sizeof SETTINGS / sizeof SETTINGS[0],
    .required = REQUIRED,
    .run = run,
};
