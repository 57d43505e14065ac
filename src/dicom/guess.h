/*
 * The encoding of a data set that does not say it, or says it wrongly: found by reading its
 * first elements strictly in each of the three that are not compressed (explicit and
 * implicit VR little endian, explicit VR big endian).
 */
#ifndef DICOM_GUESS_H
#define DICOM_GUESS_H

#include "dicom/syntax.h"

/* Is the first element one that the dictionary knows, with a VR and a length that go with it? */
bool guess_plausible(struct bytes data);
/* NULL when none of them makes sense of the first element. */
const struct syntax *guess_syntax(struct bytes data);
/* Another encoding than `named`, if the data set is plainly in that and not in `named`; else
 * `named`. */
const struct syntax *guess_correct(struct bytes data, const struct syntax *named);

#endif
