#include "support/syncs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *test_syncs_text(const struct test_syncs *syncs, const char *dir,
			    const char *const *paths)
{
	static const char *const words[] = {[TEST_SYNC] = "sync",
					    [TEST_SYNC_ALL] = "sync all",
					    [TEST_NAME] = "name",
					    [TEST_MADE] = "make"};
	static char text[TEST_SYNCS * 100];
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < syncs->count && i < TEST_SYNCS; i++) {
		const char *name = "?";

		for (const char *const *p = paths; *p != NULL; p++) {
			char path[512];
			struct stat st;

			snprintf(path, sizeof(path), "%s/%s", dir, *p);
			if (stat(path, &st) == 0 && st.st_ino == syncs->done[i].inode)
				name = *p;
		}
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %.80s",
					i > 0 ? ", " : "", words[syncs->done[i].kind], name);
	}
	return text;
}

#if defined(__x86_64__)

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define SECCOMP_FILTER 2
#define RET_ALLOW 0x7FFF0000u
#define RET_TRAP 0x00030000u
#define OURS 0x5EC0C0DEu /* the sixth argument of a call that is not to be caught */
#define SIXTH 56u        /* where it is in struct seccomp_data */

struct instruction { /* struct sock_filter of the kernel: musl brings no header of it */
	uint16_t code;
	uint8_t yes, no;
	uint32_t k;
};

struct program {
	uint16_t len;
	const struct instruction *at;
};

static struct test_syncs *watched;

static void note(enum test_sync_kind kind, ino_t inode)
{
	if (watched->count < TEST_SYNCS) {
		watched->done[watched->count].kind = kind;
		watched->done[watched->count].inode = inode;
	}
	watched->count++;
}

static void note_sync(enum test_sync_kind kind, int fd)
{
	struct stat st = {.st_ino = 0};

	(void)fstat(fd, &st);
	note(kind, st.st_ino);
}

/* What the caller wanted, and what is of that name then. */
static long note_name(enum test_sync_kind kind, const greg_t *r, int dir, greg_t path)
{
	struct stat st = {.st_ino = 0};
	long done = syscall((long)r[REG_RAX], r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10],
			    r[REG_R8], (long)OURS);
	int code = errno;

	if (done < 0)
		return -code;
	(void)fstatat(dir, (const char *)(uintptr_t)path, &st, AT_SYMLINK_NOFOLLOW);
	note(kind, st.st_ino);
	return done;
}

static void caught(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	greg_t *r = u->uc_mcontext.gregs;
	int code = errno;

	(void)signal;
	r[REG_RAX] = info->si_syscall;
	switch (info->si_syscall) {
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_syncfs:
		note_sync(info->si_syscall == SYS_syncfs ? TEST_SYNC_ALL : TEST_SYNC,
			  (int)r[REG_RDI]);
		r[REG_RAX] = -watched->fails;
		break;
	case SYS_mkdirat:
		r[REG_RAX] = note_name(TEST_MADE, r, (int)r[REG_RDI], r[REG_RSI]);
		break;
	case SYS_rename:
		r[REG_RAX] = note_name(TEST_NAME, r, AT_FDCWD, r[REG_RSI]);
		break;
	default: /* renameat, renameat2, linkat */
		r[REG_RAX] = note_name(TEST_NAME, r, (int)r[REG_RDX], r[REG_R10]);
	}
	errno = code;
}

bool test_syncs_watch(struct test_syncs *syncs)
{
	static const struct instruction filter[] = {
		{0x20, 0, 0, 0}, /* the number of the call */
		{0x15, 8, 0, SYS_fsync},
		{0x15, 7, 0, SYS_fdatasync},
		{0x15, 6, 0, SYS_syncfs},
		{0x15, 5, 0, SYS_mkdirat},
		{0x15, 4, 0, SYS_rename},
		{0x15, 3, 0, SYS_renameat},
		{0x15, 2, 0, SYS_renameat2},
		{0x15, 1, 0, SYS_linkat},
		{0x06, 0, 0, RET_ALLOW},
		{0x20, 0, 0, SIXTH},
		{0x15, 1, 0, OURS},
		{0x06, 0, 0, RET_TRAP},
		{0x06, 0, 0, RET_ALLOW},
	};
	const struct program program = {sizeof(filter) / sizeof(filter[0]), filter};
	struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};

	watched = syncs;
	return sigaction(SIGSYS, &action, NULL) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_FILTER, &program, 0, 0) == 0;
}

#else

bool test_syncs_watch(struct test_syncs *syncs)
{
	(void)syncs;
	return false;
}

#endif
