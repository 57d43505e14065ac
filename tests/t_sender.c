/*
 * The sender's process against an acceptor that answers as a script says; what it does, what the
 * journal says of it, and what it tells.  (Against raw peers and others' programs:
 * tests/e2e/deliver.py.)
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dicom/build.h"
#include "dicom/part10.h"
#include "dimse/scp.h"
#include "net/link.h"
#include "net/socket.h"
#include "service/breaker.h"
#include "service/sender.h"
#include "study/pool.h"
#include "support/support.h"

#define CT "1.2.840.10008.5.1.4.1.1.2"
#define OBJECTS 5

/* ---- the acceptor ---- */

enum { ABORT = 0x10000, CLOSE, REJECT, NO_CONTEXT };

/* What it says to the n-th C-STORE, or (REJECT, NO_CONTEXT) to the n-th association; then 0000. */
struct script {
	int store[8], association[8];
};

struct seen { /* shared with the test */
	_Atomic unsigned associations, stores, kept, released;
};

static char *path;
static int working, listener;
static uint16_t port;
static struct seen *seen;
static pid_t acceptor;

static const struct uid syntaxes[] = {{"1.2.840.10008.1.2.1"}, {"1.2.840.10008.1.2"}};

static int step(const int *script, unsigned n)
{
	return n < 8 ? script[n] : 0;
}

static unsigned supports_nothing(void *user, const struct uid *abstract)
{
	(void)user;
	(void)abstract;
	return DUL_NOT_SUPPORTED;
}

static void answer_request(struct link *l, struct dul_answer *answer, const struct dul_request *r,
			   int what)
{
	struct dul_policy policy = {.supports = storage_supports,
				    .syntaxes = syntaxes,
				    .syntax_count = 2,
				    .max_pdu = 16384,
				    .implementation_class = "1.2.3",
				    .implementation_version = "TEST"};

	if (what == NO_CONTEXT)
		policy.supports = supports_nothing;
	if (what == REJECT)
		negotiate_refuse(answer, DUL_REFUSE_CALLED);
	else
		negotiate(r, &policy, answer);
	link_answer(l, answer);
}

/* False: the association is to end at once. */
static bool answer_store(struct link *l, struct scp *scp, const struct script *script)
{
	int what = step(script->store, seen->stores++);
	struct dimse_reply reply = dimse_reply_of((uint16_t)what, NULL);
	struct fault f;

	if (what == ABORT)
		link_abort(l, 0, 0);
	if (what == ABORT || what == CLOSE)
		return false;
	seen->kept += what == 0 || what >> 12 == 0xB;
	scp_answer(scp, &reply);
	return link_flush(l, &f) == OK;
}

static void converse(int fd, const struct script *script)
{
	static struct link l;
	static struct dul_answer answer;
	static struct dul_request request;
	static struct scp scp;
	struct dul_ind ind;
	struct fault f;
	bool going = link_accept(&l, fd, &ASSOC_LIMITS_DEFAULT, &f) == OK;

	while (going && link_next(&l, &ind, &f) == OK) {
		if (ind.kind == DUL_ASSOCIATE_REQUEST) {
			request = *ind.request;
			answer_request(&l, &answer, &request,
				       step(script->association, seen->associations++));
			scp_init(&scp, &l.assoc, &request, &answer, NULL);
		}
		if (ind.kind == DUL_RELEASE_REQUEST) {
			seen->released++;
			link_release_response(&l);
		}
		if (ind.kind == DUL_PDV) {
			struct scp_event ev = scp_feed(&scp, &ind.pdv);

			if (ev.kind == SCP_DATA && ev.last)
				going = answer_store(&l, &scp, script);
		}
	}
	link_close(&l);
}

static void accept_all(const struct script *script)
{
	for (;;) {
		struct address peer;
		struct fault f;
		int fd;

		if (socket_accept(listener, &fd, &peer, &f) == OK)
			converse(fd, script);
	}
}

static void listen_with(const struct script *script)
{
	pid_t self = getpid();

	acceptor = fork();
	ck_assert_int_ge(acceptor, 0);
	if (acceptor == 0) {
		child_follow(self, SIGKILL);
		fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) & ~O_NONBLOCK);
		accept_all(script);
	}
}

static void set_up(void)
{
	struct address local;
	struct fault f;

	path = test_tmpdir();
	working = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(working, 0);
	ck_assert_int_eq(socket_listen(&listener, "127.0.0.1", 0, 8, &f), OK);
	ck_assert_int_eq(socket_local(listener, &local, &f), OK);
	port = local.port;
	seen = pool_memory(sizeof(*seen));
	ck_assert_ptr_nonnull(seen);
	acceptor = 0;
}

static void tear_down(void)
{
	if (acceptor > 0) {
		kill(acceptor, SIGKILL);
		waitpid(acceptor, NULL, 0);
	}
	munmap(seen, sizeof(*seen));
	close(listener);
	close(working);
	test_tmpdir_remove(path);
}

/* ---- a study ---- */

static void write_object(int study, const char *file, const struct uid *sop)
{
	static uint8_t pixels[40000];
	struct part10_out o = {.sop_class = {CT},
			       .sop_instance = *sop,
			       .transfer_syntax = syntaxes[0],
			       .syntax = &syntax_explicit_le,
			       .view_count = 1,
			       .source_fd = -1};
	struct build b;
	struct bytes view;

	build_init(&b, &syntax_explicit_le, 1 << 20);
	build_uid(&b, TAG_SOPClassUID, &o.sop_class);
	build_uid(&b, TAG_SOPInstanceUID, sop);
	build_bytes(&b, TAG_PixelData, VR_OW, bytes_of(pixels, sizeof(pixels)));
	view = buf_bytes(&b.out);
	o.views = &view;
	int fd = openat(study, file, O_WRONLY | O_CREAT | O_EXCL, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(part10_write(fd, &o, NULL), OK);
	close(fd);
	build_free(&b);
}

/* UID_<uid> with OBJECTS outputs, processed. */
static int make_study(const char *uid)
{
	struct journal_entry e = {
		.word = JOURNAL_OUTPUT, .type = BYTES_LIT("OVERLAY"), .class_uid = {CT}};
	char name[80];
	struct journal j;

	snprintf(name, sizeof(name), "UID_%s", uid);
	ck_assert_int_eq(mkdirat(working, name, 0777), 0);
	int study = openat(working, name, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(mkdirat(study, "Addition", 0777), 0);
	ck_assert_int_eq(journal_open(&j, study, NULL), OK);
	journal_add(&j, &(struct journal_entry){.word = JOURNAL_PROCESSING});
	for (int i = 1; i <= OBJECTS; i++) {
		snprintf(name, sizeof(name), "%s.%d", uid, i);
		ck_assert(uid_set(&e.sop, bytes_str(name)));
		snprintf(name, sizeof(name), "Addition/OVERLAY-%d.dcm", i);
		e.file = bytes_str(name);
		write_object(study, name, &e.sop);
		journal_add(&j, &e);
	}
	journal_add(&j, &(struct journal_entry){.word = JOURNAL_PROCESSED,
						.count = OBJECTS,
						.digest = BYTES_LIT("d")});
	ck_assert_int_eq(journal_sync(&j, NULL), OK);
	journal_close(&j);
	return study;
}

/* ---- the sender ---- */

struct told {
	unsigned settled;
	uint64_t due_ms;
	int status;
};

static bool pipe_is_full; /* when the sender begins; it is read a little later */

static void fill(int fd)
{
	const struct sender_word word = {.kind = UINT32_MAX};

	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0); /* as the supervisor makes it */
	while (pipe_is_full && write(fd, &word, sizeof(word)) == (ssize_t)sizeof(word))
		continue;
}

/* One sender, to its end. */
static struct told run_sender(uint64_t give_up_ms)
{
	const struct delivery_dest dest = {
		.name = "pacs",
		.host = "127.0.0.1",
		.port = port,
		.ae_title = "PACS",
		.max_associations = 2,
		.schedule = {.first_ms = 20,
			     .most_ms = 40,
			     .give_up_ms = give_up_ms,
			     .permanent_attempts = 2,
			     .permanent = {{0xC000, 0xF000}},
			     .permanent_count = 1},
	};
	struct sender_options o = {.working = working,
				   .ae_title = "NETRT",
				   .pdu_bytes = 65536,
				   .connect_ms = 5000,
				   .response_ms = 20000};
	struct told told = {.due_ms = 1};
	struct sender_word word;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	fill(fds[1]);
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[0]);
		o.tell_fd = fds[1];
		freopen("/dev/null", "w", stdout); /* its log */
		_exit(sender_run(&o, &dest));
	}
	close(fds[1]);
	if (pipe_is_full)
		usleep(300000);
	while (read(fds[0], &word, sizeof(word)) == sizeof(word)) {
		told.settled += word.kind == SENDER_SETTLED;
		if (word.kind == SENDER_NEXT)
			told.due_ms = word.due_ms;
	}
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &told.status, 0), pid);
	return told;
}

/* Senders until nothing is left; how many studies were settled. */
static unsigned run_all(uint64_t give_up_ms)
{
	unsigned settled = 0;

	for (int i = 0; i < 50; i++) {
		struct told told = run_sender(give_up_ms);

		ck_assert_int_eq(told.status, 0);
		settled += told.settled;
		if (told.due_ms == UINT64_MAX)
			return settled;
		while (journal_now_ms() < told.due_ms)
			usleep(5000);
	}
	ck_abort_msg("no end");
	return 0;
}

static const struct {
	const char *name;
	struct script script;
	uint64_t give_up_ms;
	unsigned associations, stores, kept;
	uint32_t sent, warned, tries;
	bool done;
} cases[] = {
	{"well", {{0}, {0}}, 60000, 1, 5, 5, 5, 0, 0, true},
	{"warnings", {{0, 0xB000, 0xB007}, {0}}, 60000, 1, 5, 5, 5, 2, 0, true},
	{"no space, twice", {{0, 0xA700, 0xA700}, {0}}, 60000, 3, 7, 5, 5, 0, 2, true},
	{"a processing failure", {{0, 0x0110}, {0}}, 60000, 2, 6, 5, 5, 0, 1, true},
	{"refused once", {{0, 0xC000}, {0}}, 60000, 2, 6, 5, 5, 0, 1, true},
	{"refused for good", {{0, 0xC000, 0, 0, 0, 0xC001}, {0}}, 60000, 2, 6, 4, 4, 0, 2, false},
	{"aborts", {{0, 0, ABORT}, {0}}, 60000, 2, 6, 5, 5, 0, 1, true},
	{"closes at the last one", {{0, 0, 0, 0, CLOSE}, {0}}, 60000, 2, 6, 5, 5, 0, 1, true},
	{"rejects, twice", {{0}, {REJECT, REJECT}}, 60000, 3, 5, 5, 5, 0, 0, true},
	{"rejects, and there is no patience", {{0}, {REJECT}}, 0, 1, 0, 0, 0, 0, 0, false},
	{"fails, and there is no patience", {{0xA700}, {0}}, 0, 1, 1, 0, 0, 0, 1, false},
	{"takes no context, once", {{0}, {NO_CONTEXT}}, 60000, 2, 5, 5, 5, 0, 1, true},
	{"takes no context", {{0}, {NO_CONTEXT, NO_CONTEXT}}, 60000, 2, 0, 0, 0, 0, 2, false},
};

START_TEST(a_study_to_an_acceptor)
{
	static const struct journal_dest nothing;
	int study = make_study("1.2");
	struct journal_state s;
	struct arena a;

	listen_with(&cases[_i].script);
	ck_assert_msg(run_all(cases[_i].give_up_ms) == 1, "%s", cases[_i].name);
	ck_assert_int_eq(arena_open(&a, 4 << 20, NULL), OK);
	ck_assert_int_eq(journal_read(&s, study, &a, NULL), OK);
	const struct journal_dest *d = journal_dest(&s, "pacs");
	d = d == NULL ? &nothing : d;
	ck_assert_msg(seen->associations == cases[_i].associations, "%s: %u associations",
		      cases[_i].name, seen->associations);
	ck_assert_msg(seen->stores == cases[_i].stores, "%s: %u stores", cases[_i].name,
		      seen->stores);
	ck_assert_msg(seen->kept == cases[_i].kept, "%s", cases[_i].name);
	ck_assert_msg(d->sent == cases[_i].sent && d->warned == cases[_i].warned, "%s: %u",
		      cases[_i].name, d->sent);
	ck_assert_msg(d->tries == cases[_i].tries, "%s: %u tries", cases[_i].name, d->tries);
	ck_assert_msg(d->done == cases[_i].done && d->gave_up == !d->done, "%s", cases[_i].name);
	ck_assert_uint_eq(s.damaged, 0);
	arena_close(&a);
	close(study);
}
END_TEST

START_TEST(nothing_to_do)
{
	int study = make_study("1.2");

	ck_assert_int_eq(unlinkat(study, JOURNAL_NAME, 0), 0); /* not processed */
	struct told told = run_sender(60000);
	ck_assert_int_eq(told.status, 0);
	ck_assert_uint_eq(told.settled, 0);
	ck_assert(told.due_ms == UINT64_MAX);
	close(study);
}
END_TEST

START_TEST(a_study_that_somebody_holds_is_left_for_later)
{
	static const struct script script;
	int study = make_study("1.2"), other = make_study("1.3");

	listen_with(&script);
	ck_assert_int_eq(flock(study, LOCK_EX | LOCK_NB), 0);
	struct told told = run_sender(60000);
	ck_assert_uint_eq(told.settled, 1);
	ck_assert(told.due_ms != UINT64_MAX && told.due_ms > journal_now_ms());
	ck_assert_uint_eq(seen->kept, OBJECTS);
	ck_assert_int_eq(flock(study, LOCK_UN), 0);
	ck_assert_uint_eq(run_sender(60000).settled, 1);
	ck_assert_uint_eq(seen->kept, 2 * OBJECTS);
	close(study);
	close(other);
}
END_TEST

/* The supervisor is busy: what it is told is not lost, or nobody would look at the study again. */
START_TEST(a_full_pipe_is_waited_for)
{
	static const struct script script;
	int study = make_study("1.2");

	listen_with(&script);
	pipe_is_full = true;
	struct told told = run_sender(60000);
	ck_assert_int_eq(told.status, 0);
	ck_assert_uint_eq(told.settled, 1);
	ck_assert(told.due_ms == UINT64_MAX);
	close(study);
}
END_TEST

START_TEST(a_second_sender_ends_at_once)
{
	static const struct script script;
	int study = make_study("1.2");
	struct breaker b;

	listen_with(&script);
	ck_assert_int_eq(breaker_open(&b, working, "pacs", NULL), OK); /* as a sender does */
	struct told told = run_sender(60000);
	ck_assert_int_eq(told.status, 0);
	ck_assert_uint_eq(told.settled, 0);
	ck_assert_uint_eq(seen->associations, 0);
	breaker_close(&b);
	close(study);
}
END_TEST

#define COUNT_OF(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_sender(void);
Suite *suite_sender(void)
{
	Suite *suite = suite_create("sender");
	TCase *t = tcase_create("sender");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, a_study_to_an_acceptor, 0, COUNT_OF(cases));
	tcase_add_test(t, nothing_to_do);
	tcase_add_test(t, a_study_that_somebody_holds_is_left_for_later);
	tcase_add_test(t, a_full_pipe_is_waited_for);
	tcase_add_test(t, a_second_sender_ends_at_once);
	suite_add_tcase(suite, t);
	return suite;
}
