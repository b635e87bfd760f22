#include "client/ctl/families.h"

const struct ctl_family CTL_FAMILIES[] = {
    {N_("This machine"), ENROL_COMMANDS},
    {N_("Signing in"), SIGN_IN_COMMANDS},
    {N_("The day"), TODAY_COMMANDS},
    {N_("Visitors"), VISIT_COMMANDS},
    {N_("Places, purposes and months"), VISIT_BOOK_COMMANDS},
    {N_("Hours and closed days"), HOURS_COMMANDS},
    {N_("Groups"), GROUP_COMMANDS},
    {N_("Consultations"), CONSULTATION_COMMANDS},
    {N_("Rooms"), ROOM_COMMANDS},
    {N_("Bookings"), BOOKING_COMMANDS},
    {N_("What waits to be sent"), OUTBOX_COMMANDS},
    {N_("Files"), IMPORT_COMMANDS},
    {N_("Lists from files"), IMPORTS_COMMANDS},
    {N_("How things stand"), STATUS_COMMANDS},
    {N_("What happens"), WATCH_COMMANDS},
    {N_("Terminals"), TERMINAL_COMMANDS},
    {N_("Accounts"), ACCOUNT_COMMANDS},
    {N_("Second persons"), APPROVAL_COMMANDS},
    {NULL, NULL},
};
