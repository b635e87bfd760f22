/* server/hours/holiday_import.h - a list of national holidays: the Cabinet Office's file, or date and name. It replaces
 * the whole of each year that it holds. */
#ifndef MADOGUCHI_HOURS_HOLIDAY_IMPORT_H
#define MADOGUCHI_HOURS_HOLIDAY_IMPORT_H

#include "server/imports/import_kind.h"

extern const struct import_kind HOLIDAY_IMPORT;

#endif
