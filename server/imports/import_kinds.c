/* server/imports/import_kinds.c - the kinds of file, a line each. */
#include "server/imports/import_kind.h"

#include "server/groups/group_import.h"
#include "server/hours/holiday_import.h"

static const struct import_kind *const KINDS[] = {
    &HOLIDAY_IMPORT,
    &GROUP_IMPORT,
};

const struct import_kind *import_kind_of(uint32_t kind)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++)
        if (KINDS[i]->kind == kind) return KINDS[i];
    return NULL;
}
