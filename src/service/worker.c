#include "service/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "dicom/dset.h"
#include "dicom/part10.h"
#include "service/accounts.h"
#include "study/files.h"
#include "study/inspect.h"
#include "study/journal.h"
#include "study/pipeline.h"
#include "study/pool.h"
#include "study/scan.h"
#include "study/staging.h"

struct work {
	const struct service_options *o;
	const struct uid *uid;
	int working, dir; /* folders; dir: the study's, locked, the working directory */
	struct study_files files;
	struct scan scan;
	const struct scan_study *study;
	struct arena scratch; /* of one file's index */
	struct journal journal;
	struct journal_state before; /* what it said at the beginning */
	struct arena memory;         /* of it */
	uint64_t began_ms;
	struct worker_result *result;
};

bool worker_is_transient(int sys_errno)
{
	switch (sys_errno) {
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
	case EAGAIN:
	case EIO:
	case EROFS:
	case ESTALE:
	case ENOLCK:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* glibc's resources are of a type of their own. */
#ifdef __GLIBC__
#define RESOURCE(what) ((__rlimit_resource_t)(what))
#else
#define RESOURCE(what) (what)
#endif

static void set_limit(int what, uint64_t soft, uint64_t hard)
{
	struct rlimit now, wanted = {.rlim_cur = (rlim_t)soft, .rlim_max = (rlim_t)hard};

	if (getrlimit(RESOURCE(what), &now) == 0 && now.rlim_max != RLIM_INFINITY) {
		if (wanted.rlim_max > now.rlim_max)
			wanted.rlim_max = now.rlim_max;
		if (wanted.rlim_cur > now.rlim_max)
			wanted.rlim_cur = now.rlim_max;
	}
	if (setrlimit(RESOURCE(what), &wanted) < 0)
		log_say(LOG_WARNING, "a limit of the worker cannot be set: %s", strerror(errno));
}

#ifndef __SANITIZE_ADDRESS__
/* Memory that came with the fork: settings of the service itself, more with every reload, and none
 * of the study's. */
static uint64_t inherited_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages) != 1) /* "data" of proc(5) */
		pages = 0;
	fclose(file);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
#endif

void worker_limit(const struct service_processing *p)
{
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(2) */
	set_limit(RLIMIT_CORE, 0, 0);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow is larger than any limit */
	if (p->memory_bytes != 0) {
		/* not RLIMIT_AS: arenas reserve far more than they need, and files are mapped */
		uint64_t most = inherited_bytes() + p->memory_bytes;
		set_limit(RLIMIT_DATA, most, most);
	}
#endif
	if (p->cpu_seconds != 0)
		set_limit(RLIMIT_CPU, p->cpu_seconds, p->cpu_seconds + 5);
	if (p->file_bytes != 0)
		set_limit(RLIMIT_FSIZE, p->file_bytes, p->file_bytes);
}

static void end_with(struct work *w, enum worker_end end, const char *reason)
{
	w->result->end = end;
	snprintf(w->result->reason, sizeof(w->result->reason), "%s", reason);
}

static void end_with_fault(struct work *w, const struct fault *f)
{
	fault_format(f, w->result->reason, sizeof(w->result->reason));
	w->result->end = worker_is_transient(f->sys_errno) ? WORKER_AGAIN : WORKER_FAILED;
}

/* ---- what was seen ---- */

/* SOP Instance UID of a file that is an object of this study though nothing was made of it (a plan,
 * a dose, a duplicate); "" for anything else. */
static struct uid belongs(struct work *w, const char *path)
{
	struct part10 p = PART10_NONE;
	struct uid sop = {.text = ""}, study = {.text = ""};
	struct dset d;

	if (part10_open(&p, AT_FDCWD, path, NULL) == OK &&
	    dset_index(&d, p.data, p.syntax, TAG(0x0020, 0x000E), &w->scratch, NULL) == OK) {
		(void)uid_set(&study, dset_text(&d, NULL, TAG_StudyInstanceUID));
		(void)uid_set(&sop, dset_text(&d, NULL, TAG_SOPInstanceUID));
	}
	part10_close(&p);
	arena_reset(&w->scratch, 0);
	return uid_eq(&study, w->uid) ? sop : (struct uid){.text = ""};
}

struct used {
	const char *path;
	const struct uid *sop;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct used *)a)->path, ((const struct used *)b)->path);
}

/* Every file of the list: its path, and the SOP Instance UID if it is an object of this study. */
static enum err add_seen(struct work *w, struct fault *f)
{
	const struct scan_study *s = w->study;
	uint32_t count = 0;
	struct used *used = malloc((s->image_count + s->set_count + 1u) * sizeof(*used));

	if (used == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the journal", FAULT_NO_OFFSET);
	for (uint32_t i = 0; i < s->image_count; i++)
		used[count++] = (struct used){s->image_paths[i], &s->images[i].sop_instance};
	for (uint32_t i = 0; i < s->set_count; i++)
		used[count++] = (struct used){s->sets[i].path, &s->sets[i].sop_instance};
	qsort(used, count, sizeof(*used), by_path);
	for (uint32_t i = 0; i < w->files.count; i++) {
		const struct study_file *file = &w->files.item[i];
		struct used key = {.path = file->path};
		const struct used *hit = bsearch(&key, used, count, sizeof(*used), by_path);
		struct journal_entry e = {.word = JOURNAL_SEEN,
					  .type = bytes_str(file->path),
					  .count = file->size,
					  .mtime_ns = file->mtime_ns};

		e.sop = hit != NULL ? *hit->sop : belongs(w, file->path);
		journal_add(&w->journal, &e);
	}
	free(used);
	return OK;
}

/* ---- what was made ---- */

static enum err add_output(struct work *w, const struct output_place *place, const char *name,
			   struct fault *f)
{
	char path[256 + 64]; /* of a name that readdir may give */
	struct part10 p = PART10_NONE;
	struct dset meta;
	struct journal_entry e = {.word = JOURNAL_OUTPUT, .type = bytes_str(place->series_type)};

	snprintf(path, sizeof(path), "%s/%s", place->folder, name);
	enum err r = part10_open(&p, AT_FDCWD, path, f);
	if (r == OK)
		r = dset_index(&meta, p.meta, p.meta_syntax, 0, &w->scratch, f);
	if (r == OK &&
	    (!uid_set(&e.class_uid, dset_text(&meta, NULL, TAG_MediaStorageSOPClassUID)) ||
	     !uid_set(&e.sop, dset_text(&meta, NULL, TAG_MediaStorageSOPInstanceUID))))
		r = fault_set(f, ERR_UNUSABLE, "an image that was made has no UID",
			      FAULT_NO_OFFSET);
	if (r == OK) {
		e.file = bytes_str(path);
		journal_add(&w->journal, &e);
		w->result->outputs++;
	}
	part10_close(&p);
	arena_reset(&w->scratch, 0);
	return r;
}

/* What is in the folder of one kind; without it there is nothing of that kind. */
static enum err add_kind(struct work *w, enum output_kind kind, struct fault *f)
{
	const struct output_place *place = &output_places[kind];
	struct dirent **list;
	int count = scandir(place->folder, &list, NULL, alphasort);
	enum err e = OK;

	if (count < 0)
		return errno == ENOENT ? OK : fault_io(f, "cannot list what was made");
	for (int i = 0; i < count; i++) {
		if (e == OK && output_is_ours(kind, list[i]->d_name))
			e = add_output(w, place, list[i]->d_name, f);
		free(list[i]);
	}
	free(list);
	return e;
}

/* In the order in which they are sent. */
static enum err add_outputs(struct work *w, struct fault *f)
{
	enum err e = OK;

	for (unsigned k = 0; k < OUTPUT_KINDS && e == OK; k++)
		if (output_places[k].series_type != NULL)
			e = add_kind(w, k, f);
	return e;
}

/*
 * What was confirmed before stays confirmed, when everything that the round before saw is there as
 * it was: the same sources make the same instances, and a structure set that was added makes
 * others.
 */
static enum err carry_over(struct work *w, struct fault *f)
{
	const struct journal_state *old = &w->before;
	const struct journal_seen **seen = inspect_seen(&w->files, old);
	uint32_t there = 0;

	if (seen == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the journal", FAULT_NO_OFFSET);
	for (uint32_t i = 0; i < w->files.count; i++)
		there += seen[i] != NULL;
	free(seen);
	if (!old->processed || there != old->seen_count)
		return OK;
	for (uint32_t d = 0; d < old->dest_count; d++)
		for (uint32_t i = 0; i < old->output_count; i++)
			if (old->dests[d].outputs[i].sent)
				journal_add_sent(&w->journal, old->dests[d].name,
						 &old->outputs[i].sop_instance,
						 old->dests[d].outputs[i].status);
	return OK;
}

/* The round, whole, in one append. */
static enum err write_round(struct work *w, struct fault *f)
{
	struct journal_entry begin = {.word = JOURNAL_PROCESSING, .at_ms = w->began_ms};
	struct journal_entry end = {.word = JOURNAL_PROCESSED,
				    .seen = w->files.count,
				    .digest = bytes_str(w->files.digest)};
	enum err e = journal_open(&w->journal, w->dir, f);

	if (e != OK)
		return e;
	journal_add(&w->journal, &begin);
	e = add_seen(w, f);
	if (e == OK)
		e = add_outputs(w, f);
	end.count = w->result->outputs;
	if (e == OK) {
		journal_add(&w->journal, &end);
		e = carry_over(w, f);
	}
	if (e == OK)
		e = journal_sync(&w->journal, f);
	journal_close(&w->journal);
	return e;
}

/* ---- the job ---- */

static int run_job(struct work *w, struct study_outcome *outcome)
{
	struct study_options job = w->o->processing.study;
	sigset_t old;

	job.now = clock_wall();
	job.out_path = w->o->working;
	job.sheet = NULL;
	job.workers = w->o->processing.workers;
	job.json = job.progress = false;
	job.quiet = true;
	job.outcome = outcome;
	signals_hold(&old);
	int code = pipeline_run(&w->scan, w->study, &job, w->working, NULL, &old);
	signals_release(&old);
	return code;
}

static void process(struct work *w)
{
	struct study_outcome outcome = {.reason = ""};
	struct fault f = {.code = OK};
	int code = run_job(w, &outcome);

	if (code != EX_OK) {
		end_with(w,
			 code == EX_CANTCREAT || outcome.sys_errno != 0
				 ? (worker_is_transient(outcome.sys_errno) ? WORKER_AGAIN
									   : WORKER_FAILED)
				 : WORKER_FAILED,
			 outcome.reason[0] != '\0' ? outcome.reason : "it could not be processed");
		return;
	}
	/* the series is on the disk before the journal says that it was made */
	if (w->o->listener.durability != SERVICE_NONE && syncfs(w->working) < 0)
		(void)fault_io(&f, "cannot force the series to the disk");
	if (f.code != OK || write_round(w, &f) != OK) {
		end_with_fault(w, &f);
		return;
	}
	w->result->end = WORKER_DONE;
}

/* The list, and what is in the files. */
static enum err look(struct work *w, struct fault *f)
{
	const char **paths;
	enum err e = study_files_read(&w->files, w->dir, f);

	if (e == OK)
		e = arena_open(&w->scratch, LIMIT_ARENA_STUDY, f);
	if (e == OK)
		e = arena_open(&w->memory, LIMIT_ARENA_STUDY, f);
	if (e == OK)
		e = journal_read(&w->before, w->dir, &w->memory, f);
	if (e == OK)
		e = scan_open(&w->scan, f);
	if (e != OK)
		return e;
	paths = malloc((w->files.count + 1u) * sizeof(*paths));
	if (paths == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for the list of files", FAULT_NO_OFFSET);
	for (uint32_t i = 0; i < w->files.count; i++)
		paths[i] = w->files.item[i].path;
	e = scan_run(&w->scan, paths, w->files.count, -1, f);
	free(paths);
	for (const struct scan_study *s = w->scan.studies; s != NULL && e == OK; s = s->next)
		if (uid_eq(&s->uid, w->uid))
			w->study = s;
	return e;
}

/* The study's folder, locked, as working directory. */
static bool enter(struct work *w)
{
	char name[sizeof("UID_") + LIMIT_UID];
	struct fault f;

	snprintf(name, sizeof(name), "UID_%s", w->uid->text);
	w->dir = openat(w->working, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->dir < 0 && errno == ENOENT) {
		end_with(w, WORKER_CHANGED, "it is gone");
		return false;
	}
	if (w->dir < 0 || fchdir(w->dir) < 0) {
		(void)fault_io(&f, "cannot open the study's folder");
		end_with_fault(w, &f);
		return false;
	}
	if (flock(w->dir, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		end_with(w, WORKER_CHANGED, "it is being received or sent");
		return false;
	}
	return true;
}

static void tell_end(const struct work *w, uint64_t took_us)
{
	const char *study = w->uid->text;

	if (w->result->end == WORKER_DONE)
		accounts_processing_success(study, took_us);
	else
		accounts_processing_failed(study, took_us, w->result->reason);
}

void worker_run(const struct service_options *o, int working, const struct uid *study,
		const char *digest, struct worker_result *out)
{
	static struct work w; /* big, and only one a process */
	struct fault f;
	uint64_t start_us = clock_us();
	char path[PATH_MAX + 64];

	*out = (struct worker_result){.end = WORKER_FAILED};
	w = (struct work){.o = o,
			  .uid = study,
			  .working = working,
			  .journal = JOURNAL_NONE,
			  .began_ms = journal_now_ms(),
			  .result = out};
	if (!enter(&w))
		return;
	if (look(&w, &f) != OK) {
		end_with_fault(&w, &f);
		tell_end(&w, clock_us() - start_us);
		return;
	}
	if ((digest[0] != '\0' && strcmp(w.files.digest, digest) != 0) || w.study == NULL ||
	    w.study->set_count == 0 || w.study->image_count == 0) {
		end_with(&w, WORKER_CHANGED, "something has come");
		return;
	}
	snprintf(path, sizeof(path), "%s/UID_%s", o->working, study->text);
	accounts_processing_start(study->text, path);
	process(&w);
	tell_end(&w, clock_us() - start_us);
}
