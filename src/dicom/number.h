/*
 * Numbers written as text: DS and IS (PS3.5 6.2).
 *
 * Lengths are read as picometres: 1e-9 mm in an int64, +-9.2e9 mm, exact for every DS
 * of at most nine decimals, rounded half away from zero beyond.  All arithmetic on
 * positions starts from these integers, so it is the same on every machine.
 *
 * Accepted: surrounding blanks, a sign, digits, one point, E notation, up to 64 characters.
 * Refused: anything else (NaN, inf, hex, empty, out of range).
 */
#ifndef DICOM_NUMBER_H
#define DICOM_NUMBER_H

#include "base/bytes.h"
#include "base/err.h"

#define PM_PER_MM 1000000000ll

bool ds_to_double(struct bytes text, double *out); /* correctly rounded */
bool ds_to_pm(struct bytes text, int64_t *out);
bool is_to_int(struct bytes text, int64_t *out);

/* The n-th of the backslash separated values, padding trimmed; false when there are fewer. */
bool text_nth(struct bytes text, unsigned n, struct bytes *out);
size_t text_count(struct bytes text); /* values; 0 for an empty (or blank) text */

/*
 * Bulk: backslash separated DS from the front of *text into out[0..cap), as picometres.
 * *count is how many; *text is what is left (empty when all is read).  Trailing blanks,
 * NULs and one trailing backslash are accepted.  ERR_WIRE at a value that is no number
 * (`at` is its offset in the *text given).
 */
enum err ds_list_pm(struct bytes *text, int64_t *out, size_t cap, size_t *count,
		    struct fault *f) MUST_USE;

#endif
