/*
 * tables/storage_sop_classes.tsv -> storage_classes.inc, for src/dimse/storage.c: the UIDs in one
 * pool, and their offsets sorted by UID.  Run as `gen_storage OUTPUT_FOLDER` from the project root.
 */
#include <stdint.h>

#include "gen_tsv.h"

#define ROWS 1024
#define POOL 65536u

static char pool[POOL];
static size_t pool_len;
static uint16_t order[ROWS];
static unsigned row_count;

static int by_uid(const void *a, const void *b)
{
	return strcmp(pool + *(const uint16_t *)a, pool + *(const uint16_t *)b);
}

static void read_rows(void)
{
	static struct tsv t;

	tsv_open(&t, "tables/storage_sop_classes.tsv", "uid\tname\tkeyword\tretired\tstandard");
	while (tsv_row(&t, 5)) {
		const char *uid = t.column[0];
		size_t len = strlen(uid);

		if (len == 0 || len > 64 || strspn(uid, "0123456789.") != len)
			tsv_die(&t, "UID \"%s\"", uid);
		if (strstr(t.column[1], "torage") == NULL && strstr(t.column[2], "torage") == NULL)
			tsv_die(&t, "%s is not called a Storage", uid);
		if (strcmp(t.column[3], "Y") != 0 && strcmp(t.column[3], "N") != 0)
			tsv_die(&t, "\"%s\" is neither Y nor N", t.column[3]);
		if (row_count == ROWS || pool_len + len + 1 > POOL)
			tsv_die(&t, "too much");
		order[row_count++] = (uint16_t)pool_len;
		memcpy(pool + pool_len, uid, len + 1);
		pool_len += len + 1;
	}
	qsort(order, row_count, sizeof(order[0]), by_uid);
	for (unsigned i = 1; i < row_count; i++)
		if (by_uid(&order[i - 1], &order[i]) == 0)
			tsv_die(&t, "%s is there twice", pool + order[i]);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: gen_storage OUTPUT_FOLDER\n");
		return 2;
	}
	read_rows();

	FILE *out = gen_create(argv[1], "storage_classes.inc");
	fprintf(out, "/* Made by tools/gen_storage.c from tables/: not to be edited. */\n");
	fprintf(out, "#define SOP_CLASSES %uu\n", row_count);
	fprintf(out, "static const uint16_t sop_order[SOP_CLASSES] = {");
	for (unsigned i = 0; i < row_count; i++)
		fprintf(out, "%s%u,", i % 16 == 0 ? "\n\t" : "", order[i]);
	fprintf(out, "\n};\n");
	gen_pool(out, "sop_pool", pool, pool_len);
	gen_close(out);
	return 0;
}
