/*
 * A spool in a temporary folder, for its suites.
 */
#ifndef TESTS_SPOOL_FIXTURE_H
#define TESTS_SPOOL_FIXTURE_H

#include <dirent.h>
#include <errno.h>

#include "study/spool.h"
#include "support/study_files.h"
#include "support/support.h"

static char *dir;
static struct spool s;
static unsigned fds_before;
static const struct uid study = {.text = "1.2.3"};
static const struct uid sop = {.text = "1.2.3.4"};

static inline void open_ok(struct spool *x, enum spool_durability durability)
{
	struct fault f = {0};

	ck_assert_msg(spool_open(x, dir, durability, 0, &f) == OK, "%s", f.text);
}

static inline void set_up(void)
{
	fds_before = test_open_fds();
	dir = test_tmpdir();
	open_ok(&s, SPOOL_STRICT);
}

static inline void tear_down(void)
{
	spool_close(&s);
	test_tmpdir_remove(dir);
	ck_assert_uint_eq(test_open_fds(), fds_before);
}

/* Entries of a folder but . and .., -1 when it is not there. */
static inline int entries(const char *path)
{
	DIR *d = opendir(in(dir, path));
	int n = 0;

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static inline struct part10_meta meta_of(const char *instance, const char *syntax, const char *ae)
{
	struct part10_meta m = {.source_ae = ae};

	ck_assert(uid_set(&m.sop_class, bytes_str(CT_CLASS)));
	ck_assert(uid_set(&m.sop_instance, bytes_str(instance)));
	ck_assert(uid_set(&m.transfer_syntax, bytes_str(syntax)));
	return m;
}

static inline enum err put_as(struct spool *x, const struct part10_meta *m, const struct uid *into,
			      const char *data, enum spool_result *result, struct fault *f)
{
	struct spool_part p;
	struct bytes views[2] = {bytes_of(data, strlen(data) / 2),
				 bytes_str(data + strlen(data) / 2)};
	enum err e = spool_begin(x, &p, m, f);

	if (e != OK)
		return e;
	e = spool_write(x, &p, views, 1, f);
	if (e == OK)
		e = spool_write(x, &p, views + 1, 1, f);
	if (e == OK)
		return spool_commit(x, &p, into, &m->sop_instance, SPOOL_IMAGE, result, f);
	spool_discard(x, &p);
	return e;
}

static inline enum spool_result put(struct spool *x, const struct uid *into, const char *instance,
				    const char *data)
{
	struct part10_meta m = meta_of(instance, syntax_explicit_le.uid, "SENDER");
	enum spool_result result = (enum spool_result)99;
	struct fault f = {0};
	enum err e = put_as(x, &m, into, data, &result, &f);

	ck_assert_msg(e == OK, "%s: %s", f.text, strerror(f.sys_errno));
	return result;
}

#define FILE_OF "UID_1.2.3/DCM/1.2.3.4.dcm"

/* The data set of a file is this text. */
static inline bool has(const char *path, const char *text)
{
	struct part10 p = PART10_NONE;
	bool same =
		part10_open(&p, AT_FDCWD, in(dir, path), NULL) == OK && bytes_eq_str(p.data, text);

	part10_close(&p);
	return same;
}

#endif
