/* tests/fuzz/import_fuzz.c - files that are to be taken in: encoding, comma-separated lines, and the lines of each
 * kind. The first byte chooses the kind. Whatever comes out must be text, and no line both good and at fault. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "frame.pb-c.h"
#include "server/imports/import_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define ARENA_BYTES ((size_t)64 << 20)

static void check_faults(const struct import_list *list)
{
    for (size_t i = 0; i < list->faults_count; i++) {
        const struct import_fault *fault = &list->faults[i];
        size_t length = strlen(fault->value);
        if (length > IMPORT_VALUE_BYTES_MAX || !text_is_clean(fault->value, length, false)) abort();
        if (fault->line < 0 || !fault->rule[0]) abort();
        for (size_t j = 0; j < list->items_count && fault->line > 0; j++)
            if (list->items[j]->line == fault->line) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct arena arena;
    struct import_list list;
    if (length < 1) return 0;
    const struct import_kind *kind =
        import_kind_of(bytes[0] & 1 ? MDG__IMPORT_KIND__IMPORT_GROUPS : MDG__IMPORT_KIND__IMPORT_HOLIDAYS);
    char *copy = malloc(length); /* of the exact size: reading past it is noticed */
    if (!copy || !kind) abort();
    memcpy(copy, bytes + 1, length - 1);
    arena_init(&arena, ARENA_BYTES);
    int rc = import_list_read(&list, &arena, kind, 20261123, copy, length - 1);
    if (rc != 0 && rc != MDG_ERR_MEMORY) abort();
    if (rc == 0) {
        if (list.items_count + list.faults_count == 0) abort(); /* an empty file is at fault */
        if (list.items_count > (size_t)list.lines) abort();
        check_faults(&list);
    }
    arena_fini(&arena);
    free(copy);
    return 0;
}
