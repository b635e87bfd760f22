/* common/holiday.h - Japan's national holidays by the law's rules, for the years 2000 to 2099. An imported list of the
 * Cabinet Office outranks them: the equinoxes are fixed only in the February of the year before. Pure. */
#ifndef MADOGUCHI_COMMON_HOLIDAY_H
#define MADOGUCHI_COMMON_HOLIDAY_H

#include <stdint.h>

/* Its name (a constant), or NULL: none, or outside those years. Days between and substitute days are called 休日. */
const char *holiday_of_day(int32_t day);

#endif
