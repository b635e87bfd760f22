/* common/locale.h - the language of what people read: English in the source, translated by gettext. Every program
 * calls locale_open() once at its start. */
#ifndef MADOGUCHI_COMMON_LOCALE_H
#define MADOGUCHI_COMMON_LOCALE_H

#include <libintl.h>

#define LOCALE_DOMAIN "madoguchi"

#define _(text) gettext(text)
/* Marks a text of a constant table: translated by _() where it is shown. */
#define N_(text) text

/* Takes up the user's language (LANGUAGE, LC_ALL, LC_MESSAGES, LANG) for messages and characters; numbers stay as in C.
 * Where the system lacks the named locale, messages are translated all the same. A program that runs from its
 * build tree reads the catalogue there. Before threads start. */
void locale_open(void);

#endif
