/*
 * The service's smaller parts: who is let in, the shared page, the control socket.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/child.h"
#include "service/control.h"
#include "service/door.h"
#include "service/receiver.h"
#include "service/shared.h"
#include "support/support.h"

/* ---- who may send ---- */

static const struct service_allow allow[] = {
	{"ARIA", "10.0.0.0/8"}, {"ECHO", NULL}, {NULL, "192.0.2.7"}, {"SIX", "2001:db8::/32"}};

static const struct allow_row {
	const char *ae_title, *address;
	bool allowed;
} allow_rows[] = {
	{"ARIA", "10.1.2.3", true},     {"ARIA", "11.1.2.3", false},
	{"aria", "10.1.2.3", false},    {"ECHO", "203.0.113.5", true},
	{"ECHO", "2001:db9::1", true},  {"", "192.0.2.7", true},
	{"ANYBODY", "192.0.2.7", true}, {"ANYBODY", "192.0.2.8", false},
	{"SIX", "2001:db8::9", true},   {"SIX", "10.1.2.3", false},
	{"", "10.1.2.3", false},
};

START_TEST(allows)
{
	const struct allow_row *r = &allow_rows[_i];
	struct service_options o = {.listener = {.allow = allow, .allow_count = 4}};
	struct cidr networks[4] = {0};
	struct receiver_common c = {.options = &o, .networks = networks};
	struct address peer;

	for (size_t i = 0; i < 4; i++)
		if (allow[i].address != NULL)
			ck_assert(cidr_parse(&networks[i], allow[i].address));
	ck_assert(address_parse(&peer, r->address));
	ck_assert_msg(receiver_allows(&c, &peer, r->ae_title) == r->allowed, "%s from %s",
		      r->ae_title, r->address);
	o.listener.allow_count = 0;
	ck_assert(receiver_allows(&c, &peer, r->ae_title));
}
END_TEST

/* ---- the shared page ---- */

static void ip_of(const char *text, uint8_t ip[static 16])
{
	struct address a;

	ck_assert(address_parse(&a, text));
	shared_ip(&a, ip);
}

START_TEST(half_open_limits)
{
	struct service_limits l = {.half_open = 5, .half_open_per_address = 3};
	struct shared *s = shared_make(8, NULL);
	uint8_t one[16], two[16], net_a[16], net_b[16];
	uint32_t slot[8], half, open;

	ip_of("192.0.2.1", one);
	ip_of("192.0.2.2", two);
	ip_of("2001:db8:0:1::1", net_a);
	ip_of("2001:db8:0:1:ffff::2", net_b);
	ck_assert_int_eq(memcmp(net_a, net_b, 16), 0); /* one network */
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(shared_enter(s, &l, one, &slot[i]), DOOR_OPEN);
	ck_assert_int_eq(shared_enter(s, &l, one, &slot[3]), DOOR_FULL_ADDRESS);
	for (unsigned i = 3; i < 5; i++)
		ck_assert_int_eq(shared_enter(s, &l, two, &slot[i]), DOOR_OPEN);
	ck_assert_int_eq(shared_enter(s, &l, two, &slot[5]), DOOR_FULL);
	shared_count(s, &half, &open);
	ck_assert_uint_eq(half, 5);
	/* one that has an association is none of them; one that leaves it is again */
	l.associations = l.associations_per_address = 8;
	ck_assert(shared_admit(s, &l, slot[0]));
	ck_assert_int_eq(shared_enter(s, &l, one, &slot[5]), DOOR_OPEN);
	atomic_store(&s->slot[slot[0]].state, SLOT_LEAVING);
	shared_leave(s, slot[4]);
	ck_assert_int_eq(shared_enter(s, &l, one, &slot[6]), DOOR_FULL_ADDRESS);
	ck_assert_int_eq(shared_enter(s, &l, two, &slot[6]), DOOR_FULL);
}
END_TEST

START_TEST(association_limits)
{
	struct service_limits l = {.half_open = 100,
				   .half_open_per_address = 100,
				   .associations = 3,
				   .associations_per_address = 2};
	struct shared *s = shared_make(8, NULL);
	uint8_t ip[16];
	uint32_t slot[5];

	for (unsigned i = 0; i < 5; i++) {
		ip_of(i < 3 ? "192.0.2.1" : "192.0.2.2", ip);
		ck_assert_int_eq(shared_enter(s, &l, ip, &slot[i]), DOOR_OPEN);
	}
	ck_assert(shared_admit(s, &l, slot[0]));
	ck_assert(shared_admit(s, &l, slot[1]));
	ck_assert(!shared_admit(s, &l, slot[2])); /* of one address */
	ck_assert(shared_admit(s, &l, slot[3]));
	ck_assert(!shared_admit(s, &l, slot[4])); /* of all */
	atomic_store(&s->slot[slot[0]].state, SLOT_LEAVING);
	ck_assert(shared_admit(s, &l, slot[4]));
}
END_TEST

/* Of many that ask at once exactly as many are let in as may be. */
START_TEST(admission_in_a_crowd)
{
	enum { CROWD = 40, MAY = 7 };
	struct service_limits l = {.half_open = CROWD,
				   .half_open_per_address = CROWD,
				   .associations = MAY,
				   .associations_per_address = CROWD};
	struct shared *s = shared_make(CROWD, NULL);
	uint8_t ip[16] = {0};
	uint32_t slot;
	unsigned admitted = 0;
	int gate[2], status;
	char c;

	ck_assert_int_eq(pipe(gate), 0);
	for (unsigned i = 0; i < CROWD; i++) {
		ck_assert_int_eq(shared_enter(s, &l, ip, &slot), DOOR_OPEN);
		pid_t pid = fork();
		if (pid == 0) {
			close(gate[1]);
			(void)!read(gate[0], &c, 1);
			_exit(shared_admit(s, &l, slot));
		}
	}
	close(gate[1]);
	close(gate[0]);
	for (unsigned i = 0; i < CROWD; i++) {
		ck_assert_int_gt(wait(&status), 0);
		admitted += (unsigned)WEXITSTATUS(status);
	}
	ck_assert_uint_eq(admitted, MAY);
}
END_TEST

START_TEST(studies_are_counted)
{
	struct shared *s = shared_make(1, NULL);
	struct uid a = {.text = "1.2.3"}, b = {.text = "1.2.4"};
	bool is_new;
	struct shared_study *at = shared_study(s, &a, &is_new);

	ck_assert(at != NULL && is_new);
	atomic_fetch_add(&at->bytes, 10);
	atomic_fetch_add(&at->instances, 1);
	ck_assert_ptr_eq(shared_study(s, &a, &is_new), at);
	ck_assert(!is_new);
	ck_assert_ptr_ne(shared_study(s, &b, &is_new), at);
	ck_assert(is_new);
	shared_forget(s, &a);
	at = shared_study(s, &a, &is_new);
	ck_assert(at != NULL && is_new);
	ck_assert(atomic_load(&at->bytes) == 0 && atomic_load(&at->instances) == 0);
	/* more than there is room for: some are counted anew each time, none is lost */
	for (unsigned i = 0; i < 4 * SHARED_STUDIES; i++) {
		struct uid u;

		snprintf(u.text, sizeof(u.text), "9.%u", i);
		(void)shared_study(s, &u, &is_new);
	}
	ck_assert(shared_study(s, &b, &is_new) != NULL && !is_new);
}
END_TEST

START_TEST(feeding_is_known)
{
	struct service_limits l = {.half_open = 9, .half_open_per_address = 9};
	struct shared *s = shared_make(2, NULL);
	struct uid a = {.text = "1.2.3"}, b = {.text = "1.2.4"};
	uint8_t ip[16] = {0};
	uint32_t slot;

	ck_assert(!shared_is_fed(s, &a));
	ck_assert_int_eq(shared_enter(s, &l, ip, &slot), DOOR_OPEN);
	shared_feed(s, slot, &a);
	shared_feed(s, slot, &a);
	ck_assert(shared_is_fed(s, &a));
	ck_assert(!shared_is_fed(s, &b));
	for (unsigned i = 0; i < 3 * SLOT_FED; i++) { /* more than are remembered: the last is */
		struct uid u;

		snprintf(u.text, sizeof(u.text), "9.%u", i);
		shared_feed(s, slot, &u);
		ck_assert(shared_is_fed(s, &u));
	}
	shared_feed(s, slot, &a);
	shared_feed(s, slot, &b);
	shared_unfeed(s, slot, &a);
	ck_assert(!shared_is_fed(s, &a));
	ck_assert(shared_is_fed(s, &b));
	atomic_fetch_add(&s->slot[slot].stored, 1);
	atomic_store(&s->slot[slot].state, SLOT_LEAVING); /* its association is over */
	ck_assert(!shared_is_fed(s, &b));
	shared_leave(s, slot);
	ck_assert_int_eq(shared_enter(s, &l, ip, &slot), DOOR_OPEN);
	ck_assert(!shared_is_fed(s, &a) && !shared_is_fed(s, &b));
	ck_assert_uint_eq(atomic_load(&s->slot[slot].stored), 0);
}
END_TEST

static char *folder;
static int working;

static void set_up(void)
{
	folder = test_tmpdir();
	working = open(folder, O_RDONLY | O_DIRECTORY);
}

static void tear_down(void)
{
	close(working);
	test_tmpdir_remove(folder);
}

/* ---- the door ---- */

START_TEST(free_space)
{
	struct statvfs st;
	struct service_limits l = {.minimum_free_bytes = 4096};

	ck_assert_int_eq(fstatvfs(working, &st), 0);
	ck_assert_uint_eq(door_minimum_free(&l, working), 4096);
	l.minimum_free_percent = 50;
	ck_assert_uint_eq(door_minimum_free(&l, working),
			  (uint64_t)st.f_blocks * st.f_frsize / 100 * 50);
	l.minimum_free_bytes = UINT64_MAX;
	ck_assert_uint_eq(door_minimum_free(&l, working), UINT64_MAX);
}
END_TEST

/* A network that cannot be read is nobody's; receivers that wait see the service drain; what one
 * had begun that was killed goes, and nothing else. */
START_TEST(a_door)
{
	static const struct service_allow bad = {.address = "10.0.0.0/99"};
	struct service_options o = {
		.working = folder,
		.listener = {.host = "127.0.0.1", .allow = &bad, .allow_count = 1},
		.limits = {.associations = 1, .half_open = 1, .half_open_per_address = 1}};
	struct address peer;
	struct door d;
	struct fault f;
	uint8_t ip[16];
	uint32_t slot;
	char byte;

	ck_assert_msg(door_open(&d, &o, &f) == OK, "%s", f.text);
	ck_assert(address_parse(&peer, "10.0.0.1") && !cidr_has(&d.networks[0], &peer));
	ck_assert(address_parse(&peer, "::1") && !cidr_has(&d.networks[0], &peer));

	ck_assert_int_eq(mkdirat(working, ".incoming", 0700), 0);
	close(openat(working, ".incoming/77-0.part", O_WRONLY | O_CREAT, 0600));
	close(openat(working, ".incoming/777-0.part", O_WRONLY | O_CREAT, 0600));
	shared_ip(&peer, ip);
	ck_assert_int_eq(shared_enter(d.shared, &o.limits, ip, &slot), DOOR_OPEN);
	ck_assert(!door_reaped(&d, 77, SIGKILL));
	d.pids[slot] = 77;
	d.receivers = 1;
	ck_assert(door_reaped(&d, 77, SIGKILL)); /* the status of one that it killed */
	ck_assert_uint_eq(d.receivers, 0);
	ck_assert_int_eq(faccessat(working, ".incoming/77-0.part", F_OK, 0), -1);
	ck_assert_int_eq(faccessat(working, ".incoming/777-0.part", F_OK, 0), 0);
	ck_assert_int_eq(shared_enter(d.shared, &o.limits, ip, &slot), DOOR_OPEN);

	ck_assert_uint_eq(atomic_load(&d.shared->draining), 0);
	door_drain(&d);
	ck_assert_uint_eq(atomic_load(&d.shared->draining), 1);
	ck_assert_int_eq(read(d.drain[0], &byte, 1), 0);
	door_close(&d);
}
END_TEST

/* ---- the control socket ---- */

/* A service that answers one client with what it was asked. */
static pid_t echo_service(int listener)
{
	pid_t pid = fork();

	if (pid == 0) {
		int client;
		char line[CONTROL_LINE];

		while ((client = accept(listener, NULL, NULL)) < 0)
			;
		if (control_read(client, line))
			control_write(client, 66, bytes_str(line));
		_exit(0);
	}
	return pid;
}

START_TEST(asked_and_answered)
{
	struct buf out = BUF_INIT(1000);
	int control, listener, code;
	struct stat st;
	char path[4200];

	ck_assert_int_eq(control_ask(folder, "status text", &code, &out, NULL), ERR_MORE);
	ck_assert_int_eq(control_lock(&control, working, NULL), OK);
	ck_assert_int_eq(control_ask(folder, "status text", &code, &out, NULL), ERR_MORE);
	ck_assert_int_eq(control_listen(&listener, control, NULL), OK);
	snprintf(path, sizeof(path), "%s/.control/socket", folder);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);

	pid_t pid = echo_service(listener);
	ck_assert_int_eq(control_ask(folder, "status text", &code, &out, NULL), OK);
	ck_assert_int_eq(code, 66);
	ck_assert(bytes_eq_str(buf_bytes(&out), "status text"));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	buf_free(&out);
	/* a socket that nobody listens to any more is no service */
	close(listener);
	ck_assert_int_eq(control_ask(folder, "status text", &code, &out, NULL), ERR_MORE);
	close(control);
}
END_TEST

START_TEST(one_service_a_folder)
{
	int first, second;
	struct fault f;

	ck_assert_int_eq(control_lock(&first, working, NULL), OK);
	/* as long as any process has it, a child for instance */
	int held = dup(first);
	close(first);
	ck_assert_int_eq(control_lock(&second, working, &f), ERR_UNUSABLE);
	close(held);
	ck_assert_int_eq(control_lock(&second, working, &f), OK);
	close(second);
}
END_TEST

/* ---- children ---- */

START_TEST(told_whole)
{
	struct tell t = {.kind = TELL_WORKED, .study = {"1.2.3"}, .worked = {.outputs = 7}}, got;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	ck_assert_int_eq(tell_receive(ends[0], &got), ERR_MORE);
	tell_send(ends[1], &t);
	tell_send(ends[1], &t);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(tell_receive(ends[0], &got), OK);
		ck_assert_int_eq(got.pid, getpid());
		ck_assert_uint_eq(got.worked.outputs, 7);
	}
	ck_assert_int_eq(tell_receive(ends[0], &got), ERR_MORE);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(private_files_stay_private)
{
	int ends[2], status;
	sigset_t none;

	sigemptyset(&none);
	child_mask(&none);
	ck_assert_int_eq(pipe(ends), 0);
	child_private(ends[0]);
	child_private(ends[1]);
	pid_t pid = child_fork("worker", ends[1]);
	if (pid == 0)
		_exit(fcntl(ends[0], F_GETFD) < 0 && fcntl(ends[1], F_GETFD) >= 0 ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	child_close_private(ends[0]);
	child_close_private(ends[1]);
}
END_TEST

Suite *suite_service(void);

Suite *suite_service(void)
{
	Suite *s = suite_create("service");
	TCase *c = tcase_create("door");

	tcase_add_loop_test(c, allows, 0, (int)(sizeof(allow_rows) / sizeof(allow_rows[0])));
	tcase_add_test(c, half_open_limits);
	tcase_add_test(c, association_limits);
	tcase_add_test(c, admission_in_a_crowd);
	tcase_add_test(c, studies_are_counted);
	tcase_add_test(c, feeding_is_known);
	suite_add_tcase(s, c);
	c = tcase_create("control");
	tcase_set_timeout(c, 15);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, free_space);
	tcase_add_test(c, a_door);
	tcase_add_test(c, asked_and_answered);
	tcase_add_test(c, one_service_a_folder);
	suite_add_tcase(s, c);
	c = tcase_create("children");
	tcase_add_test(c, told_whole);
	tcase_add_test(c, private_files_stay_private);
	suite_add_tcase(s, c);
	return s;
}
