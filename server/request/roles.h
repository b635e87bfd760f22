/* server/request/roles.h - who counts as what, where. A call's right is the route's roles ∩ these. Pure. */
#ifndef MADOGUCHI_REQUEST_ROLES_H
#define MADOGUCHI_REQUEST_ROLES_H

#include <stdbool.h>
#include <stdint.h>

/* The first six are proto Role; a person has them. The others are had by the machine alone. */
enum role_bit {
    ROLE_BIT_DESK = 1 << 0,
    ROLE_BIT_OFFICE = 1 << 1,
    ROLE_BIT_CONSULTATION = 1 << 2,
    ROLE_BIT_GROUP = 1 << 3,
    ROLE_BIT_COUNCIL = 1 << 4,
    ROLE_BIT_CHAIR = 1 << 5,
    ROLE_BITS_OF_PERSONS = (1 << 6) - 1,

    ROLE_BIT_DOOR = 1 << 8,           /* a door panel */
    ROLE_BIT_DISPLAY = 1 << 9,        /* the public board */
    ROLE_BIT_COUNTER_ALONE = 1 << 10, /* a counter where nobody need be signed in: counting */
    ROLE_BIT_TERMINAL = 1 << 11,      /* any enrolled terminal, for itself: hello, sign-in, subscribe */
    ROLE_BIT_APPLICANT = 1 << 12,     /* a machine on the enrolment listener */
    ROLE_BIT_CONSOLE = 1 << 13,       /* the server's console, over its local socket */
    ROLE_BIT_CLOCK = 1 << 14          /* the server itself, for what falls due */
};

enum terminal_kind { /* the first are proto TerminalKind */
                     KIND_NONE = 0,
                     KIND_COUNTER = 1,
                     KIND_OFFICE = 2,
                     KIND_LOUNGE = 3,
                     KIND_DOOR = 4,
                     KIND_COUNCIL = 5,
                     KIND_DISPLAY = 6,
                     KIND_ENROLLED_MAX = KIND_DISPLAY,
                     KIND_APPLICANT = 29,
                     KIND_CONSOLE = 30,
                     KIND_CLOCK = 31
};

#define KIND_BIT(kind) (UINT32_C(1) << (kind))
#define KINDS_ENROLLED                                                                              \
    (KIND_BIT(KIND_COUNTER) | KIND_BIT(KIND_OFFICE) | KIND_BIT(KIND_LOUNGE) | KIND_BIT(KIND_DOOR) | \
     KIND_BIT(KIND_COUNCIL) | KIND_BIT(KIND_DISPLAY))
#define KINDS_STAFF (KIND_BIT(KIND_COUNTER) | KIND_BIT(KIND_OFFICE))

/* The bits that count for a person with these roles (0: nobody) at such a terminal (server/README.md 10:
 * D counter; O office, counter; C office, or a counter in a private room; G lounge; M, H council, lounge). */
uint32_t roles_effective(enum terminal_kind kind, bool is_private, uint32_t person_roles);

const char *terminal_kind_name(enum terminal_kind kind); /* "counter", … */

#endif
