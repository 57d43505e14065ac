/*
 * report.html: to be read by a person, in a browser, on paper, or by a screen reader.
 *
 * One file that needs nothing else: pictures lie inside, there is no script, and its
 * Content-Security-Policy forbids every request and every style but the one with its hash. Names of
 * ROIs and whatever else comes from outside go through base/html.  It says what report.txt says,
 * with the pictures, and as little of the patient.
 *
 * The service puts what it knows (who sent it, what each destination said) where the mark is, in a
 * copy of its own.
 */
#ifndef STUDY_REPORT_HTML_H
#define STUDY_REPORT_HTML_H

#include "study/report.h"

#define REPORT_HTML_MARK "<!--netrt:delivery-->\n"
#define REPORT_HTML_DOCTYPE "<!DOCTYPE html>\n"
#define REPORT_HTML_END "</html>\n"

/* Where the mark is, in a page that begins and ends as this program's do, so that its policy rules
 * whatever is in it; else NULL. */
const uint8_t *report_html_mark(struct bytes page);

void report_html(const struct report *r, struct buf *out);

/* What every such page begins and ends with; `what` is its heading: a literal. */
void report_html_begin(const char *what, const char *version, const struct uid *study,
		       const struct wall *when, struct buf *out);
void report_html_end(struct buf *out);

/* Parts for whoever writes more into one: a line of <dl class="facts"> ... */
void report_html_fact(struct buf *b, const char *name, uint64_t n);
/* ... a row "seconds, what" of a table of times ... */
void report_html_time(struct buf *b, const char *what, uint64_t us);
/* ... and a UID. */
void report_html_uid(struct buf *b, const struct uid *uid);

/* A structure set (report_html_set.c); `index` counts from 0. */
void report_html_set(const struct report *r, uint32_t index, struct buf *out);

#endif
