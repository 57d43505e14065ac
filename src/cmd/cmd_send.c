/*
 * netrt send: files and folders to a DICOM peer.  Here are the arguments, the line of progress and
 * the summary.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/send_work.h"

const char cmd_send_usage[] =
	"usage: netrt send HOST:PORT PATH... [--aet TITLE] [--aec TITLE] [--timeout SECONDS]\n"
	"                  [--associations N] [--per-association M] [-q] [--json]\n"
	"\n"
	"Send DICOM files to a peer (C-STORE); folders are searched, and what is not DICOM in "
	"them\n"
	"is passed by.  Each object goes in its own transfer syntax where the peer takes it; one\n"
	"that is not compressed is re-encoded to explicit or implicit VR little endian otherwise.\n"
	"\n"
	"HOST:PORT              a name or an address; IPv6 as [ADDRESS]:PORT\n"
	"--aet TITLE            our AE title; default NETRT\n"
	"--aec TITLE            the AE title called; default ANY-SCP\n"
	"--timeout SECONDS      for connecting and for each answer; default 30\n"
	"--associations N       so many at once (1..64); default 1\n"
	"--per-association M    release after M objects and open another; default: all in one\n"
	"-q, --quiet            say nothing about single objects, and no progress\n"
	"--json                 on standard output one line of JSON, with what was not sent\n"
	"\n"
	"A status other than 0000 is told for each object; one that is a warning counts as sent.\n"
	"\n"
	"Exit codes: 0 all sent, 64 usage, 65 some object was refused or cannot be sent, 66 "
	"nothing\n"
	"to send, 69 nobody there, or an association was lost, 74 standard output failed.\n";

#define ASSOCIATIONS_MAX 64u

struct totals {
	uint32_t sent, warnings, refused, unsendable, lost, not_tried;
	uint64_t bytes;
	double seconds;
};

struct run {
	struct send_job job; /* first: a child's ctx is this, the parent's the whole */
	unsigned associations;
	bool json;
	uint64_t began_us;
	struct totals totals;
};

/* ---- Progress ---- */

static double per_second(double n, double seconds)
{
	return seconds > 0 ? n / seconds : 0;
}

static void progress(void *ctx, uint32_t done)
{
	const struct run *run = (const struct run *)ctx;
	double seconds = (double)(clock_us() - run->began_us) / 1e6;
	uint64_t bytes = atomic_load(&run->job.shared->bytes);

	fprintf(stderr, "\r\033[K%u of %u objects, %.0f/s, %.1f MB/s", done, run->job.list->count,
		per_second(done, seconds), per_second((double)bytes / 1e6, seconds));
}

/* ---- Summary ---- */

static void count(struct run *run)
{
	struct totals *t = &run->totals;

	for (uint32_t i = 0; i < run->job.list->count; i++) {
		uint8_t state = run->job.shared->result[i].state;

		t->sent += state == SEND_SENT || state == SEND_WARNED;
		t->warnings += state == SEND_WARNED;
		t->refused += state == SEND_REFUSED;
		t->unsendable += state == SEND_NO_CONTEXT || state == SEND_BAD_FILE;
		t->lost += state == SEND_LOST;
		t->not_tried += state == SEND_NOT_TRIED;
	}
	t->bytes = atomic_load(&run->job.shared->bytes);
	t->seconds = (double)(clock_us() - run->began_us) / 1e6;
}

static void number_of(struct buf *out, uint32_t n, const char *what)
{
	if (n > 0)
		buf_fmt(out, "; %u %s", n, what);
}

static void summary(const struct run *run, struct buf *out)
{
	const struct totals *t = &run->totals;
	const struct send_list *l = run->job.list;

	buf_fmt(out, "%u of %u objects sent to %s, %.1f MB in %.2f s: %.0f/s, %.1f MB/s", t->sent,
		l->count, peer_name(run->job.peer), (double)t->bytes / 1e6, t->seconds,
		per_second(t->sent, t->seconds), per_second((double)t->bytes / 1e6, t->seconds));
	number_of(out, t->warnings, "of them with a warning");
	number_of(out, t->refused, "refused");
	number_of(out, t->unsendable, "could not be sent");
	number_of(out, t->lost, "lost with their association");
	number_of(out, t->not_tried, "not tried");
	number_of(out, l->bad, "unusable files");
	number_of(out, l->not_dicom, "files are not DICOM");
	buf_char(out, '\n');
}

static void json_text(struct buf *out, const char *name, const char *value)
{
	buf_fmt(out, ",\"%s\":", name);
	buf_json(out, bytes_str(value));
}

static void json_problem(const struct run *run, uint32_t i, bool first, struct buf *out)
{
	static const char *const states[] = {
		[SEND_NOT_TRIED] = "not tried",
		[SEND_SENT] = "sent",
		[SEND_WARNED] = "warning",
		[SEND_REFUSED] = "refused",
		[SEND_NO_CONTEXT] = "not accepted",
		[SEND_BAD_FILE] = "bad file",
		[SEND_LOST] = "lost",
	};
	const struct send_result *r = &run->job.shared->result[i];
	char status[5];

	buf_str(out, first ? "{\"file\":" : ",{\"file\":");
	buf_json(out, bytes_str(run->job.list->items[i].path));
	json_text(out, "sop_instance", run->job.list->items[i].sop_instance.text);
	json_text(out, "state", states[r->state]);
	if (r->state == SEND_WARNED || r->state == SEND_REFUSED) {
		snprintf(status, sizeof(status), "%04X", r->status);
		json_text(out, "status", status);
	}
	if (r->state == SEND_NO_CONTEXT)
		json_text(out, "reason", dul_result_text(r->refusal));
	if (r->text[0] != '\0')
		json_text(out, "text", r->text);
	buf_char(out, '}');
}

static void json(const struct run *run, struct buf *out)
{
	const struct totals *t = &run->totals;
	const struct send_list *l = run->job.list;
	bool first = true;

	buf_str(out, "{\"peer\":");
	buf_json(out, bytes_str(peer_name(run->job.peer)));
	json_text(out, "called", run->job.peer->called);
	json_text(out, "calling", run->job.peer->calling);
	buf_fmt(out,
		",\"objects\":%u,\"sent\":%u,\"warnings\":%u,\"refused\":%u,\"unsendable\":%u"
		",\"lost\":%u,\"not_tried\":%u,\"bad_files\":%u,\"not_dicom\":%u,\"bytes\":%llu"
		",\"associations\":%u,\"seconds\":%.6f,\"objects_per_second\":%.1f",
		l->count, t->sent, t->warnings, t->refused, t->unsendable, t->lost, t->not_tried,
		l->bad, l->not_dicom, (unsigned long long)t->bytes,
		atomic_load(&run->job.shared->associations), t->seconds,
		per_second(t->sent, t->seconds));
	if (atomic_load(&run->job.shared->unreachable) != 0)
		json_text(out, "error", run->job.shared->why);
	buf_str(out, ",\"problems\":[");
	for (uint32_t i = 0; i < l->count; i++) {
		if (run->job.shared->result[i].state == SEND_SENT)
			continue;
		json_problem(run, i, first, out);
		first = false;
	}
	buf_str(out, "]}\n");
}

static int report(struct run *run)
{
	const struct totals *t = &run->totals;
	const struct send_list *l = run->job.list;
	bool unreachable = atomic_load(&run->job.shared->unreachable) != 0;
	struct buf out = BUF_INIT(1u << 30);

	count(run);
	if (run->job.terminal)
		fputs("\r\033[K", stderr);
	if (unreachable)
		log_say(LOG_ERROR, "send: %s: %s", peer_name(run->job.peer), run->job.shared->why);
	if (run->json)
		json(run, &out);
	else
		summary(run, &out);
	fwrite(out.at, 1, out.len, stdout);
	buf_free(&out);
	if (unreachable || t->not_tried > 0 || t->lost > 0)
		return EX_UNAVAILABLE;
	return t->sent < l->count || l->bad > 0 ? EX_DATAERR : EX_OK;
}

/* ---- The run ---- */

static int run_pool(struct run *run)
{
	struct pool pool = {
		.shared = &run->job.shared->pool,
		.count = run->job.list->count,
		.workers = run->associations,
		.ctx = run,
		.work = send_work,
		.progress = run->job.terminal ? progress : NULL,
	};
	struct pool_result result;
	sigset_t old;
	char name[32];

	signals_hold(&old);
	run->began_us = clock_us();
	result = pool_run(&pool);
	signals_release(&old);
	if (result.end == POOL_DONE)
		return EX_OK;
	if (run->job.terminal)
		fputs("\r\033[K", stderr);
	if (result.end == POOL_NO_FORK) {
		log_say(LOG_ERROR, "send: no process can be started: %s",
			strerror(result.sys_errno));
		return EX_OSERR;
	}
	signal_name(result.signal, name, sizeof(name));
	log_say(LOG_ERROR, "send: %s by %s", result.end == POOL_INTERRUPTED ? "ended" : "crashed",
		name);
	if (result.end == POOL_INTERRUPTED) {
		signal(result.signal, SIG_DFL);
		raise(result.signal);
	}
	return EX_SOFTWARE;
}

static int send_all(struct run *run, struct send_list *l)
{
	size_t size = send_shared_size(l);
	int code;

	run->job.list = l;
	run->job.shared = pool_memory(size);
	if (run->job.shared == NULL) {
		log_say(LOG_ERROR, "send: no memory for so many files");
		return EX_OSERR;
	}
	code = run_pool(run);
	if (code == EX_OK)
		code = report(run);
	munmap(run->job.shared, size);
	return code;
}

static int scan_and_send(struct run *run, char **paths, int path_count)
{
	static struct send_list l;
	struct fault f;
	char why[256];
	int code;
	enum err e = send_list_open(&l, &f);

	for (int i = 0; i < path_count && e == OK; i++)
		e = send_list_add(&l, paths[i], &f);
	if (e == OK)
		e = send_list_group(&l, &f);
	if (e != OK) {
		fault_format(&f, why, sizeof(why));
		log_say(LOG_ERROR, "send: %s", why);
		code = EX_OSERR;
	} else if (l.count == 0) {
		log_say(LOG_ERROR,
			"send: nothing to send: %u unusable files, %u that are not DICOM", l.bad,
			l.not_dicom);
		code = EX_NOINPUT;
	} else {
		code = send_all(run, &l);
	}
	send_list_close(&l);
	return code;
}

/* ---- Arguments ---- */

static bool small_number(const char *text, unsigned max, unsigned *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n < 1 || n > max)
		return false;
	*out = (unsigned)n;
	return true;
}

/* One option; what is wrong with it, or NULL. */
static const char *take_option(int c, struct run *run, struct peer *p)
{
	switch (c) {
	case 't':
		p->calling = optarg;
		return peer_ae_ok(optarg) ? NULL : "--aet takes 1 to 16 characters";
	case 'c':
		p->called = optarg;
		return peer_ae_ok(optarg) ? NULL : "--aec takes 1 to 16 characters";
	case 'w':
		return peer_seconds(optarg, &p->timeout_ms) ? NULL
							    : "--timeout takes 1 to 86400 seconds";
	case 'n':
		return small_number(optarg, ASSOCIATIONS_MAX, &run->associations)
			       ? NULL
			       : "--associations takes 1 to 64";
	case 'm':
		return small_number(optarg, LIMIT_FILES, &run->job.per_association)
			       ? NULL
			       : "--per-association takes 1 to 1000000";
	case 'q':
		run->job.quiet = true;
		return NULL;
	case 'j':
		run->json = true;
		return NULL;
	default:
		return "no such option, or its value is missing";
	}
}

int cmd_send(int argc, char **argv)
{
	static const struct option longs[] = {{"aet", required_argument, NULL, 't'},
					      {"aec", required_argument, NULL, 'c'},
					      {"timeout", required_argument, NULL, 'w'},
					      {"associations", required_argument, NULL, 'n'},
					      {"per-association", required_argument, NULL, 'm'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"json", no_argument, NULL, 'j'},
					      {NULL, 0, NULL, 0}};
	struct peer p = {.calling = "NETRT", .called = "ANY-SCP", .timeout_ms = 30000};
	struct run run = {.associations = 1, .job.peer = &p};
	int c;

	if (cmd_wants_help(argc, argv, cmd_send_usage))
		return cmd_finish(EX_OK);
	opterr = 0;
	while ((c = getopt_long(argc, argv, "q", longs, NULL)) != -1) {
		const char *wrong = take_option(c, &run, &p);

		if (wrong != NULL)
			return cmd_usage_error("send", wrong);
	}
	if (argc - optind < 2)
		return cmd_usage_error("send",
				       "takes a HOST:PORT and one or more files or folders");
	if (!peer_parse(&p, argv[optind]))
		return cmd_usage_error("send", "the peer is given as HOST:PORT or [ADDRESS]:PORT");
	run.job.terminal = !run.job.quiet && !run.json && isatty(STDERR_FILENO);
	return cmd_finish(scan_and_send(&run, argv + optind + 1, argc - optind - 1));
}
