/*
 * tables/transfer_syntaxes.tsv and tables/wellknown_uids.tsv -> dicom_uids.inc, for
 * src/dicom/syntax.c.  Run as `gen_uids OUTPUT_FOLDER` from the project root.
 *
 * The four syntaxes that netrt decodes itself become objects with names of their own;
 * the names of well-known UIDs go into one pool, "uid NUL name NUL", found by offsets
 * that are sorted by UID.
 */
#include <ctype.h>
#include <stdint.h>

#include "gen_tsv.h"

#define ROWS 1024
#define POOL 65536u

static char pool[POOL];
static size_t pool_len;
static uint16_t order[ROWS];
static unsigned row_count;

static const struct {
	const char *uid, *symbol;
} own[] = {
	{"1.2.840.10008.1.2", "syntax_implicit_le"},
	{"1.2.840.10008.1.2.1", "syntax_explicit_le"},
	{"1.2.840.10008.1.2.2", "syntax_explicit_be"},
	{"1.2.840.10008.1.2.1.99", "syntax_deflated_le"},
};
#define OWN_COUNT (sizeof(own) / sizeof(own[0]))

/* The one private syntax in use whose name says more than the columns do. */
#define GE_SWAPPED_PIXELS "1.2.840.113619.5.2"

static void check_uid(const struct tsv *t, const char *uid)
{
	size_t len = strlen(uid);

	if (len == 0 || len > 64 || strspn(uid, "0123456789.") != len)
		tsv_die(t, "UID \"%s\"", uid);
}

static const char *truth(const struct tsv *t, unsigned column, const char *yes, const char *no)
{
	const char *text = t->column[column];

	if (strcmp(text, yes) == 0)
		return "true";
	if (strcmp(text, no) != 0)
		tsv_die(t, "\"%s\" is neither %s nor %s", text, yes, no);
	return "false";
}

static void write_name(FILE *out, const char *name)
{
	fputc('"', out);
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			fputc('\\', out);
		fputc(*name, out);
	}
	fputc('"', out);
}

static void write_syntax(FILE *out, const struct tsv *t)
{
	check_uid(t, t->column[0]);
	fprintf(out, "\t.uid = \"%s\", .name = ", t->column[0]);
	write_name(out, t->column[1]);
	/* "frame": the frames are deflated, not the data set */
	const char *deflated = strcmp(t->column[6], "frame") == 0 ? "false" : truth(t, 6, "Y", "N");
	const char *retired =
		strcmp(t->column[7], "PRIVATE") == 0 ? "false" : truth(t, 7, "Y", "N");
	fprintf(out, ",\n\t.explicit_vr = %s, .big_endian = %s, .deflated = %s,\n",
		truth(t, 3, "explicit", "implicit"), truth(t, 4, "big", "little"), deflated);
	fprintf(out, "\t.encapsulated = %s, .retired = %s, .pixels_big_endian = %s,\n",
		truth(t, 5, "Y", "N"), retired,
		strcmp(t->column[0], GE_SWAPPED_PIXELS) == 0 ? "true"
							     : truth(t, 4, "big", "little"));
}

static int own_index(const char *uid)
{
	for (unsigned i = 0; i < OWN_COUNT; i++)
		if (strcmp(own[i].uid, uid) == 0)
			return (int)i;
	return -1;
}

/* Twice through the file: first the named ones, then the array of the others. */
static void write_syntaxes(FILE *out, int named)
{
	static struct tsv t;
	static char seen[ROWS][65];
	unsigned count = 0, found = 0;

	tsv_open(&t, "tables/transfer_syntaxes.tsv",
		 "uid\tname\tkeyword\tvr\tendian\tencapsulated\tdeflated\tretired");
	while (tsv_row(&t, 8)) {
		int k = own_index(t.column[0]);

		for (unsigned i = 0; i < count; i++)
			if (strcmp(seen[i], t.column[0]) == 0)
				tsv_die(&t, "%s is there twice", t.column[0]);
		check_uid(&t, t.column[0]);
		if (count == ROWS)
			tsv_die(&t, "too many rows");
		strcpy(seen[count++], t.column[0]);
		found += k >= 0;
		if (named != (k >= 0))
			continue;
		if (named)
			fprintf(out, "const struct syntax %s = {\n", own[k].symbol);
		else
			fprintf(out, "\t{\n");
		write_syntax(out, &t);
		fprintf(out, named ? "};\n" : "\t},\n");
	}
	if (found != OWN_COUNT)
		tsv_die(&t, "one of the syntaxes that netrt decodes is missing");
}

static int by_uid(const void *a, const void *b)
{
	return strcmp(pool + *(const uint16_t *)a, pool + *(const uint16_t *)b);
}

static void read_names(void)
{
	static struct tsv t;

	tsv_open(&t, "tables/wellknown_uids.tsv", "uid\tname\ttype\tkeyword\tretired");
	while (tsv_row(&t, 5)) {
		size_t uid_len = strlen(t.column[0]) + 1, name_len = strlen(t.column[1]) + 1;

		check_uid(&t, t.column[0]);
		if (name_len == 1) /* retired so long ago that it has no name */
			continue;
		if (row_count == ROWS || pool_len + uid_len + name_len > POOL)
			tsv_die(&t, "too much");
		order[row_count++] = (uint16_t)pool_len;
		memcpy(pool + pool_len, t.column[0], uid_len);
		memcpy(pool + pool_len + uid_len, t.column[1], name_len);
		pool_len += uid_len + name_len;
	}
	qsort(order, row_count, sizeof(order[0]), by_uid);
	for (unsigned i = 1; i < row_count; i++)
		if (by_uid(&order[i - 1], &order[i]) == 0)
			tsv_die(&t, "%s is there twice", pool + order[i]);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: gen_uids OUTPUT_FOLDER\n");
		return 2;
	}
	read_names();

	FILE *out = gen_create(argv[1], "dicom_uids.inc");
	fprintf(out, "/* Made by tools/gen_uids.c from tables/: not to be edited. */\n");
	write_syntaxes(out, 1);
	fprintf(out, "static const struct syntax syntax_others[] = {\n");
	write_syntaxes(out, 0);
	fprintf(out, "};\n#define UID_ROWS %uu\n", row_count);
	fprintf(out, "static const uint16_t uid_order[UID_ROWS] = {");
	for (unsigned i = 0; i < row_count; i++)
		fprintf(out, "%s%u,", i % 16 == 0 ? "\n\t" : "", order[i]);
	fprintf(out, "\n};\n");
	gen_pool(out, "uid_pool", pool, pool_len);
	gen_close(out);
	return 0;
}
