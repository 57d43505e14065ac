/*
 * The state of the logs, and how a line gets to its files.
 */
#include "service/accounts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "service/accounts_line.h"
#include "service/accounts_state.h"
#include "service/logfile.h"
#include "service/noise.h"

#define STDOUT_PATIENCE_MS 1000 /* a reader of the pipe that is slower than this loses lines */
#define STDOUT_GUARD_MS 200 /* there is room, so a write ends at once; or others have taken it */

/* Of all processes of the service: one of them has waited, the others need not. */
struct standard_output {
	_Atomic bool stalled;
	_Atomic bool torn; /* the last line on it has no end */
	_Atomic uint64_t lost;
};

struct files {
	struct logfile application, transaction;
	char *application_format, *transaction_format;
};

#define FILES_NONE ((struct files){LOGFILE_NONE, LOGFILE_NONE, NULL, NULL})

static struct {
	bool open;
	struct accounts_options options; /* its strings are not used after accounts_open */
	struct files files;
	struct noise *noise;
	uint64_t begun_us;
	struct standard_output *out; /* shared with all children */

	enum accounts_part part;
	uint64_t association;
	char address[64], ae_title[65], study[65], dest[65]; /* "": none */
} state = {.files = {.application = {.fd = -1}, .transaction = {.fd = -1}}};

static volatile sig_atomic_t guard_rang;

static void on_guard(int signal)
{
	(void)signal;
	guard_rang = 1;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* "folder/name", or `name` alone when it is absolute; NULL: no memory. */
static char *path_of(const char *folder, const char *name)
{
	bool alone = name[0] == '/' || folder == NULL || folder[0] == '\0';
	size_t size = strlen(name) + (alone ? 0 : strlen(folder) + 1) + 1;
	char *path = malloc(size);

	if (path != NULL && alone)
		snprintf(path, size, "%s", name);
	else if (path != NULL)
		snprintf(path, size, "%s/%s", folder, name);
	return path;
}

static bool init_file(struct logfile *f, const struct accounts_options *o, const char *name)
{
	char *path;
	bool ok;

	if (name == NULL)
		return true;
	path = path_of(o->folder, name);
	ok = path != NULL &&
	     logfile_init(f, path, o->rotate_bytes, o->rotate_count == 0 ? 1 : o->rotate_count);
	free(path);
	return ok;
}

static void close_files(struct files *f)
{
	logfile_close(&f->application);
	logfile_close(&f->transaction);
	free(f->application_format);
	free(f->transaction_format);
	*f = FILES_NONE;
}

static bool init_files(struct files *f, const struct accounts_options *o)
{
	*f = FILES_NONE;
	f->application_format = strdup(o->application_format);
	f->transaction_format = strdup(o->transaction_format);
	if (f->application_format != NULL && f->transaction_format != NULL &&
	    init_file(&f->application, o, o->application_file) &&
	    init_file(&f->transaction, o, o->transaction_file))
		return true;
	close_files(f);
	return false;
}

/* `folder` and those above it, as far as they are not there; what cannot be made is told with the
 * first line that has nowhere to go. */
static void make_folders(const char *folder)
{
	char *path = folder == NULL ? NULL : strdup(folder);

	for (char *p = path; p != NULL && *p != '\0'; p++)
		if (*p == '/' && p > path) {
			*p = '\0';
			(void)mkdir(path, 0755);
			*p = '/';
		}
	if (path != NULL && *path != '\0')
		(void)mkdir(path, 0755);
	free(path);
}

static void sink(enum log_level level, const char *text)
{
	struct accounts_line l = ACCOUNTS_LINE_OF(level, state.part, "message");

	l.message = bytes_str(text);
	accounts_emit(&l);
}

/* What all processes share. */
static bool share(void)
{
	if (state.out == NULL) {
		void *page = mmap(NULL, sizeof(*state.out), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		state.out = page == MAP_FAILED ? NULL : page;
	}
	if (state.noise == NULL)
		state.noise = noise_open();
	return state.out != NULL && state.noise != NULL;
}

enum err accounts_open(const struct accounts_options *options)
{
	const struct sigaction guard = {.sa_handler = on_guard}; /* no SA_RESTART */
	struct files files;

	if (!share())
		return ERR_NOMEM;
	if (!init_files(&files, options))
		return ERR_NOMEM;
	close_files(&state.files);
	state.files = files;
	state.options = *options;
	if (!state.open)
		state.begun_us = clock_us();
	state.open = true;
	make_folders(options->folder);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGALRM, &guard, NULL);
	log_level_set(options->level);
	log_sink_set(sink);
	return OK;
}

void accounts_close(void)
{
	log_sink_set(NULL);
	close_files(&state.files);
	noise_close(state.noise);
	state.noise = NULL;
	if (state.out != NULL)
		munmap(state.out, sizeof(*state.out));
	state.out = NULL;
	state.open = false;
}

static void set(char *out, size_t size, const char *text)
{
	bytes_to_str(bytes_str(text == NULL ? "" : text), out, size);
}

void accounts_context(const struct accounts_context *c)
{
	state.part = c->part;
	state.association = c->association;
	set(state.address, sizeof(state.address), c->address);
	set(state.ae_title, sizeof(state.ae_title), c->ae_title);
	set(state.study, sizeof(state.study), c->study);
	set(state.dest, sizeof(state.dest), c->dest);
}

enum noise_verdict accounts_ask(const char *address, uint32_t *dropped)
{
	*dropped = 0;
	if (!state.open)
		return NOISE_SAY;
	return noise_ask(state.noise, address, (uint32_t)(clock_us() / 60000000u),
			 state.options.lines_per_minute, dropped);
}

/* ---- a line ---------------------------------------------------------------------------------- */

static const char *first(const char *given, const char *of_process)
{
	if (given != NULL)
		return given;
	return of_process[0] == '\0' ? NULL : of_process;
}

/* What the process is about, where the line itself says nothing. */
static struct accounts_line completed(const struct accounts_line *l)
{
	struct accounts_line whole = *l;

	if (whole.association == ACCOUNTS_NONE && state.association != 0)
		whole.association = state.association;
	whole.address = first(l->address, state.address);
	whole.ae_title = first(l->ae_title, state.ae_title);
	whole.study = first(l->study, state.study);
	whole.dest = first(l->dest, state.dest);
	return whole;
}

static struct accounts_now now(void)
{
	struct accounts_now n = {.wall = clock_wall(), .process = (long)getpid()};
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	n.created_us = (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
	n.relative_us = clock_us() - state.begun_us;
	return n;
}

static void render(const struct accounts_line *l, struct buf *out)
{
	const struct accounts_now n = now();
	struct buf plain = BUF_INIT(out->max);
	struct buf *first_out = state.options.retell != NULL ? &plain : out;

	if (state.options.json)
		accounts_line_json(l, &n, first_out);
	else
		accounts_line_text(l, &n,
				   l->transaction ? state.files.transaction_format
						  : state.files.application_format,
				   first_out);
	if (first_out == &plain) {
		state.options.retell(state.options.retell_ctx, buf_bytes(&plain), out);
		out->failed |= plain.failed;
		buf_free(&plain);
	}
}

/* ---- where it goes --------------------------------------------------------------------------- */

static void wind_guard(unsigned ms)
{
	const struct timeval every = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	const struct itimerval guard = {.it_interval = every, .it_value = every};

	(void)setitimer(ITIMER_REAL, &guard, NULL);
}

/*
 * Never longer than STDOUT_GUARD_MS.  O_NONBLOCK would hold for everybody who has the same file
 * open; so a timer interrupts a write that does not end, again and again, were the first time too
 * early.  False: it was not written, or not all of it; what cannot be written at all (a closed
 * pipe) is no loss to anybody.
 */
static bool write_out(struct bytes line)
{
	bool torn = atomic_exchange(&state.out->torn, false);
	struct iovec parts[] = {{.iov_base = "\n", .iov_len = 1},
				{.iov_base = (void *)(uintptr_t)line.at, .iov_len = line.len}};
	size_t all = line.len + (torn ? 1 : 0);
	ssize_t n;

	guard_rang = 0;
	wind_guard(STDOUT_GUARD_MS);
	do
		n = writev(STDOUT_FILENO, parts + (torn ? 0 : 1), torn ? 2 : 1);
	while (n < 0 && errno == EINTR && !guard_rang);
	int error = errno;
	wind_guard(0);
	if (n > 0 ? (size_t)n < all : torn)
		atomic_store(&state.out->torn, true);
	return n < 0 ? error != EINTR && error != EAGAIN : (size_t)n == all;
}

/* A word about the logs themselves, on standard output only. */
static bool tell(enum log_level level, const char *event, const char *text)
{
	struct accounts_line l = ACCOUNTS_LINE_OF(level, ACCOUNTS_MAIN, event);
	struct buf line = BUF_INIT(ACCOUNTS_LINE * 4);
	bool told = true;

	l.message = bytes_str(text);
	render(&l, &line);
	if (!line.failed)
		told = write_out(buf_bytes(&line));
	buf_free(&line);
	return told;
}

static void lose(uint64_t lines)
{
	atomic_store(&state.out->stalled, true);
	atomic_fetch_add(&state.out->lost, lines);
}

/* Standard output may be a pipe or a terminal that nobody empties; the service goes on. */
static void to_stdout(struct bytes line)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
	bool stalled = atomic_load(&state.out->stalled);
	char text[100];
	int ready;

	do
		ready = poll(&p, 1, stalled ? 0 : STDOUT_PATIENCE_MS);
	while (ready < 0 && errno == EINTR);
	if (ready != 1 || (p.revents & POLLOUT) == 0) {
		lose(1);
		return;
	}
	uint64_t lost = stalled ? atomic_exchange(&state.out->lost, 0) : 0;
	if (lost > 0) { /* else another process tells */
		snprintf(text, sizeof(text), "Nobody read standard output; it lacks %llu lines",
			 (unsigned long long)lost);
		if (!tell(LOG_WARNING, "lines_lost", text)) {
			lose(lost + 1);
			return;
		}
	}
	atomic_store(&state.out->stalled, false);
	if (!write_out(line))
		lose(1);
}

static void tell_of_file(const struct logfile *f, bool broke, int error)
{
	char text[ACCOUNTS_LINE];

	if (broke)
		snprintf(text, sizeof(text), "The log %s cannot be written: %s", f->path,
			 strerror(error));
	else
		snprintf(text, sizeof(text), "The log %s is written again; it lacks %llu lines",
			 f->path, (unsigned long long)f->lost);
	(void)tell(broke ? LOG_ERROR : LOG_WARNING, broke ? "log_broken" : "log_mended", text);
}

void accounts_emit(const struct accounts_line *given)
{
	struct accounts_line l = completed(given);
	struct logfile *f = l.transaction ? &state.files.transaction : &state.files.application;
	struct buf line = BUF_INIT(ACCOUNTS_LINE * 4); /* retold, a UID may be longer */
	int saved = errno;

	if (!state.open || state.options.silent || l.level > state.options.level)
		return;
	render(&l, &line);
	if (!line.failed && !l.transaction)
		to_stdout(buf_bytes(&line));
	if (!line.failed) {
		enum logfile_result r = logfile_append(f, buf_bytes(&line));

		if (r == LOGFILE_BROKE || r == LOGFILE_MENDED)
			tell_of_file(f, r == LOGFILE_BROKE, errno);
	}
	buf_free(&line);
	errno = saved;
}

void accounts_say(enum log_level level, const char *event, const char *fmt, ...)
{
	struct accounts_line l = ACCOUNTS_LINE_OF(level, state.part, event);
	char text[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	l.message = bytes_str(text);
	accounts_emit(&l);
}
