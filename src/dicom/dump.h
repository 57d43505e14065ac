/*
 * A data set for people (dump) and for programs (the DICOM JSON model, PS3.18 annex F).
 */
#ifndef DICOM_DUMP_H
#define DICOM_DUMP_H

#include "base/buf.h"
#include "dicom/part10.h"

/* One line an element: tag, VR, [value] in UTF-8 and escaped, length, keyword; two spaces a depth.
 * Long values are cut, as the line says. Parse errors are part of the text; the code is returned. */
enum err dump_text(const struct part10 *p, struct buf *out, struct fault *f) MUST_USE;
/* One JSON object; binary values inline (base64), group 0002 and group lengths left out. */
enum err dump_json(const struct part10 *p, struct buf *out, struct fault *f) MUST_USE;

#endif
