/*
 * Writing a file: small views gathered, large ones of the source read and written in pieces.
 *
 * The new file's header is hardly ever as long as the old one, so pixels move by a few bytes.
 * The kernel copies such a shift slowly from mapped pages (and with copy_file_range(2)), and
 * fast from a buffer that pread(2) has just filled, at the same place within a cache line: a
 * CT image of 526 KB takes 205 us with one buffer for all of it, 365 us from the map.
 */
#include <errno.h>
#include <unistd.h>

#include "dicom/build.h"
#include "dicom/deflate.h"
#include "dicom/part10.h"

#define META_MAX 1024u
#define GATHER 64u            /* as many as file_write_views gives to one call */
#define PIECE (640u << 10)    /* a 512 x 512 image of 16 bits fits, and so does the L2 cache */
#define PIECE_MIN (64u << 10) /* below this, straight from the map */
#define LINE 64u              /* bytes of a cache line */

/* One for the process: netrt has no threads, and fresh pages for each file would cost more than
 * what they save. */
static _Alignas(LINE) uint8_t piece[PIECE + LINE];

struct writer {
	int fd;
	const struct part10_out *o;
	struct bytes some[GATHER]; /* not yet written */
	size_t count;
};

/* PS3.10 7.1 */
enum err part10_head(struct buf *out, const struct part10_meta *meta, struct fault *f)
{
	static const uint8_t preamble[128];
	static struct build b, first; /* kept: a file's memory would cost more than its head */

	build_reuse(&b, &syntax_explicit_le, META_MAX);
	build_bytes(&b, TAG_FileMetaInformationVersion, VR_OB, BYTES_LIT("\0\1"));
	build_uid(&b, TAG_MediaStorageSOPClassUID, &meta->sop_class);
	build_uid(&b, TAG_MediaStorageSOPInstanceUID, &meta->sop_instance);
	build_uid(&b, TAG_TransferSyntaxUID, &meta->transfer_syntax);
	build_str(&b, TAG_ImplementationClassUID, VR_UI, IMPLEMENTATION_CLASS_UID);
	build_str(&b, TAG_ImplementationVersionName, VR_SH, IMPLEMENTATION_VERSION);
	if (meta->source_ae != NULL && meta->source_ae[0] != '\0')
		build_str(&b, TAG_SourceApplicationEntityTitle, VR_AE, meta->source_ae);

	struct bytes elements = buf_bytes(&b.out);
	uint32_t group_length = (uint32_t)elements.len;
	build_reuse(&first, &syntax_explicit_le, META_MAX);
	build_u32(&first, TAG_FileMetaInformationGroupLength, VR_UL, &group_length, 1);
	buf_add(out, bytes_of(preamble, sizeof(preamble)));
	buf_str(out, "DICM");
	buf_add(out, buf_bytes(&first.out));
	buf_add(out, elements);

	if (out->failed || b.out.failed || first.out.failed)
		return fault_set(f, ERR_NOMEM, "no memory for file meta information",
				 FAULT_NO_OFFSET);
	return OK;
}

static enum err flush(struct writer *w, struct fault *f)
{
	size_t count = w->count;

	w->count = 0;
	return file_write_views(w->fd, w->some, count, f);
}

static enum err put(struct writer *w, struct bytes view, struct fault *f)
{
	enum err e = w->count == GATHER ? flush(w, f) : OK;

	w->some[w->count++] = view;
	return e;
}

/* Does the view lie in the open source file, and is it worth reading it again? */
static bool in_source(const struct part10_out *o, struct bytes view, size_t *at)
{
	uintptr_t from = (uintptr_t)view.at, base = (uintptr_t)o->source.at;

	if (o->source_fd < 0 || view.len < PIECE_MIN || from < base ||
	    from - base > o->source.len || view.len > o->source.len - (from - base))
		return false;
	*at = from - base;
	return true;
}

/* [at, at + len) of the source file into `into`. */
static enum err read_piece(int fd, uint8_t *into, size_t len, size_t at, struct fault *f)
{
	while (len > 0) {
		ssize_t n = pread(fd, into, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_io(f, "cannot read the source file again");
		if (n == 0)
			return fault_set(f, ERR_IO, "the source file became shorter", at);
		into += n;
		at += (size_t)n;
		len -= (size_t)n;
	}
	return OK;
}

static enum err put_pieces(struct writer *w, size_t at, size_t len, struct fault *f)
{
	while (len > 0) {
		size_t n = len < PIECE ? len : PIECE;
		uint8_t *into = piece + at % LINE;
		enum err e = read_piece(w->o->source_fd, into, n, at, f);

		if (e == OK)
			e = put(w, bytes_of(into, n), f);
		if (e == OK)
			e = flush(w, f);
		if (e != OK)
			return e;
		at += n;
		len -= n;
	}
	return OK;
}

static enum err write_views(int fd, const struct part10_out *o, struct bytes head, struct fault *f)
{
	struct writer w = {.fd = fd, .o = o};
	enum err e = put(&w, head, f);

	for (size_t i = 0; i < o->view_count && e == OK; i++) {
		size_t at;

		if (in_source(o, o->views[i], &at))
			e = put_pieces(&w, at, o->views[i].len, f);
		else
			e = put(&w, o->views[i], f);
	}
	return e == OK ? flush(&w, f) : e;
}

enum err part10_write(int fd, const struct part10_out *o, struct fault *f)
{
	static struct buf head; /* kept, as in part10_head */
	struct part10_meta meta = {
		.sop_class = o->sop_class,
		.sop_instance = o->sop_instance,
		.transfer_syntax = o->transfer_syntax,
	};

	buf_clear(&head);
	head.max = 2 * META_MAX;
	enum err e = part10_head(&head, &meta, f);
	if (e == OK && o->syntax->deflated) {
		e = file_write_all(fd, buf_bytes(&head), f);
		if (e == OK)
			e = deflate_write(fd, o->views, o->view_count, f);
	} else if (e == OK) {
		e = write_views(fd, o, buf_bytes(&head), f);
	}
	return e;
}
