/*
 * Property: any bytes as a configuration file end in one of two ways.
 *
 * Either conf_parse is OK: no error was noted, and every value lies within what its row of the
 * table allows (checked here anew, without the code that checked it first).  Or it is not: an error
 * was noted, and the configuration was not touched.  Each note stands inside the text, and is one
 * line of printable UTF-8.  A second reading of the same bytes says and yields the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "conf/conf.h"
#include "conf/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct arena arena;
	struct conf conf;
	struct conf_diags diags;
	enum err e;
};

static struct reading first, second;

static void check_text(const char *s, size_t least, size_t most, bool line_feeds)
{
	struct bytes b = bytes_str(s);
	size_t count = 0;
	uint32_t code;

	while (b.len > 0) {
		unsigned n = utf8_next(b, &code);

		assert(n > 0);
		assert(code >= 0x20 || (line_feeds && code == '\n'));
		assert(code < 0x7F || code > 0x9F);
		b = bytes_slice(b, n, b.len - n);
		count++;
	}
	assert(count >= least && count <= most);
}

static void check_value(const void *from, const struct conf_key *k)
{
	const uint8_t *at = (const uint8_t *)from + k->at;
	/* "~/" may have become a HOME of up to 4095 bytes, or nothing without one */
	size_t most = (size_t)k->max + (k->form == CONF_PATH ? 4096 : 0);
	size_t least = k->form == CONF_PATH ? 0 : (size_t)k->min;
	struct conf_pairs pairs;
	struct conf_list list;
	const char *text;
	int number;
	bool known = false;

	switch (k->kind) {
	case CONF_BOOL:
		assert(*at <= 1);
		break;
	case CONF_INT:
	case CONF_MILLI:
		memcpy(&number, at, sizeof(number));
		assert(number >= k->min && number <= k->max);
		break;
	case CONF_WORD:
		memcpy(&number, at, sizeof(number));
		known = k->nullable && number == 0;
		for (const struct conf_word *w = k->words; w->word != NULL; w++)
			known |= w->value == number;
		assert(known);
		break;
	case CONF_TEXT:
		memcpy(&text, at, sizeof(text));
		assert(text != NULL || k->nullable);
		if (text != NULL)
			check_text(text, least, most, k->form == CONF_LINES);
		break;
	case CONF_LIST:
		memcpy(&list, at, sizeof(list));
		assert(list.count <= LIMIT_CONFIG_ITEMS);
		for (size_t i = 0; i < list.count; i++)
			check_text(list.item[i], (size_t)k->min, (size_t)k->max, false);
		break;
	case CONF_PAIRS:
		memcpy(&pairs, at, sizeof(pairs));
		assert(pairs.count <= LIMIT_CONFIG_ITEMS);
		for (size_t i = 0; i < pairs.count; i++) {
			const struct conf_pair *p = &pairs.item[i];

			check_text(p->key, (size_t)k->min, (size_t)k->max, false);
			check_text(p->value, (size_t)k->value->min, (size_t)k->value->max, false);
			assert(p->at.line > 0 && p->at.column > 0);
		}
		break;
	case CONF_MAPS:
		break; /* check_key */
	}
}

static void check_key(const struct conf *c, const struct conf_key *k)
{
	struct conf_maps maps;

	check_value(c, k);
	if (k->kind != CONF_MAPS)
		return;
	memcpy(&maps, (const uint8_t *)c + k->at, sizeof(maps));
	assert(maps.count <= LIMIT_CONFIG_ITEMS);
	for (size_t i = 0; i < maps.count; i++) {
		const uint8_t *section = (const uint8_t *)maps.item + i * k->maps->size;

		for (size_t j = 0; j < k->maps->count; j++)
			check_value(section, &k->maps->key[j]);
		assert(k->maps->fault == NULL || k->maps->fault(section) == NULL);
	}
}

/* Each with a name of its own that can be a file's. */
static void check_destinations(const struct conf_destinations *d)
{
	assert(d->count > 0 && d->count <= LIMIT_CONFIG_DESTINATIONS);
	for (size_t i = 0; i < d->count; i++) {
		assert(d->item[i].name[0] != '\0' && d->item[i].name[0] != '.');
		assert(strchr(d->item[i].name, '/') == NULL);
		for (size_t j = 0; j < i; j++)
			assert(strcmp(d->item[i].name, d->item[j].name) != 0);
	}
}

/* Lines as YAML 1.1 counts them, from above: every character that may end one, ends one. */
static unsigned most_lines(const uint8_t *data, size_t size)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r' || data[i] == 0x85 || data[i] == 0xA8 ||
			 data[i] == 0xA9;
	return lines;
}

static void check_notes(const struct conf_diags *d, unsigned lines, size_t size)
{
	size_t errors = 0;

	assert(d->count <= LIMIT_CONFIG_DIAGS);
	for (size_t i = 0; i < d->count; i++) {
		const struct conf_diag *g = &d->item[i];

		errors += g->severity == CONF_ERROR;
		check_text(g->reason, 1, 4096, false);
		if (g->key != NULL)
			check_text(g->key, 1, 4096, false);
		assert((g->line == 0) == (g->column == 0));
		assert(g->line <= lines && g->column <= size + 1);
	}
	assert(errors == d->errors);
}

/* Room for the notes, and for what `size` bytes can become: an item of a list ("a,", "{},") costs
 * most. */
static size_t arena_size(size_t size)
{
	size_t want = (512u << 10) + size * 160;

	return want < LIMIT_CONFIG_ARENA ? want : LIMIT_CONFIG_ARENA;
}

static void read_once(struct reading *r, struct bytes text)
{
	memset(&r->diags, 0, sizeof(r->diags));
	memset(&r->conf, 0xA5, sizeof(r->conf));
	if (arena_open(&r->arena, arena_size(text.len), NULL) != OK)
		abort();
	r->e = conf_parse(&r->conf, text, "f", &r->arena, &r->diags);
}

static void check_same(void)
{
	assert(first.e == second.e);
	assert(first.diags.count == second.diags.count);
	for (size_t i = 0; i < first.diags.count; i++) {
		assert(first.diags.item[i].line == second.diags.item[i].line);
		assert(strcmp(first.diags.item[i].reason, second.diags.item[i].reason) == 0);
	}
	assert(memcmp(first.conf.set_at, second.conf.set_at, sizeof(first.conf.set_at)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);

	if (exact == NULL)
		abort();
	if (size > 0)
		memcpy(exact, data, size);
	read_once(&first, bytes_of(exact, size));
	read_once(&second, bytes_of(exact, size));

	assert(first.e != ERR_NOMEM);
	assert((first.e == OK) == (first.diags.errors == 0));
	check_notes(&first.diags, most_lines(data, size), size);
	check_same();
	if (first.e == OK) {
		struct conf_change changes[LIMIT_CONFIG_KEYS];

		for (size_t i = 0; i < conf_table_count; i++)
			check_key(&first.conf, &conf_table[i]);
		check_destinations(&first.conf.destinations);
		assert(conf_difference(&first.conf, &second.conf, changes) == 0);
	} else
		for (size_t i = 0; i < sizeof(first.conf); i++)
			assert(((const uint8_t *)&first.conf)[i] == 0xA5);
	arena_close(&first.arena);
	arena_close(&second.arena);
	free(exact);
	return 0;
}
