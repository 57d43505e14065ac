/*
 * Property: any bytes as the map of patients end in one of two ways.
 *
 * Either the map is in order: then whoever asks gets a Patient ID of valid UTF-8; one that is there
 * is read and nothing is written; a new one stands in front of the closing brace of the old map, of
 * which no byte changes, and the map with it is in order again, gives the same ID once more, and
 * the next patient another one.  Or it is damaged: the words say so, and the file stays as it was.
 *
 * An object of JSON is in order, whatever its members are, as long as it is not nested without end.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "anon/pidmap.h"
#include "base/buf.h"
#include "base/file.h"
#include "json_check.h"

#define NESTED 30

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], path[80], lock_path[88];

static void leave(void)
{
	unlink(path);
	unlink(lock_path);
	rmdir(folder);
}

/* In memory where there is such a place: every new patient is synced. */
static void enter(void)
{
	static pid_t here;

	if (here == getpid())
		return;
	here = getpid();
	snprintf(folder, sizeof(folder), "%s/netrt-fuzz-pidmap-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/map", folder);
	snprintf(lock_path, sizeof(lock_path), "%s/map.lock", folder);
	atexit(leave);
}

static void put(struct bytes text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert(fd >= 0);
	enum err e = file_write_all(fd, text, NULL);
	assert(e == OK);
	close(fd);
}

/* malloc'ed */
static struct bytes got(void)
{
	struct file_map file;
	enum err e = file_map(&file, AT_FDCWD, path, NULL);

	assert(e == OK);
	uint8_t *copy = malloc(file.bytes.len + 1);
	assert(copy != NULL);
	if (file.bytes.len > 0)
		memcpy(copy, file.bytes.at, file.bytes.len);
	struct bytes all = bytes_of(copy, file.bytes.len);
	file_unmap(&file);
	return all;
}

static void drop(struct bytes b)
{
	free((void *)(uintptr_t)b.at);
}

static bool is_in_word(int c)
{
	return c != 0 && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", c) != NULL;
}

/* Without blanks, and with null for true and false, as json_ok reads it; false: a blank divides a
 * number or a word.  *most: how deep it is. */
static bool strip(struct bytes text, struct buf *out, int *most)
{
	bool inside = false, gap = false;
	int depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.at[i];
		size_t left = text.len - i;

		if (inside && c == '\\' && left > 1) {
			buf_add(out, bytes_slice(text, i++, 2));
			continue;
		}
		if (!inside && c != '\0' && strchr(" \t\r\n", c) != NULL) {
			gap = true;
			continue;
		}
		if (gap && out->len > 0 && is_in_word(c) && is_in_word(out->at[out->len - 1]))
			return false;
		gap = false;
		inside = inside != (c == '"');
		depth += inside ? 0 : (c == '{' || c == '[') - (c == '}' || c == ']');
		*most = depth > *most ? depth : *most;
		bool yes = !inside && left >= 4 && memcmp(text.at + i, "true", 4) == 0;
		bool no = !inside && left >= 5 && memcmp(text.at + i, "false", 5) == 0;
		if (yes || no)
			buf_str(out, "null");
		else
			buf_char(out, c);
		i += yes ? 3 : no ? 4 : 0;
	}
	return true;
}

static bool is_object(struct bytes text)
{
	struct buf out = BUF_INIT(1u << 20);
	int most = 0;
	bool good = strip(text, &out, &most) && out.len > 0 && out.at[0] == '{' && most <= NESTED &&
		    json_ok(buf_bytes(&out));

	buf_free(&out);
	return good;
}

static bool ask(const char *id, char out[static PIDMAP_ID_MAX + 1])
{
	static const struct wall now = {.year = 2026, .month = 1, .day = 5};
	const struct pidmap_patient patient = {bytes_str(id), BYTES_LIT("SMITH^JOHN"),
					       BYTES_LIT("20240229")};
	struct fault f = {.text = NULL};
	enum err e = pidmap_get(path, "SITE", &patient, &now, NULL, out, &f);

	assert(e == OK || (f.text != NULL && e != ERR_IO));
	assert(e != OK || (strlen(out) <= PIDMAP_ID_MAX && utf8_valid(bytes_str(out))));
	return e == OK;
}

/* The old map, and something in front of its closing brace. */
static void check_grown(struct bytes before, struct bytes after)
{
	size_t front = 0, back = 0;

	assert(after.len > before.len);
	while (front < before.len && before.at[front] == after.at[front])
		front++;
	while (back < before.len - front &&
	       before.at[before.len - 1 - back] == after.at[after.len - 1 - back])
		back++;
	for (size_t i = front; i < before.len - back; i++) /* blanks before the brace may go */
		assert(strchr(" \t\r\n", before.at[i]) != NULL);
}

static void check_good(struct bytes before)
{
	char first[PIDMAP_ID_MAX + 1], again[PIDMAP_ID_MAX + 1], other[PIDMAP_ID_MAX + 1];
	struct fault f;

	if (!ask("1234", first)) /* no room for another number, or an entry that is none */
		return;
	struct bytes after = got();
	if (!bytes_eq(before, after))
		check_grown(before, after);
	enum err e = pidmap_check(path, &f);
	assert(e == OK);
	bool good = ask("1234", again);
	assert(good && strcmp(first, again) == 0);
	struct bytes still = got();
	assert(bytes_eq(after, still));
	if (!bytes_eq(before, after) && ask("5678", other))
		assert(strcmp(first, other) != 0 || !bytes_eq(still, after));
	drop(after);
	drop(still);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[PIDMAP_ID_MAX + 1];
	struct bytes text = bytes_of(data, size);
	struct fault f = {.text = NULL};

	enter();
	put(text);
	enum err e = pidmap_check(path, &f);
	assert(e == OK || (e == ERR_WIRE && f.text != NULL));
	assert(e == OK || !is_object(text));
	if (e == OK) {
		check_good(text);
		return 0;
	}
	bool given = ask("1234", out);
	assert(!given);
	struct bytes still = got();
	assert(bytes_eq(text, still));
	drop(still);
	return 0;
}
