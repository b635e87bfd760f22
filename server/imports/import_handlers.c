#include "server/imports/import_handlers.h"

#include <stdio.h>

#include "common/day.h"
#include "server/imports/import_list.h"
#include "server/imports/import_store.h"
#include "server/request/request.h"

#define PAGE_FAULTS 200
/* The file, its text, and what its lines become; only the office has such calls, one file a person. */
#define LIST_BYTES_MAX (size_t)(192u * 1024u * 1024u)

/* --- coming in ---------------------------------------------------------------------------------------- */

int handle_import_open(struct request *rq)
{
    const Mdg__ImportOpen *open = rq->op;
    if (!import_kind_of((uint32_t)open->kind)) return refuse(rq, MDG_ERR_INVALID, "kind", "required");
    struct import_file file = {.id = turn_next_id(rq->turn),
                               .kind = (uint32_t)open->kind,
                               .person_id = rq->caller.person_id,
                               .due_us = rq->now_us + IMPORT_LIFE_US};
    snprintf(file.file_name, sizeof file.file_name, "%s", open->file_name);
    rq->object_id = file.id;
    rq->reason = open->file_name;
    return import_file_open(rq->turn, &file);
}

/* Another person's and none at all are the same answer. */
static int file_get(struct request *rq, int64_t id, struct import_file *file)
{
    int rc = import_file_get(rq->db, id, rq->caller.person_id, rq->now_us, file);
    return rc == MDG_ERR_NOT_FOUND ? refuse(rq, rc, "import_id", "import") : rc;
}

int handle_import_add(struct request *rq)
{
    const Mdg__ImportAdd *add = rq->op;
    struct import_file file;
    int rc = file_get(rq, add->import_id, &file);
    if (rc != 0) return rc;
    if (add->piece != file.pieces) {
        refuse(rq, MDG_ERR_STATE, "piece", "piece_order");
        return refuse_arg(rq, "next", "%d", file.pieces);
    }
    if (file.bytes + (int64_t)add->bytes.len > IMPORT_BYTES_MAX) {
        refuse(rq, MDG_ERR_TOO_LARGE, "bytes", "file_too_large");
        return refuse_arg(rq, "max", "%lld", (long long)IMPORT_BYTES_MAX);
    }
    rq->object_id = file.id;
    return import_file_add(rq->turn, rq->keys, &file, add->bytes.data, add->bytes.len);
}

int handle_import_drop(struct request *rq)
{
    const Mdg__ImportDrop *drop = rq->op;
    struct import_file file;
    int rc = file_get(rq, drop->import_id, &file);
    if (rc != 0) return rc;
    rq->object_id = file.id;
    return import_file_drop(rq->turn, file.id);
}

int prepare_import_expire(struct request *rq)
{
    int64_t count;
    int rc = import_files_due(rq->db, rq->now_us, &count);
    return rc == 0 && count == 0 ? refuse(rq, MDG_ERR_STATE, NULL, "nothing_due") : rc;
}

int handle_import_expire(struct request *rq)
{
    return import_files_drop_due(rq->turn, rq->now_us);
}

/* --- looking ------------------------------------------------------------------------------------------ */

/* The lines of the file as they are; not yet against what is stored. */
static int list_read(struct request *rq, const struct import_file *file, struct import_list *list)
{
    char *bytes;
    size_t length;
    arena_set_cap(&rq->arena, rq->arena.given + LIST_BYTES_MAX);
    int rc = import_file_read(rq->db, rq->keys, file, &rq->arena, &bytes, &length);
    if (rc != 0) return rc;
    return import_list_read(list, &rq->arena, import_kind_of(file->kind), day_of_us(rq->now_us), bytes, length);
}

static int line_add(struct request *rq, size_t *count, Mdg__ImportLine ***lines, const struct import_fault *fault)
{
    Mdg__ImportLine *to = repeated_add(&rq->arena, count, lines, &mdg__import_line__descriptor);
    if (!to) return MDG_ERR_MEMORY;
    to->line = fault->line;
    to->field = (char *)fault->field;
    to->rule = (char *)fault->rule;
    to->value = (char *)fault->value;
    return 0;
}

/* A page ends with a line: its next one asks for those after it. */
static int faults_add(struct request *rq, const struct import_list *list, int32_t after_line,
                      Mdg__ImportChecked *checked)
{
    int rc = 0;
    int32_t last = -1;
    for (size_t i = 0; rc == 0 && i < list->faults_count; i++) {
        const struct import_fault *fault = &list->faults[i];
        if (after_line > 0 && fault->line <= after_line) continue;
        if (checked->n_faults >= PAGE_FAULTS && fault->line != last) {
            checked->has_more = true;
            break;
        }
        last = fault->line;
        rc = line_add(rq, &checked->n_faults, &checked->faults, fault);
    }
    return rc;
}

static int samples_add(struct request *rq, const struct import_list *list, Mdg__ImportChecked *checked)
{
    static const char *const STATES[] = {[IMPORT_NEW] = "new", [IMPORT_CHANGED] = "changed", [IMPORT_SAME] = "same"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < list->items_count && checked->n_samples < IMPORT_SAMPLES_MAX; i++) {
        const struct import_item *item = list->items[i];
        struct import_fault sample = {item->line, "", STATES[item->state], item->shown};
        if (item->shown) rc = line_add(rq, &checked->n_samples, &checked->samples, &sample);
    }
    return rc;
}

int handle_import_check(struct request *rq)
{
    const Mdg__ImportCheck *check = rq->op;
    struct import_file file;
    struct import_list list;
    int rc = file_get(rq, check->import_id, &file);
    if (rc == 0) rc = list_read(rq, &file, &list);
    if (rc == 0) rc = import_list_check(&list, rq->db);
    if (rc != 0) return rc;
    Mdg__ImportChecked *checked = answer_new(rq);
    if (!checked) return MDG_ERR_MEMORY;
    struct import_counts counts = import_list_count(&list);
    checked->lines = list.lines;
    checked->new_count = counts.new_count;
    checked->changed_count = counts.changed_count;
    checked->same_count = counts.same_count;
    checked->fault_count = (int32_t)list.faults_count;
    checked->encoding = (char *)list.encoding;
    rc = faults_add(rq, &list, check->after_line, checked);
    return rc == 0 && check->after_line == 0 ? samples_add(rq, &list, checked) : rc;
}

/* --- taking it in ------------------------------------------------------------------------------------- */

struct commit {
    struct import_file file;
    struct import_list list;
};

/* Cutting and reading the lines costs most, and needs nothing that can change: pieces are only ever added. */
int prepare_import_commit(struct request *rq)
{
    const Mdg__ImportCommit *op = rq->op;
    struct commit *commit = arena_alloc(&rq->arena, sizeof *commit);
    if (!commit) return MDG_ERR_MEMORY;
    int rc = file_get(rq, op->import_id, &commit->file);
    if (rc == 0) rc = list_read(rq, &commit->file, &commit->list);
    commit->list.arena = &rq->arena;
    rq->work = commit;
    return rc;
}

/* What was shown is what is taken in. */
static int compare(struct request *rq, const struct commit *commit, const struct import_file *now)
{
    const Mdg__ImportCommit *op = rq->op;
    const struct import_list *list = &commit->list;
    if (list->faults_count > 0) {
        refuse(rq, MDG_ERR_STATE, list->faults[0].field, "faults");
        refuse_arg(rq, "faults", "%zu", list->faults_count);
        return refuse_arg(rq, "line", "%d", list->faults[0].line);
    }
    struct import_counts counts = import_list_count(list);
    bool is_same = now->pieces == commit->file.pieces && op->lines == list->lines &&
                   op->new_count == counts.new_count && op->changed_count == counts.changed_count;
    return is_same ? 0 : refuse(rq, MDG_ERR_STATE, "import_id", "check_again");
}

int handle_import_commit(struct request *rq)
{
    const Mdg__ImportCommit *op = rq->op;
    struct commit *commit = rq->work;
    struct import_file now;
    int rc = file_get(rq, op->import_id, &now);
    if (rc == 0) rc = import_list_check(&commit->list, rq->db);
    if (rc == 0) rc = compare(rq, commit, &now);
    if (rc != 0) return rc;
    change_record(rq, now.id);
    rq->reason = arena_printf(&rq->arena, "%s: %s, %d + %d", commit->list.kind->name, now.file_name, (int)op->new_count,
                              (int)op->changed_count);
    if (!rq->reason) return MDG_ERR_MEMORY;
    rc = commit->list.kind->apply(rq, &commit->list);
    return rc == 0 ? import_file_drop(rq->turn, now.id) : rc;
}
