/* common/fold.h - text as people search it: whatever kana, width or case it was typed in. Pure; the same on server and
 * terminals, so that both find the same. Results are allocated, the caller frees them; NULL: not UTF-8, or out of
 * memory. */
#ifndef MADOGUCHI_COMMON_FOLD_H
#define MADOGUCHI_COMMON_FOLD_H

/* Compatibility forms, width and case are one; katakana becomes hiragana; variants of a kanji become the usual one
 * (髙 高); every hyphen is '-'. Spaces stay, one between words. */
char *fold_key(const char *text);
/* The same once more forgiving: without spaces, ー, ・, hyphens and apostrophes; small kana large;
 * を ぢ づ as お じ ず. Works letter by letter on what fold_key() gives, so a part stays a part. */
char *fold_loose(const char *text);
/* For sorting by reading in Japanese order: ー as the vowel it lengthens, without voicing marks, small kana large;
 * then, after a byte 1, the folded text, which decides between equals. Compare with strcmp(). */
char *fold_order(const char *text);

#endif
