#include "study/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "series/secondary.h"
#include "study/contact.h"
#include "study/products.h"
#include "study/report_html.h"
#include "study/shield.h"
#include "study/slice.h"
#include "study/staging.h"
#include "study/tally.h"

#define FORETELL_MAX 100000u /* UIDs derived in search of overlay series that came back */
#define PICTURED_SETS 8u     /* the first ones have a contact sheet in the report */

struct run {
	const struct scan *scan;
	const struct scan_study *study;
	const struct study_options *options;
	struct uid label; /* the study's UID as it may be told */
	/* the same in messages: the service maps the UIDs of its log lines itself, all of them */
	struct uid log_label;
	int out;
	const char *sheet_path;
	struct sheet sheet; /* of the first set that is painted, for sheet_path */
	struct arena arena; /* what lives as long as the report */
	struct staging staging;
	bool staged;
	struct rt_image *images; /* those of the study that netrt did not make */
	uint32_t image_count;
	struct report report;
	struct report_deid deid;
	struct buf crosswalk; /* owned */
	uint32_t painted;     /* structure sets so far */
	int exit;             /* EX_OK until something fails the study */
	int interrupted;      /* the signal */
	int sys_errno;        /* what failed the study, where it was a system call */
	char reason[1024];
};

/* One structure set at work. */
struct task {
	struct part10 file;
	struct arena arena;
	struct structset set;
	struct rt_plan plan;
	struct overlay_series series;
	char suffix[16];
	struct slice_job job;
	struct sheet sheet; /* owned */
	uint64_t started_us;
	struct run *run;
	const struct scan_set *source;
	struct report_set *report;
};

/* The study fails: say why. */
static void PRINTF_LIKE(3, 4) fail(struct run *r, int code, const char *fmt, ...)
{
	va_list args;

	r->exit = code;
	va_start(args, fmt);
	vsnprintf(r->reason, sizeof(r->reason), fmt, args);
	va_end(args);
	log_say(LOG_ERROR, "study %s: %s", r->log_label.text, r->reason);
}

static void fail_fault(struct run *r, int code, const char *doing, const struct fault *f)
{
	char text[256];

	r->sys_errno = f->sys_errno;
	fault_format(f, text, sizeof(text));
	fail(r, code, "%s: %s", doing, text);
}

static const char *output_hint(int code)
{
	switch (code) {
	case ENOSPC:
	case EDQUOT:
		return "; free some space there, or give another folder with -o";
	case EACCES:
	case EPERM:
	case EROFS:
		return "; make it writable, or give another folder with -o";
	case EFBIG:
		return "; this process may not write files of that size (ulimit -f)";
	default:
		return "";
	}
}

static void fail_output(struct run *r, const char *name, const struct fault *f)
{
	char text[256];

	r->sys_errno = f->sys_errno;
	fault_format(f, text, sizeof(text));
	fail(r, EX_CANTCREAT, "%s/UID_%s%s: %s%s", log_quote_str(r->options->out_path),
	     r->log_label.text, name, text, output_hint(f->sys_errno));
}

/* ---- before the first structure set ---- */

/*
 * Overlay and debug series of earlier runs that came back another way than as netrt's files (from a
 * PACS): their UIDs can be foretold.
 */
static bool is_foretold(const struct run *r, const struct uid *series)
{
	static struct uid last_source, last_asked;
	static bool last_answer;
	static unsigned tries;

	if (strncmp(series->text, "2.25.", 5) != 0)
		return false;
	if (uid_eq(series, &last_asked))
		return last_answer;
	last_asked = *series;
	last_answer = false;
	last_source = (struct uid){.text = ""};
	for (uint32_t i = 0; i < r->study->image_count && !last_answer; i++) {
		const struct uid *source = &r->study->images[i].series;
		struct uid told = shield_uid(r->options->gate, TAG_SeriesInstanceUID, source);

		if (uid_eq(source, &last_source))
			continue;
		last_source = *source;
		for (uint32_t k = 0; k < r->study->set_count && !last_answer; k++) {
			if (tries++ > FORETELL_MAX)
				return false;
			struct uid set = shield_uid(r->options->gate, TAG_SOPInstanceUID,
						    &r->study->sets[k].sop_instance);
			struct uid made = overlay_series_uid(r->options->uid_key, &told, &set);
			struct uid drawn = secondary_series_uid(r->options->uid_key, &told, &set);
			last_answer = uid_eq(&made, series) || uid_eq(&drawn, series);
		}
	}
	return last_answer;
}

static enum err choose_images(struct run *r, struct fault *f)
{
	const struct scan_study *s = r->study;

	r->images = ARENA_NEW(&r->arena, struct rt_image, s->image_count);
	if (r->images == NULL)
		return fault_set(f, ERR_NOMEM, "the study does not fit in memory", FAULT_NO_OFFSET);
	for (uint32_t i = 0; i < s->image_count; i++)
		if (!is_foretold(r, &s->images[i].series))
			r->images[r->image_count++] = s->images[i];
	return OK;
}

static enum err prepare(struct run *r, struct fault *f)
{
	const struct study_options *o = r->options;
	static const char *const planes[] = {"merged", "per_roi", "both"};
	struct report *p = &r->report;
	enum err e = arena_open(&r->arena, LIMIT_ARENA_STUDY, f);

	if (e == OK)
		e = tally_input(p, r->scan, r->study, &r->arena, f);
	if (e == OK)
		e = choose_images(r, f);
	if (e != OK)
		return e;
	p->study = r->label;
	p->version = o->version;
	p->when = o->now;
	p->config_file = o->config_file;
	if (o->gate != NULL) {
		o->gate->now = o->now;
		r->deid = (struct report_deid){
			.profile = shield_profile(o->gate),
			.policy = o->gate->digest,
			.key = o->gate->has_key ? o->gate->key.id : NULL,
			.codes = policy_codes(o->gate->policy),
		};
		p->deid = &r->deid;
	}
	memcpy(p->config_sha256, o->config_sha256, sizeof(p->config_sha256));
	p->planes = planes[o->planes];
	p->edge = o->rt.edge_rule == EDGE_INCLUSIVE ? "inclusive" : "half_open";
	p->nested = o->rt.nesting_rule == NESTED_HOLE ? "hole" : "union";
	p->workers = o->workers;
	p->derived += r->study->image_count - r->image_count;
	p->images = r->image_count;
	p->sets = ARENA_NEW(&r->arena, struct report_set, r->study->set_count);
	if (p->sets == NULL)
		return fault_set(f, ERR_NOMEM, "the study does not fit in memory", FAULT_NO_OFFSET);
	return OK;
}

/* ---- one structure set ---- */

/* A source file in a message: its path, or, where names and numbers may not be told, the UID that
 * its object goes by outside.  Valid until the next call. */
static const char *told_source(const struct run *r, const char *path, const struct uid *instance)
{
	static char text[LIMIT_UID + 16];
	struct uid told = r->options->folder_as_received
				  ? *instance
				  : shield_uid(r->options->gate, TAG_SOPInstanceUID, instance);

	if (r->options->gate == NULL)
		return log_quote_str(path);
	snprintf(text, sizeof(text), "object %s", told.text);
	return text;
}

/* A set that gives nothing: told, but the study goes on. */
static void set_failed(struct task *t, const struct fault *f)
{
	char text[256];

	fault_format(f, text, sizeof(text));
	t->report->failed = arena_strdup(&t->run->arena, bytes_str(text));
	if (t->report->failed == NULL)
		t->report->failed = f->text;
	log_say(LOG_WARNING, "study %s: structure set %s is not used: %s", t->run->log_label.text,
		told_source(t->run, t->source->path, &t->source->sop_instance), text);
}

static const char *why_this_series(const struct rt_plan *plan)
{
	for (uint32_t i = 0; i < plan->note_count; i++) {
		if (plan->notes[i].kind == RT_NOTE_SERIES_BY_UID)
			return "holds the images that its contours name";
		if (plan->notes[i].kind == RT_NOTE_SERIES_BY_FRAME)
			return "lies where its contours lie, in the same frame of reference";
	}
	return "named by the structure set";
}

/* How many sets before this one were painted on the same images. */
static void choose_suffix(struct task *t)
{
	const struct report *r = &t->run->report;
	struct uid series =
		shield_uid(t->run->options->gate, TAG_SeriesInstanceUID, &t->plan.series);
	unsigned before = 0;

	for (uint32_t i = 0; i < r->set_count; i++)
		before += r->sets[i].failed == NULL && uid_eq(&r->sets[i].image_series, &series);
	t->suffix[0] = '\0';
	if (before > 0)
		snprintf(t->suffix, sizeof(t->suffix), "-%u", before + 1);
}

static void describe_series(struct task *t)
{
	const struct study_options *o = t->run->options;
	struct uid source = shield_uid(o->gate, TAG_SeriesInstanceUID, &t->plan.series);

	t->series = (struct overlay_series){
		.series = overlay_series_uid(o->uid_key, &source, &t->set.sop_instance),
		.uid_key = o->uid_key,
		.set_class = t->set.sop_class,
		.set_instance = t->set.sop_instance,
		.set_label = t->set.label,
		.series_number = o->series_number,
		.series_description = o->series_description,
		.study_id = o->study_id,
		.now = o->now,
		.software_version = o->version,
	};
}

static void show_progress(void *ctx, uint32_t done)
{
	const struct slice_job *job = ctx;
	const struct task *t =
		(const struct task *)((const char *)job - offsetof(struct task, job));
	uint64_t us = clock_us() - t->started_us;

	fprintf(stderr, "\r%s: %u/%u images, %.0f/s\033[K", t->run->label.text, done,
		t->plan.plane_count, us > 0 ? done * 1e6 / (double)us : 0.0);
	fflush(stderr);
}

static void clear_progress(const struct run *r)
{
	if (r->options->progress)
		fputs("\r\033[K", stderr);
}

static void fail_verify(struct run *r, const char *what, const struct verify_hit *h)
{
	fail(r, EX_DATAERR,
	     "%s: not let out: a value of (%04X,%04X) is still in the output, %s, in (%04X,%04X)",
	     what, h->tag >> 16, h->tag & 0xFFFFu, h->form, h->found_in >> 16,
	     h->found_in & 0xFFFFu);
}

/* A file of this kind, named by its source, could not be written. */
static void fail_file(struct task *t, enum output_kind kind, const struct uid *source,
		      const struct fault *f)
{
	char file[OUTPUT_NAME_MAX], name[OUTPUT_NAME_MAX + 32];
	struct uid told = shield_uid(t->run->options->gate, TAG_SOPInstanceUID, source);

	output_name(kind, &told, t->suffix, file);
	snprintf(name, sizeof(name), "/%s/%s", output_places[kind].folder, file);
	fail_output(t->run, name, f);
}

/* What a worker could not do, in words. */
static void fail_slice(struct task *t)
{
	struct run *r = t->run;
	const struct pool_shared *s = t->job.shared;
	char doing[4300];

	if (s->index >= t->plan.plane_count) {
		fail_fault(r, EX_DATAERR, "a worker process cannot begin", &s->fault);
		return;
	}

	const struct rt_image *image = &t->plan.planes[s->index];
	const char *path =
		told_source(r, r->study->image_paths[image->source], &image->sop_instance);
	if (s->stage == SLICE_VERIFY && t->job.hit->form != NULL) {
		fail_verify(r, path, t->job.hit);
		return;
	}
	if ((s->stage == SLICE_WRITE || s->stage == SLICE_DEBUG) && s->fault.code == ERR_IO) {
		fail_file(t, s->stage == SLICE_WRITE ? OUTPUT_OVERLAY : OUTPUT_DEBUG,
			  &image->sop_instance, &s->fault);
		return;
	}
	snprintf(doing, sizeof(doing), "%s %s",
		 s->stage == SLICE_READ     ? "cannot read"
		 : s->stage == SLICE_SHIELD ? "cannot de-identify"
		 : s->stage == SLICE_PAINT  ? "cannot paint the contours on"
		 : s->stage == SLICE_DEBUG  ? "cannot draw a debug picture of"
					    : "cannot make an overlay image of",
		 path);
	fail_fault(r, EX_DATAERR, doing, &s->fault);
}

static void fail_crash(struct run *r, int signal)
{
	char name[32];

	if (signal == 0) {
		fail(r, EX_DATAERR, "a worker process ended early");
		return;
	}
	signal_name(signal, name, sizeof(name));
	fail(r, EX_DATAERR, "a worker process died of %s%s", name,
	     signal == SIGBUS    ? "; was an input file cut short meanwhile?"
	     : signal == SIGKILL ? "; was memory short?"
	     : signal == SIGXCPU ? "; it used more processor time than it may"
				 : "; this is a fault in netrt, please report it");
}

/* How worker processes ended; true: one of them has told why it failed. */
static bool tell_end(struct run *r, const struct pool_result *result)
{
	switch (result->end) {
	case POOL_DONE:
		break;
	case POOL_FAILED:
		return true;
	case POOL_CRASHED:
		fail_crash(r, result->signal);
		break;
	case POOL_INTERRUPTED:
		r->interrupted = result->signal;
		break;
	case POOL_NO_FORK:
		r->sys_errno = result->sys_errno;
		fail(r, EX_DATAERR, "cannot make a process: %s", strerror(result->sys_errno));
		break;
	}
	return false;
}

static void run_workers(struct task *t)
{
	struct run *r = t->run;
	struct pool pool = {
		.shared = t->job.shared,
		.count = t->plan.plane_count,
		.workers = r->options->workers,
		.ctx = &t->job,
		.work = slice_work,
		.progress = r->options->progress ? show_progress : NULL,
	};
	struct pool_result result = pool_run(&pool);

	clear_progress(r);
	if (tell_end(r, &result))
		fail_slice(t);
}

/* ---- old and new UIDs, for whoever may know both ---- */

/* `made` was derived from what was called `old` and goes by `told` outside. */
static void note_pair(struct run *r, const struct uid *old, const struct uid *told,
		      const struct uid *made)
{
	if (r->options->crosswalk != NULL)
		buf_fmt(&r->crosswalk, "%s\t%s\t%s\t%s\t%s\n", r->study->uid.text, old->text,
			r->label.text, told->text, made->text);
}

/* products.made */
static void note_product(void *ctx, const struct uid *made)
{
	const struct task *t = ctx;

	note_pair(t->run, &t->source->sop_instance, &t->set.sop_instance, made);
}

/* Overlay images and debug pictures. */
static void note_images(const struct task *t)
{
	const struct slice_job *job = &t->job;

	for (uint32_t k = 0; k < t->plan.plane_count; k++) {
		const struct slice_row *row = &job->rows[k];
		const struct uid *old = &t->plan.planes[k].sop_instance;
		struct uid drawn = secondary_instance_uid(t->series.uid_key, &row->instance,
							  &t->series.set_instance);

		note_pair(t->run, old, &row->instance, &row->derived);
		if (job->options->debug.on && !row->debug.skipped)
			note_pair(t->run, old, &row->instance, &drawn);
	}
}

/* What is made besides the overlay series. */
static void make_products(struct task *t)
{
	struct run *r = t->run;
	struct products p = {.job = &t->job, .set_file = &t->file, .made = note_product, .ctx = t};
	struct fault f;
	char path[64];
	enum err e = products_make(&p, &f);

	t->job.products_lossy = p.text_lossy;
	if (e == OK || (p.ended.end != POOL_DONE && !tell_end(r, &p.ended)))
		return;
	if (p.hit.form != NULL) {
		fail_verify(r, p.doing, &p.hit);
	} else if (p.writing && e == ERR_IO) {
		snprintf(path, sizeof(path), "/%s", output_places[p.kind].folder);
		fail_output(r, path, &f);
	} else {
		fail_fault(r, EX_DATAERR, p.doing, &f);
	}
}

/* The kinds of output that this run makes. */
static unsigned wanted_kinds(const struct study_options *o)
{
	unsigned kinds = OUTPUT_BIT(OUTPUT_OVERLAY);

	if (o->structure_set != STUDY_SET_NONE)
		kinds |= OUTPUT_BIT(OUTPUT_STRUCTURE_SET);
	if (o->segments.kind != STUDY_SEGMENTS_NONE)
		kinds |= OUTPUT_BIT(OUTPUT_SEGMENTATION);
	if (o->debug.on)
		kinds |= OUTPUT_BIT(OUTPUT_DEBUG) | OUTPUT_BIT(OUTPUT_PICTURE);
	return kinds;
}

static bool open_staging(struct run *r, struct fault *f)
{
	const struct uid *folder = r->options->folder_as_received ? &r->study->uid : &r->label;

	if (r->staged)
		return true;
	if (staging_open(&r->staging, r->out, folder, wanted_kinds(r->options), f) != OK) {
		fail_output(r, "", f);
		return false;
	}
	r->staged = true;
	if (r->staging.unlocked)
		log_say(LOG_WARNING,
			"%s: this file system cannot lock folders: do not let two runs of netrt "
			"write to it at once",
			log_quote_str(r->options->out_path));
	return true;
}

/* Everything is planned: write the series. */
static enum err paint(struct task *t, struct fault *f)
{
	struct run *r = t->run;
	enum err e;

	if (!open_staging(r, f))
		return OK;
	choose_suffix(t);
	describe_series(t);
	t->job = (struct slice_job){.options = r->options,
				    .plan = &t->plan,
				    .set_file = &t->file,
				    .series = &t->series,
				    .paths = r->study->image_paths,
				    .staging = &r->staging,
				    .suffix = t->suffix};
	e = slice_job_open(&t->job, &t->arena, f);
	if (e == OK && r->painted < PICTURED_SETS)
		e = contact_open(&t->sheet, &t->plan, &t->arena, f);
	if (t->sheet.rgb != NULL)
		t->job.sheet = &t->sheet;
	if (e == OK)
		run_workers(t);
	if (e == OK && r->exit == EX_OK && r->interrupted == 0) {
		note_images(t);
		make_products(t);
	}
	return e;
}

static enum err describe_set(struct task *t, struct fault *f)
{
	struct report_set *s = t->report;
	struct run *r = t->run;
	char names[64];

	snprintf(names, sizeof(names), "OVERLAY-<SOP Instance UID of the source>%s.dcm", t->suffix);
	s->file_names = arena_strdup(&r->arena, bytes_str(names));
	s->modality = arena_strdup(&r->arena, bytes_str(t->plan.planes[0].modality));
	if (s->file_names == NULL || s->modality == NULL)
		return fault_set(f, ERR_NOMEM, "the report does not fit in memory",
				 FAULT_NO_OFFSET);
	s->sop_instance = t->set.sop_instance;
	s->image_series = shield_uid(r->options->gate, TAG_SeriesInstanceUID, &t->plan.series);
	s->overlay_series = t->series.series;
	s->series_why = why_this_series(&t->plan);
	s->images = t->plan.plane_count;
	return OK;
}

/* Plan, paint, tally.  An error is the study's; a set without use is none. */
static enum err use_set(struct task *t, struct fault *f)
{
	struct run *r = t->run;
	struct fault why;
	uint64_t now_us = clock_us();
	enum err e = rt_plan_make(&t->plan, &t->set, r->images, r->image_count, &r->options->rt,
				  &t->arena, &why);

	t->report->plan_us = clock_us() - now_us;
	/* the plan was made by the names as they are; from here on they are told, and may not be */
	if (shield_set(r->options->gate, &t->set, &t->file, &t->arena, f) != OK)
		return f->code;
	if (e == ERR_UNUSABLE) {
		set_failed(t, &why);
		return tally_set(t->report, &t->plan, NULL, &r->arena, f);
	}
	if (e != OK) {
		set_failed(t, &why);
		return OK;
	}
	t->started_us = clock_us();
	e = paint(t, f);
	t->report->paint_us = clock_us() - t->started_us;
	if (e == OK && r->exit == EX_OK && r->interrupted == 0) {
		e = tally_set(t->report, &t->plan, &t->job, &r->arena, f);
		if (e == OK)
			e = describe_set(t, f);
		if (e == OK)
			e = contact_keep(t->report, &t->sheet, &r->arena, f);
		if (r->painted == 0 && r->sheet_path != NULL) {
			r->sheet = t->sheet;
			t->sheet.rgb = NULL; /* run's from here on */
		}
		r->painted++;
	}
	slice_job_close(&t->job);
	contact_close(&t->sheet);
	return e;
}

static void do_set(struct run *r, const struct scan_set *source)
{
	struct task t = {.file = PART10_NONE, .run = r, .source = source};
	struct fault f;
	uint64_t now_us = clock_us();
	enum err e = arena_open(&t.arena, LIMIT_ARENA_STUDY, &f);

	t.report = &r->report.sets[r->report.set_count];
	*t.report =
		(struct report_set){.sop_instance = shield_uid(r->options->gate, TAG_SOPInstanceUID,
							       &source->sop_instance)};
	if (e != OK) {
		fail_fault(r, EX_DATAERR, "cannot begin", &f);
		return;
	}
	e = part10_open(&t.file, AT_FDCWD, source->path, &f);
	if (e == OK)
		e = structset_read(&t.set, &t.file, &t.arena, &f);
	t.report->read_us = clock_us() - now_us;
	if (e != OK) {
		set_failed(&t, &f);
	} else if (use_set(&t, &f) != OK) {
		fail_fault(r, EX_DATAERR, "cannot go on", &f);
	}
	part10_close(&t.file);
	arena_close(&t.arena);
	r->report.set_count++;
}

/* ---- after the last structure set ---- */

/* On standard error: what is not in the output, and how much more there is to read. */
static void tell_losses(const struct run *r)
{
	for (uint32_t i = 0; i < r->report.set_count; i++) {
		const struct report_set *set = &r->report.sets[i];
		struct report_warning w;

		for (uint32_t at = 0; report_next_warning(set, &at, &w);) {
			struct buf line = BUF_INIT(4096);

			if (w.loss)
				report_warning_text(set, &w, &line);
			if (w.loss && !line.failed)
				log_say(w.asked ? LOG_INFO : LOG_WARNING, "study %s: %s%s",
					r->log_label.text,
					w.asked ? "" : "not used: ", (const char *)line.at);
			buf_free(&line);
		}
	}
}

static enum err write_report(struct run *r, const char *name,
			     void (*write)(const struct report *, struct buf *), struct fault *f)
{
	struct buf b = BUF_INIT(REPORT_MAX);
	enum err e;

	write(&r->report, &b);
	if (b.failed)
		e = fault_set(f, ERR_NOMEM, "the report does not fit in memory", FAULT_NO_OFFSET);
	else
		e = staging_write(&r->staging, name, buf_bytes(&b), f);
	buf_free(&b);
	return e;
}

static void publish(struct run *r)
{
	struct fault f;

	for (unsigned k = 0; k < OUTPUT_KINDS; k++)
		r->report.made[k] = staging_count(&r->staging, k);
	enum err e = write_report(r, "report.txt", report_text, &f);

	if (e == OK && r->options->crosswalk != NULL)
		e = shield_crosswalk(r->options->crosswalk, &r->crosswalk, &f);
	if (e == OK)
		e = write_report(r, "report.json", report_json, &f);
	if (e == OK)
		e = write_report(r, "report.html", report_html, &f);
	r->interrupted = signals_waiting();
	if (r->interrupted != 0)
		return;
	if (e == OK)
		e = staging_publish(&r->staging, &f);
	if (e == ERR_NOMEM)
		fail_fault(r, EX_DATAERR, "cannot go on", &f);
	else if (e != OK)
		fail_output(r, "", &f);
}

static void write_sheet(struct run *r)
{
	struct fault f;
	char text[256];

	if (r->sheet.rgb == NULL || r->exit != EX_OK)
		return;
	if (sheet_write(&r->sheet, r->sheet_path, &f) == OK)
		return;
	fault_format(&f, text, sizeof(text));
	log_say(LOG_ERROR, "%s: %s; the study itself is done", log_quote_str(r->sheet_path), text);
	r->exit = EX_CANTCREAT;
}

static void tell_sum(const struct run *r, const char *output)
{
	struct buf b = BUF_INIT(1u << 20);
	bool done = output != NULL;

	if (r->options->json)
		report_summary_json(&r->label, done ? REPORT_OK : REPORT_FAILED,
				    done ? NULL : r->reason, &r->report, output, &b);
	else if (done && !r->options->quiet)
		report_summary_text(&r->label, &r->report, output, &b);
	if (!b.failed && b.len > 0)
		fwrite(b.at, 1, b.len, stdout);
	buf_free(&b);
}

/* Remove what was written; say so when there is output of an earlier run, which stays. */
static void give_up(struct run *r)
{
	if (!r->staged)
		return;
	if (!staging_discard(&r->staging))
		log_say(LOG_ERROR, "%s/%s: cannot be removed whole: please do it",
			log_quote_str(r->options->out_path), r->staging.part);
	if (staging_has_final(&r->staging))
		log_say(LOG_INFO, "%s/%s: is of an earlier run, and left as it was",
			log_quote_str(r->options->out_path), r->staging.final);
}

static void paint_all(struct run *r)
{
	for (uint32_t i = 0; i < r->study->set_count && r->exit == EX_OK; i++) {
		do_set(r, &r->study->sets[i]);
		if (r->interrupted == 0)
			r->interrupted = signals_waiting();
		if (r->interrupted != 0)
			return;
	}
	if (r->exit != EX_OK)
		return;
	tell_losses(r);
	if (r->painted == 0)
		fail(r, EX_DATAERR,
		     r->study->set_count == 1
			     ? "nothing of its structure set can be used: %s"
			     : "nothing of its structure sets can be used; of the first: %s",
		     r->report.sets[0].failed);
}

int pipeline_run(const struct scan *scan, const struct scan_study *study,
		 const struct study_options *options, int out, const char *sheet,
		 const sigset_t *old)
{
	struct run r = {.scan = scan,
			.study = study,
			.options = options,
			.label = shield_uid(options->gate, TAG_StudyInstanceUID, &study->uid),
			.out = out,
			.sheet_path = sheet,
			.staging = STAGING_NONE,
			.crosswalk = BUF_INIT(REPORT_MAX),
			.exit = EX_OK};
	struct fault f;
	uint64_t started_us = clock_us();

	r.log_label = options->folder_as_received ? study->uid : r.label;
	assert(study->set_count > 0 && study->image_count > 0);
	if (prepare(&r, &f) != OK)
		fail_fault(&r, EX_DATAERR, "cannot begin", &f);
	else
		paint_all(&r);
	r.report.total_us = clock_us() - started_us;
	if (r.exit == EX_OK && r.interrupted == 0)
		publish(&r);

	bool done = r.exit == EX_OK && r.interrupted == 0;
	if (done)
		write_sheet(&r);
	else
		give_up(&r);
	if (options->outcome != NULL) {
		options->outcome->sys_errno = r.sys_errno;
		memcpy(options->outcome->reason, r.reason, sizeof(r.reason));
	}
	if (r.interrupted != 0)
		signals_die(r.interrupted, old);

	char *output = malloc(strlen(options->out_path) + STAGING_NAME_MAX + 2);
	if (output != NULL && done)
		sprintf(output, "%s/UID_%s", options->out_path, r.label.text);
	tell_sum(&r, done ? output : NULL);
	free(output);
	contact_close(&r.sheet);
	buf_free(&r.crosswalk);
	arena_close(&r.arena);
	return r.exit;
}
