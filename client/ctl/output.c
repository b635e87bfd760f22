#include "client/ctl/output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "client/ctl/ctl.h"
#include "common/day.h"
#include "common/locale.h"
#include "common/sentence.h"

#define CELL_BYTES 700
#define COLUMNS_MAX 16

static const struct {
    const char *word, *text;
} WORDS[] = {
    /* kinds of terminals */
    {"counter", N_("counter")},
    {"office", N_("office")},
    {"lounge", N_("lounge")},
    {"door", N_("door")},
    {"council", N_("council")},
    {"display", N_("public board")},
    /* roles */
    {"desk", N_("desk")},
    {"consultation", N_("consultation")},
    {"group", N_("group")},
    {"chair", N_("chair")},
    {"none", N_("none")},
    /* states of bookings */
    {"tentative", N_("tentative")},
    {"confirmed", N_("confirmed")},
    {"in_use", N_("in use")},
    {"rejected", N_("rejected")},
    {"cancelled", N_("cancelled")},
    {"no_show", N_("nobody came")},
    {"lapsed", N_("lapsed")},
    /* kinds of rooms; "room" stands among the rows */
    {"lobby", N_("lobby")},
    {"panel", N_("exhibition panel")},
    /* the link */
    {"online", N_("connected")},
    {"connecting", N_("connecting")},
    {"offline", N_("not connected")},
    /* the outbox */
    {"unsent", N_("not sent yet")},
    {"refused", N_("refused")},
    {"too_old", N_("too old to send")},
    /* enrolment */
    {"waiting", N_("waiting for the machine")},
    {"proved", N_("the code was right")},
    {"compare", N_("compare the check number")},
    {"issued", N_("enrolled")},
    {"ended", N_("ended")},
    /* the authority */
    {"stable", N_("nothing under way")},
    {"announced", N_("new authority announced")},
    {"terminals", N_("terminals are moving")},
    {"server", N_("the server has moved")},
    /* kinds of rows */
    {"terminal", N_("terminals")},
    {"visit", N_("counts of today")},
    {"visit_day", N_("totals of days")},
    {"visit_place", N_("places")},
    {"visit_purpose", N_("purposes")},
    {"opening_hours", N_("opening hours")},
    {"closed_day", N_("closed days")},
    {"holiday", N_("holidays of the list")},
    {"room", N_("rooms")},
    {"booking", N_("bookings")},
    {"limits", N_("limits of bookings")},
    {"head", N_("consultations")},
    {"notice", N_("notices")},
};

const char *word_text(const char *word)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcmp(WORDS[i].word, word) == 0) return _(WORDS[i].text);
    }
    return word;
}

static const char *const KINDS[] = {"none", "counter", "office", "lounge", "door", "council", "display"};
static const char *const ROLES[] = {"desk", "office", "consultation", "group", "council", "chair"};
#define KINDS_COUNT (sizeof KINDS / sizeof KINDS[0])
#define ROLES_COUNT (sizeof ROLES / sizeof ROLES[0])

const char *kind_word(unsigned terminal_kind)
{
    return terminal_kind < KINDS_COUNT ? KINDS[terminal_kind] : "none";
}

unsigned kind_of_word(const char *word)
{
    for (unsigned i = 1; i < KINDS_COUNT; i++) {
        if (strcmp(KINDS[i], word) == 0) return i;
    }
    return 0;
}

void row_word(uint32_t kind, char word[ROW_WORD_BYTES])
{
    const ProtobufCFieldDescriptor *domain =
        protobuf_c_message_descriptor_get_field(&mdg__body__descriptor, kind / 1000);
    const ProtobufCFieldDescriptor *row =
        domain ? protobuf_c_message_descriptor_get_field(domain->descriptor, kind % 1000) : NULL;
    if (row)
        snprintf(word, ROW_WORD_BYTES, "%.*s", (int)(strlen(row->name) - strlen("_row")), row->name);
    else
        snprintf(word, ROW_WORD_BYTES, "%u", (unsigned)kind);
}

json_t *roles_json(uint32_t roles)
{
    json_t *words = json_array();
    for (size_t i = 0; i < ROLES_COUNT; i++) {
        if (roles & (UINT32_C(1) << i)) json_array_append_new(words, json_string(ROLES[i]));
    }
    return words;
}

int roles_of_words(const char *words, uint32_t *roles)
{
    *roles = 0;
    if (strcmp(words, "none") == 0) return 0;
    while (*words) {
        size_t length = strcspn(words, ","), i = 0;
        while (i < ROLES_COUNT && (strlen(ROLES[i]) != length || strncmp(ROLES[i], words, length) != 0)) i++;
        if (i == ROLES_COUNT) return MDG_ERR_INVALID;
        *roles |= UINT32_C(1) << i;
        words += length;
        if (*words == ',') words++;
    }
    return *roles != 0 ? 0 : MDG_ERR_INVALID;
}

void code_text(const char *code, char *out)
{
    char bare[CODE_CHARACTERS + 1];
    if (code_normalize(code, bare) == 0)
        code_format(bare, out);
    else
        snprintf(out, CODE_CHARACTERS + 3, "%s", code);
}

int text_columns(const char *text)
{
    int columns = 0;
    utf8proc_int32_t character;
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
    while (*at) {
        utf8proc_ssize_t length = utf8proc_iterate(at, -1, &character);
        if (length <= 0) {
            columns++;
            at++;
            continue;
        }
        columns += utf8proc_charwidth(character);
        at += length;
    }
    return columns;
}

static void words_text(const json_t *words, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(words) && length < size; i++) {
        const char *word = json_string_value(json_array_get(words, i));
        int wrote = snprintf(out + length, size - length, "%s%s", i > 0 ? ", " : "", word_text(word ? word : ""));
        if (wrote < 0) break;
        length += (size_t)wrote;
    }
    if (length == 0) snprintf(out, size, "–");
}

void cell_text(const json_t *value, enum cell cell, char *out, size_t size)
{
    long long number = json_is_integer(value) ? (long long)json_integer_value(value) : 0;
    const char *text = json_string_value(value);
    out[0] = '\0';
    switch (cell) {
    case CELL_TEXT:
        if (json_is_integer(value))
            snprintf(out, size, "%lld", number);
        else
            snprintf(out, size, "%s", text ? text : "");
        break;
    case CELL_NUMBER:
        if (json_is_integer(value)) snprintf(out, size, "%lld", number);
        break;
    case CELL_INSTANT:
        if (number != 0)
            moment_text(number, out, size);
        else
            snprintf(out, size, "–");
        break;
    case CELL_DAY:
        moment_day_text((int32_t)number, out, size);
        break;
    case CELL_MONTH:
        snprintf(out, size, "%04lld/%02lld", number / 10000, number / 100 % 100);
        break;
    case CELL_SLOT:
        snprintf(out, size, "%02lld:%02d", number / 2, number % 2 ? 30 : 0);
        break;
    case CELL_MARK:
        snprintf(out, size, "%s", json_is_true(value) ? "○" : "");
        break;
    case CELL_WORD:
        snprintf(out, size, "%s", word_text(text ? text : ""));
        break;
    case CELL_WORDS:
        words_text(value, out, size);
        break;
    }
}

static bool cell_is_right(enum cell cell)
{
    return cell == CELL_NUMBER;
}

static void print_padded(const char *text, int width, bool is_right, bool is_last)
{
    int pad = width - text_columns(text);
    if (is_right) printf("%*s", pad > 0 ? pad : 0, "");
    fputs(text, stdout);
    if (!is_right && !is_last) printf("%*s", pad > 0 ? pad : 0, "");
    fputs(is_last ? "\n" : "  ", stdout);
}

static int columns_count(const struct column *columns)
{
    int count = 0;
    while (count < COLUMNS_MAX && columns[count].title) count++;
    return count;
}

static void table_print(const json_t *rows, const struct column *columns)
{
    int count = columns_count(columns);
    int widths[COLUMNS_MAX] = {0};
    char text[CELL_BYTES];
    for (int c = 0; c < count; c++) {
        widths[c] = text_columns(_(columns[c].title));
        for (size_t r = 0; r < json_array_size(rows); r++) {
            cell_text(json_object_get(json_array_get(rows, r), columns[c].key), columns[c].cell, text, sizeof text);
            int width = text_columns(text);
            if (width > widths[c]) widths[c] = width;
        }
    }
    for (int c = 0; c < count; c++) {
        print_padded(_(columns[c].title), widths[c], cell_is_right(columns[c].cell), c == count - 1);
    }
    for (size_t r = 0; r < json_array_size(rows); r++) {
        for (int c = 0; c < count; c++) {
            cell_text(json_object_get(json_array_get(rows, r), columns[c].key), columns[c].cell, text, sizeof text);
            print_padded(text, widths[c], cell_is_right(columns[c].cell), c == count - 1);
        }
    }
}

static void answer_set(struct ctl *ctl, json_t *document)
{
    if (ctl->answer) json_decref(ctl->answer);
    ctl->answer = document;
}

int output_table(struct ctl *ctl, json_t *document, const char *rows_key, const struct column *columns)
{
    answer_set(ctl, document);
    if (ctl->options.is_json) return 0;
    const json_t *rows = json_object_get(document, rows_key);
    if (json_array_size(rows) == 0)
        printf("%s\n", _("There is nothing to show."));
    else
        table_print(rows, columns);
    return 0;
}

int output_facts(struct ctl *ctl, json_t *document, const struct column *columns)
{
    answer_set(ctl, document);
    if (ctl->options.is_json) return 0;
    int count = columns_count(columns), width = 0;
    for (int c = 0; c < count; c++) {
        int columns_wide = text_columns(_(columns[c].title));
        if (columns_wide > width) width = columns_wide;
    }
    for (int c = 0; c < count; c++) {
        char text[CELL_BYTES];
        const json_t *value = json_object_get(document, columns[c].key);
        if (!value) continue;
        cell_text(value, columns[c].cell, text, sizeof text);
        print_padded(_(columns[c].title), width, false, false);
        printf("%s\n", text);
    }
    return 0;
}

int output_done(struct ctl *ctl, json_t *document, const char *format, ...)
{
    answer_set(ctl, document);
    if (ctl->options.is_json) return 0;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    return 0;
}

json_t *refusal_json(const Mdg__Refusal *refusal)
{
    json_t *args = json_object();
    for (size_t i = 0; i < refusal->n_args; i++) {
        json_object_set_new(args, refusal->args[i]->key, json_string(refusal->args[i]->value));
    }
    return json_pack("{s:i, s:s, s:s, s:s, s:o, s:I}", "code", (int)refusal->code, "name", refusal->name, "field",
                     refusal->field, "rule", refusal->rule, "args", args, "retry_after_ms",
                     (json_int_t)refusal->retry_after_ms);
}
