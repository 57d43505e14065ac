/*
 * For tests/e2e/rewrite.py: files in, each read and written again with no change.
 *
 *     build/test_rewrite OUT FILE...
 *
 * writes OUT/0.dcm, OUT/1.dcm ... and prints a line for each file:
 *
 *     ok <index> <note bits> <bytes of the data set> <same|DIFFERENT> <file>
 *     refused <index> <why> <file>
 *
 * with a tab between columns.  "same": the views are, one after the other, the data set.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "dicom/part10.h"
#include "dicom/rewrite.h"

static bool views_are(const struct bytes *views, size_t count, struct bytes want)
{
	for (size_t i = 0; i < count; i++) {
		if (views[i].len > want.len ||
		    !bytes_eq(views[i], bytes_slice(want, 0, views[i].len)))
			return false;
		want = bytes_slice(want, views[i].len, want.len - views[i].len);
	}
	return want.len == 0;
}

static enum err write_copy(const struct part10 *p, const struct dset *d, const char *path,
			   struct arena *a, bool *same, struct fault *f)
{
	struct part10_out o = {
		.transfer_syntax = p->syntax_uid,
		.syntax = p->syntax,
		.source_fd = p->map.fd,
		.source = p->file,
	};
	struct bytes *views = NULL;
	size_t count = 0;
	enum err e = rewrite_plan(d, NULL, 0, a, &views, &count, f);

	if (e != OK)
		return e;
	*same = views_are(views, count, p->data);
	uid_set(&o.sop_class, dset_text(d, NULL, TAG_SOPClassUID));
	uid_set(&o.sop_instance, dset_text(d, NULL, TAG_SOPInstanceUID));
	o.views = views;
	o.view_count = count;

	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return fault_io(f, "cannot create");
	e = part10_write(fd, &o, f);
	close(fd);
	return e;
}

static enum err one(const char *in, const char *out, struct arena *a, unsigned *notes, size_t *len,
		    bool *same, struct fault *f)
{
	struct part10 p = PART10_NONE;
	struct dset d;
	enum err e = part10_open(&p, AT_FDCWD, in, f);

	if (e != OK)
		return e;
	e = dset_index(&d, p.data, p.syntax, 0, a, f);
	if (e == OK) {
		*notes = d.notes;
		*len = p.data.len;
		e = write_copy(&p, &d, out, a, same, f);
	}
	part10_close(&p);
	return e;
}

int main(int argc, char **argv)
{
	struct arena a = {0};

	if (argc < 3 || arena_open(&a, 512u << 20, NULL) != OK)
		return 2;
	for (int i = 2; i < argc; i++) {
		char out[4096], why[512];
		struct fault f = {0};
		unsigned notes = 0;
		size_t len = 0;
		bool same = false;

		snprintf(out, sizeof(out), "%s/%d.dcm", argv[1], i - 2);
		if (one(argv[i], out, &a, &notes, &len, &same, &f) == OK) {
			printf("ok\t%d\t%u\t%zu\t%s\t%s\n", i - 2, notes, len,
			       same ? "same" : "DIFFERENT", argv[i]);
		} else {
			fault_format(&f, why, sizeof(why));
			printf("refused\t%d\t%s\t%s\n", i - 2, why, argv[i]);
		}
		arena_reset(&a, 0);
	}
	arena_close(&a);
	return 0;
}
