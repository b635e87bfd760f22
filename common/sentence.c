#include "common/sentence.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "common/day.h"
#include "common/error.h"
#include "common/locale.h"

/* For each code, what holds whatever the field and rule. */
static const struct {
    int code;
    const char *text;
} ERRORS[] = {
    {MDG_ERR_INVALID, N_("A value does not fit. Please check what you entered.")},
    {MDG_ERR_MALFORMED, N_("The two programs do not understand each other. Please update this one.")},
    {MDG_ERR_TOO_LARGE, N_("This is too much at once. Please send it in smaller portions.")},
    {MDG_ERR_UNKNOWN_CALL, N_("The server does not know this request. Please update the server.")},
    {MDG_ERR_VERSION, N_("This program and the server are too far apart in version. Please update the older one.")},
    {MDG_ERR_HELLO_FIRST, N_("The connection was not opened properly. Please start the program again.")},
    {MDG_ERR_FORBIDDEN, N_("This cannot be done here with your roles. Please ask the office.")},
    {MDG_ERR_SIGN_IN_NEEDED, N_("Nobody is signed in. Please sign in first.")},
    {MDG_ERR_CONFIRM_NEEDED, N_("Your passphrase is needed once more. Please enter it.")},
    {MDG_ERR_WRONG_SECRET, N_("The name or the passphrase is not right. Please try again.")},
    {MDG_ERR_LOCKED, N_("There were too many wrong attempts. Please wait, or ask the office to unlock it.")},
    {MDG_ERR_REVOKED, N_("This terminal is not enrolled any more. Please ask the office to enrol it again.")},
    {MDG_ERR_CERTIFICATE_EXPIRED,
     N_("The certificate has run out. Please ask the office to enrol this terminal again.")},
    {MDG_ERR_UNTRUSTED, N_("The other side does not belong to this centre. Please check the address.")},
    {MDG_ERR_WRONG_CODE, N_("The code is not right. Please check it and enter it again.")},
    {MDG_ERR_TOKEN, N_("The sign-in under which this was made does not cover it. Please sign in and make it again.")},
    {MDG_ERR_SECOND_PERSON, N_("This needs a second person of the office. Please ask somebody to decide it.")},
    {MDG_ERR_NOT_FOUND, N_("There is no such thing here. Please choose from the list.")},
    {MDG_ERR_CONFLICT, N_("This clashes with something that is already there. Please choose differently.")},
    {MDG_ERR_STALE, N_("Somebody changed it in the meantime. Please look at it again first.")},
    {MDG_ERR_CLOSED, N_("This period is closed. The office can open it again.")},
    {MDG_ERR_KEY_REUSED, N_("This was sent before with other content. Please make it anew.")},
    {MDG_ERR_TOO_OLD, N_("This waited too long to be sent. Please check it and enter it again where needed.")},
    {MDG_ERR_STATE, N_("This cannot be done now. Please look at how it stands first.")},
    {MDG_ERR_BUSY, N_("The server is busy. Please try again in a moment.")},
    {MDG_ERR_DISK_FULL, N_("The disk is full. Please make room and try again.")},
    {MDG_ERR_IO, N_("The disk failed. Whether it was stored is not known; please look before you repeat it.")},
    {MDG_ERR_CORRUPT, N_("A file is damaged. Please restore it from a backup.")},
    {MDG_ERR_IN_USE, N_("Another program has it open. Please close that one first.")},
    {MDG_ERR_NEWER, N_("This was made by a newer version. Please update this program.")},
    {MDG_ERR_CONFIG, N_("The setup is not complete. Please check the settings and the files.")},
    {MDG_ERR_OFFLINE, N_("The server cannot be reached. Please check the network and try again.")},
    {MDG_ERR_DEADLINE, N_("The server did not answer in time. Whether it was done is not known; please look first.")},
    {MDG_ERR_SHUTTING_DOWN, N_("The server is closing. Please try again in a moment.")},
    {MDG_ERR_MEMORY, N_("The memory is used up. Please close other programs and try again.")},
    {MDG_ERR_CRYPTO, N_("The secure connection failed. Please try again.")},
    {MDG_ERR_INTERNAL, N_("The program made a mistake. Please tell whoever looks after it; the log has the details.")},
};

/* The most special first: code, field and rule, where 0 or NULL means any. An entry is only used when all its
 * {arguments} are there. {field} is the field's name in people's words. */
static const struct {
    int code;
    const char *field, *rule;
    const char *text;
} REFUSALS[] = {
    /* visits */
    {0, "people", "range", N_("The number of people must be from {min} to {max}.")},
    {0, "people", "same_number", N_("The count has that number already. Nothing needs to be corrected.")},
    {0, NULL, "future", N_("{field}: this still lies ahead. Please check the clock of this terminal.")},
    {0, "purpose_id", "nobody_has_no_purpose", N_("“Nobody there” is counted without a purpose. Please leave it out.")},
    {0, NULL, "nobody_there", N_("“Nobody there” has no number to correct. Please count anew.")},
    {MDG_ERR_CLOSED, NULL, "period_closed", N_("{month} is closed. The office can open it again.")},
    {0, "month", "month_not_over", N_("This month is not over yet. Please close it afterwards.")},
    {0, NULL, "closed_already", N_("This month is closed already.")},
    {0, NULL, "not_closed", N_("This month is not closed.")},
    {0, NULL, "same_day", N_("Only today's counts can be taken back. Please ask the office for a correction.")},
    {0, NULL, "undone_already", N_("This count was taken back already.")},
    {0, NULL, "corrected", N_("This count was corrected and can no longer be taken back. Please ask the office.")},
    {MDG_ERR_NOT_FOUND, NULL, "count", N_("There is no such count here. Please look into the list of counts.")},
    {MDG_ERR_NOT_FOUND, NULL, "place", N_("There is no such place in use. Please choose another.")},
    {MDG_ERR_NOT_FOUND, NULL, "purpose_of_place", N_("The place has no such purpose in use. Please choose another.")},
    {0, "place_id", "stays", N_("A purpose stays with its place. Please make a new one at the other place.")},
    {0, "step", "whole_days", N_("Here totals are shown by day or month. Please choose one of these.")},
    {0, NULL, "cursor", N_("The pages do not fit together any more. Please start again from the first.")},
    /* opening hours */
    {MDG_ERR_NOT_FOUND, NULL, "hours", N_("There are no such opening hours. Please look into the list.")},
    {MDG_ERR_NOT_FOUND, NULL, "closed_day", N_("There is no such closed day. Please look into the list.")},
    {0, NULL, "begun", N_("This has begun already and stays. Please make a new one from a coming day.")},
    {0, NULL, "over", N_("This is over and stays as it was.")},
    {0, "from_day", "day_taken", N_("Other opening hours begin on {from_day} already. Please change those.")},
    {0, NULL, "closed_already_then",
     N_("It is closed from {from_day} to {to_day} already. Please change that, or choose other days.")},
    {MDG_ERR_STALE, "rev", "changed", N_("Somebody changed it in the meantime. Please look at it again first.")},
    {0, NULL, "past", N_("{field}: this day is past. Please choose one from today on.")},
    {0, NULL, "too_far", N_("{field}: this lies too many years ahead. Please check the year.")},
    {0, NULL, "too_long", N_("{field}: this is too long a time. Please check both days.")},
    {0, NULL, "days", N_("{field}: please name at least one kind of day.")},
    {0, NULL, "day_twice", N_("A kind of day stands there twice. Please give each its hours once.")},
    /* files */
    {MDG_ERR_NOT_FOUND, NULL, "import", N_("The file is not there any more. Please send it again.")},
    {0, NULL, "piece_order", N_("The pieces of the file came in another order. Please send it again.")},
    {0, NULL, "file_too_large", N_("The file is too large. Please cut it into smaller files.")},
    {0, NULL, "faults",
     N_("{faults} things in the file are not right, the first in line {line}. Nothing was taken in.")},
    {0, NULL, "faults", N_("The file is not right. Nothing was taken in.")},
    {0, NULL, "check_again", N_("Something changed since the file was checked. Please check it again.")},
    {0, "file", "empty", N_("There are no lines in the file.")},
    {0, "file", "encoding", N_("The file is neither UTF-8 nor CP932. Please save it as one of these.")},
    {0, "file", "too_many_lines", N_("The file has too many lines. Please cut it into smaller files.")},
    {0, "file", "fewer_years",
     N_("The file holds fewer years than the list in use ({value}). Please take a complete file.")},
    {0, NULL, "column_missing",
     N_("{field}: there is no column of this title ({value}). Please check the first line.")},
    {0, NULL, "column_twice",
     N_("{field}: there are two columns of this title ({value}). Please check the first line.")},
    {0, NULL, "quote_open", N_("A quoted cell does not end. Please check the quotes.")},
    {0, NULL, "quote_inside", N_("There is a quote in the middle of a cell. Please check the quotes.")},
    {0, NULL, "too_many_cells", N_("There are more cells than titles. Please check the commas.")},
    {0, NULL, "year", N_("{field}: the year is too early or too late.")},
    {0, NULL, "twice", N_("{field}: this stands in the file twice.")},
    {0, NULL, "year_incomplete",
     N_("{field}: the year {value} is not complete in the file. Please take a complete file.")},
    /* rooms and bookings */
    {MDG_ERR_NOT_FOUND, NULL, "room", N_("There is no such room in use. Please choose another.")},
    {0, NULL, "room_retired", N_("This room is no longer in use. Please choose another.")},
    {MDG_ERR_NOT_FOUND, NULL, "booking", N_("There is no such booking here. Please look into the list of bookings.")},
    {MDG_ERR_CONFLICT, NULL, "clash",
     N_("The room is taken for part of that time. Please choose another time or room.")},
    {0, NULL, "before_start", N_("{field}: the end lies before the beginning. Please check both.")},
    {0, "end_us", "longest",
     N_("The booking is longer than the centre allows ({minutes} minutes). Please shorten it.")},
    {0, "start_us", "past", N_("{field}: this time is past. Please choose one from today on.")},
    {0, "start_us", "ahead", N_("This lies too far ahead: bookings are taken {days} days before at the earliest.")},
    {0, "start_us", "closed", N_("The centre is closed on {day}. Please choose another day.")},
    {0, "start_us", "opening_hours", N_("This lies outside the opening hours of {day}. Please choose another time.")},
    {0, "lapse_day", "past", N_("The day until which it is held is past. Please choose one from today on.")},
    {0, "lapse_day", "after_start",
     N_("It cannot be held longer than until its own day. Please choose an earlier one.")},
    {MDG_ERR_STATE, NULL, "booking_state",
     N_("The booking is not in a state for that any more. Please look at it again.")},
    {MDG_ERR_STATE, "booking_id", "has_begun", N_("The booking has begun already. Please ask at the counter.")},
    {MDG_ERR_STATE, "booking_id", "not_begun", N_("The booking has not begun yet. Please wait until its time.")},
    {MDG_ERR_STATE, "booking_id", "too_early",
     N_("It is too early: a room can be taken into use {minutes} minutes before at the earliest.")},
    {MDG_ERR_STATE, "booking_id", "over", N_("The time of this booking is over.")},
    {MDG_ERR_FORBIDDEN, NULL, "desk_only", N_("The counter decides about bookings. Please leave it to them.")},
    {MDG_ERR_FORBIDDEN, NULL, "no_group", N_("This account belongs to no group. Please ask at the counter.")},
    {MDG_ERR_NOT_FOUND, "group_id", "group", N_("There is no such group here. Please look for it by name or number.")},
    {MDG_ERR_STATE, "group_id", "group_ended",
     N_("The registration of this group has ended. The office can renew it.")},
    {0, NULL, "too_wide", N_("This is too long a time at once. Please ask for {days} days at most.")},
    /* groups */
    {MDG_ERR_NOT_FOUND, NULL, "group", N_("There is no such group here. Please choose from the list.")},
    {0, NULL, "group_ended", N_("This group has ended. The office can renew it first.")},
    {0, NULL, "group_draft", N_("This group is not registered yet. The office gives it a term first.")},
    {0, NULL, "group_registered", N_("This group is registered already. Please ask the office to change it.")},
    {0, NULL, "draft_only", N_("The counter writes a group down without a term; the office registers it.")},
    {0, NULL, "number_taken", N_("This number belongs to “{name}”. Please choose another.")},
    {0, NULL, "number_stays", N_("The group signs in with its number, so the number stays.")},
    {0, NULL, "none_left", N_("No number is left for another group.")},
    {0, NULL, "account_taken", N_("A person signs in with this number already. Please give the group another one.")},
    {0, NULL, "kana", N_("{field}: please write it in kana.")},
    {0, NULL, "number", N_("{field}: please give a whole number.")},
    {0, NULL, "key_lost", N_("This cannot be opened: its key is not on this server. Please enter it anew.")},
    /* consultations */
    {0, NULL, "too_long_ago", N_("{field}: this is too long ago. Please check the day.")},
    {0, NULL, "too_far_ahead", N_("{field}: this day is too far ahead. Please choose an earlier one.")},
    {MDG_ERR_NOT_FOUND, "owner_id", "consultant",
     N_("This account gives no consultations. Please choose a consultant's.")},
    {MDG_ERR_NOT_FOUND, "case_id", "own_case", N_("You have no such case. Please look for yours in the list.")},
    {MDG_ERR_FORBIDDEN, "owner_id", "own_case",
     N_("You can only open cases of your own. The office gives them to others.")},
    {MDG_ERR_NOT_FOUND, "case_id", "case",
     N_("There is no such case here. Please look for it by number, group or topic.")},
    {MDG_ERR_STATE, "case_id", "case_closed", N_("This case is closed. Please open a new one.")},
    {0, "owner_id", "owner_already", N_("This consultant has the case already.")},
    {0, "reason", "others_case",
     N_("This is another consultant's case. To read it, please give the reason; the office and the consultant are "
        "told.")},
    {0, "sealed", "box", N_("What waited cannot be opened by this server. Please write it anew.")},
    /* people */
    {0, "new_secret", "too_short", N_("The passphrase is too short. Please take at least {min} characters.")},
    {0, "new_secret", "too_long", N_("The passphrase is too long. Please take a shorter one.")},
    {0, "new_secret", "is_sequence",
     N_("The passphrase is a row of keys or digits. Please take one that is harder to guess.")},
    {0, "new_secret", "is_date", N_("The passphrase is a date. Please take one that is harder to guess.")},
    {0, "new_secret", "is_number",
     N_("The passphrase is a telephone or other number. Please take one that is harder to guess.")},
    {0, "new_secret", "is_name", N_("The passphrase holds the name. Please take one that is harder to guess.")},
    {0, "new_secret", "too_common", N_("The passphrase is a common one. Please take one that is harder to guess.")},
    {MDG_ERR_CONFLICT, "name", "taken", N_("This name is taken. Please choose another.")},
    {0, "name", "blank", N_("A name cannot be blank. Please fill it in.")},
    {0, NULL, "last_office", N_("This is the last account of the office. Please give another the role first.")},
    {0, NULL, "secret_short",
     N_("The passphrase is too short for that role. Please let the person set a longer one first.")},
    {0, "person_id", "enabled", N_("This account can sign in already.")},
    {MDG_ERR_STATE, NULL, "disabled", N_("This account is disabled. Please enable it first.")},
    {0, NULL, "not_office", N_("This is not an account of the office. The office can reset it.")},
    {MDG_ERR_LOCKED, NULL, "wait", N_("There were too many wrong attempts. Please try again after {until_us}.")},
    {MDG_ERR_LOCKED, NULL, "office",
     N_("There were too many wrong attempts. Please ask the office to unlock the account.")},
    {MDG_ERR_LOCKED, NULL, "terminal",
     N_("There were too many wrong attempts at this terminal. Please ask the office to unlock it.")},
    {MDG_ERR_SIGN_IN_NEEDED, NULL, "idle",
     N_("You were signed out, as nothing was done for a while. Please sign in again.")},
    {MDG_ERR_SIGN_IN_NEEDED, "token", "ended", N_("The sign-in has ended. Please sign in again.")},
    /* second persons */
    {MDG_ERR_SECOND_PERSON, NULL, "console",
     N_("Until there are two office accounts, this is done at the server: madoguchid grant.")},
    {MDG_ERR_SECOND_PERSON, NULL, "another_person",
     N_("You asked for it yourself. Please ask another person to decide it.")},
    {MDG_ERR_FORBIDDEN, "approval_id", "asker_role",
     N_("Whoever asked for it may not do it any more. Please ask anew.")},
    {0, "approval_id", "unreadable", N_("What was asked for cannot be read any more. Please ask anew.")},
    {0, NULL, "asked_already", N_("This was asked for already and waits for a second person.")},
    /* terminals */
    {0, NULL, "enrolment_pending",
     N_("Another terminal is being enrolled until {until_us}. Please finish or cancel that first.")},
    {0, NULL, "enrolment_pending", N_("Another terminal is being enrolled. Please finish or cancel that first.")},
    {0, NULL, "not_pending", N_("No terminal is being enrolled. Please make a new code.")},
    {0, NULL, "no_check_number", N_("The machine has not come yet. Please wait for the check number.")},
    {MDG_ERR_WRONG_CODE, NULL, "code", N_("The code is not right. There are {tries_left} tries left.")},
    {MDG_ERR_STATE, NULL, "ended", N_("The enrolment has ended. Please make a new code.")},
    {MDG_ERR_STATE, NULL, "revoked", N_("This terminal is revoked. Please enrol it again first.")},
    {0, NULL, "doors_only", N_("Only a door has a room. Please leave it out.")},
    {0, NULL, "door_needs_room", N_("A door needs its room. Please give it.")},
    {0, NULL, "too_many_certificates", N_("This terminal got too many certificates today. Please try again tomorrow.")},
    {0, NULL, "terminals_left", N_("Not all terminals have moved yet. Please wait, or revoke those that are gone.")},
    {0, NULL, "own_certificate",
     N_("This terminal has not moved itself. Please run madoguchictl terminal renew first.")},
    {0, NULL, "nothing_to_undo", N_("There is no step to undo.")},
    {0, NULL, "expired", N_("The old authority has run out, so this step cannot be undone.")},
    {MDG_ERR_FORBIDDEN, NULL, "terminal_kind",
     N_("This cannot be done at this kind of terminal. Please use another one.")},
    {MDG_ERR_FORBIDDEN, NULL, "role", N_("Your roles do not allow this. Please ask the office.")},
    /* any domain */
    {0, NULL, "range", N_("{field}: please give a value from {min} to {max}.")},
    {0, NULL, "range", N_("{field}: the value is too small or too large.")},
    {0, NULL, "length", N_("{field}: please write {min} to {max} bytes; a kana or kanji counts as 3.")},
    {0, NULL, "length", N_("{field}: this is too short or too long.")},
    {0, NULL, "items", N_("{field}: these are too many at once.")},
    {0, NULL, "text", N_("{field}: there are characters in it that cannot be stored. Please write it anew.")},
    {0, NULL, "required", N_("{field}: this is missing. Please fill it in.")},
    {0, NULL, "unknown", N_("{field}: the server does not know this value.")},
    {0, NULL, "day", N_("{field}: there is no such day.")},
    {0, NULL, "month", N_("{field}: there is no such month.")},
    {0, NULL, "before_from", N_("{field}: the end lies before the beginning. Please check both.")},
    {MDG_ERR_LOCKED, NULL, NULL, N_("There were too many wrong attempts. Please try again after {until_us}.")},
    {MDG_ERR_BUSY, NULL, NULL, N_("The server is busy. Please try again in {retry_s} s.")},
};

/* Fields in people's words, by the last part of their path. */
static const struct {
    const char *field, *text;
} FIELDS[] = {
    {"people", N_("Number of people")},
    {"place_id", N_("Place")},
    {"purpose_id", N_("Purpose")},
    {"at_us", N_("Time")},
    {"reason", N_("Reason")},
    {"count_key", N_("Count")},
    {"visit_id", N_("Count")},
    {"from_day", N_("First day")},
    {"to_day", N_("Last day")},
    {"from_us", N_("Beginning")},
    {"to_us", N_("End")},
    {"step", N_("Step of the totals")},
    {"cursor", N_("Page")},
    {"month", N_("Month")},
    {"booking_id", N_("Booking")},
    {"group_id", N_("Group")},
    {"applicant", N_("Applicant")},
    {"title", N_("Title")},
    {"start_us", N_("Beginning")},
    {"end_us", N_("End")},
    {"lapse_day", N_("Held until")},
    {"capacity", N_("Capacity")},
    {"note", N_("Note")},
    {"number", N_("Group number")},
    {"field", N_("Field of activity")},
    {"last_day", N_("Last day")},
    {"representative", N_("Representative")},
    {"phone", N_("Telephone")},
    {"mail", N_("E-mail")},
    {"address", N_("Address")},
    {"contact", N_("Contact")},
    {"rev", N_("Version")},
    {"limit", N_("Most lines")},
    {"text", N_("Text")},
    {"longest_minutes", N_("Longest booking")},
    {"ahead_days", N_("Days ahead")},
    {"hold_days", N_("Days held")},
    {"days", N_("Kinds of day")},
    {"open_minute", N_("Opening time")},
    {"close_minute", N_("Closing time")},
    {"date", N_("Date")},
    {"file", N_("File")},
    {"name", N_("Name")},
    {"reading", N_("Reading")},
    {"position", N_("Position")},
    {"id", N_("Number")},
    {"person_id", N_("Account")},
    {"roles", N_("Roles")},
    {"secret", N_("Passphrase")},
    {"old_secret", N_("Old passphrase")},
    {"new_secret", N_("New passphrase")},
    {"code", N_("Code")},
    {"token", N_("Sign-in")},
    {"terminal_id", N_("Terminal")},
    {"kind", N_("Kind of terminal")},
    {"room_id", N_("Room")},
    {"is_private", N_("In a private room")},
    {"approval_id", N_("Approval")},
    {"request", N_("Certificate request")},
    {"view", N_("View")},
    {"case_id", N_("Case")},
    {"channel", N_("Way it came")},
    {"client", N_("Who asks")},
    {"topic", N_("Topic")},
    {"minutes", N_("Minutes")},
    {"owner_id", N_("Consultant")},
    {"follow_up_day", N_("Next day")},
    {"day", N_("Day")},
    {"content", N_("Text")},
    {"outcome", N_("Outcome")},
    {"referral", N_("Referred to")},
    {"sealed", N_("Sealed text")},
    {"request_key", N_("Key of the request")},
};

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

const char *error_sentence(int code)
{
    for (size_t i = 0; i < COUNT_OF(ERRORS); i++) {
        if (ERRORS[i].code == code) return _(ERRORS[i].text);
    }
    switch (code) {
    case 0:
        return _("Done.");
    case UV_ECONNREFUSED:
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_ETIMEDOUT:
    case UV_ECONNRESET:
    case UV_EPIPE:
    case UV_EOF:
    case UV_EAI_AGAIN:
        return _("The server cannot be reached. Please check the network and try again.");
    case UV_EAI_NONAME:
        return _("No machine of that name is known. Please check the address.");
    case UV_EADDRINUSE:
        return _("Another program uses that port. Please close it or choose another port.");
    case UV_EADDRNOTAVAIL:
        return _("This machine does not have that address. Please check it.");
    case UV_EACCES:
    case UV_EPERM:
        return _("The system does not allow it. Please check the rights of the files.");
    case UV_ENOENT:
        return _("There is no such file. Please check the path.");
    case UV_ENOSPC:
        return _("The disk is full. Please make room and try again.");
    case UV_ECANCELED:
        return _("It was stopped before there was an answer.");
    default:
        return _("The system refused it. The log has the details.");
    }
}

static const char *field_text(const char *field)
{
    const char *last = strrchr(field, '.');
    last = last ? last + 1 : field;
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
        if (strcmp(FIELDS[i].field, last) == 0) return _(FIELDS[i].text);
    }
    return last;
}

void moment_day_text(int32_t day, char *out, size_t size)
{
    static const char *const WEEKDAYS[] = {N_("Sun"), N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat")};
    if (!day_is_valid(day)) {
        snprintf(out, size, "%d", (int)day);
        return;
    }
    snprintf(out, size, "%04d/%02d/%02d(%s)", (int)(day / 10000), (int)(day / 100 % 100), (int)(day % 100),
             _(WEEKDAYS[day_weekday(day)]));
}

void moment_text(int64_t at_us, char *out, size_t size)
{
    int minute = 0;
    int32_t day = day_minute_of_us(at_us, &minute);
    moment_day_text(day, out, size);
    size_t length = strlen(out);
    snprintf(out + length, size - length, " %02d:%02d", minute / 60, minute % 60);
}

static bool ends_with(const char *text, const char *end)
{
    size_t text_length = strlen(text), end_length = strlen(end);
    return text_length >= end_length && strcmp(text + text_length - end_length, end) == 0;
}

/* The value as people read it: instants, days and months by the key's ending. */
static void argument_text(const char *key, const char *value, char *out, size_t size)
{
    char *end = NULL;
    long long number = strtoll(value, &end, 10);
    bool is_number = *value && *end == '\0';
    if (is_number && ends_with(key, "_us"))
        moment_text(number, out, size);
    else if (is_number && ends_with(key, "day") && number > 0 && number <= 99991231)
        moment_day_text((int32_t)number, out, size);
    else if (is_number && ends_with(key, "month") && number >= 100001 && number <= 999912)
        snprintf(out, size, "%04d/%02d", (int)(number / 100), (int)(number % 100));
    else
        snprintf(out, size, "%s", value);
}

/* One {key} of a sentence; false: the refusal does not carry it. */
static bool placeholder_text(const Mdg__Refusal *refusal, const char *key, char *out, size_t size)
{
    if (strcmp(key, "field") == 0) {
        if (!refusal->field[0]) return false;
        snprintf(out, size, "%s", field_text(refusal->field));
        return true;
    }
    if (strcmp(key, "retry_s") == 0) {
        if (refusal->retry_after_ms == 0) return false;
        snprintf(out, size, "%u", (unsigned)((refusal->retry_after_ms + 999) / 1000));
        return true;
    }
    for (size_t i = 0; i < refusal->n_args; i++) {
        if (strcmp(refusal->args[i]->key, key) != 0) continue;
        argument_text(key, refusal->args[i]->value, out, size);
        return true;
    }
    return false;
}

static void cut_at_character(char *text, size_t length)
{
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
    text[length] = '\0';
}

/* The whole sentence into out; false: an argument is missing. */
static bool sentence_fill(const Mdg__Refusal *refusal, const char *text, char *out, size_t size)
{
    size_t length = 0;
    while (*text) {
        char piece[256];
        size_t piece_length = strcspn(text, "{");
        if (piece_length > 0) {
            if (piece_length >= sizeof piece) piece_length = sizeof piece - 1;
            memcpy(piece, text, piece_length);
            piece[piece_length] = '\0';
            text += piece_length;
        } else {
            char key[32];
            size_t key_length = strcspn(++text, "}");
            if (key_length >= sizeof key || text[key_length] != '}') return false;
            memcpy(key, text, key_length);
            key[key_length] = '\0';
            text += key_length + 1;
            if (!placeholder_text(refusal, key, piece, sizeof piece)) return false;
            piece_length = strlen(piece);
        }
        if (length + piece_length >= size) {
            memcpy(out + length, piece, size - length);
            cut_at_character(out, size - 1);
            return true;
        }
        memcpy(out + length, piece, piece_length + 1);
        length += piece_length;
    }
    return true;
}

static bool entry_matches(size_t i, const Mdg__Refusal *refusal)
{
    if (REFUSALS[i].code != 0 && REFUSALS[i].code != refusal->code) return false;
    if (REFUSALS[i].rule && strcmp(REFUSALS[i].rule, refusal->rule) != 0) return false;
    if (!REFUSALS[i].field) return true;
    const char *last = strrchr(refusal->field, '.');
    return strcmp(REFUSALS[i].field, last ? last + 1 : refusal->field) == 0;
}

void refusal_sentence(const Mdg__Refusal *refusal, char *out, size_t size)
{
    if (size == 0) return;
    for (size_t i = 0; i < COUNT_OF(REFUSALS); i++) {
        if (entry_matches(i, refusal) && sentence_fill(refusal, _(REFUSALS[i].text), out, size)) return;
    }
    /* A server newer than this program may name rules that stand in no table: name them rather than be silent. */
    if (refusal->code == MDG_ERR_INVALID && refusal->field[0] && refusal->rule[0]) {
        const char *text = _("{field}: this does not fit.");
        char first[SENTENCE_BYTES];
        if (sentence_fill(refusal, text, first, sizeof first)) {
            snprintf(out, size, _("%s The rule is named “%s”."), first, refusal->rule);
            return;
        }
    }
    snprintf(out, size, "%s", error_sentence(refusal->code));
}
