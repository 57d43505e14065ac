/*
 * A data set for people (dump_text) and for programs (dump_json: the DICOM JSON model,
 * PS3.18 annex F).  Both are UTF-8, whatever the input holds.
 *
 * What they return is about the file; whether all of it could be written, dump_out_end says.
 * Fault offsets are those of the file, or of the inflated data set where it was deflated.
 */
#ifndef DICOM_DUMP_H
#define DICOM_DUMP_H

#include "dicom/dump_out.h"
#include "dicom/part10.h"

/*
 * A line an element: tag, VR, length ("-": undefined), keyword, value; two spaces a depth; file
 * meta information first.  No control character of the file is in it.  Values of more than some
 * 100 characters are cut, and say so, unless `whole`.  Lines that begin with "#" are about the
 * file: what it is, what is odd in it, and where it cannot be read; that error is also returned.
 */
enum err dump_text(const struct part10 *p, bool whole, struct dump_out *out,
		   struct fault *f) MUST_USE;

/*
 * One JSON object on one line; nothing at all when the data set cannot be read to its end.
 * Where annex F leaves a choice: DS and IS are numbers with the digits of the file, strings where
 * they are not well-formed; SV and UV beyond 2^53, NaN and infinities are strings; binary values
 * are inline, little endian, whatever their size; encapsulated pixel data is inline as it is
 * encoded (items, without the delimiter); of a repeated tag the first counts; numbers of a wrong
 * length are inline, as UN; an UN element of undefined length is the sequence that it holds.
 */
enum err dump_json(const struct part10 *p, struct dump_out *out, struct fault *f) MUST_USE;

#endif
