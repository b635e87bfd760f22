/* client/ctl/consultation_text.h - the text of a consultation as it is typed or piped in, and as it is shown. It never
 * stands on a command line, where other people of the machine could see it. */
#ifndef MADOGUCHI_CLIENT_CTL_CONSULTATION_TEXT_H
#define MADOGUCHI_CLIENT_CTL_CONSULTATION_TEXT_H

#include "client/ctl/ctl.h"

/* From stdin until its end; with_contact: its first line is name and how to reach. The texts lie in *buffer, which
 * consultation_text_free() wipes. MDG_ERR_INVALID with a sentence: nothing was written, or too much. */
int consultation_text_read(struct ctl *ctl, bool with_contact, Mdg__ConsultationContent *content, char **buffer);
void consultation_text_free(char *buffer);

/* Prints the entries of a case. */
void consultation_text_print(const Mdg__ConsultationText *text);
json_t *consultation_entry_json(const Mdg__ConsultationEntry *entry);

#endif
