/*
 * Lookup in the packed dictionary; tools/gen_dict.c says how a row is packed.
 *
 * Fixed tags come first in dict_rows, in ascending order (binary search); the few
 * repeating groups follow and are tried one by one.
 */
#include "dicom/dict.h"

#include <string.h>

#include "dicom/tag.h"

struct dict_row {
	uint32_t tag;
	uint32_t bits;
};

struct dict_choice {
	uint8_t vr, alt;
};

#include "dicom_dict.inc" /* generated from tables/dictionary.tsv */

#define NOT_FOUND SIZE_MAX
#define OFFSET 0x3FFFFu /* the bits that say where a keyword begins */

static size_t find_row(uint32_t tag)
{
	size_t low = 0, high = DICT_ROWS;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dict_rows[middle].tag == tag)
			return middle;
		if (dict_rows[middle].tag > tag)
			high = middle;
		else
			low = middle + 1;
	}
	for (size_t i = 0; i < DICT_MASKED; i++)
		if ((tag & dict_masks[i]) == dict_rows[DICT_ROWS + i].tag)
			return DICT_ROWS + i;
	return NOT_FOUND;
}

struct dict_known dict_known[1u << DICT_KNOWN_BITS];

static const struct dict_choice *row_choice(size_t row)
{
	return &dict_vrs[dict_rows[row].bits >> 18 & 0x3F];
}

/* The keyword of a row, word by word; its length. */
static size_t spell(size_t row, char out[static DICT_KEYWORD])
{
	size_t len = 0, end = dict_rows[row + 1].bits & OFFSET;

	for (size_t i = dict_rows[row].bits & OFFSET; i < end; i++) {
		size_t word = dict_code[i];

		if (word >= DICT_ONE)
			word = DICT_ONE + (word - DICT_ONE) * 256 + dict_code[++i];
		for (size_t c = dict_word_at[word]; c < dict_word_at[word + 1]; c++)
			out[len++] = dict_words[c];
	}
	out[len] = '\0';
	return len;
}

static void unpack(size_t row, struct dict_entry *out)
{
	const struct dict_row *r = &dict_rows[row];

	*out = (struct dict_entry){
		.tag = r->tag,
		.mask = row < DICT_ROWS ? 0xFFFFFFFFu : dict_masks[row - DICT_ROWS],
		.vr = (enum vr)row_choice(row)->vr,
		.alt = (enum vr)row_choice(row)->alt,
		.retired = (r->bits >> 29 & 1u) != 0,
	};
	spell(row, out->keyword);
	memcpy(out->vm, dict_vms[r->bits >> 24 & 0x1F], sizeof(out->vm));
}

/* PS3.5 7.8.1: (gggg,0010-00FF) of an odd group reserves a block for a creator. */
static bool is_private_creator(uint32_t tag)
{
	return TAG_IS_PRIVATE(tag) && TAG_ELEMENT(tag) >= 0x10 && TAG_ELEMENT(tag) <= 0xFF;
}

bool dict_find(uint32_t tag, struct dict_entry *out)
{
	static const struct dict_entry group_length = {
		.mask = 0x0000FFFF,
		.keyword = "GroupLength",
		.vr = VR_UL,
		.vm = "1",
		.retired = true, /* but in groups 0000 and 0002, which are in the table */
	};
	static const struct dict_entry private_creator = {
		.tag = 0x00010010,
		.mask = 0x0001FF00,
		.keyword = "PrivateCreator",
		.vr = VR_LO,
		.vm = "1",
	};
	/* private elements, nearly always unknown, must not pay for a search */
	size_t row = TAG_IS_PRIVATE(tag) ? NOT_FOUND : find_row(tag);

	if (TAG_IS_GROUP_LENGTH(tag) && (row == NOT_FOUND || row >= DICT_ROWS))
		*out = group_length;
	else if (is_private_creator(tag))
		*out = private_creator;
	else if (row != NOT_FOUND)
		unpack(row, out);
	else
		return false;
	return true;
}

bool dict_at(size_t index, struct dict_entry *out)
{
	if (index >= DICT_ROWS + DICT_MASKED)
		return false;
	unpack(index, out);
	return true;
}

static enum vr vr_of(uint32_t tag)
{
	size_t row = TAG_IS_PRIVATE(tag) ? NOT_FOUND : find_row(tag);

	if (TAG_IS_GROUP_LENGTH(tag))
		return VR_UL;
	if (is_private_creator(tag))
		return VR_LO;
	return row == NOT_FOUND ? VR_UN : (enum vr)row_choice(row)->vr;
}

enum vr dict_look_up(uint32_t tag)
{
	enum vr vr = vr_of(tag);

	dict_known[dict_known_at(tag)] =
		(struct dict_known){.tag = tag, .vr = (uint16_t)vr, .known = true};
	return vr;
}

bool dict_look_up_allowed(uint32_t tag, enum vr vr)
{
	if (TAG_IS_GROUP_LENGTH(tag))
		return vr == VR_UL;
	if (TAG_IS_PRIVATE(tag))
		return !is_private_creator(tag) || vr == VR_LO;

	size_t row = find_row(tag);
	if (row == NOT_FOUND)
		return true;
	const struct dict_choice *c = row_choice(row);
	if (vr == (enum vr)c->vr || vr == (enum vr)c->alt)
		return true;
	/* the one element with three: (0028,1200), US or SS or OW */
	return vr == VR_OW && c->alt == VR_SS && tag == TAG_GrayLookupTableData;
}

bool dict_by_keyword(struct bytes keyword, struct dict_entry *out)
{
	size_t low = 0, high = DICT_ROWS + DICT_MASKED;

	while (low < high) {
		char spelt[DICT_KEYWORD];
		size_t middle = low + (high - low) / 2;
		size_t row = dict_by_name[middle];
		int c = bytes_cmp(keyword, bytes_of(spelt, spell(row, spelt)));

		if (c == 0) {
			unpack(row, out);
			return true;
		}
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* Four hexadecimal digits. */
static bool parse_hex4(const uint8_t *p, uint32_t *out)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = p[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

bool dict_parse_tag(struct bytes text, uint32_t *tag)
{
	struct dict_entry entry;
	uint32_t group, element;

	if (dict_by_keyword(text, &entry)) {
		*tag = entry.tag;
		return true;
	}
	if (text.len == 11 && text.at[0] == '(' && text.at[10] == ')')
		text = bytes_slice(text, 1, 9);

	bool comma = text.len == 9 && text.at[4] == ',';
	if (!comma && text.len != 8)
		return false;
	if (!parse_hex4(text.at, &group) || !parse_hex4(text.at + (comma ? 5 : 4), &element))
		return false;
	*tag = TAG(group, element);
	return true;
}
