/* tests/support/machines.h - machines that enrol at a fixture's centre, and whoever speaks for the office. */
#ifndef MADOGUCHI_TESTS_MACHINES_H
#define MADOGUCHI_TESTS_MACHINES_H

#include <openssl/ssl.h>

#include "common/enrolment.h"
#include "server/terminals/terminal_store.h"
#include "tests/support/handler_fixture.h"

/* A machine before and after its enrolment. */
struct machine {
    struct caller caller; /* applicant first, the terminal afterwards */
    char code[CODE_CHARACTERS + 1];
    uint8_t key[ENROLMENT_KEY_BYTES]; /* Argon2id of code and salt */
    struct der authority;             /* as offered */
    uint8_t fingerprint[FINGERPRINT_BYTES];
    struct der request, private_key, certificate;
    struct der authorities[2];
    size_t authorities_count;
    char serial[CERTIFICATE_SERIAL_HEX_BYTES];
    int64_t id;
};

struct caller caller_console(void);
struct caller caller_office(void);
struct caller caller_clock(void);
/* A connection to the enrolment listener: number tells its exporter from others'. */
struct caller caller_applicant(uint8_t number);

/* Carries out one call of the terminals domain: arm, and its message (NULL: an empty one will do). */
int terminals_call(struct fixture *fixture, const struct caller *caller, Mdg__Terminals__OfCase arm,
                   const void *message, int64_t now_us, struct request *out);
/* The same where only the code is of interest. */
int terminals_try(struct fixture *fixture, const struct caller *caller, Mdg__Terminals__OfCase arm, const void *message,
                  int64_t now_us);

/* The steps of an enrolment; each returns the refusal's code. */
int machine_enrol(struct fixture *fixture, const char *name, Mdg__TerminalKind kind, int64_t now_us,
                  struct machine *machine);                                         /* the console names it: code */
int machine_open(struct fixture *fixture, struct machine *machine, int64_t now_us); /* and works out the key */
int machine_prove(struct fixture *fixture, struct machine *machine, int64_t now_us);
int machine_apply(struct fixture *fixture, struct machine *machine, int64_t now_us);
int machine_decide(struct fixture *fixture, bool is_same, int64_t now_us);
int machine_collect(struct fixture *fixture, struct machine *machine, int64_t now_us);
/* All of them, none of which may fail. */
void machine_make(struct fixture *fixture, const char *name, Mdg__TerminalKind kind, int64_t now_us,
                  struct machine *machine);
/* A renewal with a fresh key; what it had before is lost. */
int machine_renew(struct fixture *fixture, struct machine *machine, int64_t now_us);

/* What the step of the newest enrolment is, for the office. */
Mdg__EnrolmentSeen__Step machines_step(struct fixture *fixture, int64_t now_us);
/* May its certificate come in? */
int machine_admit(struct fixture *fixture, const struct machine *machine, int64_t now_us);
/* A TLS handshake with the server's own context at that time, and one message after it: X509_V_OK, what the machine
 * has against the server's certificate, or what the server has against the machine's. machine may be NULL. */
int machine_shake(struct fixture *fixture, const struct machine *machine, bool is_enrolment, int64_t now_us);

#endif
