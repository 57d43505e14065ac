#include "study/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "study/pipeline.h"
#include "study/pool.h"
#include "study/report.h"
#include "study/shield.h"
#include "study/staging.h"

struct batch {
	const struct scan *scan;
	const struct study_options *options;
	int out;
	unsigned done, failed, skipped;
	int exit;
};

static void tell(const struct batch *b, const struct uid *study, enum report_status status,
		 const char *reason)
{
	struct buf line = BUF_INIT(65536);

	if (b->options->json)
		report_summary_json(study, status, reason, NULL, NULL, &line);
	if (!line.failed && line.len > 0)
		fwrite(line.at, 1, line.len, stdout);
	buf_free(&line);
}

/* Why there is nothing to do for a study; NULL: there is. */
static const char *why_skip(const struct scan_study *s)
{
	if (s->image_count > 0 && s->set_count > 0)
		return NULL;
	if (s->image_count == 0 && s->derived > 0)
		return "no images but netrt's own, of an earlier run";
	if (s->image_count > 0)
		return "no RT Structure Set";
	return s->set_count > 0 ? "no images" : "neither images nor an RT Structure Set";
}

/* The study's UID as it may be told, and as its folder in OUT is called. */
static struct uid label_of(const struct batch *b, const struct scan_study *s)
{
	return shield_uid(b->options->gate, TAG_StudyInstanceUID, &s->uid);
}

static void skip(struct batch *b, const struct scan_study *s, const char *why)
{
	struct uid label = label_of(b, s);

	log_say(LOG_INFO, "study %s: skipped: %s", label.text, why);
	tell(b, &label, REPORT_SKIPPED, why);
	b->skipped++;
}

/* "sheet.jpg", "sheet-2.jpg", ...; malloc'ed, NULL when there is to be none. */
static char *sheet_path(const struct batch *b)
{
	const char *base = b->options->sheet;

	if (base == NULL)
		return NULL;

	const char *slash = strrchr(base, '/');
	const char *dot = strrchr(slash != NULL ? slash : base, '.');
	size_t stem = dot != NULL ? (size_t)(dot - base) : strlen(base);
	size_t size = strlen(base) + 32;
	char *path = malloc(size);

	if (path != NULL && b->done == 0)
		snprintf(path, size, "%s", base);
	else if (path != NULL)
		snprintf(path, size, "%.*s-%u%s", (int)stem, base, b->done + 1, base + stem);
	return path;
}

/* The study's process ended before it could clear up after itself. */
static void bury(struct batch *b, const struct scan_study *s, int signal)
{
	struct uid label = label_of(b, s);
	struct staging staging;
	char name[32] = "", text[128];

	signal_name(signal, name, sizeof(name));
	snprintf(text, sizeof(text), "the process working on it %s%s",
		 signal == 0 ? "ended early" : "died of ", signal == 0 ? "" : name);
	log_say(LOG_ERROR, "study %s: %s%s; nothing of it was written", label.text, text,
		signal == SIGBUS    ? " (was an input file cut short meanwhile?)"
		: signal == SIGKILL ? " (was memory short?)"
				    : " (a fault in netrt, please report it)");
	/* its workers die with it and become ours; with the last one the lock goes */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	const struct uid *folder = b->options->folder_as_received ? &s->uid : &label;
	if (staging_open(&staging, b->out, folder, 0, NULL) == OK)
		(void)staging_discard(&staging);
	tell(b, &label, REPORT_FAILED, text);
}

/* What pipeline_run ends with. */
static bool is_known(int code)
{
	return code == EX_OK || code == EX_DATAERR || code == EX_CANTCREAT || code == EX_IOERR;
}

static void count_exit(struct batch *b, int code)
{
	if (code == EX_OK) {
		b->done++;
		return;
	}
	b->failed++;
	if (b->exit == EX_OK || code == EX_CANTCREAT)
		b->exit = code;
}

/* Another process does it.  The signal that came meanwhile, or 0. */
static int process(struct batch *b, const struct scan_study *s, const sigset_t *old)
{
	struct uid label = label_of(b, s);
	char *sheet = sheet_path(b);
	pid_t self = getpid();
	int interrupted = 0;

	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		log_say(LOG_ERROR, "study %s: cannot make a process: %s", label.text,
			strerror(errno));
		tell(b, &label, REPORT_FAILED, "cannot make a process");
		count_exit(b, EX_DATAERR);
		free(sheet);
		return 0;
	}
	if (pid == 0) {
		child_follow(self, SIGTERM);

		int code = pipeline_run(b->scan, s, b->options, b->out, sheet, old);
		if ((fflush(stdout) != 0 || ferror(stdout)) && code == EX_OK) {
			log_say(LOG_ERROR, "cannot write to standard output");
			code = EX_IOERR;
		}
		_exit(code);
	}
	free(sheet);

	int status = child_wait(pid, &interrupted);
	if (WIFSIGNALED(status) && interrupted == 0) {
		/* a Ctrl-C or a shutdown reaches the child first, now and then */
		int signal = WTERMSIG(status);
		if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP)
			return signal;
		bury(b, s, signal);
		count_exit(b, EX_DATAERR);
	} else if (WIFEXITED(status) && !is_known(WEXITSTATUS(status))) {
		bury(b, s, 0);
		count_exit(b, EX_DATAERR);
	} else if (WIFEXITED(status)) {
		count_exit(b, WEXITSTATUS(status));
	}
	return interrupted;
}

int batch_run(const struct scan *scan, const struct study_options *options, int out)
{
	struct batch b = {.scan = scan, .options = options, .out = out, .exit = EX_OK};
	sigset_t old;

	signals_hold(&old);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (const struct scan_study *s = scan->studies; s != NULL; s = s->next) {
		const char *why = why_skip(s);
		int interrupted = 0;

		if (why != NULL)
			skip(&b, s, why);
		else
			interrupted = process(&b, s, &old);
		if (interrupted == 0)
			interrupted = signals_waiting();
		if (interrupted != 0)
			signals_die(interrupted, &old);
	}
	signals_release(&old);
	if (b.done + b.failed == 0) {
		log_say(LOG_ERROR, "no study has both images and an RT Structure Set");
		return EX_DATAERR;
	}
	return b.exit;
}
