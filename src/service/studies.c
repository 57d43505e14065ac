#include "service/studies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/accounts.h"
#include "study/files.h"

#define PREFIX "UID_"
#define FOLDER_MASK                                                                         \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_MODIFY | \
	 IN_ATTRIB | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)
#define WORKING_MASK (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)

static const char *const folder_names[STUDY_FOLDERS] = {"", "/DCM", "/Structure"};

static uint32_t bucket_of(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h % STUDY_BUCKETS;
}

static struct study *find(const struct studies *s, const struct uid *uid)
{
	for (struct study *t = s->by_uid[bucket_of(uid->text)]; t != NULL; t = t->next_uid)
		if (uid_eq(&t->uid, uid))
			return t;
	return NULL;
}

/* To be judged at that time at the latest. */
static void due_at(struct studies *s, struct study *t, uint64_t when_ms)
{
	t->due_ms = when_ms;
	if (when_ms < s->due_ms)
		s->due_ms = when_ms;
}

/* ---- watches ---- */

static struct study_watch **wd_bucket(struct studies *s, int wd)
{
	return &s->by_wd[(unsigned)wd % STUDY_BUCKETS];
}

static void unwatch(struct studies *s, struct study_watch *w)
{
	if (w->wd < 0)
		return;
	for (struct study_watch **at = wd_bucket(s, w->wd); *at != NULL; at = &(*at)->next) {
		if (*at != w)
			continue;
		*at = w->next;
		break;
	}
	inotify_rm_watch(s->inotify, w->wd);
	w->wd = -1;
}

static void path_of(const struct studies *s, const struct study *t, enum study_folder folder,
		    char *out, size_t size)
{
	snprintf(out, size, "%s/" PREFIX "%s%s", s->o->working, t->uid.text, folder_names[folder]);
}

/* Watch a folder of the study, if it is there; again does no harm. */
static void watch(struct studies *s, struct study *t, enum study_folder folder)
{
	struct study_watch *w = &t->folder[folder];
	char path[4096 + 256];

	path_of(s, t, folder, path, sizeof(path));
	int wd = inotify_add_watch(s->inotify, path, FOLDER_MASK);
	if (wd < 0) {
		if ((errno == ENOSPC || errno == ENOMEM) && !s->blind) {
			s->blind = true;
			accounts_say(LOG_WARNING, "inotify_short",
				     "no more inotify watches (fs.inotify.max_user_watches): "
				     "changes are found by looking, later");
		}
		return;
	}
	if (wd == w->wd)
		return;
	unwatch(s, w);
	w->wd = wd;
	w->next = *wd_bucket(s, wd);
	*wd_bucket(s, wd) = w;
}

/* ---- the table ---- */

static struct study *add(struct studies *s, const struct uid *uid, uint64_t now_ms)
{
	struct study *t = calloc(1, sizeof(*t));
	struct study **bucket = &s->by_uid[bucket_of(uid->text)];

	if (t == NULL)
		return NULL; /* found again by the next scan */
	t->uid = *uid;
	t->next = s->first;
	s->first = t;
	t->next_uid = *bucket;
	*bucket = t;
	s->count++;
	for (enum study_folder i = 0; i < STUDY_FOLDERS; i++)
		t->folder[i] = (struct study_watch){.wd = -1, .study = t};
	for (enum study_folder i = 0; i < STUDY_FOLDERS; i++)
		watch(s, t, i);
	due_at(s, t, now_ms);
	return t;
}

void studies_drop(struct studies *s, struct study *t)
{
	struct study **at = &s->first;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	at = &s->by_uid[bucket_of(t->uid.text)];
	while (*at != t)
		at = &(*at)->next_uid;
	*at = t->next_uid;
	for (enum study_folder i = 0; i < STUDY_FOLDERS; i++)
		unwatch(s, &t->folder[i]);
	shared_forget(s->shared, &t->uid);
	s->count--;
	free(t->doom);
	free(t);
}

static void lose(struct studies *s, struct study *t)
{
	if (t->job == JOB_NONE)
		studies_drop(s, t);
	else
		t->lost = true;
}

/* Something in its folders changed just now. */
static void touch(struct studies *s, struct study *t, uint64_t now_ms)
{
	struct watch_facts *f = &t->facts;

	f->changed_ms = now_ms;
	if (f->first_ms == 0)
		f->first_ms = now_ms;
	f->stale = true;
	t->lost = false;
	if (t->job != JOB_NONE)
		return; /* judged when the child has ended */

	struct watch_step step = watch_next(f, &s->o->watch, now_ms);
	due_at(s, t, step.what == WATCH_WAIT ? step.due_ms : now_ms);
}

/* "UID_1.2.3" */
static bool study_name(const char *name, struct uid *uid)
{
	return strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 &&
	       uid_set(uid, bytes_str(name + sizeof(PREFIX) - 1)) &&
	       strcmp(uid->text, name + sizeof(PREFIX) - 1) == 0;
}

/* ---- events ---- */

static void in_working(struct studies *s, const struct inotify_event *e, uint64_t now_ms)
{
	struct uid uid;

	if ((e->mask & IN_ISDIR) == 0 || e->len == 0 || !study_name(e->name, &uid))
		return;

	struct study *t = find(s, &uid);
	if ((e->mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
		if (t != NULL)
			lose(s, t);
		return;
	}
	if (t != NULL && t->lost) /* gone and come again: other folders */
		for (enum study_folder i = 0; i < STUDY_FOLDERS; i++)
			unwatch(s, &t->folder[i]);
	if (t == NULL)
		t = add(s, &uid, now_ms);
	if (t == NULL)
		return;
	for (enum study_folder i = 0; i < STUDY_FOLDERS; i++)
		watch(s, t, i);
	touch(s, t, now_ms);
}

static void in_study(struct studies *s, struct study_watch *w, const struct inotify_event *e,
		     uint64_t now_ms)
{
	struct study *t = w->study;

	if ((e->mask & IN_IGNORED) != 0) { /* the folder is gone; so is the kernel's watch */
		unwatch(s, w);
		return;
	}
	if (e->len == 0)
		return; /* the folder itself */
	if (w == &t->folder[FOLDER_TOP]) {
		if (study_files_own(e->name))
			return;
		if ((e->mask & IN_ISDIR) != 0) {
			watch(s, t, FOLDER_DCM);
			watch(s, t, FOLDER_STRUCTURE);
		}
	} else if (e->name[0] == '.') {
		return;
	}
	touch(s, t, now_ms);
}

bool studies_notice(struct studies *s, uint64_t now_ms)
{
	static _Alignas(struct inotify_event) char buffer[16384];
	ssize_t n = read(s->inotify, buffer, sizeof(buffer));

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const struct inotify_event *)(buffer + at);

		at += (ssize_t)(sizeof(*e) + e->len);
		if ((e->mask & IN_Q_OVERFLOW) != 0) {
			s->scan_ms = now_ms;
			for (struct study *t = s->first; t != NULL; t = t->next)
				touch(s, t, now_ms);
			continue;
		}
		if (e->wd == s->working_wd) {
			in_working(s, e, now_ms);
			continue;
		}
		struct study_watch *w = *wd_bucket(s, e->wd);
		while (w != NULL && w->wd != e->wd)
			w = w->next;
		if (w != NULL)
			in_study(s, w, e, now_ms);
	}
	return n > 0;
}

/* ---- looking ---- */

/* Has a folder of the study another mtime than when last looked at? */
static bool has_moved(struct studies *s, struct study *t)
{
	bool moved = false;

	for (enum study_folder i = 0; i < STUDY_FOLDERS; i++) {
		char path[4096 + 256];
		struct stat st;
		int64_t mtime_ns = 0;

		path_of(s, t, i, path, sizeof(path));
		if (stat(path, &st) == 0)
			mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
		/* the top folder also changes when the journal or a series is made in it */
		moved = moved || (i != FOLDER_TOP && t->folder[i].mtime_ns != mtime_ns);
		t->folder[i].mtime_ns = mtime_ns;
	}
	return moved;
}

static bool is_there(const struct studies *s, const struct study *t)
{
	char path[4096 + 256];
	struct stat st;

	path_of(s, t, FOLDER_TOP, path, sizeof(path));
	return stat(path, &st) == 0;
}

void studies_scan(struct studies *s, uint64_t now_ms)
{
	int fd = openat(s->working, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	struct uid uid;

	s->scan_ms = now_ms + s->o->watch.scan_ms;
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL) {
		struct stat st;

		if (!study_name(d->d_name, &uid) || find(s, &uid) != NULL)
			continue;
		if (fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
			struct study *t = add(s, &uid, now_ms);

			if (t != NULL)
				(void)has_moved(s, t);
		}
	}
	closedir(dir);
	for (struct study *t = s->first, *next; t != NULL; t = next) {
		next = t->next;
		if (!is_there(s, t))
			lose(s, t);
		else if (has_moved(s, t) && t->facts.inspected && !t->facts.stale)
			studies_look(s, &t->uid, false, now_ms);
	}
}

void studies_look(struct studies *s, const struct uid *uid, bool asked, uint64_t now_ms)
{
	for (struct study *t = s->first; t != NULL; t = t->next) {
		if (uid->text[0] != '\0' && !uid_eq(uid, &t->uid))
			continue;
		t->facts.inspected = t->facts.stale = false;
		if (asked) {
			t->facts.retry_ms = 0;
			t->failures = 0;
		}
		due_at(s, t, now_ms);
	}
	if (asked)
		s->scan_ms = now_ms;
}

void studies_released(struct studies *s, uint64_t now_ms)
{
	uint32_t reports = atomic_load(&s->shared->reports);

	if (reports != s->reports) /* a receiver has written some study's journal */
		for (struct study *t = s->first; t != NULL; t = t->next)
			if (t->facts.processed && !t->facts.stale) {
				t->facts.inspected = false;
				due_at(s, t, now_ms);
			}
	s->reports = reports;
	for (struct study *t = s->first; t != NULL; t = t->next) {
		if (!t->facts.fed)
			continue;
		t->facts.fed = false;
		due_at(s, t, now_ms);
	}
}

/* ---- judging ---- */

static void judge(struct studies *s, struct study *t, uint64_t now_ms)
{
	t->step = watch_next(&t->facts, &s->o->watch, now_ms);
	if (t->doom != NULL)
		t->step = (struct watch_step){
			.what = WATCH_QUARANTINE, .state = WATCH_WAITING, .why = t->doom};
	if (t->step.what == WATCH_WAIT)
		t->due_ms = t->step.due_ms;
	else
		study_jobs_start(s, t, now_ms);
}

void studies_step(struct studies *s, uint64_t now_ms)
{
	if (now_ms >= s->scan_ms)
		studies_scan(s, now_ms);
	if (now_ms < s->due_ms || s->draining)
		return;
	s->due_ms = WATCH_NEVER;
	for (struct study *t = s->first, *next; t != NULL; t = next) {
		next = t->next;
		if (t->job == JOB_NONE && t->due_ms <= now_ms) {
			judge(s, t, now_ms); /* it may be gone after that */
			continue;
		}
		if (t->job == JOB_NONE && t->due_ms < s->due_ms)
			s->due_ms = t->due_ms;
	}
	for (struct study *t = s->first; t != NULL; t = t->next)
		if (t->job == JOB_NONE && t->due_ms > now_ms && t->due_ms < s->due_ms)
			s->due_ms = t->due_ms;
}

uint64_t studies_due(const struct studies *s)
{
	if (s->draining)
		return WATCH_NEVER;
	return s->due_ms < s->scan_ms ? s->due_ms : s->scan_ms;
}

enum watch_state studies_state(const struct study *t)
{
	if (t->job == JOB_WORK)
		return WATCH_PROCESSING;
	if (t->facts.fed || t->facts.stale)
		return WATCH_RECEIVING;
	return t->step.state;
}

/* ---- the beginning and the end ---- */

enum err studies_open(struct studies *s, const struct service_options *o, struct shared *shared,
		      int working, int tell, struct fault *f)
{
	*s = (struct studies){.o = o, .shared = shared, .working = working, .tell = tell};
	s->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->inotify < 0)
		return fault_io(f, "cannot watch folders (inotify)");
	child_private(s->inotify);
	s->working_wd = inotify_add_watch(s->inotify, o->working, WORKING_MASK);
	if (s->working_wd < 0)
		accounts_say(LOG_WARNING, "inotify_short",
			     "the working folder cannot be watched: changes are found by looking");
	s->due_ms = WATCH_NEVER;
	return OK;
}

void studies_close(struct studies *s)
{
	while (s->first != NULL)
		studies_drop(s, s->first);
	child_close_private(s->inotify);
}

void studies_options(struct studies *s, const struct service_options *o, uint64_t now_ms)
{
	s->o = o;
	for (struct study *t = s->first; t != NULL; t = t->next)
		due_at(s, t, now_ms);
	s->scan_ms = now_ms;
}
