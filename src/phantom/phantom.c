#include "phantom/phantom.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/part10.h"
#include "phantom/ct.h"
#include "phantom/rs.h"

#define SET_BYTES_MAX ((size_t)1 << 30)
#define HEADER_BYTES_MAX ((size_t)1 << 16)

bool phantom_preset(const char *name, struct phantom_options *out)
{
	static const struct {
		const char *name;
		struct phantom_options options;
	} presets[] = {
		{"small", {60, 3, 16, 512, 200, 800, 1}},
		{"standard", {200, 3, 30, 512, 200, 800, 1}},
		{"large", {600, 1, 60, 512, 200, 400, 1}},
	};

	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(name, presets[i].name) == 0) {
			*out = presets[i].options;
			return true;
		}
	}
	return false;
}

/* Write one object as a new file; nothing is left of it on failure. */
static enum err write_object(int dir, const char *path, const char *sop_class,
			     const struct uid *instance, const struct syntax *syntax,
			     const struct bytes *views, size_t count, struct fault *f)
{
	struct part10_out out = {.sop_instance = *instance,
				 .syntax = syntax,
				 .views = views,
				 .view_count = count,
				 .source_fd = -1};
	bool known = uid_set(&out.sop_class, bytes_str(sop_class)) &&
		     uid_set(&out.transfer_syntax, bytes_str(syntax->uid));
	assert(known);
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return fault_io(f, "cannot create a file of the phantom");
	enum err e = part10_write(fd, &out, f);
	if (close(fd) < 0 && e == OK)
		e = fault_io(f, "cannot finish a file of the phantom");
	if (e != OK)
		unlinkat(dir, path, 0);
	return e;
}

static enum err write_slice(int dir, const struct phantom_options *o,
			    const struct phantom_uids *uids, const struct shape *shapes,
			    size_t count, int16_t *pixels, uint32_t slice, struct fault *f)
{
	char path[32];
	struct build b;
	struct uid instance = phantom_image_uid(o, slice);
	size_t bytes = (size_t)o->matrix * o->matrix * sizeof(pixels[0]);

	ct_paint(pixels, o, shapes, count, slice);
	build_init(&b, &syntax_explicit_le, HEADER_BYTES_MAX + bytes);
	ct_header(&b, o, uids, slice);
	build_ow_le(&b, TAG_PixelData, bytes_of(pixels, bytes));
	snprintf(path, sizeof(path), "ct/CT%04u.dcm", slice + 1);
	struct bytes view = buf_bytes(&b.out);
	enum err e = b.out.failed
			     ? fault_set(f, ERR_NOMEM, "no memory for a slice", FAULT_NO_OFFSET)
			     : write_object(dir, path, SOP_CLASS_CT_IMAGE, &instance,
					    &syntax_explicit_le, &view, 1, f);
	build_free(&b);
	return e;
}

static enum err write_images(int dir, const struct phantom_options *o,
			     const struct phantom_uids *uids, const struct shape *shapes,
			     size_t count, struct fault *f)
{
	enum err e = OK;
	int16_t *pixels = calloc((size_t)o->matrix * o->matrix, sizeof(pixels[0]));

	if (pixels == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for a slice", FAULT_NO_OFFSET);
	for (uint32_t slice = 0; slice < o->slices && e == OK; slice++)
		e = write_slice(dir, o, uids, shapes, count, pixels, slice, f);
	free(pixels);
	return e;
}

static enum err write_set(int dir, const struct phantom_options *o, const struct phantom_uids *uids,
			  const struct shape *shapes, size_t count, struct phantom_summary *summary,
			  struct fault *f)
{
	struct build b;
	enum err e;

	build_init(&b, &syntax_implicit_le, SET_BYTES_MAX);
	rs_build(&b, o, uids, shapes, count, summary);
	struct bytes view = buf_bytes(&b.out);
	e = b.out.failed
		    ? fault_set(f, ERR_NOMEM, "no memory for the structure set", FAULT_NO_OFFSET)
		    : write_object(dir, "rs/RS.dcm", "1.2.840.10008.5.1.4.1.1.481.3",
				   &uids->rs_instance, &syntax_implicit_le, &view, 1, f);
	build_free(&b);
	return e;
}

/* Everything into the open, empty folder `dir`. */
static enum err write_all(int dir, const struct phantom_options *o, struct phantom_summary *summary,
			  struct fault *f)
{
	static struct shape shapes[SHAPES_MAX];
	size_t count = shapes_make(shapes, o);
	struct phantom_uids uids = phantom_uids_make(o);

	if (mkdirat(dir, "ct", 0777) < 0 || mkdirat(dir, "rs", 0777) < 0)
		return fault_io(f, "cannot create the phantom's folders");
	enum err e = write_images(dir, o, &uids, shapes, count, f);
	if (e != OK)
		return e;
	return write_set(dir, o, &uids, shapes, count, summary, f);
}

/* Remove what write_all may have made. */
static void remove_all(int dir, const struct phantom_options *o)
{
	char path[32];

	for (uint32_t slice = 0; slice < o->slices; slice++) {
		snprintf(path, sizeof(path), "ct/CT%04u.dcm", slice + 1);
		unlinkat(dir, path, 0);
	}
	unlinkat(dir, "rs/RS.dcm", 0);
	unlinkat(dir, "ct", AT_REMOVEDIR);
	unlinkat(dir, "rs", AT_REMOVEDIR);
}

enum err phantom_write(const char *dir, const struct phantom_options *options,
		       struct phantom_summary *summary, struct fault *f)
{
	char staging[PATH_MAX];
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	int n = snprintf(staging, sizeof(staging), "%.*s.part", (int)len, dir);
	if (n < 0 || (size_t)n >= sizeof(staging))
		return fault_set(f, ERR_LIMIT, "the path is too long", FAULT_NO_OFFSET);
	if (rmdir(dir) < 0 && errno != ENOENT)
		return fault_io(f, "the output folder must not exist, or be empty");
	if (mkdir(staging, 0777) < 0)
		return fault_io(f, "cannot create the folder to work in (OUT.part)");

	int fd = open(staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		enum err opened = fault_io(f, "cannot open the folder to work in");
		rmdir(staging);
		return opened;
	}
	*summary = (struct phantom_summary){0};
	enum err e = write_all(fd, options, summary, f);
	if (e == OK && rename(staging, dir) < 0)
		e = fault_io(f, "cannot give the output folder its name");
	if (e != OK) {
		remove_all(fd, options);
		rmdir(staging);
	}
	close(fd);
	return e;
}
