/* client/ctl/hours_text.h - opening hours as people type and read them: "weekdays=10:00-17:15". Pure. */
#ifndef MADOGUCHI_CLIENT_CTL_HOURS_TEXT_H
#define MADOGUCHI_CLIENT_CTL_HOURS_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* DAYS=HH:MM-HH:MM; DAYS are sun … sat, weekdays (Monday to Friday), weekends, holidays, all, joined by commas.
 * 24:00 ends a day. MDG_ERR_INVALID. */
int hours_span_parse(const char *text, uint32_t *days, int *open_minute, int *close_minute);

/* "Mon–Fri 10:00–17:15", translated. */
void hours_span_text(uint32_t days, int open_minute, int close_minute, char *out, size_t size);

#endif
