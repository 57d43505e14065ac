#include "service/closer.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "service/accounts.h"
#include "service/delivery.h"
#include "service/departure.h"
#include "study/files.h"
#include "study/inspect.h"
#include "study/journal.h"
#include "study/spool.h"
#include "study/staging.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
#define REASON_MAX (1u << 20)

struct closing {
	const struct service_options *o;
	const struct uid *uid;
	struct spool spool;
	struct spool_lock lock; /* on the study's folder */
	struct study_files files;
	struct journal_state state;
	struct arena arena;
	struct closer_result *result;
};

static void fail(struct closing *c, const struct fault *f)
{
	c->result->end = CLOSER_AGAIN;
	fault_format(f, c->result->reason, sizeof(c->result->reason));
}

/* ---- the beginning and the end of all of them ---- */

static enum spool_durability durability_of(const struct service_options *o)
{
	return o->listener.durability == SERVICE_STRICT ? SPOOL_STRICT
	       : o->listener.durability == SERVICE_FILE ? SPOOL_FILE
							: SPOOL_NONE;
}

/* Open, lock, list, read the journal.  False: c->result says what. */
static bool begin(struct closing *c, const char *digest)
{
	struct fault f;
	enum err e = spool_open(&c->spool, c->o->working, durability_of(c->o), 0, &f);

	if (e == OK)
		e = spool_study_lock(&c->spool, c->uid, SPOOL_EXCLUSIVE, &c->lock, &f);
	if (e == ERR_MORE || e == ERR_UNUSABLE) {
		c->result->end = e == ERR_MORE ? CLOSER_BUSY : CLOSER_DONE;
		return false;
	}
	if (e == OK)
		e = study_files_read(&c->files, c->lock.fd, &f);
	if (e == OK)
		e = arena_open(&c->arena, LIMIT_ARENA_STUDY, &f);
	if (e == OK)
		e = journal_read(&c->state, c->lock.fd, &c->arena, &f);
	if (e != OK) {
		fail(c, &f);
		return false;
	}
	c->result->end = CLOSER_DONE;
	if (digest[0] != '\0' && strcmp(digest, c->files.digest) != 0)
		c->result->end = CLOSER_CHANGED;
	return c->result->end == CLOSER_DONE;
}

static struct closing closing_of(const struct service_options *o, const struct uid *study,
				 struct closer_result *out)
{
	*out = (struct closer_result){.end = CLOSER_AGAIN};
	return (struct closing){
		.o = o, .uid = study, .spool = SPOOL_CLOSED, .lock = SPOOL_UNLOCKED, .result = out};
}

static void finish(struct closing *c)
{
	study_files_free(&c->files);
	arena_close(&c->arena);
	spool_study_unlock(&c->lock);
	spool_close(&c->spool);
}

void closer_clear_staging(int working, const struct uid *study)
{
	struct staging staging;

	if (staging_open(&staging, working, study, 0, NULL) == OK)
		(void)staging_discard(&staging);
}

static struct departure departure_of(const struct closing *c)
{
	return (struct departure){.o = c->o,
				  .uid = c->uid,
				  .dir = c->lock.fd,
				  .files = &c->files,
				  .state = &c->state};
}

static void stamp_of(char out[static 15])
{
	struct wall now = clock_wall();
	char date[9], time[14];

	wall_date(&now, date);
	wall_time(&now, time);
	snprintf(out, 15, "%s%.6s", date, time);
}

/* ---- quarantine ---- */

void closer_quarantine(const struct service_options *o, const struct uid *study, const char *digest,
		       const char *why, struct closer_result *out)
{
	struct closing c = closing_of(o, study, out);
	struct buf reason = BUF_INIT(REASON_MAX);
	char name[SPOOL_QUARANTINE_NAME_MAX] = "", stamp[15];
	struct fault f;

	if (begin(&c, digest)) {
		struct departure d = departure_of(&c);

		closer_clear_staging(c.spool.working, study);
		stamp_of(stamp);
		departure_reason(&d, why, &reason);
		if (spool_quarantine(&c.spool, study, o->quarantine, stamp, buf_bytes(&reason),
				     name, &f) == OK) {
			accounts_quarantined(study->text, name, why);
			departure_report(&d, why, name);
		} else {
			fail(&c, &f);
		}
	}
	buf_free(&reason);
	finish(&c);
}

/* ---- delivered ---- */

static bool is_delivered(const struct closing *c)
{
	return c->state.processed && delivery_outcome(&c->state, c->o->destinations,
						      c->o->destination_count) == DELIVERY_DONE;
}

/* Once: what is delivered may stay for long before it is removed. */
static enum err report_once(const struct closing *c, bool stays, struct fault *f)
{
	struct departure d = departure_of(c);
	struct journal journal = JOURNAL_NONE;

	if (c->state.reported)
		return OK;
	departure_report(&d, NULL, NULL);
	if (!stays)
		return OK;
	enum err e = journal_open(&journal, c->lock.fd, f);
	if (e == OK) {
		journal_add(&journal, &(struct journal_entry){.word = JOURNAL_REPORTED});
		e = journal_sync(&journal, f);
	}
	journal_close(&journal);
	return e;
}

void closer_report(const struct service_options *o, const struct uid *study,
		   struct closer_result *out)
{
	struct closing c = closing_of(o, study, out);
	struct fault f;

	if (begin(&c, "")) {
		if (!is_delivered(&c))
			out->end = CLOSER_CHANGED;
		else if (report_once(&c, true, &f) != OK)
			fail(&c, &f);
	}
	finish(&c);
}

/* ---- removal ---- */

/* A folder in quarantine for files that are no objects of the study; -1. */
static int open_apart(const struct closing *c)
{
	static const char why[] = "These files lay in a study's folder and are no DICOM objects of "
				  "that study.\nThe study itself was processed and delivered.\n";
	char path[PATH_MAX], stamp[15];
	struct fault f;

	(void)mkdirat(c->spool.working, c->o->quarantine, 0777);
	stamp_of(stamp);
	for (unsigned n = 1; n < 10000; n++) {
		snprintf(path, sizeof(path), "%s/UID_%s_%s-other%u", c->o->quarantine, c->uid->text,
			 stamp, n);
		if (mkdirat(c->spool.working, path, 0777) < 0)
			continue;

		int dir = openat(c->spool.working, path, FOLDER);
		int fd = dir < 0 ? -1 : openat(dir, "reason", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		if (fd >= 0) {
			(void)!file_write_all(fd, bytes_str(why), &f);
			close(fd);
		}
		accounts_quarantined(c->uid->text, path, "files that are no objects of the study");
		return dir;
	}
	return -1;
}

/* Files that are no objects of the study are moved to quarantine. */
static bool keep_apart(struct closing *c, const struct journal_seen *const *seen)
{
	int apart = -1;
	bool ok = true;

	for (uint32_t i = 0; i < c->files.count && ok; i++) {
		const char *path = c->files.item[i].path;
		const char *slash = strrchr(path, '/');

		if (seen[i] == NULL || seen[i]->sop.text[0] != '\0')
			continue;
		if (apart < 0)
			apart = open_apart(c);
		ok = apart >= 0 &&
		     renameat(c->lock.fd, path, apart, slash != NULL ? slash + 1 : path) == 0;
	}
	if (apart >= 0) {
		(void)fsync(apart);
		close(apart);
	}
	return ok;
}

/* Exactly what the round saw is removed. */
static bool remove_seen(struct closing *c)
{
	const struct journal_seen **seen = inspect_seen(&c->files, &c->state);
	struct fault f;
	size_t kept;
	uint32_t count = 0;

	if (seen == NULL || !keep_apart(c, seen)) {
		free(seen);
		(void)fault_io(&f, "a file that is no object of the study cannot be moved to "
				   "quarantine");
		fail(c, &f);
		return false;
	}
	for (uint32_t i = 0; i < c->files.count; i++)
		if (seen[i] != NULL)
			c->files.item[count++] = c->files.item[i];
	free(seen);
	c->files.count = count;
	if (spool_remove(&c->spool, c->uid, &c->files, &kept, &f) == OK)
		return true;
	fail(c, &f);
	return false;
}

/* What netrt made, and the folder. */
static void remove_rest(struct closing *c)
{
	struct fault f;
	bool gone = false;

	if (spool_remove_study(&c->spool, c->uid, &gone, &f) != OK)
		fail(c, &f);
	else if (!gone)
		c->result->end = CLOSER_CHANGED; /* something came; it is a study of its own */
}

void closer_remove(const struct service_options *o, const struct uid *study,
		   struct closer_result *out)
{
	struct closing c = closing_of(o, study, out);

	if (!begin(&c, ""))
		goto done;
	closer_clear_staging(c.spool.working, study);
	if (!c.state.processed) {
		if (c.files.count == 0)
			remove_rest(&c);
		else
			out->end = CLOSER_CHANGED;
	} else if (is_delivered(&c)) {
		(void)report_once(&c, false, NULL);
		if (remove_seen(&c))
			remove_rest(&c);
	} else {
		out->end = CLOSER_CHANGED;
	}
done:
	finish(&c);
}

void closer_discard(const struct service_options *o, const struct uid *study, const char *digest,
		    const char *why, struct closer_result *out)
{
	struct closing c = closing_of(o, study, out);
	struct fault f;
	size_t kept;

	if (begin(&c, digest)) {
		accounts_say(LOG_WARNING, "study_discarded",
			     "study %s: %u files are discarded, as configured: %s", study->text,
			     c.files.count, why);
		if (spool_remove(&c.spool, study, &c.files, &kept, &f) == OK)
			remove_rest(&c);
		else
			fail(&c, &f);
	}
	finish(&c);
}
