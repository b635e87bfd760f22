#include "server/consultations/consultation_rules.h"

#include <stdio.h>
#include <string.h>

#include "common/day.h"
#include "common/text.h"
#include "server/request/roles.h"

const char *consultation_rules_time(int64_t at_us, int64_t now_us)
{
    if (at_us > now_us + CONSULTATION_AHEAD_US_MAX) return "future";
    return at_us < now_us - CONSULTATION_PAST_DAYS_MAX * US_PER_DAY ? "too_long_ago" : NULL;
}

const char *consultation_rules_follow_up(int32_t day, int32_t today)
{
    if (day == 0) return NULL;
    if (!day_is_valid(day)) return "day";
    if (day < today) return "past";
    return day > today + CONSULTATION_AHEAD_YEARS_MAX * 10000 ? "too_far_ahead" : NULL;
}

const char *consultation_rules_content(const Mdg__ConsultationContent *content, const char **field)
{
    size_t text_length = strlen(content->text), contact_length = strlen(content->contact);
    *field = "content.text";
    if (text_length > INTAKE_TEXT_BYTES_MAX) return "length";
    if (consultation_is_blank(content->text)) return "required";
    if (!text_is_clean(content->text, text_length, true)) return "text";
    *field = "content.contact";
    if (contact_length > INTAKE_CONTACT_BYTES_MAX) return "length";
    if (!text_is_clean(content->contact, contact_length, true)) return "text";
    *field = NULL;
    return NULL;
}

const char *consultation_rules_owner(uint32_t roles, int64_t person_id, int64_t *owner_id)
{
    bool is_consultant = (roles & ROLE_BIT_CONSULTATION) != 0;
    if (*owner_id == 0 && is_consultant) *owner_id = person_id;
    if (roles & ROLE_BIT_DESK) return NULL;
    return is_consultant && *owner_id == person_id ? NULL : "own_case";
}

bool consultation_is_blank(const char *text)
{
    for (; *text; text++) {
        if (strncmp(text, "\u3000", 3) == 0)
            text += 2; /* the wide blank */
        else if (*text != ' ' && *text != '\n')
            return false;
    }
    return true;
}

bool consultation_number_parse(const char *text, int32_t *fiscal_year, int32_t *number)
{
    int year = 0, of_year = 0, end = 0;
    if (strspn(text, "0123456789-") != strlen(text) || strlen(text) > 15) return false;
    if (sscanf(text, "%4d-%9d%n", &year, &of_year, &end) != 2 || text[end] || year < 1970 || of_year < 1) return false;
    *fiscal_year = year;
    *number = of_year;
    return true;
}

int32_t consultation_erase_day(int32_t closed_day)
{
    int32_t day = closed_day + CONSULTATION_KEPT_YEARS * 10000;
    return day_is_valid(day) ? day : day_add(day - 1, 1); /* the 29th of February: the 1st of March */
}

void consultation_key_name(int32_t erase_day, char name[CONSULTATION_KEY_NAME_BYTES])
{
    snprintf(name, CONSULTATION_KEY_NAME_BYTES, "%04d-%02d", (int)(erase_day / 10000 % 10000),
             (int)(erase_day / 100 % 100));
}
