/* client/ctl/output.h - what a command prints. Every answer is a JSON document; a table or a list of facts on the
 * screen is a view of it, so both always say the same. */
#ifndef MADOGUCHI_CLIENT_CTL_OUTPUT_H
#define MADOGUCHI_CLIENT_CTL_OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "common/code.h"
#include "frame.pb-c.h"

struct ctl;

enum cell {
    CELL_TEXT,
    CELL_NUMBER,
    CELL_INSTANT, /* microseconds; 0 is shown as – */
    CELL_DAY,     /* YYYYMMDD, or the first of a month where its row has no other day */
    CELL_MONTH,   /* the month of a YYYYMMDD */
    CELL_SLOT,    /* half hours of the day */
    CELL_MARK,    /* true or false: a mark or nothing */
    CELL_WORD,    /* a word of the program, translated by word_text() */
    CELL_WORDS    /* an array of those */
};

struct column {
    const char *title; /* N_() */
    const char *key;   /* in the row's object */
    enum cell cell;
};

/* With --json keeps document for the end; else prints it. Both take the document's reference. Columns end at a NULL
 * title. A table's rows are the array under rows_key. */
int output_table(struct ctl *ctl, json_t *document, const char *rows_key, const struct column *columns);
int output_facts(struct ctl *ctl, json_t *document, const struct column *columns);
/* A sentence on the screen, the document with --json. */
int output_done(struct ctl *ctl, json_t *document, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The cell as people read it. */
void cell_text(const json_t *value, enum cell cell, char *out, size_t size);
/* Columns that a text takes up on the screen: kana and kanji take two. */
int text_columns(const char *text);

/* "counter" → 受付, "desk" → 受付の人; unknown words as they are. */
const char *word_text(const char *word);
const char *kind_word(unsigned terminal_kind);
unsigned kind_of_word(const char *word); /* 0: none */
/* The kind of a row as the protocol calls it, "visit_day"; its number where this program does not know it. */
#define ROW_WORD_BYTES 48
void row_word(uint32_t kind, char word[ROW_WORD_BYTES]);
json_t *roles_json(uint32_t roles);
/* "desk,office"; MDG_ERR_INVALID. "none" is no role. */
int roles_of_words(const char *words, uint32_t *roles);

/* A one-time code as it is read out, 4-4-2. out has room for CODE_CHARACTERS + 3. */
void code_text(const char *code, char *out);

/* Sums up what a refusal carries. */
json_t *refusal_json(const Mdg__Refusal *refusal);

#endif
