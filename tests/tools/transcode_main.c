/*
 * For tests/e2e/transcode.py: files in, each written again in another transfer syntax.
 *
 *     build/test_transcode UID OUT FILE...
 *
 * writes OUT/0.dcm, OUT/1.dcm ... and prints a line for each file: "ok <index> <file>", or
 * "refused <index> <why> <file>", with a tab between columns.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "dicom/part10.h"
#include "dicom/transcode.h"

/* part10_write takes views: swap what is to be swapped. */
static struct bytes *views_of(const struct transcode *t, struct arena *a)
{
	struct bytes *views = ARENA_NEW(a, struct bytes, t->count + 1);

	for (size_t i = 0; i < t->count && views != NULL; i++) {
		const struct piece *p = &t->pieces[i];
		uint8_t *copy = p->unit > 1 ? arena_alloc(a, p->bytes.len, 1) : NULL;

		views[i] = p->bytes;
		if (p->unit == 1)
			continue;
		if (copy == NULL)
			return NULL;
		piece_copy(p, 0, copy, p->bytes.len);
		views[i].at = copy;
	}
	return views;
}

static enum err write_copy(const struct part10 *p, const struct syntax *to, const char *path,
			   struct arena *a, struct fault *f)
{
	struct part10_out o = {.syntax = to, .source_fd = -1};
	struct transcode t;
	enum err e = transcode_plan(&t, p->data, p->syntax, to, a, f);

	if (e != OK)
		return e;
	uid_set(&o.transfer_syntax, bytes_str(to->uid));
	uid_set(&o.sop_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.7"));
	uid_set(&o.sop_instance, BYTES_LIT("1.2.3"));
	o.views = views_of(&t, a);
	o.view_count = t.count;
	if (o.views == NULL)
		return fault_set(f, ERR_NOMEM, "no memory", FAULT_NO_OFFSET);

	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return fault_io(f, "cannot create");
	e = part10_write(fd, &o, f);
	close(fd);
	return e;
}

int main(int argc, char **argv)
{
	struct arena a;
	const struct syntax *to;

	if (argc < 3 || (to = syntax_find(bytes_str(argv[1]))) == NULL ||
	    arena_open(&a, 1u << 30, NULL) != OK)
		return 2;
	for (int i = 3; i < argc; i++) {
		struct part10 p = PART10_NONE;
		struct fault f = {0};
		char path[4096], why[256];

		snprintf(path, sizeof(path), "%s/%d.dcm", argv[2], i - 3);
		arena_reset(&a, 0);
		enum err e = part10_open(&p, AT_FDCWD, argv[i], &f);
		if (e == OK)
			e = write_copy(&p, to, path, &a, &f);
		part10_close(&p);
		fault_format(&f, why, sizeof(why));
		if (e == OK)
			printf("ok\t%d\t%s\n", i - 3, argv[i]);
		else
			printf("refused\t%d\t%s\t%s\n", i - 3, why, argv[i]);
	}
	arena_close(&a);
	return 0;
}
