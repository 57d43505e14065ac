#include "study/outputs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

const struct output_place output_places[OUTPUT_KINDS] = {
	[OUTPUT_OVERLAY] = {"Addition", "OVERLAY-", ".dcm", "OVERLAY"},
	[OUTPUT_STRUCTURE_SET] = {"StructureSet", "RTSTRUCT-", ".dcm", "STRUCTURE_SET"},
	[OUTPUT_SEGMENTATION] = {"Segmentations", "SEG-", ".dcm", "SEGMENTATION"},
	[OUTPUT_DEBUG] = {"DebugDicom", "DEBUG-", ".dcm", "DEBUG"},
	[OUTPUT_PICTURE] = {"debug_visualization", "slice_", ".jpg", NULL},
};

const char *const output_reports[OUTPUT_REPORTS] = {"report.txt", "report.json", "report.html"};

void output_name(enum output_kind kind, const struct uid *uid, const char *suffix,
		 char out[static OUTPUT_NAME_MAX])
{
	const struct output_place *p = &output_places[kind];

	snprintf(out, OUTPUT_NAME_MAX, "%s%s%s%s", p->prefix, uid->text, suffix, p->extension);
}

void output_picture_name(unsigned number, const struct uid *uid, const char *suffix,
			 char out[static OUTPUT_NAME_MAX])
{
	snprintf(out, OUTPUT_NAME_MAX, "slice_%03u_%s%s.jpg", number, uid->text, suffix);
}

bool output_is_ours(enum output_kind kind, const char *name)
{
	const struct output_place *p = &output_places[kind];
	size_t len = strlen(name), begin = strlen(p->prefix), end = strlen(p->extension);

	return len > begin + end && len < OUTPUT_NAME_MAX && strncmp(name, p->prefix, begin) == 0 &&
	       strcmp(name + len - end, p->extension) == 0;
}

enum err output_create(int folder, const char *name, int *fd, struct fault *f)
{
	*fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return *fd < 0 ? fault_io(f, "cannot make a file in the output folder") : OK;
}

enum err output_close(int fd, enum err e, struct fault *f)
{
	if (close(fd) < 0 && e == OK)
		e = fault_io(f, "cannot write");
	return e;
}

enum err output_write(int folder, const char *name, struct bytes content, struct fault *f)
{
	int fd;
	enum err e = output_create(folder, name, &fd, f);

	return e == OK ? output_close(fd, file_write_all(fd, content, f), f) : e;
}
