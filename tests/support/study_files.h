/*
 * Small DICOM files and other things in a folder, for the suites of src/study.
 */
#ifndef TESTS_STUDY_FILES_H
#define TESTS_STUDY_FILES_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/build.h"
#include "dicom/part10.h"
#include "series/mark.h"

#define CT_CLASS "1.2.840.10008.5.1.4.1.1.2"
#define SET_CLASS "1.2.840.10008.5.1.4.1.1.481.3"
#define DOSE_CLASS "1.2.840.10008.5.1.4.1.1.481.2"
#define PLAN_CLASS "1.2.840.10008.5.1.4.1.1.481.5"
#define DIRECTORY_CLASS "1.2.840.10008.1.3.10"

struct object {
	const char *sop_class, *sop, *study, *series; /* NULL: no element */
	bool marked;                                  /* as netrt's own */
	const char *image_type;                       /* NULL: ORIGINAL\PRIMARY */
	bool rows;                                    /* Rows and Columns, 4 x 4 */
	const char *date, *time;                      /* of a structure set */
	const char *comment;                          /* to make data sets differ */
	const char *modality;                         /* NULL: CT */
	const char *meta_class; /* in the file meta information; NULL: sop_class */
};

/* dir/name, in one of four buffers. */
static inline const char *in(const char *dir, const char *name)
{
	static char ring[4][2048];
	static unsigned turn;
	char *out = ring[turn++ % 4];

	snprintf(out, sizeof(ring[0]), "%s/%s", dir, name);
	return out;
}

static inline void make_folder(const char *dir, const char *name)
{
	ck_assert_int_eq(mkdir(in(dir, name), 0777), 0);
}

static inline void write_file(const char *dir, const char *name, const void *at, size_t len)
{
	int fd = open(in(dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, at, len), (ssize_t)len);
	close(fd);
}

static inline void write_text(const char *dir, const char *name, const char *text)
{
	write_file(dir, name, text, strlen(text));
}

static inline bool exists(const char *dir, const char *name)
{
	struct stat st;

	return lstat(in(dir, name), &st) == 0;
}

/* Is its content this text? */
static inline bool holds(const char *dir, const char *name, const char *text)
{
	char content[4096] = "";
	FILE *file = fopen(in(dir, name), "r");

	if (file == NULL)
		return false;
	size_t n = fread(content, 1, sizeof(content) - 1, file);
	fclose(file);
	return n == strlen(text) && memcmp(content, text, n) == 0;
}

static inline void object_uid(struct build *b, uint32_t tag, const char *text)
{
	if (text != NULL)
		build_str(b, tag, VR_UI, text);
}

static inline void object_elements(struct build *b, const struct object *o)
{
	static const uint16_t side = 4;

	build_str(b, TAG_ImageType, VR_CS,
		  o->image_type != NULL ? o->image_type : "ORIGINAL\\PRIMARY");
	object_uid(b, TAG_SOPClassUID, o->sop_class);
	object_uid(b, TAG_SOPInstanceUID, o->sop);
	build_str(b, TAG_Modality, VR_CS, o->modality != NULL ? o->modality : "CT");
	if (o->comment != NULL)
		build_str(b, TAG_StudyDescription, VR_LO, o->comment);
	if (o->marked)
		mark_sequence(b, &(const struct wall){.year = 2026, .month = 1, .day = 1}, "1",
			      "Made it");
	object_uid(b, TAG_StudyInstanceUID, o->study);
	object_uid(b, TAG_SeriesInstanceUID, o->series);
	if (o->rows) {
		build_u16(b, TAG_Rows, VR_US, &side, 1);
		build_u16(b, TAG_Columns, VR_US, &side, 1);
	}
	if (o->date != NULL)
		build_str(b, TAG_StructureSetDate, VR_DA, o->date);
	if (o->time != NULL)
		build_str(b, TAG_StructureSetTime, VR_TM, o->time);
}

static inline void write_object(const char *dir, const char *name, const struct object *o)
{
	struct build b;
	struct fault f = {0};
	struct part10_out out = {.syntax = &syntax_explicit_le, .source_fd = -1};
	int fd = open(in(dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_ge(fd, 0);
	build_init(&b, &syntax_explicit_le, 65536);
	object_elements(&b, o);
	ck_assert(!b.out.failed);

	struct bytes whole = buf_bytes(&b.out);
	const char *class = o->meta_class != NULL ? o->meta_class : o->sop_class;
	ck_assert(uid_set(&out.sop_class, bytes_str(class != NULL ? class : "1.2")));
	(void)uid_set(&out.sop_instance, bytes_str(o->sop != NULL ? o->sop : "1.2"));
	ck_assert(uid_set(&out.transfer_syntax, bytes_str(syntax_explicit_le.uid)));
	out.views = &whole;
	out.view_count = 1;
	ck_assert_msg(part10_write(fd, &out, &f) == OK, "%s", f.text);
	close(fd);
	build_free(&b);
}

#endif
