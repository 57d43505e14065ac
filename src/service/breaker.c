#include "service/breaker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER ".control/delivery"
#define PATH_MAX_LEN (sizeof(FOLDER) + 1 + 256)

static bool is_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t len = strlen(name);

	return len > 0 && len <= 64 && strspn(name, allowed) == len;
}

static void path_of(const char *name, char out[static PATH_MAX_LEN])
{
	assert(is_name(name));
	snprintf(out, PATH_MAX_LEN, FOLDER "/to_%s", name);
}

/* What the journal in b->dir says. */
static enum err read_state(struct breaker *b, const char *name, struct fault *f)
{
	struct journal_state state;
	struct arena a;
	enum err e = journal_arena(&a, b->dir, f);

	if (e != OK)
		return e;
	e = journal_read(&state, b->dir, &a, f);
	const struct journal_dest *d = e == OK ? journal_dest(&state, name) : NULL;
	if (d != NULL && d->attempts > 0) {
		b->state = (struct schedule_breaker){.failures = d->attempts,
						     .since_ms = d->first_failed_ms,
						     .failed_ms = d->failed_ms};
		snprintf(b->text, sizeof(b->text), "%s", d->failed_text);
	}
	arena_close(&a);
	return e;
}

enum err breaker_read(struct breaker *b, int working, const char *name, struct fault *f)
{
	char path[PATH_MAX_LEN];
	enum err e;

	*b = BREAKER_NONE;
	path_of(name, path);
	b->dir = openat(working, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->dir < 0 && errno == ENOENT)
		return OK;
	if (b->dir < 0)
		return fault_io(f, "cannot open the destination's folder in .control");
	e = read_state(b, name, f);
	close(b->dir);
	b->dir = -1;
	return e;
}

static int make(int working, const char *path)
{
	if (mkdirat(working, path, 0777) < 0 && errno != EEXIST)
		return -1;
	return 0;
}

enum err breaker_open(struct breaker *b, int working, const char *name, struct fault *f)
{
	char path[PATH_MAX_LEN];
	enum err e;

	*b = BREAKER_NONE;
	path_of(name, path);
	if (make(working, ".control") < 0 || make(working, FOLDER) < 0 || make(working, path) < 0)
		return fault_io(f, "cannot make the destination's folder in .control");
	b->dir = openat(working, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->dir < 0)
		return fault_io(f, "cannot open the destination's folder in .control");
	/* a file system without locks (ENOLCK) has to do without */
	if (flock(b->dir, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		e = fault_set(f, ERR_UNUSABLE, "another process delivers to this destination",
			      FAULT_NO_OFFSET);
	else
		e = read_state(b, name, f);
	if (e != OK)
		breaker_close(b);
	return e;
}

void breaker_close(struct breaker *b)
{
	if (b->dir >= 0)
		close(b->dir);
	*b = BREAKER_NONE;
}

enum err breaker_failed(struct breaker *b, const char *name, const char *text, uint64_t now_ms,
			struct fault *f)
{
	struct journal j;
	enum err e;

	if (b->state.failures++ == 0)
		b->state.since_ms = now_ms;
	b->state.failed_ms = now_ms;
	snprintf(b->text, sizeof(b->text), "%s", text);
	e = journal_open(&j, b->dir, f);
	if (e != OK)
		return e;
	journal_add(&j, &(struct journal_entry){.word = JOURNAL_FAILED,
						.at_ms = now_ms,
						.name = bytes_str(name),
						.class = JOURNAL_CONNECT,
						.text = bytes_str(text)});
	e = journal_sync(&j, f);
	journal_close(&j);
	return e;
}

void breaker_succeeded(struct breaker *b)
{
	if (b->state.failures > 0)
		(void)unlinkat(b->dir, JOURNAL_NAME, 0); /* else it is tried too late, once */
	b->state = (struct schedule_breaker){0};
	b->text[0] = '\0';
}

enum err breaker_reset(int working, const char *name, struct fault *f)
{
	char folder[PATH_MAX_LEN], path[PATH_MAX_LEN + sizeof("/" JOURNAL_NAME)];

	path_of(name, folder);
	snprintf(path, sizeof(path), "%s/" JOURNAL_NAME, folder);
	if (unlinkat(working, path, 0) < 0 && errno != ENOENT)
		return fault_io(f, "cannot remove the destination's journal in .control");
	return OK;
}
