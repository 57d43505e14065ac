/*
 * Property: of any bytes, taken as a file,
 *   - opening gives a file whose views are in the input (or in its own inflated memory), or an
 *     error with words;
 *   - what is plausible by its first element is not refused as "not DICOM" and the reverse;
 *   - when the data set can be read, the file written again is read as the same data set, byte
 *     for byte, in the same transfer syntax, without any guessing; unless it begins with group
 * 0002, which is then taken for more meta information.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/part10.h"
#include "dicom/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

static bool inside(struct bytes view, struct bytes whole)
{
	return view.len == 0 || (view.at >= whole.at && view.at <= whole.at + whole.len &&
				 view.len <= (size_t)(whole.at + whole.len - view.at));
}

static void check_again(const struct part10 *p, int fd)
{
	struct part10 again = PART10_NONE;
	struct fault f = {0};
	off_t len = lseek(fd, 0, SEEK_END);
	void *map = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0);

	assert(map != MAP_FAILED);
	enum err e = part10_parse(&again, bytes_of(map, (size_t)len), &f);
	assert(e == OK);
	assert(again.has_preamble && again.meta.len > 0 && !again.guessed && !again.syntax_wrong);
	assert(again.syntax == p->syntax && uid_eq(&again.syntax_uid, &p->syntax_uid));
	assert(again.syntax_unknown == p->syntax_unknown);
	assert(bytes_eq(again.data, p->data));
	part10_close(&again);
	munmap(map, (size_t)len);
}

static bool begins_like_meta(struct bytes data)
{
	return data.len >= 8 && (get_u16le(data.at) == 2 || get_u16be(data.at) == 2);
}

static void check_write(const struct part10 *p)
{
	struct part10_out o = {
		.transfer_syntax = p->syntax_uid,
		.syntax = p->syntax,
		.source_fd = -1,
	};
	struct dset d;
	struct bytes *views;
	struct fault f = {0};

	if (dset_index(&d, p->data, p->syntax, 0, &arena, &f) != OK)
		return;
	enum err e = rewrite_plan(&d, NULL, 0, &arena, &views, &o.view_count, &f);
	assert(e == OK);
	o.views = views;
	uid_set(&o.sop_class, dset_text(&d, NULL, TAG_SOPClassUID));
	uid_set(&o.sop_instance, dset_text(&d, NULL, TAG_SOPInstanceUID));

	int fd = memfd_create("out", 0);
	assert(fd >= 0);
	e = part10_write(fd, &o, &f);
	assert(e == OK);
	check_again(p, fd);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part10 p = PART10_NONE;
	struct fault f = {0};
	uint8_t *exact = malloc(size + (size == 0));

	if (arena.base == NULL && arena_open(&arena, 256u << 20, NULL) != OK)
		return 0;
	assert(exact != NULL);
	if (size > 0)
		memcpy(exact, data, size);

	struct bytes in = bytes_of(exact, size);
	enum err e = part10_parse(&p, in, &f);
	if (e != OK) {
		assert(f.code == e && f.text != NULL && p.syntax == NULL);
	} else {
		assert(part10_plausible(in));
		assert(p.syntax != NULL && p.meta_syntax != NULL && p.data_at <= size);
		assert(inside(p.meta, in) && uid_ok(bytes_str(p.syntax_uid.text)));
		assert(p.inflated == NULL ? inside(p.data, in) : p.data.len <= p.inflated_len);
		if (!begins_like_meta(p.data))
			check_write(&p);
	}
	part10_close(&p);
	arena_reset(&arena, 0);
	free(exact);
	return 0;
}
