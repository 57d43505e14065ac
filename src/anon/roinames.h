/*
 * Names of ROIs (R15): a name stays when it matches a pattern of the vocabulary (TG-263 style, a
 * file that sites can edit) and holds no word of the patient, a physician or an operator; else it
 * becomes ROI_<number>.  Unique within a structure set: what would be there twice gets "_2", "_3".
 * The same function serves the structure set, overlay labels, segments and reports.
 */
#ifndef ANON_ROINAMES_H
#define ANON_ROINAMES_H

#include "anon/words.h"
#include "base/arena.h"

struct vocabulary; /* compiled patterns, in the arena they were made in */

/* One pattern a line: * and ? and [abc], case does not count; # begins a comment.  ERR_WIRE with
 * the line in f->at: a pattern that cannot be read. */
enum err vocabulary_parse(struct vocabulary **out, struct bytes text, struct arena *a,
			  struct fault *f) MUST_USE;
bool vocabulary_has(const struct vocabulary *v, struct bytes utf8);

/*
 * `names` (UTF-8) and their ROI Numbers, in the order of Structure Set ROI Sequence; out[i] is what
 * names[i] becomes, in `a`.
 */
enum err roi_names_choose(const struct vocabulary *v, const struct words *words,
			  const struct bytes *names, const int64_t *numbers, size_t count,
			  struct bytes *out, struct arena *a, struct fault *f) MUST_USE;

#endif
