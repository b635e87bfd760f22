/* client/ctl/enrol.c - this machine becomes a terminal of the centre. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/output.h"
#include "common/locale.h"

#define PORT_MAX 65535

/* "host:port", "[::1]:port". */
static int server_parse(const char *text, char *host, size_t size, unsigned *port)
{
    const char *colon = strrchr(text, ':');
    int64_t number;
    if (!colon || number_parse(colon + 1, 1, PORT_MAX, &number) != 0) return MDG_ERR_INVALID;
    size_t length = (size_t)(colon - text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= size) return MDG_ERR_INVALID;
    memcpy(host, text, length);
    host[length] = '\0';
    *port = (unsigned)number;
    return 0;
}

struct enrolling {
    struct ctl *ctl;
    bool is_done;
    int rc;
    char check_number[16];
    json_t *document;
};

static void on_check_number(void *arg, const char *number)
{
    struct enrolling *enrolling = arg;
    snprintf(enrolling->check_number, sizeof enrolling->check_number, "%s", number);
    /* To stderr, so that it is seen at once and the JSON document stays one document. */
    fprintf(stderr, _("Check number %s. The office compares it with its own screen.\n"), number);
    fflush(stderr);
}

static void on_enrolled(void *arg, int rc, const Mdg__Refusal *refusal, const struct mdg_centre *centre)
{
    struct enrolling *enrolling = arg;
    enrolling->rc = refusal ? ctl_refused(enrolling->ctl, refusal) : rc;
    if (enrolling->rc == 0 && centre) {
        enrolling->document =
            json_pack("{s:s, s:s, s:s, s:I, s:s}", "centre", centre->name ? centre->name : "", "terminal",
                      centre->terminal_name ? centre->terminal_name : "", "kind", kind_word(centre->terminal_kind),
                      "terminal_id", (json_int_t)centre->terminal_id, "check_number", enrolling->check_number);
    }
    enrolling->is_done = true;
}

static int run_enrol(struct ctl *ctl)
{
    char host[256];
    unsigned port;
    int64_t service_port;
    const struct ctl_options *options = &ctl->options;
    if (server_parse(option_text(options, "server"), host, sizeof host, &port) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--server: please give HOST:PORT of the enrolment listener."));
    if (number_parse(option_text(options, "port"), 1, PORT_MAX, &service_port) != 0)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("--port: please give the port where terminals connect to."));
    struct enrolling enrolling = {.ctl = ctl};
    const struct mdg_enrol_options enrol = {.profile_dir = options->profile_dir,
                                            .host = host,
                                            .port = port,
                                            .service_port = (unsigned)service_port,
                                            .code = option_text(options, "code"),
                                            .on_check_number = on_check_number,
                                            .on_done = on_enrolled,
                                            .arg = &enrolling};
    int rc = uv_loop_init(&ctl->loop);
    ctl->has_loop = rc == 0;
    if (rc == 0) rc = mdg_enrol(&ctl->loop, &enrol);
    if (rc == MDG_ERR_INVALID) return ctl_fail(ctl, rc, _("--code: a code has 10 letters and digits, as 4-4-2."));
    if (rc != 0) return rc;
    while (!enrolling.is_done) uv_run(&ctl->loop, UV_RUN_ONCE); /* the office may take its time */
    if (enrolling.rc == MDG_ERR_CONFLICT && !ctl->refusal)
        return ctl_fail(ctl, enrolling.rc,
                        _("The profile in %s is of another centre. Please give another place with --profile."),
                        options->profile_dir);
    if (enrolling.rc != 0) return enrolling.rc;
    return output_done(ctl, enrolling.document, _("This machine is now “%s” of %s."),
                       json_string_value(json_object_get(enrolling.document, "terminal")),
                       json_string_value(json_object_get(enrolling.document, "centre")));
}

const struct ctl_command ENROL_COMMANDS[] = {
    {"enrol",
     NULL,
     N_("Make this machine a terminal, with the code that the office shows."),
     run_enrol,
     {{"server", "HOST:PORT", N_("the enrolment listener"), true, NULL},
      {"port", "PORT", N_("where terminals connect to afterwards, at the same host"), true, NULL},
      {"code", "CODE", N_("the one-time code, as 4-4-2"), true, NULL}}},
    {0},
};
