#include "service/study_report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define REPORT_FILE_MOST (64u << 20) /* as study/report.h's */
#define SAME_SECOND 100u             /* reports of one study within a second */

static const char *const fate_words[] = {"delivered", "committed", "given up", "not tried"};
static const char *const fate_names[] = {"delivered", "committed", "given_up", "not_tried"};

/* ---- text ------------------------------------------------------------------------------------ */

/* The first lines are NETRT's. */
static void head(const struct study_report *r, struct buf *b)
{
	char when[20];

	wall_iso(&r->when, ' ', when);
	buf_str(b, "Processing Report\n====================\n");
	buf_fmt(b, "Study Instance UID: %s\n", r->study.text);
	buf_fmt(b, "Report Generated: %s.%06u\n", when, (unsigned)r->when.microsecond % 1000000u);
	for (uint32_t i = 0; i < r->sender_count || i == 0; i++) {
		const struct study_report_sender *s = r->sender_count > 0 ? &r->sender[i] : NULL;

		buf_str(b, "Sender IP: ");
		buf_escaped(b, bytes_str(s == NULL || s->address == NULL ? "N/A" : s->address));
		buf_str(b, "\nSender AE Title: ");
		buf_escaped(b, bytes_str(s == NULL || s->ae_title == NULL ? "N/A" : s->ae_title));
		buf_char(b, '\n');
		if (s != NULL)
			buf_fmt(b, "Instances from this sender: %u\n", s->instances);
	}
	buf_fmt(b, "netrt: %s\n--------------------\n", r->version);
}

static void duration(struct buf *b, const char *what, uint64_t us)
{
	if (us > 0)
		buf_fmt(b, "%s: %.2f seconds\n", what, (double)us / 1e6);
}

static void received(const struct study_report *r, struct buf *b)
{
	buf_fmt(b, "Number of DICOM files received: %u\n",
		r->images + r->structure_sets + r->others);
	buf_fmt(b, "Images: %u\nStructure sets: %u\nOther objects: %u\nBytes: %llu\n", r->images,
		r->structure_sets, r->others, (unsigned long long)r->bytes);
	duration(b, "Receiving", r->receive_us);
	duration(b, "Waiting", r->wait_us);
	duration(b, "Processing", r->process_us);
}

static void destination(const struct study_report_destination *d, struct buf *b)
{
	buf_str(b, "\nDestination: ");
	buf_escaped(b, bytes_str(d->name));
	buf_str(b, " (");
	buf_escaped(b, bytes_str(d->ae_title));
	buf_char(b, '@');
	buf_escaped(b, bytes_str(d->address));
	buf_fmt(b, ")\n  %s: %u sent", fate_words[d->fate], d->sent);
	if (d->warnings > 0)
		buf_fmt(b, " (%u with a warning)", d->warnings);
	buf_fmt(b, ", %u not, %u attempt%s", d->unsent, d->attempts, d->attempts == 1 ? "" : "s");
	if (d->took_us > 0)
		buf_fmt(b, ", %.2f seconds", (double)d->took_us / 1e6);
	buf_char(b, '\n');
	for (uint32_t i = 0; i < d->type_count; i++) {
		buf_str(b, "  ");
		buf_escaped(b, bytes_str(d->types[i].name));
		buf_fmt(b, ": %u of %u\n", d->types[i].sent, d->types[i].made);
	}
	if (d->last != NULL) {
		buf_str(b, "  last trouble: ");
		buf_escaped(b, bytes_str(d->last));
		buf_char(b, '\n');
	}
}

void study_report_text(const struct study_report *r, struct buf *b)
{
	head(r, b);
	received(r, b);
	for (uint32_t i = 0; i < r->destination_count; i++)
		destination(&r->destination[i], b);
	if (r->failed != NULL) {
		buf_str(b, "\nERROR\n====================\n");
		buf_escaped(b, bytes_str(r->failed));
		buf_str(b, "\n--------------------\n");
	}
	if (r->quarantine != NULL) {
		buf_str(b, "Quarantine: ");
		buf_escaped(b, bytes_str(r->quarantine));
		buf_char(b, '\n');
	}
	if (r->failed == NULL)
		buf_fmt(b, "\nProcessing successful in %.2f seconds.\n",
			(double)r->process_us / 1e6);
	if (r->job_text.len > 0) {
		buf_str(b, "\n--------------------\n");
		buf_add(b, r->job_text); /* made by study/report, which escapes */
	}
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* A peer's text as in the logs: escaped first, so that bad bytes are not lost. */
static void text(struct buf *b, const char *key, const char *value)
{
	struct buf safe = BUF_INIT(65536);

	buf_fmt(b, "\"%s\": ", key);
	if (value == NULL) {
		buf_str(b, "null");
		return;
	}
	buf_escaped(&safe, bytes_str(value));
	buf_json(b, buf_bytes(&safe));
	b->failed |= safe.failed;
	buf_free(&safe);
}

static void seconds(struct buf *b, const char *key, uint64_t us)
{
	if (us == 0)
		buf_fmt(b, "\"%s\": null", key);
	else
		buf_fmt(b, "\"%s\": %llu.%06llu", key, (unsigned long long)(us / 1000000),
			(unsigned long long)(us % 1000000));
}

static void senders_json(const struct study_report *r, struct buf *b)
{
	buf_str(b, "  \"senders\": [");
	for (uint32_t i = 0; i < r->sender_count; i++) {
		buf_str(b, i == 0 ? "\n    {" : ",\n    {");
		text(b, "ae_title", r->sender[i].ae_title);
		buf_str(b, ", ");
		text(b, "address", r->sender[i].address);
		buf_fmt(b, ", \"instances\": %u}", r->sender[i].instances);
	}
	buf_str(b, r->sender_count > 0 ? "\n  ],\n" : "],\n");
}

static void types_json(const struct study_report_destination *d, struct buf *b)
{
	buf_str(b, "\"series\": {");
	for (uint32_t i = 0; i < d->type_count; i++) {
		buf_str(b, i == 0 ? "" : ", ");
		buf_json(b, bytes_str(d->types[i].name));
		buf_fmt(b, ": {\"sent\": %u, \"made\": %u}", d->types[i].sent, d->types[i].made);
	}
	buf_str(b, "}, ");
}

static void destinations_json(const struct study_report *r, struct buf *b)
{
	buf_str(b, "  \"destinations\": [");
	for (uint32_t i = 0; i < r->destination_count; i++) {
		const struct study_report_destination *d = &r->destination[i];

		buf_str(b, i == 0 ? "\n    {" : ",\n    {");
		text(b, "name", d->name);
		buf_str(b, ", ");
		text(b, "ae_title", d->ae_title);
		buf_str(b, ", ");
		text(b, "address", d->address);
		buf_fmt(b,
			", \"result\": \"%s\", \"sent\": %u, \"warnings\": %u, \"unsent\": %u, "
			"\"attempts\": %u, ",
			fate_names[d->fate], d->sent, d->warnings, d->unsent, d->attempts);
		types_json(d, b);
		text(b, "last_trouble", d->last);
		buf_str(b, ", ");
		seconds(b, "seconds", d->took_us);
		buf_char(b, '}');
	}
	buf_str(b, r->destination_count > 0 ? "\n  ],\n" : "],\n");
}

void study_report_json(const struct study_report *r, struct buf *b)
{
	struct bytes job = r->job_json;
	char when[20];

	wall_iso(&r->when, 'T', when);
	buf_str(b, "{\n  ");
	text(b, "netrt", r->version);
	buf_fmt(b, ",\n  \"study\": \"%s\",\n", r->study.text);
	buf_fmt(b, "  \"created\": \"%s\",\n  ", when);
	text(b, "failed", r->failed);
	buf_str(b, ",\n  ");
	text(b, "quarantine", r->quarantine);
	buf_str(b, ",\n");
	senders_json(r, b);
	buf_fmt(b,
		"  \"received\": {\"images\": %u, \"structure_sets\": %u, \"others\": %u, "
		"\"bytes\": %llu},\n  ",
		r->images, r->structure_sets, r->others, (unsigned long long)r->bytes);
	seconds(b, "seconds_receiving", r->receive_us);
	buf_str(b, ",\n  ");
	seconds(b, "seconds_waiting", r->wait_us);
	buf_str(b, ",\n  ");
	seconds(b, "seconds_processing", r->process_us);
	buf_str(b, ",\n");
	destinations_json(r, b);
	while (job.len > 0 && (job.at[job.len - 1] == '\n' || job.at[job.len - 1] == ' '))
		job.len--;
	buf_str(b, "  \"processing\": ");
	/* whole, as study/report made it; half of one (a full disk) would spoil the rest */
	if (job.len >= 2 && job.at[0] == '{' && job.at[job.len - 1] == '}')
		buf_add(b, job);
	else
		buf_str(b, "null");
	buf_str(b, "\n}\n");
}

/* ---- files ----------------------------------------------------------------------------------- */

/* A report of the study's folder; empty when there is none that can be read. */
static struct bytes job_report(int study_dir, const char *name, struct file_map *m)
{
	struct fault f;

	if (study_dir < 0 || file_map(m, study_dir, name, &f) != OK)
		return BYTES_NONE;
	return m->bytes.len > REPORT_FILE_MOST ? BYTES_NONE : m->bytes;
}

/* `part` is `name` from now on; false with EEXIST when there is one already. */
static bool give_name(int dir, const char *part, const char *name)
{
	if (linkat(dir, part, dir, name, 0) == 0)
		return true;
	if (errno == EEXIST)
		return false;
	/* no hard links: a share of another system */
	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return false;
	}
	return renameat(dir, part, dir, name) == 0;
}

/* A new file of this name in `dir`, whole and synced: written beside it, then linked, so that an
 * older one stays.  errno is EEXIST when there is one. */
static enum err put_file(int dir, const char *name, struct bytes text, struct fault *f)
{
	char part[NAME_MAX + 1];
	enum err e;

	snprintf(part, sizeof(part), ".%s.%ld.part", name, (long)getpid());
	int fd = openat(dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return fault_io(f, "cannot create the report");
	e = file_write_all(fd, text, f);
	if (e == OK && fdatasync(fd) != 0)
		e = fault_io(f, "cannot write the report");
	if (close(fd) != 0 && e == OK)
		e = fault_io(f, "cannot write the report");
	if (e == OK && !give_name(dir, part, name))
		e = fault_io(f, "cannot name the report");
	(void)unlinkat(dir, part, 0);
	return e;
}

static void base_name(const struct study_report *r, unsigned turn, char *out, size_t size)
{
	char date[9], time[14], again[16] = "";

	wall_date(&r->when, date);
	wall_time(&r->when, time);
	if (turn > 1)
		snprintf(again, sizeof(again), "_%u", turn);
	snprintf(out, size, "report_%s_%s_%.6s%s", r->study.text, date, time, again);
}

/* A report in its three forms. */
enum form { AS_TEXT, AS_JSON, AS_HTML, FORMS };
static const char *const endings[FORMS] = {"txt", "json", "html"};

/* All of them under the first name that is free. */
static enum err put_files(int dir, const struct study_report *r, const struct buf *forms,
			  struct fault *f)
{
	char base[160], name[170];
	enum err e = ERR_IO;

	for (unsigned turn = 1; turn <= SAME_SECOND; turn++) {
		struct fault why;

		base_name(r, turn, base, sizeof(base));
		snprintf(name, sizeof(name), "%s.%s", base, endings[AS_TEXT]);
		e = put_file(dir, name, buf_bytes(&forms[AS_TEXT]), &why);
		if (e == ERR_IO && why.sys_errno == EEXIST)
			continue;
		for (unsigned form = AS_JSON; form < FORMS && e == OK; form++) {
			snprintf(name, sizeof(name), "%s.%s", base, endings[form]);
			e = put_file(dir, name, buf_bytes(&forms[form]), &why);
		}
		if (e != OK && f != NULL)
			*f = why;
		break;
	}
	if (e == OK)
		(void)fsync(dir);
	return e;
}

static enum err render_and_put(const struct study_report *r, const char *folder, struct fault *f)
{
	struct buf forms[FORMS];
	enum err e = OK;

	for (unsigned i = 0; i < FORMS; i++)
		forms[i] = BUF_INIT(REPORT_FILE_MOST * 2);

	(void)mkdir(folder, 0755); /* its parent is the site's to make */
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fault_io(f, "cannot open the folder of reports");
	study_report_text(r, &forms[AS_TEXT]);
	study_report_json(r, &forms[AS_JSON]);
	study_report_html(r, &forms[AS_HTML]);
	if (forms[AS_TEXT].failed || forms[AS_JSON].failed || forms[AS_HTML].failed)
		e = fault_set(f, ERR_NOMEM, "no memory for the report", FAULT_NO_OFFSET);
	else
		e = put_files(dir, r, forms, f);
	close(dir);
	for (unsigned i = 0; i < FORMS; i++)
		buf_free(&forms[i]);
	return e;
}

enum err study_report_write(const struct study_report *given, const char *folder, int study_dir,
			    struct fault *f)
{
	struct file_map text_map = FILE_MAP_NONE, json_map = FILE_MAP_NONE,
			html_map = FILE_MAP_NONE;
	struct study_report r = *given;

	if (!uid_ok(bytes_str(r.study.text)))
		return fault_set(f, ERR_UNUSABLE, "the study has no UID", FAULT_NO_OFFSET);
	if (r.job_text.len == 0)
		r.job_text = job_report(study_dir, "report.txt", &text_map);
	if (r.job_json.len == 0)
		r.job_json = job_report(study_dir, "report.json", &json_map);
	if (r.job_html.len == 0)
		r.job_html = job_report(study_dir, "report.html", &html_map);
	enum err e = render_and_put(&r, folder, f);
	file_unmap(&text_map);
	file_unmap(&json_map);
	file_unmap(&html_map);
	return e;
}
