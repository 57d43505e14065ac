/*
 * Text into HTML: what is a peer's or a file's stays text, wherever it is put.
 *
 * Both write only what is inert in an element's text and in an attribute in quotes (also inside of
 * SVG): & < > " ' ` = / are written as character references, control characters (also bidirectional
 * and zero-width ones) and bytes that are no UTF-8 as \xNN, as buf_escaped does; non-characters of
 * Unicode too.  Not for names of tags or attributes, URLs, style or script: nothing is.
 */
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include "base/buf.h"

void html_text(struct buf *b, struct bytes s);
void html_str(struct buf *b, const char *s);
void html_lines(struct buf *b, struct bytes s); /* for <pre>: line feeds stay */

/* RFC 4648, with padding: for data: URLs and the hashes of a Content-Security-Policy. */
void html_base64(struct buf *b, struct bytes s);

#endif
