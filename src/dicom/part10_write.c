/*
 * Writing a file.  Everything goes out gathered, by as few writev(2) as possible, straight
 * from the mapped source: one call for a whole image is a fifth cheaper than one for its
 * head and one for the rest, and as fast as copy_file_range(2) on a file system that
 * copies anyway (ext4, 526 KB a file: 333, 415 and 456 us of processor time).  The latter is
 * kept for what is large: its pages then never count as this process's memory.
 */
#include <errno.h>
#include <unistd.h>

#include "dicom/build.h"
#include "dicom/deflate.h"
#include "dicom/part10.h"

#define META_MAX 1024u
#define COPY_MIN (4u << 20)
#define GATHER 64u /* as many as file_write_views gives to one call */

/* PS3.10 7.1 */
static enum err make_head(struct buf *out, const struct part10_out *o, struct fault *f)
{
	static const uint8_t preamble[128];
	struct build b;

	build_init(&b, &syntax_explicit_le, META_MAX);
	build_bytes(&b, TAG_FileMetaInformationVersion, VR_OB, BYTES_LIT("\0\1"));
	build_uid(&b, TAG_MediaStorageSOPClassUID, &o->sop_class);
	build_uid(&b, TAG_MediaStorageSOPInstanceUID, &o->sop_instance);
	build_uid(&b, TAG_TransferSyntaxUID, &o->transfer_syntax);
	build_str(&b, TAG_ImplementationClassUID, VR_UI, IMPLEMENTATION_CLASS_UID);
	build_str(&b, TAG_ImplementationVersionName, VR_SH, IMPLEMENTATION_VERSION);

	struct bytes elements = buf_bytes(&b.out);
	uint32_t group_length = (uint32_t)elements.len;
	struct build first;
	build_init(&first, &syntax_explicit_le, META_MAX);
	build_u32(&first, TAG_FileMetaInformationGroupLength, VR_UL, &group_length, 1);
	buf_add(out, bytes_of(preamble, sizeof(preamble)));
	buf_str(out, "DICM");
	buf_add(out, buf_bytes(&first.out));
	buf_add(out, elements);

	bool failed = out->failed || b.out.failed || first.out.failed;
	build_free(&b);
	build_free(&first);
	if (failed)
		return fault_set(f, ERR_NOMEM, "no memory for file meta information",
				 FAULT_NO_OFFSET);
	return OK;
}

/* Does the view lie in the open source file, and is it worth a copy by the kernel? */
static bool copies(const struct part10_out *o, struct bytes view, off_t *at)
{
	uintptr_t from = (uintptr_t)view.at, base = (uintptr_t)o->source.at;

	if (o->source_fd < 0 || view.len < COPY_MIN || from < base || from - base > o->source.len ||
	    view.len > o->source.len - (from - base))
		return false;
	*at = (off_t)(from - base);
	return true;
}

static enum err copy_view(int fd, const struct part10_out *o, struct bytes view, off_t at,
			  struct fault *f)
{
	while (view.len > 0) {
		ssize_t n = copy_file_range(o->source_fd, &at, fd, NULL, view.len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* these two files cannot; if it is the disk, write says so */
			return file_write_all(fd, view, f);
		view = bytes_slice(view, (size_t)n, view.len - (size_t)n);
	}
	return OK;
}

/* Up to the first view that the kernel copies, or all; *done says how many. */
static enum err write_gathered(int fd, const struct part10_out *o, struct bytes head, size_t *done,
			       struct fault *f)
{
	struct bytes some[GATHER];
	size_t n = 0, i = *done;
	off_t at;

	some[n++] = head;
	while (n < GATHER && i < o->view_count && !copies(o, o->views[i], &at))
		some[n++] = o->views[i++];
	*done = i;
	return file_write_views(fd, some, n, f);
}

static enum err write_views(int fd, const struct part10_out *o, struct bytes head, struct fault *f)
{
	size_t done = 0;
	enum err e = write_gathered(fd, o, head, &done, f);

	while (e == OK && done < o->view_count) {
		off_t at;

		if (copies(o, o->views[done], &at))
			e = copy_view(fd, o, o->views[done++], at, f);
		else
			e = write_gathered(fd, o, BYTES_NONE, &done, f);
	}
	return e;
}

enum err part10_write(int fd, const struct part10_out *o, struct fault *f)
{
	struct buf head = BUF_INIT(2 * META_MAX);
	enum err e = make_head(&head, o, f);

	if (e == OK && o->syntax->deflated) {
		e = file_write_all(fd, buf_bytes(&head), f);
		if (e == OK)
			e = deflate_write(fd, o->views, o->view_count, f);
	} else if (e == OK) {
		e = write_views(fd, o, buf_bytes(&head), f);
	}
	buf_free(&head);
	return e;
}
