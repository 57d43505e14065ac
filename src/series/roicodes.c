#include "series/roicodes.h"

#include <assert.h>
#include <string.h>

#define COLUMNS 5
#define NAME_MAX_KEY 128u /* of a name, more is not looked at */
#define CODE_MAX 16u      /* SH */
#define MEANING_MAX 64u   /* LO */

static const char table[] = {
#include "roi_codes.inc"
	0};

/* CID 7150, and of CID 9580 what radiotherapy adds to it. */
static const struct {
	const char *word, *scheme, *value, *meaning;
} categories[] = {
	{"anatomy", "SCT", "123037004", "Anatomical Structure"},
	{"tissue", "SCT", "85756007", "Tissue"},
	{"substance", "SCT", "105590001", "Substance"},
	{"body_substance", "SCT", "91720002", "Body Substance"},
	{"abnormal", "SCT", "49755003", "Morphologically Abnormal Structure"},
	{"object", "SCT", "260787004", "Physical object"},
	{"spatial", "SCT", "309825002", "Spatial and Relational Concept"},
	{"target", "DCM", "130041", "RT Target"},
	{"dose", "DCM", "130042", "RT Dose Calculation Structure"},
	{"geometry", "DCM", "130043", "RT Geometric Information"},
	{"fixation", "DCM", "130044", "Fixation or Positioning Device"},
	{"brachy", "DCM", "130045", "Brachytherapy Device"},
	{"volume", "DCM", "130046", "Non-specific Volume"},
	{"body", "DCM", "130047", "External Body Model"},
};

#define CATEGORIES (sizeof(categories) / sizeof(categories[0]))

static struct roi_code category_code(uint8_t category)
{
	assert(category < CATEGORIES);
	return (struct roi_code){
		.scheme = bytes_str(categories[category].scheme),
		.value = bytes_str(categories[category].value),
		.meaning = bytes_str(categories[category].meaning),
	};
}

struct roi_code roi_side_code(enum roi_side side)
{
	assert(side == ROI_SIDE_LEFT || side == ROI_SIDE_RIGHT);
	return (struct roi_code){
		.scheme = BYTES_LIT("SCT"),
		.value = bytes_str(side == ROI_SIDE_LEFT ? "7771000" : "24028007"),
		.meaning = bytes_str(side == ROI_SIDE_LEFT ? "Left" : "Right"),
	};
}

/* ---- names ---- */

static bool counts(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c >= 0x80;
}

/* The bytes of a name that count, in lower case, at most `room`; how many. */
static size_t key_of(struct bytes name, uint8_t *out, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < name.len && n < room; i++) {
		uint8_t c = name.at[i];

		if (counts(c))
			out[n++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
	}
	return n;
}

static enum roi_side side_of(struct bytes word)
{
	static const struct {
		const char *word;
		enum roi_side side;
	} words[] = {
		{"l", ROI_SIDE_LEFT},  {"lt", ROI_SIDE_LEFT},  {"left", ROI_SIDE_LEFT},
		{"r", ROI_SIDE_RIGHT}, {"rt", ROI_SIDE_RIGHT}, {"right", ROI_SIDE_RIGHT},
	};
	uint8_t key[8];
	struct bytes k = bytes_of(key, key_of(word, key, sizeof(key)));

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (bytes_eq_str(k, words[i].word))
			return words[i].side;
	return ROI_SIDE_NONE;
}

/* "Femur_Head_L" and "Left Femur Head" to the rest of the name. */
static enum roi_side take_side(struct bytes name, struct bytes *rest)
{
	size_t first = 0, last = name.len;

	while (first < name.len && counts(name.at[first]))
		first++;
	while (last > 0 && counts(name.at[last - 1]))
		last--;
	if (first >= last) /* one word only */
		return ROI_SIDE_NONE;

	enum roi_side side = side_of(bytes_slice(name, last, name.len - last));
	if (side != ROI_SIDE_NONE) {
		*rest = bytes_slice(name, 0, last);
		return side;
	}
	*rest = bytes_slice(name, first, name.len - first);
	return side_of(bytes_slice(name, 0, first));
}

/* ---- tables ---- */

static enum err wrong(struct fault *f, const char *text)
{
	return fault_set(f, ERR_WIRE, text, FAULT_NO_OFFSET);
}

/* Up to and without the next `end`, which is taken as well. */
static struct bytes until(struct bytes *text, char end)
{
	const uint8_t *at = text->len > 0 ? memchr(text->at, end, text->len) : NULL;
	size_t len = at != NULL ? (size_t)(at - text->at) : text->len;
	struct bytes part = bytes_slice(*text, 0, len);

	len += at != NULL;
	*text = bytes_slice(*text, len, text->len - len);
	return part;
}

static bool printable(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 0x20 || text.at[i] == 0x7F || text.at[i] == '\\')
			return false;
	return true;
}

static enum err read_name(struct roi_codes_row *row, struct bytes name, struct arena *a,
			  struct fault *f)
{
	row->of_type = name.len >= 2 && name.at[0] == '[' && name.at[name.len - 1] == ']';
	if (row->of_type) {
		row->key = bytes_trim(bytes_slice(name, 1, name.len - 2));
		return OK;
	}
	row->any_before = name.len > 0 && name.at[0] == '*';
	row->any_after = name.len > 1 && name.at[name.len - 1] == '*';

	uint8_t *key = ARENA_NEW(a, uint8_t, name.len + 1);
	if (key == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for codes of ROIs", FAULT_NO_OFFSET);
	row->key = bytes_of(key, key_of(name, key, name.len));
	if (row->key.len == 0)
		return wrong(f, "the first column has no letter or digit");
	if (row->key.len > NAME_MAX_KEY)
		return wrong(f, "the name is too long");
	return OK;
}

static enum err read_row(struct roi_codes_row *row, struct bytes line, struct arena *a,
			 struct fault *f)
{
	struct bytes column[COLUMNS];

	for (unsigned i = 0; i < COLUMNS; i++) {
		if (i > 0 && line.at == NULL)
			return wrong(f, "fewer than five columns, which are set apart by tabs");
		bool more = line.len > 0 && memchr(line.at, '\t', line.len) != NULL;
		column[i] = bytes_trim(until(&line, '\t'));
		if (!more)
			line = BYTES_NONE;
	}
	if (line.at != NULL)
		return wrong(f, "more than five columns");
	if (column[2].len == 0 || column[3].len == 0 || column[4].len == 0)
		return wrong(f, "a code needs its scheme, its value and its meaning");
	if (column[2].len > CODE_MAX || column[3].len > CODE_MAX || column[4].len > MEANING_MAX)
		return wrong(f, "a scheme or a code is longer than 16 bytes, or a meaning than 64");
	for (unsigned i = 2; i < COLUMNS; i++)
		if (!printable(column[i]))
			return wrong(f, "a code has a backslash or a control character");
	row->type =
		(struct roi_code){.scheme = column[2], .value = column[3], .meaning = column[4]};
	row->category = CATEGORIES;
	for (unsigned i = 0; i < CATEGORIES; i++)
		if (bytes_eq_str(column[1], categories[i].word))
			row->category = (uint8_t)i;
	if (row->category == CATEGORIES)
		return wrong(f, "there is no such category");
	return read_name(row, column[0], a, f);
}

static bool is_row(struct bytes line)
{
	struct bytes text = bytes_trim(line);

	return text.len > 0 && text.at[0] != '#' && text.at[0] != '\r' &&
	       !(text.len > 13 && memcmp(text.at, "name\tcategory", 13) == 0);
}

enum err roi_codes_parse(struct roi_codes *out, struct bytes text, struct arena *a, unsigned *line,
			 struct fault *f)
{
	size_t count = 0, n = 0;

	*line = 0;
	if (text.len >= 3 && memcmp(text.at, "\xEF\xBB\xBF", 3) == 0) /* a mark of UTF-8 */
		text = bytes_slice(text, 3, text.len - 3);
	if (text.len > ROI_CODES_FILE)
		return fault_set(f, ERR_LIMIT, "a table of codes over 1 MiB", FAULT_NO_OFFSET);
	for (struct bytes rest = text; rest.len > 0;)
		count += is_row(until(&rest, '\n'));
	if (count > ROI_CODES_ROWS)
		return fault_set(f, ERR_LIMIT, "a table of more than 10000 codes", FAULT_NO_OFFSET);

	struct roi_codes_row *rows = ARENA_NEW(a, struct roi_codes_row, count);
	if (rows == NULL)
		return fault_set(f, ERR_NOMEM, "no memory for codes of ROIs", FAULT_NO_OFFSET);
	while (text.len > 0) {
		struct bytes one = until(&text, '\n');

		++*line;
		if (one.len > 0 && one.at[one.len - 1] == '\r')
			one.len--;
		if (!is_row(one))
			continue;
		enum err e = read_row(&rows[n++], one, a, f);
		if (e != OK)
			return e;
	}
	*out = (struct roi_codes){.rows = rows, .count = n};
	return OK;
}

enum err roi_codes_builtin(struct roi_codes *out, struct arena *a, struct fault *f)
{
	unsigned line;

	return roi_codes_parse(out, bytes_of(table, sizeof(table) - 1), a, &line, f);
}

/* ---- looking up ---- */

static bool row_matches(const struct roi_codes_row *row, struct bytes key)
{
	if (row->of_type || key.len < row->key.len)
		return false;
	if (row->any_before && row->any_after) {
		for (size_t at = 0; at + row->key.len <= key.len; at++)
			if (memcmp(key.at + at, row->key.at, row->key.len) == 0)
				return true;
		return false;
	}
	if (row->any_before)
		key = bytes_slice(key, key.len - row->key.len, row->key.len);
	else if (row->any_after)
		key = bytes_slice(key, 0, row->key.len);
	return bytes_eq(key, row->key);
}

static const struct roi_codes_row *by_name(const struct roi_codes *const t[2], struct bytes key,
					   bool starred)
{
	for (unsigned i = 0; i < 2; i++)
		for (size_t r = 0; t[i] != NULL && r < t[i]->count; r++)
			if ((t[i]->rows[r].any_before || t[i]->rows[r].any_after) == starred &&
			    row_matches(&t[i]->rows[r], key))
				return &t[i]->rows[r];
	return NULL;
}

static const struct roi_codes_row *by_type(const struct roi_codes *const t[2], struct bytes type)
{
	for (unsigned i = 0; i < 2; i++)
		for (size_t r = 0; t[i] != NULL && r < t[i]->count; r++)
			if (t[i]->rows[r].of_type && bytes_eq(t[i]->rows[r].key, type))
				return &t[i]->rows[r];
	return NULL;
}

struct roi_coded roi_codes_find(const struct roi_codes *site, const struct roi_codes *builtin,
				struct bytes name, struct bytes interpreted_type)
{
	const struct roi_codes *const t[2] = {site, builtin};
	uint8_t whole[NAME_MAX_KEY], part[NAME_MAX_KEY];
	struct bytes key = bytes_of(whole, key_of(name, whole, sizeof(whole)));
	struct bytes type = bytes_trim(interpreted_type), rest = BYTES_NONE;
	enum roi_side side = ROI_SIDE_NONE;
	const struct roi_codes_row *row = by_name(t, key, false);

	if (row == NULL) {
		side = take_side(bytes_trim(name), &rest);
		if (side != ROI_SIDE_NONE)
			row = by_name(t, bytes_of(part, key_of(rest, part, sizeof(part))), false);
	}
	if (row == NULL)
		row = by_name(t, key, true);

	const struct roi_codes_row *of_type = by_type(t, type);
	if (of_type == NULL)
		of_type = by_type(t, BYTES_NONE);
	assert(of_type != NULL); /* the built-in table has [] */
	bool contradicted = row != NULL && type.len > 0 && !bytes_eq_str(type, "ORGAN") &&
			    of_type->key.len > 0 && of_type->category != row->category;
	bool named = row != NULL && !contradicted;
	const struct roi_codes_row *best = named ? row : of_type;

	return (struct roi_coded){
		.category = category_code(best->category),
		.type = best->type,
		.side = named ? side : ROI_SIDE_NONE,
		.by_name = named,
	};
}
