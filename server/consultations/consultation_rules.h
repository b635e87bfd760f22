/* server/consultations/consultation_rules.h - what cases must keep. Pure: no clock, no database. */
#ifndef MADOGUCHI_CONSULTATIONS_CONSULTATION_RULES_H
#define MADOGUCHI_CONSULTATIONS_CONSULTATION_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/intake_box.h"

#define CONSULTATION_TOPIC_BYTES_MAX 100
#define CONSULTATION_REFERRAL_BYTES_MAX 200
#define CONSULTATION_REASON_BYTES_MAX 200
#define CONSULTATION_MINUTES_MAX 1440
#define CONSULTATION_PEOPLE_MAX 999
#define CONSULTATION_AHEAD_US_MAX (INT64_C(120) * 1000000)
#define CONSULTATION_PAST_DAYS_MAX 400 /* as long as something may have waited */
#define CONSULTATION_AHEAD_YEARS_MAX 10
#define CONSULTATION_KEPT_YEARS 3
#define CONSULTATION_KEY_NAME_BYTES 16 /* "open", "2029-11" */
#define CONSULTATION_KEY_OPEN "open"

/* All return NULL, or the rule that is broken. */

const char *consultation_rules_time(int64_t at_us, int64_t now_us);
/* day 0 is no follow-up at all; today is the day on which it was said. */
const char *consultation_rules_follow_up(int32_t day, int32_t today);
/* The texts themselves: also of what came in a box, which nobody could look at before. */
const char *consultation_rules_content(const Mdg__ConsultationContent *content, const char **field);
/* Whose the case is that a caller with these roles opens for owner_id. A consultant opens his own; the desk opens one
 * for any consultant, or for nobody yet. */
const char *consultation_rules_owner(uint32_t roles, int64_t person_id, int64_t *owner_id);

/* A text with nothing but blanks says nothing. */
bool consultation_is_blank(const char *text);

/* "2026-17". False: not a case's number. */
bool consultation_number_parse(const char *text, int32_t *fiscal_year, int32_t *number);

/* The day from which the personal parts of a case closed on this day are erased. */
int32_t consultation_erase_day(int32_t closed_day);
/* The key that closed cases of this day of erasure lie under, "2029-11". */
void consultation_key_name(int32_t erase_day, char name[CONSULTATION_KEY_NAME_BYTES]);

#endif
