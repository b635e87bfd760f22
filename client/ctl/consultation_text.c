#include "client/ctl/consultation_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "common/intake_box.h"
#include "common/locale.h"

#define TYPED_BYTES_MAX (INTAKE_TEXT_BYTES_MAX + INTAKE_CONTACT_BYTES_MAX + 2)

/* Without stdio, whose buffer would keep it. */
static int stdin_read(char *buffer, size_t size)
{
    size_t length = 0;
    for (;;) {
        ssize_t got = read(STDIN_FILENO, buffer + length, size - 1 - length);
        if (got < 0) return MDG_ERR_IO;
        if (got == 0) break;
        length += (size_t)got;
        if (length == size - 1) return MDG_ERR_TOO_LARGE;
    }
    while (length > 0 && (buffer[length - 1] == '\n' || buffer[length - 1] == '\r')) length--;
    buffer[length] = '\0';
    return strlen(buffer) == length ? 0 : MDG_ERR_INVALID;
}

static void ask_for_it(bool with_contact)
{
    if (!isatty(STDIN_FILENO)) return;
    if (with_contact) fprintf(stderr, "%s\n", _("First name and how to reach, in one line. Then:"));
    fprintf(stderr, "%s\n", _("What was talked about? End with Ctrl+D on a line of its own."));
}

/* Files from elsewhere end their lines with a carriage return, which is no text. */
static void lines_mend(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if (from[0] != '\r' || from[1] != '\n') *to++ = *from;
    *to = '\0';
}

int consultation_text_read(struct ctl *ctl, bool with_contact, Mdg__ConsultationContent *content, char **buffer)
{
    *buffer = calloc(1, TYPED_BYTES_MAX + 1);
    if (!*buffer) return MDG_ERR_MEMORY;
    ask_for_it(with_contact);
    int rc = stdin_read(*buffer, TYPED_BYTES_MAX + 1);
    if (rc == MDG_ERR_TOO_LARGE)
        return ctl_fail(ctl, MDG_ERR_INVALID, _("The text is too long: at most %d bytes; a kana or kanji counts as 3."),
                        INTAKE_TEXT_BYTES_MAX);
    if (rc != 0) return ctl_fail(ctl, rc, _("The text cannot be read."));
    lines_mend(*buffer);
    content->text = *buffer;
    if (with_contact) {
        content->contact = *buffer;
        content->text = strchr(*buffer, '\n');
        if (!content->text) return ctl_fail(ctl, MDG_ERR_INVALID, _("There is no text after the first line."));
        *content->text++ = '\0';
    }
    return content->text[0] ? 0 : ctl_fail(ctl, MDG_ERR_INVALID, _("There is no text. It is read from the input."));
}

void consultation_text_free(char *buffer)
{
    if (buffer) OPENSSL_cleanse(buffer, TYPED_BYTES_MAX + 1);
    free(buffer);
}

json_t *consultation_entry_json(const Mdg__ConsultationEntry *entry)
{
    const Mdg__ConsultationContent *content = entry->content;
    return json_pack("{s:I, s:I, s:I, s:i, s:b, s:s, s:s}", "id", (json_int_t)entry->id, "at_us",
                     (json_int_t)entry->at_us, "person_id", (json_int_t)entry->person_id, "minutes",
                     (int)entry->minutes, "is_readable", content != NULL, "text", content ? content->text : "",
                     "contact", content ? content->contact : "");
}

void consultation_text_print(const Mdg__ConsultationText *text)
{
    for (size_t i = 0; i < text->n_entries; i++) {
        const Mdg__ConsultationEntry *entry = text->entries[i];
        char at[64];
        moment_text(entry->at_us, at, sizeof at);
        printf(_("%s, %d min, account %lld\n"), at, (int)entry->minutes, (long long)entry->person_id);
        if (!entry->content) {
            printf("  %s\n", _("(erased, or its key is not here)"));
            continue;
        }
        if (entry->content->contact[0]) printf("  %s\n", entry->content->contact);
        for (const char *line = entry->content->text; line;) {
            const char *end = strchr(line, '\n');
            printf("  %.*s\n", end ? (int)(end - line) : (int)strlen(line), line);
            line = end ? end + 1 : NULL;
        }
    }
}
