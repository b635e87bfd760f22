/* common/era.h - dates as they stand on prints in Japan: 令和7年4月1日(火), 平成31年4月30日(火), 令和元年5月1日(水).
 * Pure. */
#ifndef MADOGUCHI_COMMON_ERA_H
#define MADOGUCHI_COMMON_ERA_H

#include <stddef.h>
#include <stdint.h>

#define ERA_DATE_BYTES 48
#define ERA_YEAR_BYTES 24

/* From Meiji 6 on, when the calendar of today began (1873); earlier days as 1872年12月31日(火). "" when the day is
 * none or size is too small. */
void era_date(int32_t day, char *out, size_t size);
/* 令和7年度 of the fiscal year that begins in that month; the era is that of its first day. */
void era_fiscal_year(int fiscal_year, int first_month, char *out, size_t size);

#endif
