/*
 * tables/confidentiality.tsv and tables/resolved_actions.tsv -> anon_table.inc, for
 * src/anon/policy.c.  Run as `gen_anon OUTPUT_FOLDER` from the project root.
 *
 * A row of table E.1-1 is a tag and one word: the basic action in the low four bits, then two bits
 * for each option column (0 nothing, 1 K, 2 C).  Rows with an x in their tag follow the others.
 * A resolved action is an IOD, a path of tags and the action; they are sorted by their last tag.
 */
#include <ctype.h>
#include <stdint.h>

#include "gen_tsv.h"

#define ROWS 1024
#define PATHS 512
#define DEPTH 8
#define OPTIONS 10

static const char *const actions[] = {"X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"};
static const char *const iods[] = {"ct_image", "mr_image", "rt_structure_set", "secondary_capture",
				   "segmentation"};

static unsigned index_of(const struct tsv *t, const char *const *list, size_t count,
			 const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], text) == 0)
			return (unsigned)i;
	tsv_die(t, "\"%s\" is not known here", text);
}

/* Eight hexadecimal digits, or x for any; *mask has the bits that count. */
static uint32_t parse_tag(const struct tsv *t, const char *text, size_t len, uint32_t *mask)
{
	uint32_t tag = 0;

	*mask = 0;
	if (len != 8)
		tsv_die(t, "tag \"%s\"", text);
	for (size_t i = 0; i < 8; i++) {
		int c = toupper((unsigned char)text[i]);
		unsigned digit = c == 'X' ? 0 : (unsigned)(isdigit(c) ? c - '0' : c - 'A' + 10);

		if (c != 'X' && !isxdigit(c))
			tsv_die(t, "tag \"%s\"", text);
		tag = tag << 4 | digit;
		*mask = *mask << 4 | (c == 'X' ? 0u : 0xFu);
	}
	return tag;
}

static uint32_t option_bits(const struct tsv *t)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < OPTIONS; i++) {
		const char *cell = t->column[3 + i];

		if (cell[0] != '\0' && strcmp(cell, "K") != 0 && strcmp(cell, "C") != 0)
			tsv_die(t, "option \"%s\"", cell);
		bits |= (cell[0] == 'K' ? 1u : cell[0] == 'C' ? 2u : 0u) << (4 + 2 * i);
	}
	return bits;
}

static void write_rows(FILE *out)
{
	static struct tsv t;
	static struct {
		uint32_t tag, mask, bits;
	} masked[16];
	unsigned count = 0, masked_count = 0, private_rows = 0;
	uint32_t last = 0, mask;

	tsv_open(
		&t, "tables/confidentiality.tsv",
		"tag\tkeyword\tbasic\tRetainSafePrivate\tRetainUIDs\tRetainDeviceIdentity\t"
		"RetainInstitutionIdentity\tRetainPatientCharacteristics\tRetainLongFullDates\t"
		"RetainLongModifiedDates\tCleanDescriptors\tCleanStructuredContent\tCleanGraphics");
	fprintf(out, "static const struct table_row table_rows[] = {\n");
	while (tsv_row(&t, 3 + OPTIONS)) {
		if (strcmp(t.column[0], "private") == 0) {
			private_rows++; /* policy.c knows them: X, or C with the safe list */
			continue;
		}
		uint32_t tag = parse_tag(&t, t.column[0], strlen(t.column[0]), &mask);
		uint32_t bits =
			index_of(&t, actions, sizeof(actions) / sizeof(actions[0]), t.column[2]) |
			option_bits(&t);

		if (mask != 0xFFFFFFFFu) {
			if (masked_count == 16)
				tsv_die(&t, "too many repeating groups");
			masked[masked_count].tag = tag;
			masked[masked_count].mask = mask;
			masked[masked_count++].bits = bits;
			continue;
		}
		if (count++ > 0 && tag <= last)
			tsv_die(&t, "not in ascending order");
		last = tag;
		fprintf(out, "\t{0x%08X, 0x%X}, /* %s */\n", tag, bits, t.column[1]);
	}
	if (private_rows != 1)
		tsv_die(&t, "there is no row for private attributes");
	fprintf(out, "};\nstatic const struct masked_row masked_rows[] = {\n");
	for (unsigned i = 0; i < masked_count; i++)
		fprintf(out, "\t{0x%08X, 0x%08X, 0x%X},\n", masked[i].tag, masked[i].mask,
			masked[i].bits);
	fprintf(out, "};\n");
}

static void write_paths(FILE *out)
{
	static struct tsv t;
	static uint32_t tags[PATHS * DEPTH];
	unsigned used = 0, count = 0;
	uint32_t last = 0, mask;

	tsv_open(&t, "tables/resolved_actions.tsv", "iod\tpath\taction");
	fprintf(out, "static const struct resolved_row resolved_rows[] = {\n");
	while (tsv_row(&t, 3)) {
		unsigned first = used, depth = 0;

		for (char *p = t.column[1]; p != NULL; depth++) {
			char *next = strchr(p, '>');

			if (depth == DEPTH || used == PATHS * DEPTH)
				tsv_die(&t, "too deep");
			tags[used++] = parse_tag(
				&t, p, next != NULL ? (size_t)(next - p) : strlen(p), &mask);
			p = next != NULL ? next + 1 : NULL;
		}
		if (tags[used - 1] < last || count++ == PATHS)
			tsv_die(&t, "not in ascending order of the last tag, or too many");
		last = tags[used - 1];
		fprintf(out, "\t{0x%08X, %u, %u, %u, %u},\n", last, first, depth - 1,
			index_of(&t, iods, sizeof(iods) / sizeof(iods[0]), t.column[0]),
			index_of(&t, actions, 4, t.column[2]));
	}
	fprintf(out, "};\nstatic const uint32_t resolved_tags[] = {");
	for (unsigned i = 0; i < used; i++)
		fprintf(out, "%s0x%08X,", i % 8 == 0 ? "\n\t" : " ", tags[i]);
	fprintf(out, "\n};\n");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: gen_anon OUTPUT_FOLDER\n");
		return 2;
	}
	FILE *out = gen_create(argv[1], "anon_table.inc");

	fprintf(out, "/* Made by tools/gen_anon.c from tables/: not to be edited. */\n");
	write_rows(out);
	write_paths(out);
	gen_close(out);
	return 0;
}
