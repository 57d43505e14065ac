/*
 * The map is read as text: a small JSON reader gives the members of the one object, and of each the
 * three things that are needed.  A new member is put in front of the closing brace; everything else
 * stays as it was written.
 */
#include "anon/pidmap.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/utf8.h"

#define KEY_DIGITS 16u
#define DEPTH_MAX 32u
#define PATH_ROOM 4200u
#define NUMBER_MAX 999999999u /* PIDMAP_TAIL_MAX has room for it */

/* ---- JSON (RFC 8259), as much as a map needs; no recursion ---- */

struct json {
	struct bytes in;
	size_t pos;
	bool bad;
};

static int peek(struct json *j)
{
	while (j->pos < j->in.len && strchr(" \t\r\n", j->in.at[j->pos]) != NULL &&
	       j->in.at[j->pos] != '\0')
		j->pos++;
	return j->pos < j->in.len ? j->in.at[j->pos] : -1;
}

static bool take(struct json *j, char c)
{
	if (peek(j) != c) {
		j->bad = true;
		return false;
	}
	j->pos++;
	return true;
}

/* What stands between the quotes, escapes as they are. */
static struct bytes string(struct json *j)
{
	if (!take(j, '"'))
		return BYTES_NONE;
	size_t from = j->pos;
	while (j->pos < j->in.len && j->in.at[j->pos] != '"') {
		if (j->in.at[j->pos] < 0x20)
			j->bad = true;
		j->pos += j->in.at[j->pos] == '\\' ? 2 : 1;
	}
	if (j->pos >= j->in.len) {
		j->bad = true;
		j->pos = j->in.len;
		return BYTES_NONE;
	}
	return bytes_slice(j->in, from, j->pos++ - from);
}

static void word(struct json *j)
{
	size_t from = j->pos;

	while (j->pos < j->in.len &&
	       strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", j->in.at[j->pos]) != NULL &&
	       j->in.at[j->pos] != '\0')
		j->pos++;
	struct bytes w = bytes_slice(j->in, from, j->pos - from);
	bool number = w.len > 0 && (w.at[0] == '-' || (w.at[0] >= '0' && w.at[0] <= '9'));
	if (!number && !bytes_eq_str(w, "true") && !bytes_eq_str(w, "false") &&
	    !bytes_eq_str(w, "null"))
		j->bad = true;
}

/* Over one value of any kind. */
static void skip_value(struct json *j)
{
	char open[DEPTH_MAX];
	unsigned depth = 0;

	do {
		int c = peek(j);

		if (c == '{' || c == '[') {
			if (depth == DEPTH_MAX) {
				j->bad = true;
				return;
			}
			open[depth++] = (char)c;
			j->pos++;
			if (peek(j) == (c == '{' ? '}' : ']')) {
				j->pos++;
				depth--;
			} else {
				if (c == '{') {
					(void)string(j);
					(void)take(j, ':');
				}
				continue;
			}
		} else if (c == '"') {
			(void)string(j);
		} else {
			word(j);
		}
		while (!j->bad && depth > 0 && peek(j) != ',') { /* this value was the last one */
			(void)take(j, open[depth - 1] == '{' ? '}' : ']');
			depth--;
		}
		if (!j->bad && depth > 0) {
			j->pos++;
			if (open[depth - 1] == '{') {
				(void)string(j);
				(void)take(j, ':');
			}
		}
	} while (depth > 0 && !j->bad);
}

/* The next member of the object that is open; false at its end, which is taken. */
static bool member(struct json *j, bool *first, struct bytes *name)
{
	if (peek(j) == '}') {
		j->pos++;
		return false;
	}
	if (!*first && !take(j, ','))
		return false;
	*first = false;
	*name = string(j);
	(void)take(j, ':');
	return !j->bad;
}

/* ---- the map ---- */

struct map {
	struct bytes text; /* mapped, or empty when there is no file */
	size_t end;        /* offset of the closing brace */
	bool empty;        /* no member yet */
	uint64_t highest;
	struct bytes found; /* anonymized_id of the patient looked for */
};

/* Digits of `id` from `at` up to an underscore or the end, as a number; 0: it is none. */
static uint64_t number_at(struct bytes id, size_t at)
{
	uint64_t n = 0;

	for (; at < id.len && id.at[at] != '_'; at++) {
		if (id.at[at] < '0' || id.at[at] > '9')
			return 0;
		n = n * 10 + (uint64_t)(id.at[at] - '0');
		if (n > NUMBER_MAX)
			return 0;
	}
	return n;
}

/*
 * The number of "SITE_0042_20240101".  What stands after the first underscore, as NETRT reads it,
 * or before the last one, for site codes that have some themselves: the greater one, so that none
 * is given twice.
 */
static uint64_t number_of(struct bytes id)
{
	const uint8_t *first = id.len > 0 ? memchr(id.at, '_', id.len) : NULL;
	const uint8_t *last = id.len > 0 ? memrchr(id.at, '_', id.len) : NULL;

	if (first == NULL)
		return 0;
	uint64_t n = number_at(id, (size_t)(first - id.at) + 1);
	const uint8_t *before = memrchr(id.at, '_', (size_t)(last - id.at));
	uint64_t m = before == NULL ? 0 : number_at(id, (size_t)(before - id.at) + 1);
	return n > m ? n : m;
}

static struct bytes id_of_entry(struct json *j)
{
	struct bytes name, id = BYTES_NONE;
	bool first = true;

	if (peek(j) != '{') {
		skip_value(j);
		return id;
	}
	j->pos++;
	while (member(j, &first, &name)) {
		if (bytes_eq_str(name, "anonymized_id") && peek(j) == '"')
			id = string(j);
		else
			skip_value(j);
	}
	return id;
}

static enum err read_map(struct map *m, struct bytes key, struct fault *f)
{
	struct json j = {.in = m->text};
	struct bytes name;
	bool first = true;

	if (m->text.len == 0) {
		m->empty = true;
		return OK;
	}
	(void)take(&j, '{');
	while (!j.bad && member(&j, &first, &name)) {
		struct bytes id = id_of_entry(&j);
		uint64_t n = number_of(id);

		m->highest = n > m->highest ? n : m->highest;
		if (key.len > 0 && bytes_eq(name, key) && id.len > 0)
			m->found = id;
	}
	m->end = j.pos - 1;
	m->empty = first;
	if (j.bad || peek(&j) != -1)
		return fault_set(
			f, ERR_WIRE,
			"the map of patients is damaged: mend it or put back a copy; beginning "
			"again would give two patients one number",
			j.pos);
	return OK;
}

static enum err open_map(struct map *m, struct file_map *file, const char *path, struct fault *f)
{
	struct stat st;

	*m = (struct map){.text = BYTES_NONE};
	*file = FILE_MAP_NONE;
	if (stat(path, &st) < 0 && errno == ENOENT)
		return OK;
	enum err e = file_map(file, AT_FDCWD, path, f);
	if (e != OK)
		return e;
	if (file->bytes.len > LIMIT_PIDMAP)
		e = fault_set(f, ERR_LIMIT, "the map of patients is too large", FAULT_NO_OFFSET);
	else if (file->bytes.len == 0) /* NETRT never leaves one: something else went wrong */
		e = fault_set(f, ERR_WIRE,
			      "the map of patients is empty: put back a copy, or remove it "
			      "if there never was a patient",
			      FAULT_NO_OFFSET);
	m->text = file->bytes;
	if (e != OK)
		file_unmap(file);
	return e;
}

/* ---- locks and writing ---- */

static enum err lock(const char *path, int *fd, struct fault *f)
{
	char name[PATH_ROOM];

	snprintf(name, sizeof(name), "%s.lock", path);
	*fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666); /* it holds nothing */
	if (*fd < 0)
		return fault_io(f, "the lock of the map of patients");
	while (flock(*fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		close(*fd);
		return fault_io(f, "the lock of the map of patients");
	}
	return OK;
}

static enum err replace(const char *path, const struct bytes views[3], struct fault *f)
{
	char temporary[PATH_ROOM], folder[PATH_ROOM];
	struct stat old;
	mode_t mode = stat(path, &old) == 0 ? old.st_mode & 0777 : 0600;
	enum err e = OK;

	snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	snprintf(folder, sizeof(folder), "%s", path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return fault_io(f, "the new map of patients cannot be made");
	if (fchmod(fd, mode) < 0) /* whatever the umask: who could read it still can */
		e = fault_io(f, "the new map of patients cannot be made");
	if (e == OK)
		e = file_write_views(fd, views, 3, f);
	if (e == OK && fsync(fd) < 0)
		e = fault_io(f, "the new map of patients cannot be written");
	if (close(fd) < 0 && e == OK)
		e = fault_io(f, "the new map of patients cannot be written");
	if (e == OK && rename(temporary, path) < 0)
		e = fault_io(f, "the new map of patients cannot take its place");
	if (e != OK) {
		unlink(temporary);
		return e;
	}
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		e = fault_io(f, "the folder of the map of patients");
	if (fd >= 0)
		close(fd);
	return e;
}

static void make_key(const struct pidmap_patient *p, char out[static KEY_DIGITS + 1])
{
	uint8_t sum[SHA256_LEN];
	struct bytes name = p->name;
	struct sha256 s;

	while (name.len > 0 && name.at[name.len - 1] == '=') /* pydicom drops empty groups */
		name.len--;
	sha256_init(&s);
	sha256_add(&s, p->id);
	sha256_add(&s, BYTES_LIT("|"));
	sha256_add(&s, name);
	sha256_end(&s, sum);
	for (unsigned i = 0; i < KEY_DIGITS / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

static bool is_date(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] < '0' || b.at[i] > '9')
			return false;
	return b.len == 8;
}

static enum err make_id(const char *site, uint64_t number, struct bytes date,
			const struct wall *now, char out[static PIDMAP_ID_MAX + 1], struct fault *f)
{
	char day[9];

	if (is_date(date))
		bytes_to_str(date, day, sizeof(day));
	else
		wall_date(now, day);
	if (number > NUMBER_MAX || strlen(site) + PIDMAP_TAIL_MAX > PIDMAP_ID_MAX)
		return fault_set(f, ERR_LIMIT, "no room for a number in a Patient ID",
				 FAULT_NO_OFFSET);
	snprintf(out, PIDMAP_ID_MAX + 1, "%s_%04llu_%s", site, (unsigned long long)number, day);
	return OK;
}

static enum err add(const char *path, const struct map *m, const char *key, const char *id,
		    const struct wall *now, struct fault *f)
{
	struct buf entry = BUF_INIT(2048);
	size_t front = m->text.len > 0 ? m->end : 0;
	enum err e;

	while (front > 0 && strchr(" \t\r\n", m->text.at[front - 1]) != NULL)
		front--;
	buf_fmt(&entry, "%s\n  \"%s\": {\n    \"anonymized_id\": ", m->empty ? "" : ",", key);
	buf_json(&entry, bytes_str(id));
	buf_fmt(&entry,
		",\n    \"first_seen\": \"%04d-%02d-%02dT%02d:%02d:%02d.%06d\",\n"
		"    \"original_patient_id_hash\": \"%s\",\n    \"study_count\": 1\n  }\n",
		now->year, now->month, now->day, now->hour, now->minute, now->second,
		now->microsecond, key);
	const struct bytes views[3] = {
		m->text.len > 0 ? bytes_slice(m->text, 0, front) : BYTES_LIT("{"),
		buf_bytes(&entry),
		m->text.len > 0 ? bytes_slice(m->text, m->end, m->text.len - m->end)
				: BYTES_LIT("}\n"),
	};
	e = entry.failed ? fault_set(f, ERR_NOMEM, "no memory for a patient", FAULT_NO_OFFSET)
			 : replace(path, views, f);
	buf_free(&entry);
	return e;
}

/* Four hexadecimal digits of a \u escape; false: they are not there. */
static bool escaped_unit(struct bytes s, size_t at, uint32_t *out)
{
	uint32_t v = 0;

	if (at + 6 > s.len || s.at[at] != '\\' || s.at[at + 1] != 'u')
		return false;
	for (size_t i = at + 2; i < at + 6; i++) {
		int c = s.at[i] | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

/* What stands in quotes, as text: Python writes everything beyond ASCII as escapes.  False: it is
 * no value of a Patient ID. */
static bool unescape(struct bytes s, char out[static PIDMAP_ID_MAX + 1])
{
	size_t n = 0;

	for (size_t at = 0; at < s.len;) {
		uint32_t code = s.at[at], low;
		uint8_t four[4];
		unsigned len = 1;

		if (escaped_unit(s, at, &code)) {
			at += 6;
			if (code >= 0xD800 && code < 0xDC00 && escaped_unit(s, at, &low) &&
			    low >= 0xDC00 && low < 0xE000) {
				code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
				at += 6;
			}
			if (code >= 0xD800 && code < 0xE000)
				return false;
			len = utf8_put(four, code);
		} else if (code == '\\') {
			if (at + 1 >= s.len || strchr("\"/", s.at[at + 1]) == NULL)
				return false;
			four[0] = s.at[at + 1];
			at += 2;
		} else {
			four[0] = (uint8_t)code;
			at++;
		}
		if (code < 0x20 || four[0] == '\\' || n + len > PIDMAP_ID_MAX)
			return false;
		memcpy(out + n, four, len);
		n += len;
	}
	out[n] = '\0';
	return utf8_valid(bytes_str(out));
}

static enum err get_locked(const char *path, const char *site_code, const char *key,
			   const struct pidmap_patient *p, const struct wall *now,
			   char out[static PIDMAP_ID_MAX + 1], struct fault *f)
{
	struct file_map file;
	struct map m;
	enum err e = open_map(&m, &file, path, f);

	if (e != OK)
		return e;
	e = read_map(&m, bytes_str(key), f);
	if (e == OK && m.found.len > 0) {
		if (!unescape(m.found, out))
			e = fault_set(f, ERR_WIRE,
				      "the map of patients holds what is no Patient ID",
				      (uint64_t)(m.found.at - m.text.at));
	} else if (e == OK) {
		e = make_id(site_code, m.highest + 1, p->date, now, out, f);
		if (e == OK)
			e = add(path, &m, key, out, now, f);
	}
	file_unmap(&file);
	return e;
}

static bool was_seen(const struct pidmap_seen *seen, const char *key,
		     char out[static PIDMAP_ID_MAX + 1])
{
	for (unsigned i = 0; seen != NULL && i < seen->count && i < PIDMAP_SEEN; i++)
		if (strcmp(seen->entry[i].key, key) == 0) {
			memcpy(out, seen->entry[i].id, PIDMAP_ID_MAX + 1);
			return true;
		}
	return false;
}

static void remember(struct pidmap_seen *seen, const char *key, const char *id)
{
	if (seen == NULL)
		return;
	unsigned i = seen->count++ % PIDMAP_SEEN;
	snprintf(seen->entry[i].key, sizeof(seen->entry[i].key), "%s", key);
	snprintf(seen->entry[i].id, sizeof(seen->entry[i].id), "%s", id);
}

enum err pidmap_get(const char *path, const char *site_code, const struct pidmap_patient *patient,
		    const struct wall *now, struct pidmap_seen *seen,
		    char out[static PIDMAP_ID_MAX + 1], struct fault *f)
{
	char key[KEY_DIGITS + 1];
	int fd;

	make_key(patient, key);
	if (was_seen(seen, key, out))
		return OK;
	enum err e = lock(path, &fd, f);
	if (e != OK)
		return e;
	e = get_locked(path, site_code, key, patient, now, out, f);
	close(fd);
	if (e == OK)
		remember(seen, key, out);
	return e;
}

enum err pidmap_check(const char *path, struct fault *f)
{
	struct file_map file;
	struct map m;
	int fd;
	enum err e = lock(path, &fd, f);

	if (e != OK)
		return e;
	e = open_map(&m, &file, path, f);
	if (e == OK)
		e = read_map(&m, BYTES_NONE, f);
	file_unmap(&file);
	close(fd);
	return e;
}
