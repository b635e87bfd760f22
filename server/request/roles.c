#include "server/request/roles.h"

uint32_t roles_effective(enum terminal_kind kind, bool is_private, uint32_t person_roles)
{
    switch (kind) {
    case KIND_COUNTER: {
        uint32_t here = ROLE_BIT_DESK | ROLE_BIT_OFFICE | (is_private ? ROLE_BIT_CONSULTATION : 0);
        return ROLE_BIT_TERMINAL | ROLE_BIT_COUNTER_ALONE | (person_roles & here);
    }
    case KIND_OFFICE:
        return ROLE_BIT_TERMINAL | (person_roles & (ROLE_BIT_OFFICE | ROLE_BIT_CONSULTATION));
    case KIND_LOUNGE:
        return ROLE_BIT_TERMINAL | (person_roles & (ROLE_BIT_GROUP | ROLE_BIT_COUNCIL | ROLE_BIT_CHAIR));
    case KIND_COUNCIL:
        return ROLE_BIT_TERMINAL | (person_roles & (ROLE_BIT_COUNCIL | ROLE_BIT_CHAIR));
    case KIND_DOOR:
        return ROLE_BIT_TERMINAL | ROLE_BIT_DOOR;
    case KIND_DISPLAY:
        return ROLE_BIT_TERMINAL | ROLE_BIT_DISPLAY;
    case KIND_APPLICANT:
        return ROLE_BIT_APPLICANT;
    case KIND_CONSOLE:
        return ROLE_BIT_CONSOLE;
    case KIND_CLOCK:
        return ROLE_BIT_CLOCK;
    case KIND_NONE:
    default:
        return 0;
    }
}

const char *terminal_kind_name(enum terminal_kind kind)
{
    switch (kind) {
    case KIND_COUNTER:
        return "counter";
    case KIND_OFFICE:
        return "office";
    case KIND_LOUNGE:
        return "lounge";
    case KIND_DOOR:
        return "door";
    case KIND_COUNCIL:
        return "council";
    case KIND_DISPLAY:
        return "display";
    case KIND_APPLICANT:
        return "applicant";
    case KIND_CONSOLE:
        return "console";
    case KIND_CLOCK:
        return "clock";
    case KIND_NONE:
    default:
        return "none";
    }
}
