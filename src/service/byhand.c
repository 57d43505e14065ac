/*
 * What a person asks for: deliver again, and what is in quarantine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/file.h"
#include "service/accounts.h"
#include "service/answer.h"
#include "service/breaker.h"
#include "service/delivery.h"
#include "study/files.h"
#include "study/journal.h"
#include "study/spool.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define DISCARD_DEPTH 8u /* folders inside folders that are removed with a quarantined study */

static int say(struct buf *out, int code, const char *name, const char *text)
{
	buf_escaped(out, bytes_str(name));
	buf_fmt(out, ": %s\n", text);
	return code;
}

/* ---- retry ---- */

/* OK; ERR_MORE: nothing is to be delivered of it. */
static enum err retry_one(const struct answer_context *c, const char *uid, struct fault *f)
{
	char name[sizeof("UID_") + LIMIT_UID];
	struct journal_state state;
	struct arena a;

	snprintf(name, sizeof(name), "UID_%s", uid);
	int dir = openat(c->working, name, FOLDER);
	if (dir < 0)
		return errno == ENOENT ? ERR_UNUSABLE
				       : fault_io(f, "cannot open the study's folder");
	enum err e = arena_open(&a, LIMIT_ARENA_STUDY, f);
	if (e == OK) {
		e = journal_read(&state, dir, &a, f);
		if (e == OK)
			e = state.processed ? delivery_retry(dir, NULL, f) : ERR_MORE;
		arena_close(&a);
	}
	close(dir);
	return e;
}

static int retry_all(struct answer_context *c, struct buf *out)
{
	int fd = openat(c->working, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	unsigned count = 0;
	struct fault f;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		struct uid uid;

		if (strncmp(d->d_name, "UID_", 4) == 0 && uid_set(&uid, bytes_str(d->d_name + 4)) &&
		    retry_one(c, uid.text, &f) == OK)
			count++;
	}
	if (dir != NULL)
		closedir(dir);
	buf_fmt(out, "%u studies are delivered again now\n", count);
	return EX_OK;
}

int answer_retry(struct answer_context *c, const char *text, struct buf *out)
{
	bool all = strcmp(text, "all") == 0;
	struct uid uid = {.text = ""};
	struct fault f;
	char why[256];
	int code = EX_OK;

	if (!all && !uid_set(&uid, bytes_str(text)))
		return say(out, EX_USAGE, text, "is no Study Instance UID");
	for (size_t i = 0; i < c->o->destination_count; i++)
		(void)!breaker_reset(c->working, c->o->destinations[i].name, &f);
	if (all) {
		code = retry_all(c, out);
	} else {
		switch (retry_one(c, uid.text, &f)) {
		case OK:
			(void)say(out, code, uid.text, "is delivered again now");
			break;
		case ERR_MORE:
			(void)say(out, code, uid.text, "is looked at again now");
			break;
		case ERR_UNUSABLE:
			return say(out, EX_NOINPUT, uid.text,
				   "no such study in the working folder (one in quarantine is "
				   "released by netrt quarantine release)");
		default:
			fault_format(&f, why, sizeof(why));
			return say(out, EX_DATAERR, uid.text, why);
		}
	}
	c->changed = true;
	c->changed_study = uid;
	return code;
}

/* ---- quarantine ---- */

void answer_why(int quarantine, const char *name, char *out, size_t size)
{
	char path[512], text[1024];
	ssize_t n = -1;

	snprintf(path, sizeof(path), "%s/reason", name);
	int fd = openat(quarantine, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0) {
		snprintf(out, size, "no reason is given");
		return;
	}
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	const char *from = strncmp(text, "Why:", 4) == 0 ? text + 4 : text;
	snprintf(out, size, "%s", from + strspn(from, " "));
}

/* The folder of that name, or the only one of that study.  EX_OK and `found`. */
static int find(int quarantine, const char *name, char *found, size_t size, struct buf *out)
{
	int fd = openat(quarantine, ".", FOLDER);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char prefix[sizeof("UID__") + LIMIT_UID] = "";
	struct uid uid;
	struct dirent *d;
	unsigned count = 0;

	if (uid_set(&uid, bytes_str(name)))
		snprintf(prefix, sizeof(prefix), "UID_%s_", uid.text);
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		bool exact = strcmp(d->d_name, name) == 0 && name[0] != '.';

		if (!exact &&
		    (prefix[0] == '\0' || strncmp(d->d_name, prefix, strlen(prefix)) != 0))
			continue;
		count++;
		snprintf(found, size, "%s", d->d_name);
		if (exact) {
			count = 1;
			break;
		}
	}
	if (dir != NULL)
		closedir(dir);
	if (count == 0)
		return say(out, EX_NOINPUT, name, "is not in quarantine");
	if (count > 1)
		return say(out, EX_DATAERR, name,
			   "is in quarantine more than once: give the folder's name (netrt "
			   "quarantine list)");
	return EX_OK;
}

/* Files count as new from now on: their ctime, which waiting is measured by. */
static void refresh(int study)
{
	struct study_files files;

	if (study_files_read(&files, study, NULL) != OK)
		return;
	for (uint32_t i = 0; i < files.count; i++) {
		struct stat st;

		if (fstatat(study, files.item[i].path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			(void)fchmodat(study, files.item[i].path, st.st_mode & 07777, 0);
	}
	study_files_free(&files);
}

/* Remove a folder with all that is in it.  No recursion: a stack of open folders. */
static bool remove_tree(int parent, const char *name)
{
	DIR *stack[DISCARD_DEPTH];
	char names[DISCARD_DEPTH][256];
	unsigned depth = 0;
	int fd = openat(parent, name, FOLDER);

	if (fd < 0 || (stack[0] = fdopendir(fd)) == NULL)
		return false;
	snprintf(names[0], sizeof(names[0]), "%s", name);
	depth = 1;
	while (depth > 0) {
		DIR *dir = stack[depth - 1];
		struct dirent *d = readdir(dir);
		int up = depth > 1 ? dirfd(stack[depth - 2]) : parent;

		if (d == NULL) {
			closedir(dir);
			depth--;
			if (unlinkat(up, names[depth], AT_REMOVEDIR) < 0) {
				while (depth > 0)
					closedir(stack[--depth]);
				return false;
			}
			continue;
		}
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    unlinkat(dirfd(dir), d->d_name, 0) == 0 || depth == DISCARD_DEPTH)
			continue;
		fd = openat(dirfd(dir), d->d_name, FOLDER);
		if (fd < 0 || (stack[depth] = fdopendir(fd)) == NULL)
			continue;
		snprintf(names[depth++], sizeof(names[0]), "%s", d->d_name);
	}
	return true;
}

/* The study of a folder's name "UID_<study>_<stamp>". */
static bool study_of(const char *name, struct uid *uid)
{
	const char *end = strrchr(name, '_');

	return strncmp(name, "UID_", 4) == 0 && end != NULL && end > name + 4 &&
	       uid_set(uid, bytes_of(name + 4, (size_t)(end - name - 4)));
}

/* A file into the study, unless one of that name is there. */
static bool move_file(int from, int to, const char *path)
{
	if (linkat(from, path, to, path, 0) < 0)
		return false;
	return unlinkat(from, path, 0) == 0;
}

/* The names in a folder are on the disk. */
static void sync_folder(int dir, const char *name)
{
	int fd = openat(dir, name, FOLDER);

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
}

/* The study is in the working folder again: put the files with it.  How many could not be. */
static uint32_t merge(const struct answer_context *c, int folder, const struct uid *uid)
{
	struct study_files files = STUDY_FILES_NONE;
	char name[sizeof("UID_") + LIMIT_UID];
	uint32_t kept = UINT32_MAX;

	snprintf(name, sizeof(name), "UID_%s", uid->text);
	int study = openat(c->working, name, FOLDER);
	if (study >= 0 && study_files_read(&files, folder, NULL) == OK) {
		(void)mkdirat(study, "DCM", 0777);
		(void)mkdirat(study, "Structure", 0777);
		kept = 0;
		for (uint32_t i = 0; i < files.count; i++)
			kept += !move_file(folder, study, files.item[i].path);
		sync_folder(study, "DCM");
		sync_folder(study, "Structure");
	}
	study_files_free(&files);
	if (study >= 0)
		close(study);
	return kept;
}

static int release(struct answer_context *c, int quarantine, const char *name, struct buf *out)
{
	struct spool spool = SPOOL_CLOSED;
	struct uid uid;
	struct fault f = {.text = ""};
	char why[256];
	int code = EX_OK;
	int folder = openat(quarantine, name, FOLDER);

	if (folder < 0 || !study_of(name, &uid))
		return say(out, EX_DATAERR, name, "is no study in quarantine");
	refresh(folder);
	(void)!delivery_retry(folder, NULL, &f); /* what was given up is taken up again */
	enum err e = spool_open(&spool, c->o->working, SPOOL_STRICT, 0, &f);
	if (e == OK)
		e = spool_release(&spool, c->o->quarantine, name, &uid, &f);
	if (e == ERR_UNUSABLE) {
		uint32_t kept = merge(c, folder, &uid);

		if (kept == 0)
			(void)remove_tree(quarantine, name);
		if (kept != 0)
			code = say(out, EX_DATAERR, name,
				   "the study is in the working folder again, and has files of the "
				   "same names: the others were put with it, these stay");
	} else if (e != OK) {
		fault_format(&f, why, sizeof(why));
		code = say(out, EX_DATAERR, name, why);
	}
	spool_close(&spool);
	close(folder);
	if (code == EX_OK) {
		accounts_say(LOG_INFO, "quarantine_released", "%s is released from quarantine",
			     name);
		(void)say(out, code, name, "is a study to be processed again");
	}
	c->changed = true;
	c->changed_study = uid;
	return code;
}

static int discard(int quarantine, const char *name, struct buf *out)
{
	if (!remove_tree(quarantine, name))
		return say(out, EX_DATAERR, name, "not all of it could be removed");
	accounts_say(LOG_WARNING, "quarantine_discarded", "%s is removed from quarantine", name);
	return say(out, EX_OK, name, "is removed");
}

static void list(int quarantine, bool json, struct buf *out)
{
	int fd = quarantine < 0 ? -1 : openat(quarantine, ".", FOLDER);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	bool first = true;

	if (json)
		buf_char(out, '[');
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		char why[256];

		if (d->d_name[0] == '.')
			continue;
		answer_why(quarantine, d->d_name, why, sizeof(why));
		if (json) {
			buf_str(out, first ? "{\"folder\":" : ",{\"folder\":");
			buf_json(out, bytes_str(d->d_name));
			buf_str(out, ",\"why\":");
			buf_json(out, bytes_str(why));
			buf_char(out, '}');
		} else {
			buf_escaped(out, bytes_str(d->d_name));
			buf_str(out, ": ");
			buf_escaped(out, bytes_str(why));
			buf_char(out, '\n');
		}
		first = false;
	}
	if (dir != NULL)
		closedir(dir);
	if (json)
		buf_str(out, "]\n");
}

int answer_quarantine(struct answer_context *c, const char *words, struct buf *out)
{
	int fd = openat(c->working, c->o->quarantine, FOLDER);
	char found[300];
	int code = EX_OK;

	if (strncmp(words, "list", 4) == 0) {
		list(fd, strcmp(words, "list json") == 0, out);
	} else if (strncmp(words, "release ", 8) == 0) {
		code = find(fd, words + 8, found, sizeof(found), out);
		if (code == EX_OK)
			code = release(c, fd, found, out);
	} else if (strncmp(words, "discard ", 8) == 0) {
		code = find(fd, words + 8, found, sizeof(found), out);
		if (code == EX_OK)
			code = discard(fd, found, out);
	} else {
		code = say(out, EX_USAGE, words, "list, release or discard");
	}
	if (fd >= 0)
		close(fd);
	return code;
}

int answer(struct answer_context *c, const char *line, struct buf *out)
{
	if (strcmp(line, "status text") == 0 || strcmp(line, "status json") == 0) {
		answer_status(c, line[7] == 'j', out);
		return c->live != NULL ? EX_OK : EX_UNAVAILABLE;
	}
	if (strcmp(line, "health") == 0)
		return answer_health(c, out);
	if (strncmp(line, "retry ", 6) == 0)
		return answer_retry(c, line + 6, out);
	if (strncmp(line, "quarantine ", 11) == 0)
		return answer_quarantine(c, line + 11, out);
	return say(out, EX_USAGE, line, "is not understood");
}
