/*
 * tables/dictionary.tsv -> dicom_tags.h (TAG_<Keyword>) and dicom_dict.inc (what
 * src/dicom/dict.c searches).  Run as `gen_dict OUTPUT_FOLDER` from the project root.
 *
 * A row is packed into 8 bytes without pointers, so there is nothing to relocate:
 *
 *     bits 0-17   where its keyword begins in dict_code; it ends where the next row's begins
 *     bits 18-23  index into dict_vrs
 *     bits 24-28  index into dict_vms
 *     bit  29     retired
 *
 * Keywords are written in words ("Patient", "Name"), of which there are 2,000: a word is one
 * byte for the most frequent DICT_ONE of them, two for the others.  That is 45 KB for 131.
 */
#include <ctype.h>
#include <stdint.h>

#include "gen_tsv.h"

#define ROWS 8192
#define WORDS 8192u
#define ONE 192u /* words of one byte; the first byte of two is ONE and up */
#define CODE (1u << 18)
#define CHOICES 64
#define VMS 32

struct row {
	uint32_t tag, mask, bits;
	char keyword[65];
};

struct word {
	char text[65];
	unsigned uses;
};

static struct row rows[ROWS], masked[ROWS];
static unsigned row_count, masked_count;
static struct word words[WORDS];
static unsigned word_count;
static uint8_t code[CODE];
static size_t code_len;
static char vms[VMS][8];
static unsigned vm_count;

/* The dictionary's way of saying the VR, and what to make of it: the one that implicit VR
 * little endian means (PS3.5 A.1), and the other choice. */
static const struct {
	const char *text, *vr, *alt;
} choices[] = {
	{"AE", "AE", "NONE"},     {"AS", "AS", "NONE"},     {"AT", "AT", "NONE"},
	{"CS", "CS", "NONE"},     {"DA", "DA", "NONE"},     {"DS", "DS", "NONE"},
	{"DT", "DT", "NONE"},     {"FD", "FD", "NONE"},     {"FL", "FL", "NONE"},
	{"IS", "IS", "NONE"},     {"LO", "LO", "NONE"},     {"LT", "LT", "NONE"},
	{"OB", "OB", "NONE"},     {"OD", "OD", "NONE"},     {"OF", "OF", "NONE"},
	{"OL", "OL", "NONE"},     {"OV", "OV", "NONE"},     {"OW", "OW", "NONE"},
	{"PN", "PN", "NONE"},     {"SH", "SH", "NONE"},     {"SL", "SL", "NONE"},
	{"SQ", "SQ", "NONE"},     {"SS", "SS", "NONE"},     {"ST", "ST", "NONE"},
	{"SV", "SV", "NONE"},     {"TM", "TM", "NONE"},     {"UC", "UC", "NONE"},
	{"UI", "UI", "NONE"},     {"UL", "UL", "NONE"},     {"UN", "UN", "NONE"},
	{"UR", "UR", "NONE"},     {"US", "US", "NONE"},     {"UT", "UT", "NONE"},
	{"UV", "UV", "NONE"},     {"-", "NONE", "NONE"},    {"OB or OW", "OW", "OB"},
	{"US or SS", "US", "SS"}, {"US or OW", "US", "OW"}, {"US or SS or OW", "US", "SS"},
};
#define CHOICE_COUNT (sizeof(choices) / sizeof(choices[0]))
_Static_assert(CHOICE_COUNT <= CHOICES, "six bits");

static uint32_t choice_index(const struct tsv *t, const char *text)
{
	for (uint32_t i = 0; i < CHOICE_COUNT; i++)
		if (strcmp(choices[i].text, text) == 0)
			return i;
	tsv_die(t, "unknown VR \"%s\"", text);
}

static uint32_t vm_index(const struct tsv *t, const char *text)
{
	for (uint32_t i = 0; i < vm_count; i++)
		if (strcmp(vms[i], text) == 0)
			return i;
	if (vm_count == VMS || strlen(text) >= sizeof(vms[0]) || text[0] == '\0')
		tsv_die(t, "value multiplicity \"%s\"", text);
	strcpy(vms[vm_count], text);
	return vm_count++;
}

/* "60xx0010" -> 0x60000010 and 0xFF00FFFF. */
static void parse_tag(const struct tsv *t, const char *text, uint32_t *tag, uint32_t *mask)
{
	*tag = 0;
	*mask = 0;
	if (strlen(text) != 8)
		tsv_die(t, "tag \"%s\"", text);
	for (unsigned i = 0; i < 8; i++) {
		char c = text[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if (c >= 'A' && c <= 'F')
			digit = (uint32_t)(c - 'A') + 10;
		else if (c == 'x')
			digit = 0;
		else
			tsv_die(t, "tag \"%s\"", text);
		*tag = *tag << 4 | digit;
		*mask = *mask << 4 | (c == 'x' ? 0u : 0xFu);
	}
	if ((*tag >> 16 & 1u) != 0)
		tsv_die(t, "tag \"%s\" is of a private group", text);
}

/* Characters of the word at the front of a keyword: a capital and what follows in small letters,
 * capitals before such, digits. */
static size_t word_len(const char *p)
{
	size_t n = 1;

	if (isdigit((unsigned char)p[0])) {
		while (isdigit((unsigned char)p[n]))
			n++;
	} else if (islower((unsigned char)p[0]) || islower((unsigned char)p[1])) {
		while (islower((unsigned char)p[n]))
			n++;
	} else {
		while (isupper((unsigned char)p[n]) && !islower((unsigned char)p[n + 1]))
			n++;
	}
	return n;
}

static unsigned find_word(const char *text, size_t len)
{
	unsigned i = 0;

	while (i < word_count &&
	       (strncmp(words[i].text, text, len) != 0 || words[i].text[len] != 0))
		i++;
	return i;
}

static void take_keyword(const struct tsv *t, struct row *r, const char *keyword)
{
	size_t len = strlen(keyword);

	if (len == 0 || len >= sizeof(r->keyword) || !isalpha((unsigned char)keyword[0]))
		tsv_die(t, "keyword \"%s\"", keyword);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)keyword[i]))
			tsv_die(t, "keyword \"%s\"", keyword);
	strcpy(r->keyword, keyword);
	for (const char *p = r->keyword; *p != '\0';) {
		size_t n = word_len(p);
		unsigned i = find_word(p, n);

		if (i == WORDS)
			tsv_die(t, "too many words");
		if (i == word_count) {
			memcpy(words[i].text, p, n);
			word_count++;
		}
		words[i].uses++;
		p += n;
	}
}

static void read_row(const struct tsv *t)
{
	uint32_t tag, mask;

	parse_tag(t, t->column[0], &tag, &mask);
	if (strcmp(t->column[4], "Y") != 0 && strcmp(t->column[4], "N") != 0)
		tsv_die(t, "retired is \"%s\", not Y or N", t->column[4]);
	if (strcmp(t->column[1], "-") == 0)
		return; /* retired so long ago that it has no name */

	int fixed = mask == 0xFFFFFFFFu;
	struct row *r = fixed ? &rows[row_count] : &masked[masked_count];
	if (row_count == ROWS || masked_count == ROWS)
		tsv_die(t, "too many rows");
	if (fixed && row_count > 0 && r[-1].tag >= tag)
		tsv_die(t, "%s is not in ascending order, or there twice", t->column[0]);
	for (unsigned i = 0; !fixed && i < masked_count; i++)
		if (masked[i].tag == tag)
			tsv_die(t, "%s is there twice", t->column[0]);

	r->tag = tag;
	r->mask = mask;
	take_keyword(t, r, t->column[1]);
	r->bits = choice_index(t, t->column[2]) << 18 | vm_index(t, t->column[3]) << 24 |
		  (t->column[4][0] == 'Y' ? 1u << 29 : 0);
	*(fixed ? &row_count : &masked_count) += 1;
}

static struct row *nth(unsigned i)
{
	return i < row_count ? &rows[i] : &masked[i - row_count];
}

static int by_keyword(const void *a, const void *b)
{
	return strcmp(nth(*(const uint16_t *)a)->keyword, nth(*(const uint16_t *)b)->keyword);
}

static int by_uses(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	if (x->uses != y->uses)
		return x->uses < y->uses ? 1 : -1;
	return strcmp(x->text, y->text);
}

/* The frequent words first, then every keyword in them. */
static void encode_keywords(const struct tsv *t)
{
	qsort(words, word_count, sizeof(words[0]), by_uses);
	if (word_count > ONE + (256 - ONE) * 256)
		tsv_die(t, "too many words");
	for (unsigned i = 0; i < row_count + masked_count; i++) {
		nth(i)->bits |= (uint32_t)code_len;
		for (const char *p = nth(i)->keyword; *p != '\0';) {
			size_t n = word_len(p);
			unsigned word = find_word(p, n);

			if (code_len + 2 > CODE)
				tsv_die(t, "too many keywords");
			if (word >= ONE) {
				code[code_len++] = (uint8_t)(ONE + (word - ONE) / 256);
				word = (word - ONE) % 256;
			}
			code[code_len++] = (uint8_t)word;
			p += n;
		}
	}
}

static void write_tags(const char *folder)
{
	FILE *out = gen_create(folder, "dicom_tags.h");

	fprintf(out,
		"/* Made by tools/gen_dict.c from tables/dictionary.tsv: not to be edited. */\n"
		"#ifndef DICOM_TAGS_H\n#define DICOM_TAGS_H\n\n");
	for (unsigned i = 0; i < row_count + masked_count; i++)
		fprintf(out, "#define TAG_%s 0x%08Xu\n", nth(i)->keyword, nth(i)->tag);
	fprintf(out, "\n#endif\n");
	gen_close(out);
}

/* The words one after the other, where each begins, and the keywords in them. */
static void write_words(FILE *out)
{
	static char text[65536];
	size_t len = 0, at = 0;

	for (unsigned i = 0; i < word_count; i++)
		len += (size_t)sprintf(text + len, "%s", words[i].text);
	gen_pool(out, "dict_words", text, len);
	fprintf(out, "static const uint16_t dict_word_at[] = {");
	for (unsigned i = 0; i <= word_count; i++) {
		fprintf(out, "%s%u,", i % 16 == 0 ? "\n\t" : "", (unsigned)at);
		at += strlen(words[i].text);
	}
	fprintf(out, "\n};\nstatic const uint8_t dict_code[] = {");
	for (size_t i = 0; i < code_len; i++)
		fprintf(out, "%s%u,", i % 24 == 0 ? "\n\t" : "", code[i]);
	fprintf(out, "\n};\n");
}

static void write_table(const char *folder, const uint16_t *order)
{
	FILE *out = gen_create(folder, "dicom_dict.inc");

	fprintf(out,
		"/* Made by tools/gen_dict.c from tables/dictionary.tsv: not to be edited. */\n"
		"static const struct dict_choice dict_vrs[] = {\n");
	for (unsigned i = 0; i < CHOICE_COUNT; i++)
		fprintf(out, "\t{VR_%s, VR_%s},\n", choices[i].vr, choices[i].alt);
	fprintf(out, "};\nstatic const char dict_vms[][8] = {\n");
	for (unsigned i = 0; i < vm_count; i++)
		fprintf(out, "\t\"%s\",\n", vms[i]);
	fprintf(out, "};\n#define DICT_ROWS %uu\n#define DICT_MASKED %uu\n#define DICT_ONE %uu\n",
		row_count, masked_count, ONE);
	fprintf(out, "static const struct dict_row dict_rows[DICT_ROWS + DICT_MASKED + 1] = {\n");
	for (unsigned i = 0; i < row_count + masked_count; i++)
		fprintf(out, "\t{0x%08Xu, 0x%08Xu}, /* %s */\n", nth(i)->tag, nth(i)->bits,
			nth(i)->keyword);
	fprintf(out, "\t{0, 0x%08Xu}, /* where the last keyword ends */\n", (unsigned)code_len);
	fprintf(out, "};\nstatic const uint32_t dict_masks[DICT_MASKED] = {\n");
	for (unsigned i = 0; i < masked_count; i++)
		fprintf(out, "\t0x%08Xu,\n", masked[i].mask);
	fprintf(out, "};\nstatic const uint16_t dict_by_name[DICT_ROWS + DICT_MASKED] = {");
	for (unsigned i = 0; i < row_count + masked_count; i++)
		fprintf(out, "%s%u,", i % 16 == 0 ? "\n\t" : "", order[i]);
	fprintf(out, "\n};\n");
	write_words(out);
	gen_close(out);
}

int main(int argc, char **argv)
{
	static struct tsv t;
	static uint16_t order[2 * ROWS];

	if (argc != 2) {
		fprintf(stderr, "usage: gen_dict OUTPUT_FOLDER\n");
		return 2;
	}
	tsv_open(&t, "tables/dictionary.tsv", "tag\tkeyword\tvr\tvm\tretired");
	while (tsv_row(&t, 5))
		read_row(&t);

	unsigned count = row_count + masked_count;
	for (unsigned i = 0; i < count; i++)
		order[i] = (uint16_t)i;
	qsort(order, count, sizeof(order[0]), by_keyword);
	for (unsigned i = 1; i < count; i++)
		if (by_keyword(&order[i - 1], &order[i]) == 0)
			tsv_die(&t, "keyword %s is there twice", nth(order[i])->keyword);

	encode_keywords(&t);
	write_tags(argv[1]);
	write_table(argv[1], order);
	return 0;
}
