/*
 * The page around the structure sets: head, summary, what was read, settings, times.
 */
#include "study/report_html.h"

#include <stdio.h>
#include <string.h>

#include "base/html.h"
#include "base/sha256.h"

static const uint8_t style[] = {
#include "report_css.inc"
};

/* ---- the page ---- */

/* The style is allowed by its hash alone; frame-ancestors and the like do not count in a meta. */
static void policy(struct buf *b)
{
	struct sha256 hash;
	uint8_t digest[SHA256_LEN];

	sha256_init(&hash);
	sha256_add(&hash, bytes_of(style, sizeof(style)));
	sha256_end(&hash, digest);
	buf_str(b, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		   "img-src data:; style-src 'sha256-");
	html_base64(b, bytes_of(digest, sizeof(digest)));
	buf_str(b, "'; base-uri 'none'; form-action 'none'\">\n");
}

/* The same for every page, up to its title. */
static void head(struct buf *b)
{
	buf_str(b, REPORT_HTML_DOCTYPE "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	policy(b);
	buf_str(b, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		   "<meta name=\"color-scheme\" content=\"light dark\">\n"
		   "<meta name=\"referrer\" content=\"no-referrer\">\n"
		   "<meta name=\"robots\" content=\"noindex, nofollow\">\n");
}

const uint8_t *report_html_mark(struct bytes page)
{
	static const char mark[] = REPORT_HTML_MARK, end[] = REPORT_HTML_END;
	struct buf want = BUF_INIT(4096);
	const uint8_t *at = NULL;

	head(&want);
	if (!want.failed && page.len > want.len + strlen(end) &&
	    memcmp(page.at, want.at, want.len) == 0 &&
	    memcmp(page.at + page.len - strlen(end), end, strlen(end)) == 0)
		at = memmem(page.at, page.len, mark, strlen(mark));
	buf_free(&want);
	return at;
}

void report_html_begin(const char *what, const char *version, const struct uid *study,
		       const struct wall *when, struct buf *b)
{
	char iso[20];

	wall_iso(when, 'T', iso);
	head(b);
	buf_fmt(b, "<title>%s, study %s</title>\n<style>", what, study->text);
	buf_add(b, bytes_of(style, sizeof(style)));
	buf_str(b, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the "
		   "report</a>\n");
	buf_fmt(b, "<header>\n<h1>%s</h1>\n<p>Study ", what);
	report_html_uid(b, study);
	buf_fmt(b, "</p>\n<p class=\"soft\">Made by netrt %s on ", version);
	buf_fmt(b, "<time datetime=\"%s\">%.10s, %s</time></p>\n</header>\n<main id=\"main\">\n",
		iso, iso, iso + 11);
}

void report_html_end(struct buf *b)
{
	buf_str(b, "</main>\n<footer>\n<p>This page is complete in itself: it runs no script and "
		   "loads nothing. For review only, not for "
		   "treatment.</p>\n</footer>\n</body>\n" REPORT_HTML_END);
}

void report_html_uid(struct buf *b, const struct uid *uid)
{
	buf_str(b, "<span class=\"uid\">");
	html_str(b, uid->text);
	buf_str(b, "</span>");
}

void report_html_fact(struct buf *b, const char *name, uint64_t n)
{
	buf_fmt(b, "<div><dt>%s</dt><dd>%llu</dd></div>\n", name, (unsigned long long)n);
}

void report_html_time(struct buf *b, const char *what, uint64_t us)
{
	buf_fmt(b, "<tr><th scope=\"row\">%s</th><td class=\"n\">%.3f&nbsp;s</td></tr>\n", what,
		(double)us / 1e6);
}

/* ---- summary ---- */

static void verdict(struct buf *b, const struct report_totals *t)
{
	if (t->sets_failed > 0)
		buf_fmt(b,
			"<p class=\"verdict bad\"><strong>%u of %u structure set%s could not be "
			"used.</strong> Why is said below.</p>\n",
			t->sets_failed, t->sets, report_plural(t->sets));
	else if (t->losses > 0)
		buf_str(b, "<p class=\"verdict warn\"><strong>Not everything is in the "
			   "output:</strong> "
			   "what is missing is said below.</p>\n");
	else
		buf_str(b, "<p class=\"verdict good\"><strong>Everything that was asked for is in "
			   "the output.</strong></p>\n");
}

static void contents(struct buf *b, const struct report *r)
{
	buf_str(b, "<nav aria-label=\"Contents\"><ul>\n");
	for (uint32_t i = 0; i < r->set_count; i++) {
		if (r->set_count == 1 && r->sets[i].failed == NULL)
			buf_str(b, "<li><a href=\"#set1\">Structure set</a></li>\n"
				   "<li><a href=\"#rois1\">ROIs</a></li>\n"
				   "<li><a href=\"#cover1\">Coverage</a></li>\n"
				   "<li><a href=\"#sheet1\">Contact sheet</a></li>\n");
		else
			buf_fmt(b, "<li><a href=\"#set%u\">Structure set %u</a></li>\n", i + 1,
				i + 1);
	}
	buf_str(b, "<li><a href=\"#output\">Output</a></li>\n"
		   "<li><a href=\"#input\">Input</a></li>\n");
	if (r->deid != NULL)
		buf_str(b, "<li><a href=\"#deid\">De-identification</a></li>\n");
	buf_str(b, "<li><a href=\"#times\">Times</a></li>\n<li><a "
		   "href=\"#settings\">Settings</a></li>\n</ul></nav>\n");
}

static void summary(struct buf *b, const struct report *r)
{
	struct report_totals t = report_totals(r);
	uint32_t rois = t.rois_used + t.rois_unused;

	buf_str(b, "<section aria-labelledby=\"summary\">\n<h2 id=\"summary\">Summary</h2>\n");
	verdict(b, &t);
	buf_str(b, "<dl class=\"facts\">\n");
	report_html_fact(b, "images written", t.images);
	buf_fmt(b, "<div><dt>ROIs painted</dt><dd>%u <small>of %u</small></dd></div>\n",
		t.rois_used, rois);
	buf_fmt(b, "<div><dt>structure sets</dt><dd>%u <small>of %u</small></dd></div>\n",
		t.sets - t.sets_failed, t.sets);
	report_html_fact(b, "remarks", t.warnings);
	buf_fmt(b, "<div><dt>time</dt><dd>%.2f <small>s</small></dd></div>\n</dl>\n",
		(double)r->total_us / 1e6);
	contents(b, r);
	buf_str(b, "</section>\n" REPORT_HTML_MARK);
}

/* ---- what was read ---- */

static void count_row(struct buf *b, uint32_t n, const char *what)
{
	if (n == 0)
		return;
	buf_fmt(b, "<tr><td class=\"n\">%u</td><th scope=\"row\">", n);
	html_str(b, what);
	buf_str(b, "</th></tr>\n");
}

static void counts_begin(struct buf *b, const char *heading)
{
	buf_fmt(b,
		"<h3>%s</h3>\n<div class=\"scroll slim\"><table>\n<thead><tr><th scope=\"col\" "
		"class=\"n\">Number</th><th scope=\"col\">What</th></tr></thead>\n<tbody>\n",
		heading);
}

static void counts_end(struct buf *b)
{
	buf_str(b, "</tbody></table></div>\n");
}

static void input(struct buf *b, const struct report *r)
{
	char text[64];

	buf_str(b, "<section aria-labelledby=\"input\">\n<h2 id=\"input\">Input</h2>\n");
	counts_begin(b, "Read for this study");
	snprintf(text, sizeof(text), "image%s in %u series", report_plural(r->images), r->series);
	count_row(b, r->images, text);
	count_row(b, r->set_count, r->set_count == 1 ? "structure set" : "structure sets");
	for (uint32_t i = 0; i < r->other_count; i++) {
		buf_fmt(b, "<tr><td class=\"n\">%u</td><th scope=\"row\">", r->others[i].count);
		html_str(b, r->others[i].text);
		buf_str(b, " <span class=\"soft\">not used</span></th></tr>\n");
	}
	count_row(b, r->duplicates, r->duplicates == 1 ? "duplicate file" : "duplicate files");
	snprintf(text, sizeof(text), "object%s of netrt's, of an earlier run, not used",
		 report_plural(r->derived));
	count_row(b, r->derived, text);
	counts_end(b);
	counts_begin(b, "Read in the whole run");
	snprintf(text, sizeof(text), "file%s, %u stud%s", report_plural(r->run_files),
		 r->run_studies, r->run_studies == 1 ? "y" : "ies");
	count_row(b, r->run_files, text);
	count_row(b, r->run_not_dicom, "not DICOM");
	count_row(b, r->run_dicomdirs, "DICOMDIR");
	count_row(b, r->run_not_files, "no regular file, not opened");
	for (uint32_t i = 0; i < r->problem_count; i++) {
		buf_fmt(b, "<tr><td class=\"n\">%u</td><th scope=\"row\">not usable: ",
			r->problems[i].count);
		html_str(b, r->problems[i].text);
		buf_str(b, "</th></tr>\n");
	}
	counts_end(b);
	buf_str(b, "</section>\n");
}

static void output(struct buf *b, const struct report *r)
{
	buf_str(b, "<section aria-labelledby=\"output\">\n<h2 id=\"output\">Output</h2>\n<div "
		   "class=\"scroll slim\"><table>\n<thead><tr><th scope=\"col\" "
		   "class=\"n\">Files</th><th scope=\"col\">Folder</th><th "
		   "scope=\"col\">Series type</th></tr></thead>\n<tbody>\n");
	for (unsigned k = 0; k < OUTPUT_KINDS; k++) {
		const struct output_place *p = &output_places[k];

		if (r->made[k] > 0)
			buf_fmt(b,
				"<tr><td class=\"n\">%u</td><th "
				"scope=\"row\">%s</th><td>%s</td></tr>\n",
				r->made[k], p->folder,
				p->series_type != NULL ? p->series_type : "&ndash;");
	}
	buf_str(b, "</tbody></table></div>\n</section>\n");
}

static void deidentification(struct buf *b, const struct report_deid *d)
{
	if (d == NULL)
		return;
	buf_str(b,
		"<section aria-labelledby=\"deid\">\n<h2 id=\"deid\">De-identification</h2>\n<dl "
		"class=\"pairs\">\n<dt>Profile</dt><dd>");
	html_str(b, d->profile);
	buf_str(b, "</dd>\n<dt>Codes</dt><dd>");
	for (unsigned i = 0; d->codes[i] != NULL; i++) {
		buf_str(b, i == 0 ? "" : ", ");
		html_str(b, d->codes[i]);
	}
	buf_str(b, "</dd>\n<dt>Policy</dt><dd class=\"uid\">");
	html_str(b, d->policy);
	if (d->key != NULL) {
		buf_str(b, "</dd>\n<dt>Key</dt><dd class=\"uid\">");
		html_str(b, d->key);
	}
	buf_str(b, "</dd>\n</dl>\n<p class=\"soft\">What was done to each image is in "
		   "report.json.</p>\n</section>\n");
}

static void times(struct buf *b, const struct report *r)
{
	struct report_totals t = report_totals(r);

	buf_str(b, "<section aria-labelledby=\"times\">\n<h2 id=\"times\">Times</h2>\n<div "
		   "class=\"scroll slim\"><table>\n<thead><tr><th scope=\"col\">Step</th><th "
		   "scope=\"col\" "
		   "class=\"n\">Time</th></tr></thead>\n<tbody>\n");
	report_html_time(b, "reading structure sets", t.read_us);
	report_html_time(b, "deciding which contour goes where", t.plan_us);
	report_html_time(b, "painting and writing", t.paint_us);
	report_html_time(b, "all of it", r->total_us);
	buf_fmt(b, "</tbody></table></div>\n<p class=\"soft\">%u process%s", r->workers,
		r->workers == 1 ? "" : "es");
	if (t.paint_us > 0)
		buf_fmt(b, ", %.0f images a second", (double)t.images / ((double)t.paint_us / 1e6));
	buf_str(b, ".</p>\n</section>\n");
}

static void pair(struct buf *b, const char *name, const char *value)
{
	buf_fmt(b, "<dt>%s</dt><dd>", name);
	html_str(b, value);
	buf_str(b, "</dd>\n");
}

static void settings(struct buf *b, const struct report *r)
{
	buf_str(b, "<section aria-labelledby=\"settings\">\n<h2 id=\"settings\">Settings</h2>\n<dl "
		   "class=\"pairs\">\n");
	pair(b, "Configuration", r->config_file != NULL ? r->config_file : "built-in defaults");
	buf_fmt(b, "<dt>SHA-256 of it</dt><dd class=\"uid\">%s</dd>\n", r->config_sha256);
	pair(b, "Overlay planes", r->planes);
	pair(b, "Edge rule", r->edge);
	pair(b, "Nested contours", r->nested);
	buf_str(b, "</dl>\n</section>\n");
}

void report_html(const struct report *r, struct buf *b)
{
	report_html_begin("Study report", r->version, &r->study, &r->when, b);
	summary(b, r);
	for (uint32_t i = 0; i < r->set_count; i++)
		report_html_set(r, i, b);
	output(b, r);
	input(b, r);
	deidentification(b, r->deid);
	times(b, r);
	settings(b, r);
	report_html_end(b);
}
