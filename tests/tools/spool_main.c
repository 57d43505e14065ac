/*
 * For tests/e2e/spool.py: data sets into the spool, as a receiver does it.
 *
 *     build/test_spool WORKING strict|file|none FILE...
 *
 * prints a line for each file, at once: "new <SOP instance>", "same ...", "replaced ...", or
 * "failed <errno> <why>".
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dicom/stream.h"
#include "study/spool.h"

#define PIECE 40000u

/* No buffer of stdio: what is said is said before the next system call. */
static void say(const char *word, const char *what)
{
	char line[300];
	int n = snprintf(line, sizeof(line), "%s %s\n", word, what);

	if (n < 0 || write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(3);
}

static enum err store(struct spool *s, const struct part10 *p, struct fault *f)
{
	static const char *const words[] = {"new", "same", "replaced"};
	static const struct stream_limits limits = STREAM_LIMITS_INIT;
	static struct stream check;
	const struct stream_head *head = stream_head(&check);
	struct part10_meta meta = {.transfer_syntax = p->syntax_uid};
	struct spool_part part;
	enum spool_result result;
	enum err e;

	(void)uid_set(&meta.sop_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.2"));
	(void)uid_set(&meta.sop_instance, BYTES_LIT("1.2"));
	stream_init(&check, p->syntax, &limits);
	e = spool_begin(s, &part, &meta, f);
	for (size_t at = 0; at < p->data.len && e == OK; at += PIECE) {
		size_t left = p->data.len - at;
		struct bytes view = bytes_slice(p->data, at, left < PIECE ? left : PIECE);

		e = stream_feed(&check, view, f);
		if (e == OK)
			e = spool_write(s, &part, &view, 1, f);
	}
	if (e == OK)
		e = stream_end(&check, f);
	if (e == OK)
		e = spool_commit(s, &part, &head->study, &head->sop_instance,
				 strcmp(head->modality, "RTSTRUCT") == 0 ? SPOOL_STRUCTURE
									 : SPOOL_IMAGE,
				 &result, f);
	else
		spool_discard(s, &part);
	if (e == OK)
		say(words[result], head->sop_instance.text);
	return e;
}

int main(int argc, char **argv)
{
	struct fault f = {0};
	struct spool s;
	enum err e;
	int code = 0;

	if (argc < 4)
		return 64;
	e = spool_open(&s, argv[1],
		       strcmp(argv[2], "strict") == 0 ? SPOOL_STRICT
		       : strcmp(argv[2], "file") == 0 ? SPOOL_FILE
						      : SPOOL_NONE,
		       1, &f);
	for (int i = 3; i < argc || e != OK; i++) {
		struct part10 p = PART10_NONE;

		if (e == OK)
			e = part10_open(&p, AT_FDCWD, argv[i], &f);
		if (e == OK)
			e = store(&s, &p, &f);
		if (e != OK) {
			char what[300];

			snprintf(what, sizeof(what), "%d %s", f.sys_errno, f.text);
			say("failed", what);
			code = 1;
		}
		part10_close(&p);
		if (e != OK && i >= argc)
			break;
		e = OK;
	}
	spool_close(&s);
	return code;
}
