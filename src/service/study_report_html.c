/*
 * The page of a study that has left: the folder job's report.html with what the service knows put
 * where the mark is; or, where there is none (the study failed, the disk was full), a page of its
 * own.
 */
#include <string.h>

#include "base/html.h"
#include "service/study_report.h"
#include "study/report_html.h"

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- what became of it ---- */

static void outcome(const struct study_report *r, struct buf *b)
{
	uint32_t ended = 0;

	for (uint32_t i = 0; i < r->destination_count; i++)
		ended += r->destination[i].fate == STUDY_DELIVERED ||
			 r->destination[i].fate == STUDY_COMMITTED;
	if (r->failed != NULL) {
		buf_str(b, "<p class=\"verdict bad\"><strong>In quarantine:</strong> ");
		html_str(b, r->failed);
		if (r->quarantine != NULL) {
			buf_str(b, "<br>Its folder there: <span class=\"uid\">");
			html_str(b, r->quarantine);
			buf_str(b, "</span>");
		}
		buf_str(b, "</p>\n");
	} else if (ended < r->destination_count) {
		buf_fmt(b,
			"<p class=\"verdict warn\"><strong>Delivered to %u of %u "
			"destinations.</strong></p>\n",
			ended, r->destination_count);
	} else if (ended > 0) {
		buf_fmt(b,
			"<p class=\"verdict good\"><strong>Delivered</strong> to %u "
			"destination%s.</p>\n",
			ended, plural(ended));
	} else {
		buf_str(b, "<p class=\"verdict good\"><strong>Done.</strong> No destination is "
			   "configured.</p>\n");
	}
}

/* "OVERLAY 60 of 60" */
static void types(const struct study_report_destination *d, struct buf *b)
{
	if (d->type_count == 0)
		return;
	buf_str(b, "<ul class=\"why\">");
	for (uint32_t i = 0; i < d->type_count; i++) {
		buf_str(b, "<li>");
		html_str(b, d->types[i].name);
		buf_fmt(b, " %u of %u</li>", d->types[i].sent, d->types[i].made);
	}
	buf_str(b, "</ul>");
}

static void destination(const struct study_report_destination *d, struct buf *b)
{
	static const char *const fates[] = {"<span class=\"tag good\">delivered</span>",
					    "<span class=\"tag good\">committed</span>",
					    "<span class=\"tag bad\">given up</span>",
					    "<span class=\"tag note\">not tried</span>"};

	buf_str(b, "<tr><th scope=\"row\"><bdi class=\"name\">");
	html_str(b, d->name);
	buf_str(b, "</bdi><ul class=\"why\"><li>");
	html_str(b, d->ae_title);
	buf_str(b, " at ");
	html_str(b, d->address);
	buf_fmt(b, "</li></ul></th><td>%s</td><td class=\"n\">%u", fates[d->fate], d->sent);
	if (d->warnings > 0)
		buf_fmt(b, " <span class=\"soft\">(%u with a warning)</span>", d->warnings);
	types(d, b);
	buf_fmt(b, "</td><td class=\"n\">%u</td><td class=\"n\">%u</td><td class=\"n\">", d->unsent,
		d->attempts);
	if (d->took_us > 0)
		buf_fmt(b, "%.2f&nbsp;s", (double)d->took_us / 1e6);
	else
		buf_str(b, "&ndash;");
	buf_str(b, "</td><td class=\"said\">");
	if (d->last != NULL)
		html_str(b, d->last);
	else
		buf_str(b, "&ndash;");
	buf_str(b, "</td></tr>\n");
}

static void delivery(const struct study_report *r, struct buf *b)
{
	buf_str(b, "<section aria-labelledby=\"delivery\">\n<h2 id=\"delivery\">Delivery</h2>\n");
	outcome(r, b);
	if (r->destination_count > 0) {
		buf_str(b,
			"<h3 id=\"destinations\">Destinations</h3>\n<div class=\"scroll wide\" "
			"role=\"region\" aria-labelledby=\"destinations\" "
			"tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">Destination</th><th "
			"scope=\"col\">Result</th><th scope=\"col\" class=\"n\">Sent</th><th "
			"scope=\"col\" class=\"n\">Not sent</th><th scope=\"col\" "
			"class=\"n\">Attempts</th><th scope=\"col\" class=\"n\">Time</th><th "
			"scope=\"col\">Last trouble</th></tr></thead>\n<tbody>\n");
		for (uint32_t i = 0; i < r->destination_count; i++)
			destination(&r->destination[i], b);
		buf_str(b, "</tbody></table></div>\n");
	}
	buf_str(b, "</section>\n");
}

/* ---- what came ---- */

static void senders(const struct study_report *r, struct buf *b)
{
	if (r->sender_count == 0)
		return;
	buf_str(b,
		"<h3 id=\"senders\">Senders</h3>\n<div class=\"scroll wide slim\" role=\"region\" "
		"aria-labelledby=\"senders\" tabindex=\"0\"><table>\n<thead><tr><th "
		"scope=\"col\">AE title</th><th scope=\"col\">Address</th><th scope=\"col\" "
		"class=\"n\">Instances</th></tr></thead>\n<tbody>\n");
	for (uint32_t i = 0; i < r->sender_count; i++) {
		const struct study_report_sender *s = &r->sender[i];

		buf_str(b, "<tr><th scope=\"row\"><bdi>");
		html_str(b, s->ae_title != NULL ? s->ae_title : "none: copied by hand");
		buf_str(b, "</bdi></th><td><bdi>");
		if (s->address != NULL)
			html_str(b, s->address);
		else
			buf_str(b, "&ndash;");
		buf_fmt(b, "</bdi></td><td class=\"n\">%u</td></tr>\n", s->instances);
	}
	buf_str(b, "</tbody></table></div>\n");
}

static void time_row(struct buf *b, const char *what, uint64_t us)
{
	if (us > 0)
		report_html_time(b, what, us);
}

static void received(const struct study_report *r, struct buf *b)
{
	buf_str(b, "<section aria-labelledby=\"received\">\n<h2 id=\"received\">Received</h2>\n<dl "
		   "class=\"facts\">\n");
	report_html_fact(b, "images", r->images);
	report_html_fact(b, "structure sets", r->structure_sets);
	report_html_fact(b, "other objects", r->others);
	buf_fmt(b, "<div><dt>size</dt><dd>%.1f <small>MB</small></dd></div>\n</dl>\n",
		(double)r->bytes / 1e6);
	senders(r, b);
	if (r->receive_us + r->wait_us + r->process_us > 0) {
		buf_str(b, "<h3>Times</h3>\n<div class=\"scroll slim\"><table>\n<thead><tr><th "
			   "scope=\"col\">Step</th><th scope=\"col\" "
			   "class=\"n\">Time</th></tr></thead>\n<tbody>\n");
		time_row(b, "receiving", r->receive_us);
		time_row(b, "waiting for more", r->wait_us);
		time_row(b, "processing", r->process_us);
		buf_str(b, "</tbody></table></div>\n");
	}
	buf_str(b, "</section>\n");
}

/* ---- all of it ---- */

void study_report_html(const struct study_report *r, struct buf *b)
{
	const uint8_t *mark = report_html_mark(r->job_html);

	if (mark != NULL) {
		size_t before = (size_t)(mark - r->job_html.at), after = strlen(REPORT_HTML_MARK);

		buf_add(b, bytes_of(r->job_html.at, before));
		delivery(r, b);
		received(r, b);
		buf_add(b, bytes_of(mark + after, r->job_html.len - before - after));
		return;
	}
	report_html_begin("Study report", r->version, &r->study, &r->when, b);
	delivery(r, b);
	received(r, b);
	if (r->job_text.len > 0) {
		buf_str(b,
			"<section aria-labelledby=\"job\">\n<h2 id=\"job\">Processing</h2>\n<div "
			"class=\"scroll\" role=\"region\" aria-labelledby=\"job\" "
			"tabindex=\"0\"><pre>");
		html_lines(b, r->job_text);
		buf_str(b, "</pre></div>\n</section>\n");
	}
	report_html_end(b);
}
