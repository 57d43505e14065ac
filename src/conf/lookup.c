/*
 * Looking keys up in the table.  Some hundred rows: a linear scan is fast enough for a file that is
 * read once.
 */
#include "conf/table.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

size_t conf_table_find(struct bytes path)
{
	size_t i = 0;

	while (i < conf_table_count && !bytes_eq_str(path, conf_table[i].path))
		i++;
	return i;
}

bool conf_table_is_section(struct bytes path)
{
	for (size_t i = 0; i < conf_table_count; i++) {
		struct bytes row = bytes_str(conf_table[i].path);

		if (path.len > 0 && row.len > path.len && row.at[path.len] == '.' &&
		    bytes_eq(bytes_slice(row, 0, path.len), path))
			return true;
	}
	return false;
}

const char *conf_key_name(const struct conf_key *k)
{
	const char *dot = strrchr(k->path, '.');

	return dot == NULL ? k->path : dot + 1;
}

const struct conf_key *conf_section_find(const struct conf_section *s, struct bytes name)
{
	for (size_t i = 0; i < s->count; i++)
		if (bytes_eq_str(name, conf_key_name(&s->key[i])))
			return &s->key[i];
	return NULL;
}

/* Keys as people mistype them: no case, and '-' or ' ' for '_'. */
static int folded(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c + ('a' - 'A');
	return c == '-' || c == ' ' ? '_' : c;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * Insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string
 * alignment).  Both shorter than CONF_PATH_MAX.
 */
static unsigned distance(struct bytes a, struct bytes b)
{
	unsigned rows[3][CONF_PATH_MAX];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	assert(a.len < CONF_PATH_MAX && b.len < CONF_PATH_MAX);
	for (unsigned j = 0; j <= b.len; j++)
		last[j] = j;
	memcpy(before, last, sizeof(rows[0]));
	for (unsigned i = 1; i <= a.len; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			int p = folded(a.at[i - 1]), q = folded(b.at[j - 1]);

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (p != q));
			if (i > 1 && j > 1 && p == folded(b.at[j - 2]) &&
			    folded(a.at[i - 2]) == q && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		unsigned *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b.len];
}

/* Length of what stands before the last dot, the dot included; 0 at the top. */
static size_t parent_length(struct bytes path)
{
	size_t n = path.len;

	while (n > 0 && path.at[n - 1] != '.')
		n--;
	return n;
}

struct nearest {
	struct bytes path;
	unsigned cost; /* edits, and 1 for another section */
};

static void consider(struct nearest *best, struct bytes path, struct bytes candidate)
{
	size_t mine = parent_length(path), theirs = parent_length(candidate);
	struct bytes name = bytes_slice(path, mine, path.len - mine);
	struct bytes other = bytes_slice(candidate, theirs, candidate.len - theirs);
	bool same_section = bytes_eq(bytes_slice(path, 0, mine), bytes_slice(candidate, 0, theirs));
	/* Of a short name most letters must be right; in another section nearly all. */
	unsigned most = same_section ? 1 + (unsigned)name.len / 4 : (unsigned)name.len / 8;
	unsigned edits = distance(name, other);
	unsigned cost = edits + (same_section ? 0 : 1);

	if (edits <= most && edits < other.len && cost < best->cost)
		*best = (struct nearest){candidate, cost};
}

bool conf_table_nearest(struct bytes path, char out[static CONF_PATH_MAX])
{
	struct nearest best = {BYTES_NONE, CONF_PATH_MAX};

	if (path.len >= CONF_PATH_MAX)
		return false;
	for (size_t i = 0; i < conf_table_count; i++) {
		struct bytes row = bytes_str(conf_table[i].path);

		consider(&best, path, row);
		for (size_t n = parent_length(row); n > 0;) { /* its sections, inmost first */
			struct bytes section = bytes_slice(row, 0, n - 1);

			consider(&best, path, section);
			n = parent_length(section);
		}
	}
	bytes_to_str(best.path, out, CONF_PATH_MAX);
	return best.path.len > 0;
}

bool conf_section_nearest(const struct conf_section *s, struct bytes name,
			  char out[static CONF_PATH_MAX])
{
	struct nearest best = {BYTES_NONE, CONF_PATH_MAX};

	if (name.len >= CONF_PATH_MAX)
		return false;
	for (size_t i = 0; i < s->count; i++)
		consider(&best, name, bytes_str(conf_key_name(&s->key[i])));
	bytes_to_str(best.path, out, CONF_PATH_MAX);
	return best.path.len > 0;
}

const char *conf_table_retired(struct bytes path)
{
	static const struct {
		const char *path, *now;
	} rows[] = {
		{"processing.default_series_description",
		 "an old name of processing.overlay_series_description"},
		{"processing.default_series_number",
		 "an old name of processing.overlay_series_number"},
		{"processing.default_series_number_overlay",
		 "an old name of processing.overlay_series_number"},
		{"processing.default_series_number_seg",
		 "an old name of processing.segmentation_series_number"},
		{"anonymization.apply_site_code",
		 "of a later NETRT; here anonymization.enabled decides"},
		{"anonymization.apply_anonymization_rules",
		 "of a later NETRT; here anonymization.enabled decides"},
		{"features", "of a later NETRT; see feature_flags"},
		{"storage_commitment", "it is a key of each destination"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bytes_eq_str(path, rows[i].path))
			return rows[i].now;
	return NULL;
}

const char *conf_table_type(const struct conf_key *k)
{
	switch (k->kind) {
	case CONF_BOOL:
		return "switch";
	case CONF_INT:
		return "integer";
	case CONF_MILLI:
		return "number";
	case CONF_WORD:
		return "word";
	case CONF_TEXT:
		return "text";
	case CONF_LIST:
		return "list of texts";
	case CONF_MAPS:
		return "list of sections";
	case CONF_PAIRS:
		return "section of texts";
	}
	return "";
}

/* The n-th word that is not a synonym, or NULL. */
static const char *word_shown(const struct conf_key *k, size_t n)
{
	for (const struct conf_word *w = k->words; w->word != NULL; w++) {
		const struct conf_word *first = k->words;

		while (first->value != w->value)
			first++;
		if (first == w && n-- == 0)
			return w->word;
	}
	return NULL;
}

/* "18", "0.001": thousandths without trailing zeros. */
static void add_milli(struct buf *out, int thousandths)
{
	int fraction = thousandths % 1000, digits = 3;

	buf_fmt(out, "%d", thousandths / 1000);
	while (digits > 0 && fraction % 10 == 0) {
		fraction /= 10;
		digits--;
	}
	if (digits > 0)
		buf_fmt(out, ".%0*d", digits, fraction);
}

void conf_table_range(const struct conf_key *k, struct buf *out)
{
	switch (k->kind) {
	case CONF_BOOL:
		buf_str(out, "true or false");
		break;
	case CONF_INT:
		buf_fmt(out, "%d to %d", k->min, k->max);
		break;
	case CONF_MILLI:
		add_milli(out, k->min);
		buf_str(out, " to ");
		add_milli(out, k->max);
		break;
	case CONF_WORD:
		for (size_t i = 0; word_shown(k, i) != NULL; i++) {
			const char *between = word_shown(k, i + 1) == NULL ? " or " : ", ";

			buf_fmt(out, "%s%s", i == 0 ? "" : between, word_shown(k, i));
		}
		break;
	case CONF_TEXT:
	case CONF_LIST:
		if (k->min == k->max)
			buf_fmt(out, "%d characters", k->min);
		else
			buf_fmt(out, "%d to %d characters", k->min, k->max);
		buf_str(out, k->kind == CONF_LIST ? " each" : "");
		break;
	case CONF_MAPS:
		buf_str(out, "sections with the keys below");
		break;
	case CONF_PAIRS:
		buf_fmt(out, "keys of %d to %d characters, each with a text of ", k->min, k->max);
		buf_fmt(out, "%d to %d characters", k->value->min, k->value->max);
		break;
	}
}

void conf_table_default(const struct conf_key *k, struct buf *out)
{
	if (k->kind == CONF_LIST) {
		buf_char(out, '[');
		for (size_t i = 0; i < k->fallback_list->count; i++)
			buf_fmt(out, "%s%s", i == 0 ? "" : ", ", k->fallback_list->item[i]);
		buf_char(out, ']');
	} else if (k->kind == CONF_MAPS) {
		buf_str(out, "[]");
	} else if (k->kind == CONF_PAIRS) {
		buf_str(out, "{}");
	} else if (k->required) {
		buf_str(out, "none, it must be given");
	} else if (k->fallback == NULL) {
		buf_str(out, "null");
	} else if (k->kind == CONF_TEXT) {
		buf_json(out, bytes_str(k->fallback));
	} else {
		buf_str(out, k->fallback);
	}
}
