/*
 * What the suites of the configuration share: reading a text, and what was said about it.
 */
#ifndef TESTS_CONF_READ_H
#define TESTS_CONF_READ_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/table.h"

static struct arena arena;
static struct conf_diags diags;
static struct conf conf;

static inline void setup(void)
{
	ck_assert_int_eq(arena_open(&arena, LIMIT_CONFIG_ARENA, NULL), OK);
	memset(&diags, 0, sizeof(diags));
	memset(&conf, 0, sizeof(conf));
	setenv("HOME", "/home/someone", 1);
}

static inline void teardown(void)
{
	arena_close(&arena);
}

/* Every diagnostic, a line each, as "LINE:COLUMN: KEY: REASON". */
static inline const char *said(void)
{
	static char text[65536];
	struct buf b = BUF_INIT(sizeof(text) - 1);

	for (size_t i = 0; i < diags.count; i++) {
		struct buf line = BUF_INIT(8192);

		conf_diag_format(&diags.item[i], "f", &line);
		ck_assert(!line.failed && bytes_eq_str(bytes_slice(buf_bytes(&line), 0, 2), "f:"));
		buf_add(&b, bytes_slice(buf_bytes(&line), 2, line.len - 2));
		buf_char(&b, '\n');
		buf_free(&line);
	}
	ck_assert(!b.failed);
	bytes_to_str(buf_bytes(&b), text, sizeof(text));
	buf_free(&b);
	return text;
}

static inline enum err parse(struct bytes text)
{
	memset(&diags, 0, sizeof(diags));
	return conf_parse(&conf, text, "f", &arena, &diags);
}

static inline const char *text_at(const struct conf *c, const struct conf_key *k)
{
	const char *v;

	memcpy(&v, (const uint8_t *)c + k->at, sizeof(v));
	return v;
}

static inline struct conf_list list_at(const struct conf *c, const struct conf_key *k)
{
	struct conf_list v;

	memcpy(&v, (const uint8_t *)c + k->at, sizeof(v));
	return v;
}

static char *folder; /* test_tmpdir, in the tests that write files */

static inline const char *in_folder(const char *name)
{
	static char path[4][600];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static inline void write_file(const char *name, const void *text, size_t len)
{
	FILE *f = fopen(in_folder(name), "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

#endif
