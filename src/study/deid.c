#include "study/deid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "anon/convert.h"
#include "base/log.h"
#include "study/pool.h"
#include "study/references.h"
#include "study/shield.h"
#include "study/tree.h"

#define REPORT_MAX (256u << 20)
#define OBJECT_ARENA (1ull << 30)
#define NAME_MAX_BYTES (LIMIT_UID + 16)
#define LARGE (4u << 20)      /* bytes of a file that is begun before others */
#define LISTED_MAX (8u << 20) /* of all that structure sets refer to */

enum row_end { ROW_OPEN, ROW_DONE, ROW_NOT_DICOM, ROW_REFUSED };

/* What became of one file; in memory that the workers share.  Texts are literals. */
struct row {
	enum row_end end;
	struct fault fault;
	struct verify_hit hit; /* .form NULL: none */
	struct uid study, sop_instance, sop_class;
	struct uid old_study, old_instance; /* for the crosswalk */
	char id[ANON_ID_MAX + 1];
	struct anon_counts counts;
	uint32_t regions;
	uint64_t cut;
	bool decoded;                 /* its pixels were compressed, and are not any more */
	struct references references; /* of a structure set; when all are done */
	bool listed;                  /* what it refers to is in job.listed: */
	size_t listed_at;
	uint32_t listed_count;
};

/* UIDs that structure sets refer to, so that these need not be read again when all is done: each a
 * byte for its length, and as many.  What has no room here is read again. */
struct listed {
	_Atomic size_t used;
	uint8_t text[LISTED_MAX];
};

struct job {
	const struct deid_options *options;
	const char **paths;
	uint32_t *order; /* in which they are done */
	uint32_t count;
	int out;
	struct row *rows;      /* shared */
	struct listed *listed; /* shared, or NULL */
	struct pool_shared *shared;
	size_t size;
};

/* A worker: its memory, and the folder of the study that it wrote to last. */
struct worker {
	const struct job *job;
	struct arena arena;
	struct converted converted;
	struct uid study;
	int dir; /* -1: none yet */
};

static bool is_structure_set(const struct row *r)
{
	return r->end == ROW_DONE &&
	       anon_iod_of(bytes_str(r->sop_class.text)) == IOD_RT_STRUCTURE_SET;
}

/* ---- one object ---- */

static enum err describe(struct row *r, const struct converted *c, struct fault *f)
{
	r->old_study = c->old_study;
	r->old_instance = c->old_instance;
	r->study = c->object.study;
	r->sop_instance = c->object.sop_instance;
	r->sop_class = c->object.sop_class;
	r->counts = c->object.counts;
	r->cut = c->pixels.cut;
	r->regions = c->pixels.regions;
	r->decoded = c->decoded;
	memcpy(r->id, c->patient.id, sizeof(r->id));
	if (r->study.text[0] == '\0')
		return fault_tag(f, ERR_UNUSABLE, "no usable Study Instance UID", FAULT_NO_OFFSET,
				 TAG_StudyInstanceUID);
	return OK;
}

static enum err write_object(int fd, const struct converted *c, const struct part10 *p,
			     struct fault *f)
{
	struct part10_out o = {.sop_class = c->object.sop_class,
			       .sop_instance = c->object.sop_instance,
			       .transfer_syntax = c->syntax_uid,
			       .syntax = c->syntax,
			       .views = c->views,
			       .view_count = c->view_count,
			       .source_fd = p->map.fd,
			       .source = p->map.bytes};

	return part10_write(fd, &o, f);
}

/* While it is at hand; nothing depends on it. */
static void list_references(const struct job *job, struct bytes written, struct row *r,
			    struct arena *a)
{
	struct valueset found;
	struct part10 p;
	size_t len = 0;

	if (job->listed == NULL || part10_parse(&p, written, NULL) != OK)
		return;
	valueset_open(&found, LIMIT_IMAGES, a);
	enum err e = references_list(p.data, p.syntax, &found, NULL);
	part10_close(&p);
	if (e != OK)
		return;
	for (uint32_t i = 0; i < found.count; i++) {
		if (found.item[i].len > UINT8_MAX)
			return;
		len += 1 + found.item[i].len;
	}
	size_t at = atomic_fetch_add(&job->listed->used, len);
	if (at > LISTED_MAX || len > LISTED_MAX - at)
		return;
	r->listed_at = at;
	r->listed_count = found.count;
	for (uint32_t i = 0; i < found.count; i++) {
		job->listed->text[at++] = (uint8_t)found.item[i].len;
		memcpy(job->listed->text + at, found.item[i].at, found.item[i].len);
		at += found.item[i].len;
	}
	r->listed = true;
}

/* Read back and searched; only then does the file get its name. */
static enum err verify(struct worker *w, int fd, struct row *r, struct fault *f)
{
	struct bytes written;
	enum err e = file_view(&written, fd, f);

	if (e == OK)
		e = convert_verify(&w->converted, written, &r->hit, f);
	if (e == OK && anon_iod_of(bytes_str(r->sop_class.text)) == IOD_RT_STRUCTURE_SET)
		list_references(w->job, written, r, &w->arena);
	file_unview(written);
	return e;
}

/* The folder of the study, which is mostly that of the object before. */
static enum err open_folder(struct worker *w, const struct uid *study, struct fault *f)
{
	char folder[NAME_MAX_BYTES];

	if (w->dir >= 0 && uid_eq(&w->study, study))
		return OK;
	if (w->dir >= 0)
		close(w->dir);
	w->dir = -1;
	w->study = *study;
	snprintf(folder, sizeof(folder), "UID_%s", study->text);
	if (mkdirat(w->job->out, folder, 0777) < 0 && errno != EEXIST)
		return fault_io(f, "cannot make a folder in the output");
	w->dir = openat(w->job->out, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return w->dir < 0 ? fault_io(f, "cannot make a folder in the output") : OK;
}

static enum err publish(struct worker *w, const struct part10 *p, uint32_t index, struct row *r,
			struct fault *f)
{
	const struct converted *c = &w->converted;
	char part[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
	enum err e = open_folder(w, &r->study, f);

	if (e != OK)
		return e;
	snprintf(part, sizeof(part), ".%u.part", index);
	snprintf(name, sizeof(name), "%s.dcm", r->sop_instance.text);
	int fd = openat(w->dir, part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return fault_io(f, "cannot make a file in the output");
	e = write_object(fd, c, p, f);
	if (e == OK)
		e = verify(w, fd, r, f);
	if (close(fd) < 0 && e == OK)
		e = fault_io(f, "cannot write");
	if (e == OK && renameat(w->dir, part, w->dir, name) < 0)
		e = fault_io(f, "cannot give the output its name");
	if (e != OK)
		unlinkat(w->dir, part, 0);
	return e;
}

static enum err do_file(struct worker *w, uint32_t index, struct fault *f)
{
	const struct job *job = w->job;
	struct row *r = &job->rows[index];
	struct converted *c = &w->converted;
	struct part10 p = PART10_NONE;
	enum err e = part10_open(&p, AT_FDCWD, job->paths[index], f);

	if (e != OK) {
		if (e == ERR_UNUSABLE) { /* no DICOM: nothing of it leaves */
			r->end = ROW_NOT_DICOM;
			e = OK;
		}
		part10_close(&p);
		return e;
	}
	e = convert_make(c, job->options->gate, &p, &w->arena, f);
	if (e == OK)
		e = describe(r, c, f);
	if (e == OK)
		e = publish(w, &p, index, r, f);
	if (e == OK)
		r->end = ROW_DONE;
	part10_close(&p);
	return e;
}

static void work(struct pool *pool, void *ctx)
{
	const struct job *job = ctx;
	static struct worker w; /* large */
	struct fault f = {.code = OK};
	uint32_t index;

	w.job = job;
	w.dir = -1;
	if (arena_open(&w.arena, OBJECT_ARENA, &f) != OK) {
		pool_fail(pool, &f, 0, UINT32_MAX);
		return;
	}
	while (pool_next(pool, &index)) {
		index = job->order[index];
		struct row *r = &job->rows[index];

		f = (struct fault){.code = OK, .at = FAULT_NO_OFFSET};
		if (do_file(&w, index, &f) != OK) {
			r->end = ROW_REFUSED;
			r->fault = f;
		}
		arena_reset(&w.arena, 0);
		pool_finished(pool);
		if (f.code == ERR_IO && (f.sys_errno == ENOSPC || f.sys_errno == EDQUOT)) {
			pool_fail(pool, &f, 0, index);
			return;
		}
	}
}

/* ---- what is told ---- */

static void tell_refusal(const struct job *job, uint32_t index)
{
	const struct row *r = &job->rows[index];
	char text[256];

	fault_format(&r->fault, text, sizeof(text));
	if (r->hit.form != NULL)
		log_say(LOG_ERROR,
			"%s: not let out: a value of (%04X,%04X) is still in the output, %s, in "
			"(%04X,%04X)",
			log_quote_str(job->paths[index]), r->hit.tag >> 16, r->hit.tag & 0xFFFFu,
			r->hit.form, r->hit.found_in >> 16, r->hit.found_in & 0xFFFFu);
	else
		log_say(LOG_ERROR, "%s: not let out: %s", log_quote_str(job->paths[index]), text);
}

static void report_counts(struct buf *b, const struct anon_counts *c)
{
	bool first = true;

	buf_str(b, "{");
	for (unsigned i = 0; i < ACT_COUNT; i++) {
		if (c->by_act[i] == 0)
			continue;
		buf_fmt(b, "%s\"%s\":%u", first ? "" : ",", anon_act_words[i], c->by_act[i]);
		first = false;
	}
	buf_fmt(b, "%s\"private-removed\":%u,\"text-cleaned\":%u}", first ? "" : ",",
		c->private_removed, c->text_cleaned);
}

static void report_row(struct buf *b, uint32_t index, const struct row *r)
{
	buf_fmt(b, "{\"file\":%u,", index + 1);
	if (r->end == ROW_DONE) {
		buf_fmt(b, "\"study\":\"%s\",\"instance\":\"%s\",\"sop_class\":\"%s\",\"actions\":",
			r->study.text, r->sop_instance.text, r->sop_class.text);
		report_counts(b, &r->counts);
		buf_fmt(b,
			",\"pixel_bytes_cut\":%llu,\"pixels_decompressed\":%s,"
			"\"regions_blanked\":%u",
			(unsigned long long)r->cut, r->decoded ? "true" : "false", r->regions);
		if (is_structure_set(r))
			buf_fmt(b, ",\"images_referred_to\":%u,\"unresolved\":%u",
				r->references.images, r->references.missing);
		buf_char(b, '}');
		return;
	}
	buf_str(b, "\"refused\":");
	buf_json(b, bytes_str(r->fault.text != NULL ? r->fault.text : "a worker process died"));
	if (r->hit.form != NULL)
		buf_fmt(b, ",\"value_of\":\"%08X\",\"found_in\":\"%08X\",\"form\":\"%s\"",
			r->hit.tag, r->hit.found_in, r->hit.form);
	buf_str(b, "}");
}

static void make_report(const struct job *job, struct buf *b)
{
	const struct anon_gate *g = job->options->gate;
	bool first = true;

	buf_fmt(b, "{\"version\":\"%s\",\"policy\":\"%s\",\"key\":", job->options->version,
		g->digest);
	buf_fmt(b, g->has_key ? "\"%s\"" : "null", g->key.id);
	buf_str(b, ",\"objects\":[");
	for (uint32_t i = 0; i < job->count; i++) {
		if (job->rows[i].end == ROW_NOT_DICOM)
			continue;
		buf_str(b, first ? "\n" : ",\n");
		report_row(b, i, &job->rows[i]);
		first = false;
	}
	buf_str(b, "\n]}\n");
}

/* Old and new, for whoever may know both. */
static void make_crosswalk(const struct job *job, struct buf *b)
{
	for (uint32_t i = 0; i < job->count; i++) {
		const struct row *r = &job->rows[i];

		if (r->end == ROW_DONE)
			buf_fmt(b, "%s\t%s\t%s\t%s\t%s\n", r->old_study.text, r->old_instance.text,
				r->study.text, r->sop_instance.text, r->id);
	}
}

static int write_whole(int dir, const char *name, mode_t mode, const struct buf *b)
{
	struct fault f;
	char text[256], part[512];

	snprintf(part, sizeof(part), "%s.part", name);
	int fd = openat(dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	enum err e = fd < 0 ? fault_io(&f, "cannot be made") : file_write_all(fd, buf_bytes(b), &f);
	if (fd >= 0 && close(fd) < 0 && e == OK)
		e = fault_io(&f, "cannot be written");
	if (e == OK && renameat(dir, part, dir, name) < 0)
		e = fault_io(&f, "cannot get its name");
	if (e == OK)
		return EX_OK;
	fault_format(&f, text, sizeof(text));
	log_say(LOG_ERROR, "%s: %s", log_quote_str(name), text);
	return EX_CANTCREAT;
}

static int write_reports(const struct job *job)
{
	struct buf b = BUF_INIT(REPORT_MAX);
	struct fault f;
	char text[256];
	int code;

	make_report(job, &b);
	code = b.failed ? EX_CANTCREAT : write_whole(job->out, "deid_report.json", 0666, &b);
	buf_free(&b);
	if (job->options->crosswalk == NULL || code != EX_OK)
		return code;
	make_crosswalk(job, &b);
	if (shield_crosswalk(job->options->crosswalk, &b, &f) != OK) {
		fault_format(&f, text, sizeof(text));
		log_say(LOG_ERROR, "%s: %s", log_quote_str(job->options->crosswalk), text);
		code = EX_CANTCREAT;
	}
	buf_free(&b);
	return code;
}

/* ---- what structure sets refer to ---- */

/* What list_references found. */
static enum err listed_references(const struct job *job, const struct row *r,
				  struct valueset *found, struct fault *f)
{
	size_t at = r->listed_at;

	for (uint32_t i = 0; i < r->listed_count; i++) {
		size_t len = job->listed->text[at];

		if (!valueset_add(found, bytes_of(job->listed->text + at + 1, len)))
			return fault_set(f, ERR_NOMEM, "no memory for its images", FAULT_NO_OFFSET);
		at += 1 + len;
	}
	return OK;
}

static enum err count_references(const struct job *job, struct row *r, const struct valueset *here,
				 struct arena *a, struct fault *f)
{
	char folder[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
	struct part10 p = PART10_NONE;
	struct valueset found;
	enum err e;

	valueset_open(&found, LIMIT_IMAGES, a);
	snprintf(folder, sizeof(folder), "UID_%s", r->study.text);
	snprintf(name, sizeof(name), "%s.dcm", r->sop_instance.text);
	int dir = openat(job->out, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fault_io(f, "a structure set cannot be read again");
	if (r->listed)
		e = listed_references(job, r, &found, f);
	else if ((e = part10_open(&p, dir, name, f)) == OK)
		e = references_list(p.data, p.syntax, &found, f);
	if (e == OK)
		r->references = references_count(found.item, found.count, here, dir);
	part10_close(&p);
	close(dir);
	return e;
}

/* References that lead nowhere are told of (R10). */
static void look_at_references(const struct job *job, struct arena *a)
{
	struct valueset here;
	struct fault f;
	char text[256];
	bool whole = true;
	uint32_t done = 0;

	valueset_open(&here, LIMIT_FILES, a);
	for (uint32_t i = 0; i < job->count; i++)
		if (job->rows[i].end == ROW_DONE) {
			whole &= valueset_add(&here, bytes_str(job->rows[i].sop_instance.text));
			done++;
		}
	if (!whole)
		log_say(LOG_WARNING, "no memory to look for the images of structure sets");
	for (uint32_t i = 0; i < job->count && whole; i++) {
		struct row *r = &job->rows[i];

		if (!is_structure_set(r))
			continue;
		r->listed = r->listed && here.count == done; /* no object was replaced by another */
		if (count_references(job, r, &here, a, &f) != OK) {
			fault_format(&f, text, sizeof(text));
			log_say(LOG_WARNING, "structure set %s: %s", r->sop_instance.text, text);
		} else if (r->references.missing > 0) {
			log_say(LOG_WARNING,
				"structure set %s: %u of the %u images that it refers to are not "
				"in the output",
				r->sop_instance.text, r->references.missing, r->references.images);
		}
	}
}

/* ---- studies of more than one patient ---- */

static int by_study_and_id(const void *a, const void *b, void *ctx)
{
	const struct row *rows = ctx;
	const struct row *x = &rows[*(const uint32_t *)a], *y = &rows[*(const uint32_t *)b];
	int study = strcmp(x->study.text, y->study.text);

	return study != 0 ? study : strcmp(x->id, y->id);
}

/* The objects that were done, in this order, in job->order, which nobody needs any more. */
static uint32_t order_done(struct job *job, int (*compare)(const void *, const void *, void *))
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < job->count; i++)
		if (job->rows[i].end == ROW_DONE)
			job->order[count++] = i;
	qsort_r(job->order, count, sizeof(job->order[0]), compare, job->rows);
	return count;
}

/* Who tells patients apart by ID and issuer has several where a planning system drops the issuer:
 * their new IDs differ, and so do the days that their dates moved by. */
static void look_at_patients(struct job *job)
{
	uint32_t count = order_done(job, by_study_and_id);

	for (uint32_t i = 0, end, ids; i < count; i = end) {
		const struct row *first = &job->rows[job->order[i]];

		ids = 1;
		for (end = i + 1; end < count; end++) {
			const struct row *r = &job->rows[job->order[end]];

			if (!uid_eq(&r->study, &first->study))
				break;
			ids += strcmp(r->id, job->rows[job->order[end - 1]].id) != 0;
		}
		if (ids > 1)
			log_say(LOG_WARNING,
				"study %s: its objects have %u different new Patient IDs, because "
				"Patient ID, Issuer of Patient ID or Patient's Name differ in "
				"their "
				"sources",
				first->study.text, ids);
	}
}

/* ---- objects that have one name ---- */

static int by_file(const void *a, const void *b, void *ctx)
{
	const struct row *rows = ctx;
	const struct row *x = &rows[*(const uint32_t *)a], *y = &rows[*(const uint32_t *)b];
	int study = strcmp(x->study.text, y->study.text);
	int object = strcmp(x->sop_instance.text, y->sop_instance.text);

	return study != 0 ? study : object;
}

/* Copies, or different objects: of each name only one is there now. */
static void look_for_twins(struct job *job)
{
	uint32_t count = order_done(job, by_file), twins = 0, first = 0;

	for (uint32_t i = 1; i < count; i++)
		if (by_file(&job->order[i - 1], &job->order[i], job->rows) == 0 && twins++ == 0)
			first = i;
	if (twins > 0)
		log_say(LOG_WARNING,
			"%u file%s the SOP Instance UID of another one in the same study, of which "
			"only one is in the output: %s and %s",
			twins, twins == 1 ? " has" : "s have",
			log_quote_str(job->paths[job->order[first - 1]]),
			log_quote_str(job->paths[job->order[first]]));
}

static int sum_up(const struct job *job)
{
	uint32_t done = 0, refused = 0, other = 0;

	for (uint32_t i = 0; i < job->count; i++) {
		done += job->rows[i].end == ROW_DONE;
		other += job->rows[i].end == ROW_NOT_DICOM;
		if (job->rows[i].end == ROW_DONE || job->rows[i].end == ROW_NOT_DICOM)
			continue;
		refused++;
		tell_refusal(job, i);
	}
	if (job->options->json)
		printf("{\"done\":%u,\"refused\":%u,\"not_dicom\":%u}\n", done, refused, other);
	else if (!job->options->quiet)
		printf("%u de-identified, %u not let out, %u not DICOM\n", done, refused, other);
	if (done + refused == 0) {
		log_say(LOG_ERROR, "no DICOM file among %u file%s", other, other == 1 ? "" : "s");
		return EX_NOINPUT;
	}
	return refused > 0 ? EX_DATAERR : EX_OK;
}

/* ---- the run ---- */

static enum err list_files(struct job *job, const char *const *paths, size_t count, struct arena *a,
			   struct fault *f)
{
	struct tree t = TREE_EMPTY;
	struct tree_entry entry;
	enum err e = tree_skip(&t, job->out, f);

	job->paths = ARENA_NEW(a, const char *, LIMIT_FILES);
	if (job->paths == NULL)
		e = fault_set(f, ERR_NOMEM, "no memory for the names of files", FAULT_NO_OFFSET);
	for (size_t i = count; i > 0 && e == OK; i--)
		e = tree_add(&t, paths[i - 1], f);
	while (e == OK && (e = tree_next(&t, &entry, f)) == OK) {
		if (entry.kind != TREE_FILE)
			continue;
		if (job->count == LIMIT_FILES)
			e = fault_set(f, ERR_LIMIT, "more than a million files", FAULT_NO_OFFSET);
		else if ((job->paths[job->count++] = arena_strdup(a, bytes_str(entry.path))) ==
			 NULL)
			e = fault_set(f, ERR_NOMEM, "no memory for the names of files",
				      FAULT_NO_OFFSET);
	}
	tree_free(&t);
	return e == ERR_MORE ? OK : e;
}

struct large {
	off_t size;
	uint32_t index;
};

static int larger_first(const void *a, const void *b)
{
	const struct large *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Large files first, so that no worker is left alone with one at the end; the others as they were
 * found.  One worker takes all as they were found. */
static enum err put_in_order(struct job *job, struct arena *a, struct fault *f)
{
	uint32_t count = 0, at;
	size_t mark;
	struct stat st;

	job->order = ARENA_NEW(a, uint32_t, job->count);
	mark = arena_mark(a);
	struct large *large = ARENA_NEW(a, struct large, job->count);
	if (job->order == NULL || large == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the names of files", FAULT_NO_OFFSET);
	for (uint32_t i = 0; i < job->count && job->options->workers > 1; i++)
		if (stat(job->paths[i], &st) == 0 && st.st_size >= LARGE)
			large[count++] = (struct large){.size = st.st_size, .index = i};
	at = count;
	for (uint32_t i = 0, next = 0; i < job->count; i++) {
		if (next < count && large[next].index == i)
			next++;
		else
			job->order[at++] = i;
	}
	qsort(large, count, sizeof(large[0]), larger_first);
	for (uint32_t i = 0; i < count; i++)
		job->order[i] = large[i].index;
	arena_reset(a, mark);
	return OK;
}

static int run_pool(struct job *job)
{
	struct pool pool = {.shared = job->shared,
			    .count = job->count,
			    .workers = job->options->workers,
			    .ctx = job,
			    .work = work};
	sigset_t old;

	signals_hold(&old);
	struct pool_result result = pool_run(&pool);
	signals_release(&old);
	if (result.end == POOL_INTERRUPTED)
		raise(result.signal);
	if (result.end == POOL_CRASHED)
		log_say(LOG_ERROR, "a worker process died; what it was at is not let out");
	if (result.end == POOL_FAILED && job->shared->fault.code == ERR_IO) {
		log_say(LOG_ERROR, "the output: %s", strerror(job->shared->fault.sys_errno));
		return EX_CANTCREAT;
	}
	return result.end == POOL_DONE ? EX_OK : EX_DATAERR;
}

int deid_run(const char *const *paths, size_t count, int out, const struct deid_options *options)
{
	struct job job = {.options = options, .out = out};
	struct arena arena;
	struct fault f;
	char text[256];
	int code = EX_DATAERR;
	enum err e = arena_open(&arena, LIMIT_ARENA_STUDY, &f);

	if (e == OK)
		e = list_files(&job, paths, count, &arena, &f);
	if (e == OK)
		e = put_in_order(&job, &arena, &f);
	job.size = sizeof(struct pool_shared) + 64 + job.count * sizeof(struct row);
	job.shared = e == OK ? pool_memory(job.size) : NULL;
	if (job.shared == NULL) {
		if (e == OK)
			fault_io(&f, "cannot share memory between processes");
		fault_format(&f, text, sizeof(text));
		log_say(LOG_ERROR, "%s", text);
		arena_close(&arena);
		return code;
	}
	job.rows = (struct row *)(void *)((uint8_t *)job.shared +
					  (sizeof(struct pool_shared) + 63) / 64 * 64);
	job.listed = pool_memory(sizeof(*job.listed)); /* pages that nobody writes to are none */
	int ran = run_pool(&job);
	look_at_references(&job, &arena);
	look_at_patients(&job);
	look_for_twins(&job);
	code = sum_up(&job);
	int written = code == EX_NOINPUT ? EX_OK : write_reports(&job);
	if (job.listed != NULL)
		munmap(job.listed, sizeof(*job.listed));
	munmap(job.shared, job.size);
	arena_close(&arena);
	return ran != EX_OK ? ran : code != EX_OK ? code : written;
}
