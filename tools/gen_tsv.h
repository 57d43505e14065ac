/*
 * For the host programs that make tables: rows of a tab separated file, and a way to
 * stop the build with the line that is wrong.
 */
#ifndef TOOLS_GEN_TSV_H
#define TOOLS_GEN_TSV_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TSV_COLUMNS 16

struct tsv {
	FILE *file;
	const char *path;
	unsigned line;
	char text[4096];
	char *column[TSV_COLUMNS]; /* of the current row, into `text` */
};

static void __attribute__((noreturn, format(printf, 2, 3)))
tsv_die(const struct tsv *t, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u: ", t->path, t->line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* The next row, which must have `columns` of them; 0 at the end of the file. */
static inline int tsv_row(struct tsv *t, unsigned columns)
{
	if (fgets(t->text, sizeof(t->text), t->file) == NULL) {
		fclose(t->file);
		return 0;
	}
	t->line++;

	size_t len = strlen(t->text);
	if (len == 0 || t->text[len - 1] != '\n')
		tsv_die(t, "line too long, or no newline at its end");
	t->text[len - 1] = '\0';

	unsigned n = 0;
	for (char *p = t->text; p != NULL; n++) {
		char *tab = strchr(p, '\t');

		if (n == TSV_COLUMNS)
			tsv_die(t, "too many columns");
		t->column[n] = p;
		if (tab != NULL)
			*tab++ = '\0';
		p = tab;
	}
	if (n != columns)
		tsv_die(t, "%u columns, not %u", n, columns);
	return 1;
}

/* Open and check the header line. */
static inline void tsv_open(struct tsv *t, const char *path, const char *header)
{
	t->path = path;
	t->line = 0;
	t->file = fopen(path, "r");
	if (t->file == NULL)
		tsv_die(t, "%s", strerror(errno));
	if (fgets(t->text, sizeof(t->text), t->file) == NULL)
		tsv_die(t, "empty");
	t->line++;
	t->text[strcspn(t->text, "\n")] = '\0';
	if (strcmp(t->text, header) != 0)
		tsv_die(t, "the header is not \"%s\"", header);
}

static inline FILE *gen_create(const char *folder, const char *name)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		exit(1);
	FILE *out = fopen(path, "w");
	if (out == NULL) {
		perror(path);
		exit(1);
	}
	return out;
}

static inline void gen_close(FILE *out)
{
	if (ferror(out) != 0 || fclose(out) != 0) {
		perror("writing a table");
		exit(1);
	}
}

/* A char array; string literals this long are not portable C. */
static inline void gen_pool(FILE *out, const char *name, const char *pool, size_t len)
{
	fprintf(out, "static const char %s[%zu] = {", name, len);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%s%d,", i % 24 == 0 ? "\n\t" : "", pool[i]);
	fprintf(out, "\n};\n");
}

#endif
