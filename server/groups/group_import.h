/* server/groups/group_import.h - a list of groups as a file: number, name, reading, field, from, to, note; or the
 * columns of the corporate number register (name, kana, kind, prefecture, city, corporate_number). */
#ifndef MADOGUCHI_GROUPS_GROUP_IMPORT_H
#define MADOGUCHI_GROUPS_GROUP_IMPORT_H

#include "server/imports/import_kind.h"

extern const struct import_kind GROUP_IMPORT;

#endif
