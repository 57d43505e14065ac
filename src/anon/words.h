/*
 * Words that name a person, and text without them (R15).
 *
 * Words are collected from the values of identifying attributes; matching ignores case, accents
 * and what separates words, so "Smith_John GTV" holds the words of "SMITH^JOHN".  Words of fewer
 * than WORDS_SHORTEST letters are not searched for on their own.
 *
 * Names of institutions, places and devices are phrases: "Saint Mary Hospital" is looked for as a
 * whole, between the ends of words, and so is what is left of it without the words that many of
 * them have in common ("Saint Mary").
 */
#ifndef ANON_WORDS_H
#define ANON_WORDS_H

#include "base/arena.h"
#include "base/buf.h"

#define WORDS_SHORTEST 3u
#define WORDS_MAX 512u

struct words {
	uint16_t count;
	struct bytes folded[WORDS_MAX]; /* arena's: lower case, without accents, letters and digits
					 * only; no two alike */
	enum word_kind { WORD_NAME, WORD_NUMBER, WORD_PHRASE } kind[WORDS_MAX];
};

/* Add the words of a value (UTF-8): of a PN every component, of an ID the whole and its parts. */
enum err words_add(struct words *w, struct bytes utf8, struct arena *a, struct fault *f) MUST_USE;
/* Add a name of an institution, a place or a device: the whole, and its parts between commas and
 * line ends. */
enum err words_add_phrase(struct words *w, struct bytes utf8, struct arena *a,
			  struct fault *f) MUST_USE;
/* Only words that institutions, departments and images have in common ("Radiology Department"), or
 * next to nothing: of these no phrase is made. */
bool words_is_common(struct bytes utf8);
/* Those of `w` that are no phrases. */
void words_of_persons(struct words *out, const struct words *w);
bool words_found(const struct words *w, struct bytes utf8);

/*
 * `utf8` without the patient's words (and, `strict`, without what looks like a date, a time, a
 * number of five digits or more, an initial beside a removed word).  What is left is joined by
 * single blanks where something went, and is otherwise as it was.  True: something was taken out,
 * *out is new text.
 */
bool words_clean(const struct words *w, struct bytes utf8, bool strict, struct buf *out);

#endif
