/*
 * For tests/e2e/deliver.py: the sender alone, on folders that the test has prepared.
 *
 *     build/test_deliver round WORKING STUDY DIGEST FILE...
 *         a worker's part: FILEs (paths in the study's folder, "Addition/x.dcm") are the outputs
 *     build/test_deliver send WORKING NAME HOST PORT AET [KEY=VALUE]...
 *         a supervisor's part: starts senders until nothing is left to be done; a line for each
 *         study that is settled, and "next MS" (from now) or "next never" when one has ended.
 *         KEYs: associations, commitment, first, most, give_up, permanent, commit_wait, connect,
 *         response, report (milliseconds), once, patience (milliseconds in all)
 *     build/test_deliver retry WORKING STUDY|- NAME
 *     build/test_deliver outcome WORKING STUDY NAME...
 *         "open", "done" or "gave-up", then the lines for a `reason` file
 *     build/test_deliver report WORKING EVENT_TYPE FILE
 *         what a receiver does with an N-EVENT-REPORT whose data set (implicit) is in FILE:
 *         "STATUS STUDY NAME COMMITTED FAILED DONE"
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "dicom/dset.h"
#include "dicom/part10.h"
#include "service/accounts.h"
#include "service/breaker.h"
#include "service/commitment.h"
#include "service/delivery.h"
#include "service/sender.h"

static int fail(const char *what, const struct fault *f)
{
	char text[256];

	fault_format(f, text, sizeof(text));
	fprintf(stderr, "%s: %s\n", what, text);
	return 1;
}

static int open_folder(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static int open_study(int working, const char *study)
{
	char name[80];

	snprintf(name, sizeof(name), "UID_%s", study);
	return open_folder(working, name);
}

/* ---- round ---- */

static enum err add_output(struct journal *j, int study, const char *path, struct arena *a,
			   struct fault *f)
{
	struct journal_entry e = {
		.word = JOURNAL_OUTPUT, .type = BYTES_LIT("OVERLAY"), .file = bytes_str(path)};
	struct part10 p = PART10_NONE;
	struct dset d;
	enum err err = part10_open(&p, study, path, f);

	if (err != OK)
		return err;
	err = dset_index(&d, p.data, p.syntax, TAG_StudyInstanceUID, a, f);
	if (err == OK) {
		uid_set(&e.class_uid, dset_text(&d, NULL, TAG_SOPClassUID));
		uid_set(&e.sop, dset_text(&d, NULL, TAG_SOPInstanceUID));
		journal_add(j, &e);
	}
	part10_close(&p);
	return err;
}

static int write_round(int working, char **args, int count)
{
	int study = open_study(working, args[0]);
	struct fault f = {0};
	struct arena a;
	struct journal j;
	enum err e = arena_open(&a, 64 << 20, &f);

	if (e == OK)
		e = journal_open(&j, study, &f);
	if (e != OK)
		return fail("round", &f);
	journal_add(&j, &(struct journal_entry){.word = JOURNAL_PROCESSING});
	for (int i = 2; i < count && e == OK; i++) {
		e = add_output(&j, study, args[i], &a, &f);
		arena_reset(&a, 0);
	}
	journal_add(&j, &(struct journal_entry){.word = JOURNAL_PROCESSED,
						.count = (uint64_t)(count - 2),
						.digest = bytes_str(args[1])});
	if (e == OK)
		e = journal_sync(&j, &f);
	journal_close(&j);
	arena_close(&a);
	return e == OK ? 0 : fail("round", &f);
}

/* ---- send ---- */

static struct {
	const char *key;
	uint64_t value;
} settings[] = {
	{"associations", 1},
	{"commitment", 0},
	{"first", 5000},
	{"most", 900000},
	{"give_up", 259200000},
	{"permanent", 3},
	{"commit_wait", 3600000},
	{"connect", 10000},
	{"response", 120000},
	{"report", 5000},
	{"once", 0},
	{"patience", 60000},
};

static uint64_t setting(const char *key)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strcmp(settings[i].key, key) == 0)
			return settings[i].value;
	abort();
}

static void set(const char *text)
{
	const char *value = strchr(text, '=');

	for (size_t i = 0; value != NULL && i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strlen(settings[i].key) == (size_t)(value - text) &&
		    strncmp(settings[i].key, text, (size_t)(value - text)) == 0) {
			settings[i].value = strtoull(value + 1, NULL, 10);
			return;
		}
	}
	fprintf(stderr, "no such setting: %s\n", text);
	exit(64);
}

static pid_t child;

static void hand_on(int signal)
{
	kill(child, signal);
	settings[10].value = 1; /* once */
}

/* One sender, to its end; when the next is due. */
static uint64_t run_sender(int working, const struct delivery_dest *dest)
{
	struct sender_options o = {
		.working = working,
		.ae_title = "NETRT",
		.pdu_bytes = 1 << 20,
		.connect_ms = setting("connect"),
		.response_ms = setting("response"),
		.report_ms = setting("report"),
	};
	struct sender_word word;
	uint64_t due = UINT64_MAX;
	int pipe_fd[2], status;

	if (pipe(pipe_fd) != 0)
		exit(1);
	o.tell_fd = pipe_fd[1];
	fflush(NULL);
	child = fork();
	if (child == 0) {
		close(pipe_fd[0]);
		_exit(sender_run(&o, dest));
	}
	close(pipe_fd[1]);
	for (;;) {
		ssize_t n = read(pipe_fd[0], &word, sizeof(word));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(word))
			break;
		if (word.kind == SENDER_SETTLED)
			printf("settled %s\n", word.study.text);
		else
			due = word.due_ms;
		fflush(stdout);
	}
	close(pipe_fd[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		printf("ended %d\n", status);
	return due;
}

static int send_all(int working, char **args, int count)
{
	struct delivery_dest dest = {.name = args[0],
				     .host = args[1],
				     .port = (uint16_t)atoi(args[2]),
				     .ae_title = args[3]};
	struct sigaction act = {.sa_handler = hand_on};
	uint64_t until = clock_us() / 1000;

	for (int i = 4; i < count; i++)
		set(args[i]);
	until += setting("patience");
	sigaction(SIGTERM, &act, NULL);
	dest.max_associations = (unsigned)setting("associations");
	dest.storage_commitment = setting("commitment") != 0;
	dest.schedule = (struct schedule){
		.first_ms = setting("first"),
		.most_ms = setting("most"),
		.give_up_ms = setting("give_up"),
		.permanent_attempts = (uint32_t)setting("permanent"),
		.permanent_count = 3,
		.permanent = {{0xC000, 0xF000}, {0xA900, 0xFF00}, {0x0122, 0xFFFF}},
		.commitment_ms = setting("commit_wait"),
	};
	for (;;) {
		uint64_t due = run_sender(working, &dest), now = journal_now_ms();

		if (due == UINT64_MAX)
			printf("next never\n");
		else
			printf("next %" PRId64 "\n", (int64_t)(due - now));
		fflush(stdout);
		if (due == UINT64_MAX || setting("once") || clock_us() / 1000 > until)
			return 0;
		if (due > now)
			poll(NULL, 0, (int)(due - now));
	}
}

/* ---- the rest ---- */

static int retry(int working, char **args)
{
	struct fault f = {0};

	if (strcmp(args[0], "-") != 0 &&
	    delivery_retry(open_study(working, args[0]), args[1], &f) != OK)
		return fail("retry", &f);
	if (breaker_reset(working, args[1], &f) != OK)
		return fail("retry", &f);
	return 0;
}

static int outcome(int working, char **args, int count)
{
	static const char *const words[] = {"open", "done", "gave-up"};
	struct delivery_dest dests[16] = {{.name = NULL}};
	struct buf b = BUF_INIT(1 << 20);
	struct journal_state s;
	struct fault f = {0};
	struct arena a;

	for (int i = 1; i < count && i <= 16; i++)
		dests[i - 1] = (struct delivery_dest){
			.name = args[i], .host = "::1", .port = 104, .ae_title = "AET"};
	if (arena_open(&a, 64 << 20, &f) != OK ||
	    journal_read(&s, open_study(working, args[0]), &a, &f) != OK)
		return fail("outcome", &f);
	delivery_reason(&s, dests, (size_t)count - 1, &b);
	printf("%s\n%s", words[delivery_outcome(&s, dests, (size_t)count - 1)],
	       b.at == NULL ? "" : (char *)b.at);
	buf_free(&b);
	arena_close(&a);
	return 0;
}

static int report(int working, char **args)
{
	struct commitment_taken taken = {0};
	struct fault f = {0};
	struct bytes data;
	struct arena a;

	if (arena_open(&a, 1 << 26, &f) != OK || file_read(&data, args[1], 1 << 24, &a, &f) != OK)
		return fail("report", &f);
	struct dimse_reply reply = commitment_take(working, (uint16_t)atoi(args[0]), data,
						   &syntax_implicit_le, &taken);
	printf("%04X %s %s %u %u %d\n", reply.status, taken.study.text, taken.destination,
	       taken.committed, taken.failed, taken.done);
	arena_close(&a);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 64;

	int working = open_folder(AT_FDCWD, argv[2]);
	const struct accounts_options accounts = {
		.level = LOG_INFO,
		.application_format = "[%(levelname)s] %(message)s",
		.transaction_format = "TXN [%(levelname)s] %(message)s",
		.rotate_count = 1,
	};

	if (strcmp(argv[1], "send") == 0 && accounts_open(&accounts) != OK)
		return 1;

	if (strcmp(argv[1], "round") == 0 && argc > 4)
		return write_round(working, argv + 3, argc - 3);
	if (strcmp(argv[1], "send") == 0 && argc > 6)
		return send_all(working, argv + 3, argc - 3);
	if (strcmp(argv[1], "retry") == 0 && argc == 5)
		return retry(working, argv + 3);
	if (strcmp(argv[1], "outcome") == 0)
		return outcome(working, argv + 3, argc - 3);
	if (strcmp(argv[1], "report") == 0 && argc == 5)
		return report(working, argv + 3);
	return 64;
}
