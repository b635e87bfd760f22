/* client/ctl/imports.c - lists from a file: the server reads and judges the whole of it first, and takes it in as one
 * or not at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/families.h"
#include "client/ctl/file.h"
#include "client/ctl/output.h"
#include "common/locale.h"

#define PIECE_BYTES ((size_t)128 * 1024)
#define FAULTS_SHOWN 50
#define CHECK_TIMEOUT_MS 60000u

static int imports_call(struct ctl *ctl, Mdg__Imports *imports, enum ctl_access access, Mdg__Response **out)
{
    Mdg__Body body = MDG__BODY__INIT;
    body.domain_case = MDG__BODY__DOMAIN_IMPORTS;
    body.imports = imports;
    return ctl_call(ctl, &body, access, NULL, out);
}

/* --- sending ------------------------------------------------------------------------------------------ */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int import_open(struct ctl *ctl, Mdg__ImportKind kind, int64_t *import_id)
{
    Mdg__ImportOpen open = MDG__IMPORT_OPEN__INIT;
    Mdg__Imports imports = MDG__IMPORTS__INIT;
    Mdg__Response *response = NULL;
    open.kind = kind;
    open.file_name = (char *)base_name(ctl->options.operand);
    imports.of_case = MDG__IMPORTS__OF_OPEN;
    imports.open = &open;
    int rc = imports_call(ctl, &imports, CTL_WRITE, &response);
    if (rc != 0) return rc;
    *import_id = response->object_id;
    mdg__response__free_unpacked(response, NULL);
    return 0;
}

static int import_send(struct ctl *ctl, int64_t import_id, char *text, size_t length)
{
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < length; at += PIECE_BYTES) {
        Mdg__ImportAdd add = MDG__IMPORT_ADD__INIT;
        Mdg__Imports imports = MDG__IMPORTS__INIT;
        add.import_id = import_id;
        add.piece = (int32_t)(at / PIECE_BYTES);
        add.bytes.data = (uint8_t *)text + at;
        add.bytes.len = length - at < PIECE_BYTES ? length - at : PIECE_BYTES;
        imports.of_case = MDG__IMPORTS__OF_ADD;
        imports.add = &add;
        rc = imports_call(ctl, &imports, CTL_WRITE, NULL);
    }
    return rc;
}

static int import_end(struct ctl *ctl, int64_t import_id)
{
    Mdg__ImportDrop drop = MDG__IMPORT_DROP__INIT;
    Mdg__Imports imports = MDG__IMPORTS__INIT;
    drop.import_id = import_id;
    imports.of_case = MDG__IMPORTS__OF_DROP;
    imports.drop = &drop;
    return imports_call(ctl, &imports, CTL_WRITE, NULL);
}

static int import_commit(struct ctl *ctl, int64_t import_id, const json_t *document)
{
    Mdg__ImportCommit commit = MDG__IMPORT_COMMIT__INIT;
    Mdg__Imports imports = MDG__IMPORTS__INIT;
    commit.import_id = import_id;
    commit.lines = (int32_t)json_integer_value(json_object_get(document, "lines"));
    commit.new_count = (int32_t)json_integer_value(json_object_get(document, "new"));
    commit.changed_count = (int32_t)json_integer_value(json_object_get(document, "changed"));
    imports.of_case = MDG__IMPORTS__OF_COMMIT;
    imports.commit = &commit;
    return imports_call(ctl, &imports, CTL_WRITE, NULL);
}

/* --- the preview -------------------------------------------------------------------------------------- */

/* A fault is a refusal of one line, and has the same sentences. */
static json_t *fault_json(const Mdg__ImportLine *fault)
{
    char reason[SENTENCE_BYTES];
    Mdg__RefusalArgument value = MDG__REFUSAL_ARGUMENT__INIT, *args = &value;
    Mdg__Refusal refusal = MDG__REFUSAL__INIT;
    value.key = (char *)"value";
    value.value = fault->value;
    refusal.code = MDG_ERR_INVALID;
    refusal.field = fault->field;
    refusal.rule = fault->rule;
    refusal.n_args = 1;
    refusal.args = &args;
    refusal_sentence(&refusal, reason, sizeof reason);
    return json_pack("{s:i, s:s, s:s, s:s, s:s}", "line", (int)fault->line, "field", fault->field, "rule", fault->rule,
                     "value", fault->value, "reason", reason);
}

static json_t *document_new(const char *file, const Mdg__ImportChecked *checked)
{
    json_t *samples = json_array();
    for (size_t i = 0; i < checked->n_samples; i++)
        json_array_append_new(samples, json_pack("{s:i, s:s, s:s}", "line", (int)checked->samples[i]->line, "state",
                                                 checked->samples[i]->rule, "value", checked->samples[i]->value));
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:o, s:[], s:b}", "file", file, "lines", (int)checked->lines,
                     "new", (int)checked->new_count, "changed", (int)checked->changed_count, "same",
                     (int)checked->same_count, "fault_count", (int)checked->fault_count, "encoding", checked->encoding,
                     "samples", samples, "faults", "taken_in", 0);
}

/* Page by page until there are no more faults. */
static int import_check(struct ctl *ctl, int64_t import_id, json_t **document)
{
    Mdg__ImportCheck check = MDG__IMPORT_CHECK__INIT;
    Mdg__Imports imports = MDG__IMPORTS__INIT;
    bool has_more = true;
    int rc = 0;
    if (ctl->options.timeout_ms < CHECK_TIMEOUT_MS) ctl->options.timeout_ms = CHECK_TIMEOUT_MS;
    check.import_id = import_id;
    imports.of_case = MDG__IMPORTS__OF_CHECK;
    imports.check = &check;
    while (rc == 0 && has_more) {
        Mdg__Response *response = NULL;
        rc = imports_call(ctl, &imports, CTL_READ, &response);
        if (rc != 0) break;
        const Mdg__Imports *answer = response->body ? response->body->imports : NULL;
        if (!answer || response->body->domain_case != MDG__BODY__DOMAIN_IMPORTS ||
            answer->of_case != MDG__IMPORTS__OF_CHECKED) {
            rc = ctl_fail(ctl, MDG_ERR_MALFORMED, "%s", error_sentence(MDG_ERR_MALFORMED));
        } else {
            const Mdg__ImportChecked *checked = answer->checked;
            if (!*document) *document = document_new(ctl->options.operand, checked);
            for (size_t i = 0; i < checked->n_faults; i++)
                json_array_append_new(json_object_get(*document, "faults"), fault_json(checked->faults[i]));
            has_more = checked->has_more && checked->n_faults > 0;
            if (has_more) check.after_line = checked->faults[checked->n_faults - 1]->line;
        }
        mdg__response__free_unpacked(response, NULL);
    }
    return rc;
}

static void faults_print(const json_t *faults)
{
    size_t count = json_array_size(faults);
    for (size_t i = 0; i < count && i < FAULTS_SHOWN; i++) {
        const json_t *fault = json_array_get(faults, i);
        int line = (int)json_integer_value(json_object_get(fault, "line"));
        const char *reason = json_string_value(json_object_get(fault, "reason"));
        const char *value = json_string_value(json_object_get(fault, "value"));
        if (line == 0)
            fprintf(stderr, "%s\n", reason);
        else if (value && value[0])
            fprintf(stderr, _("Line %d, “%s”: %s\n"), line, value, reason);
        else
            fprintf(stderr, _("Line %d: %s\n"), line, reason);
    }
    if (count > FAULTS_SHOWN) fprintf(stderr, _("… and %zu more.\n"), count - FAULTS_SHOWN);
}

static void preview_print(const json_t *document)
{
    const json_t *samples = json_object_get(document, "samples");
    printf(_("%lld lines (%s): %lld new, %lld changed, %lld as before.\n"),
           (long long)json_integer_value(json_object_get(document, "lines")),
           json_string_value(json_object_get(document, "encoding")),
           (long long)json_integer_value(json_object_get(document, "new")),
           (long long)json_integer_value(json_object_get(document, "changed")),
           (long long)json_integer_value(json_object_get(document, "same")));
    for (size_t i = 0; i < json_array_size(samples); i++)
        printf("  %lld  %s\n", (long long)json_integer_value(json_object_get(json_array_get(samples, i), "line")),
               json_string_value(json_object_get(json_array_get(samples, i), "value")));
    fflush(stdout);
}

/* --- commands ----------------------------------------------------------------------------------------- */

static int import_decide(struct ctl *ctl, int64_t import_id, json_t *document)
{
    size_t faults = json_array_size(json_object_get(document, "faults"));
    if (!ctl->options.is_json) {
        preview_print(document);
        faults_print(json_object_get(document, "faults"));
    }
    if (faults > 0 || option_is_set(&ctl->options, "dry-run")) {
        int rc = import_end(ctl, import_id);
        output_done(ctl, document, "%s", _("Nothing was taken in."));
        if (rc != 0 || faults == 0) return rc;
        return ctl_fail(ctl, MDG_ERR_INVALID,
                        ngettext("%zu line is not right. Please correct the file.",
                                 "%zu faults are in the file. Please correct it.", faults),
                        faults);
    }
    int rc = import_commit(ctl, import_id, document);
    if (rc != 0) {
        json_decref(document);
        return rc;
    }
    json_object_set_new(document, "taken_in", json_true());
    return output_done(ctl, document, "%s", _("All of it was taken in."));
}

static int run_import(struct ctl *ctl, Mdg__ImportKind kind)
{
    char *text = NULL;
    size_t length = 0;
    int64_t import_id = 0;
    json_t *document = NULL;
    int rc = file_read(ctl, ctl->options.operand, &text, &length);
    if (rc == 0) rc = ctl_open(ctl, 0);
    if (rc == 0) rc = import_open(ctl, kind, &import_id);
    if (rc == 0) rc = import_send(ctl, import_id, text, length);
    if (rc == 0) rc = import_check(ctl, import_id, &document);
    if (rc == 0)
        rc = import_decide(ctl, import_id, document);
    else
        json_decref(document);
    free(text);
    return rc;
}

static int run_import_holidays(struct ctl *ctl)
{
    return run_import(ctl, MDG__IMPORT_KIND__IMPORT_HOLIDAYS);
}

static int run_import_groups(struct ctl *ctl)
{
    return run_import(ctl, MDG__IMPORT_KIND__IMPORT_GROUPS);
}

const struct ctl_command IMPORTS_COMMANDS[] = {
    {"import holidays",
     "FILE",
     N_("Take in a list of national holidays: the Cabinet Office's file, or date and name."),
     run_import_holidays,
     {{"dry-run", NULL, N_("only look whether every line is good"), false, NULL}}},
    {"import groups",
     "FILE",
     N_("Take in a list of groups."),
     run_import_groups,
     {{"dry-run", NULL, N_("only look whether every line is good"), false, NULL}}},
    {0},
};
