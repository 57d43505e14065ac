/*
 * The journal's lines: their grammar, and how they get into the file.  What they add up to is in
 * journal_state.c.
 */
#include "study/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define LINES_MAX LIMIT_JOURNAL
#define CRC_LEN 8
#define TIME_LEN 24 /* 2026-11-25T15:43:19.123Z */
#define FIELDS_MAX 5

enum field {
	NONE,
	NAME,
	TYPE,
	FILE_PATH,
	TEXT,
	DIGEST,
	SOP,
	CLASS_UID,
	TRANSACTION,
	CLASS,
	STATUS,
	COUNT,
	SEEN,
	MTIME,
};

static const struct {
	const char *word;
	uint8_t fields[FIELDS_MAX];
} grammar[JOURNAL_WORDS] = {
	[JOURNAL_SOURCE] = {"source", {NAME, FILE_PATH, COUNT}},
	[JOURNAL_PROCESSING] = {"processing", {NONE}},
	[JOURNAL_SEEN] = {"seen", {TYPE, SOP, COUNT, MTIME}},
	[JOURNAL_OUTPUT] = {"output", {TYPE, CLASS_UID, SOP, FILE_PATH}},
	[JOURNAL_PROCESSED] = {"processed", {COUNT, SEEN, DIGEST}},
	[JOURNAL_SENT] = {"sent", {NAME, SOP, STATUS}},
	[JOURNAL_FAILED] = {"failed", {NAME, SOP, CLASS, STATUS, TEXT}},
	[JOURNAL_COMMIT_REQUESTED] = {"commit-requested", {NAME, TRANSACTION, COUNT}},
	[JOURNAL_COMMITTED] = {"committed", {NAME, TRANSACTION}},
	[JOURNAL_COMMIT_FAILED] = {"commit-failed", {NAME, TRANSACTION, SOP, STATUS}},
	[JOURNAL_GAVE_UP] = {"gave-up", {NAME, TEXT}},
	[JOURNAL_DONE] = {"done", {NAME}},
	[JOURNAL_RETRY] = {"retry", {NAME}},
	[JOURNAL_REPORTED] = {"reported", {NONE}},
};

static const char *const classes[JOURNAL_CLASSES] = {"again", "permanent", "connect"};

/* CRC-32 of ISO 3309, as in PNG: reflected, a byte at a time. */
static uint32_t crc32_of(struct bytes b)
{
	static uint32_t table[256];
	uint32_t crc = UINT32_MAX;

	if (table[255] == 0) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t v = i;

			for (int bit = 0; bit < 8; bit++)
				v = v & 1 ? v >> 1 ^ 0xEDB88320 : v >> 1;
			table[i] = v;
		}
	}
	for (size_t i = 0; i < b.len; i++)
		crc = table[(crc ^ b.at[i]) & 255] ^ crc >> 8;
	return ~crc;
}

uint64_t journal_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- writing ---- */

static bool is_plain(uint8_t c)
{
	return c > 0x20 && c < 0x7F && c != '%';
}

static void write_text(struct buf *out, struct bytes s)
{
	if (s.len == 0) {
		buf_char(out, '-');
		return;
	}
	if (bytes_eq_str(s, "-")) {
		buf_str(out, "%2D");
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (is_plain(s.at[i]))
			buf_char(out, (char)s.at[i]);
		else
			buf_fmt(out, "%%%02X", s.at[i]);
	}
}

static void write_field(struct buf *out, const struct journal_entry *e, enum field field)
{
	struct bytes text = e->text;

	switch (field) {
	case NONE:
		return;
	case NAME:
		write_text(out, e->name);
		return;
	case TYPE:
		write_text(out, e->type);
		return;
	case FILE_PATH:
		write_text(out, e->file);
		return;
	case TEXT:
		text.len = text.len > JOURNAL_TEXT ? JOURNAL_TEXT : text.len;
		write_text(out, text);
		return;
	case DIGEST:
		write_text(out, e->digest);
		return;
	case SOP:
		write_text(out, bytes_str(e->sop.text));
		return;
	case CLASS_UID:
		write_text(out, bytes_str(e->class_uid.text));
		return;
	case TRANSACTION:
		write_text(out, bytes_str(e->transaction.text));
		return;
	case CLASS:
		assert((unsigned)e->class < JOURNAL_CLASSES);
		buf_str(out, classes[e->class]);
		return;
	case STATUS:
		buf_fmt(out, "%04X", e->status);
		return;
	case COUNT:
		buf_fmt(out, "%" PRIu64, e->count);
		return;
	case SEEN:
		buf_fmt(out, "%" PRIu64, e->seen);
		return;
	case MTIME:
		buf_fmt(out, "%" PRId64, e->mtime_ns);
		return;
	}
}

static void write_time(struct buf *out, uint64_t at_ms)
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 9999 - 1900) {
		buf_str(out, "9999-12-31T23:59:59.999Z");
		return;
	}
	buf_fmt(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(at_ms % 1000));
}

void journal_write_line(struct buf *out, const struct journal_entry *e)
{
	char crc[CRC_LEN + 1];
	size_t begin = out->len;

	assert((unsigned)e->word < JOURNAL_WORDS);
	buf_str(out, "00000000 ");
	write_time(out, e->at_ms);
	buf_char(out, ' ');
	buf_str(out, grammar[e->word].word);
	for (size_t i = 0; i < FIELDS_MAX && grammar[e->word].fields[i] != NONE; i++) {
		buf_char(out, ' ');
		write_field(out, e, grammar[e->word].fields[i]);
	}
	if (out->failed)
		return;
	snprintf(crc, sizeof(crc), "%08x",
		 crc32_of(bytes_of(out->at + begin + CRC_LEN + 1, out->len - begin - CRC_LEN - 1)));
	memcpy(out->at + begin, crc, CRC_LEN);
	buf_char(out, '\n');
}

/* ---- reading ---- */

/* Up to the next blank, which is skipped; empty at the end. */
static struct bytes token(struct bytes *rest)
{
	const uint8_t *blank = rest->len == 0 ? NULL : memchr(rest->at, ' ', rest->len);
	size_t len = blank == NULL ? rest->len : (size_t)(blank - rest->at);
	struct bytes t = bytes_slice(*rest, 0, len);

	*rest = bytes_slice(*rest, blank == NULL ? len : len + 1,
			    rest->len - (blank == NULL ? len : len + 1));
	return t;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool read_hex(struct bytes t, size_t digits, uint32_t *out)
{
	uint32_t v = 0;

	if (t.len != digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		int d = hex_digit(t.at[i]);

		if (d < 0)
			return false;
		v = v << 4 | (uint32_t)d;
	}
	*out = v;
	return true;
}

static bool read_number(struct bytes t, uint64_t *out)
{
	uint64_t v = 0;

	if (t.len == 0 || t.len > 20)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		unsigned d = (unsigned)t.at[i] - '0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

static bool read_signed(struct bytes t, int64_t *out)
{
	bool negative = t.len > 0 && t.at[0] == '-';
	uint64_t v;

	if (!read_number(negative ? bytes_slice(t, 1, t.len - 1) : t, &v) || v > INT64_MAX)
		return false;
	*out = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

/* "-": none. */
static bool read_uid(struct bytes t, struct uid *out)
{
	if (bytes_eq_str(t, "-")) {
		*out = (struct uid){""};
		return true;
	}
	return uid_set(out, t) && strlen(out->text) == t.len;
}

/* Kept as it is written; only its form is checked. */
static bool read_text(struct bytes t, struct bytes *out)
{
	if (t.len == 0)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] == '%') {
			if (t.len - i < 3 || hex_digit(t.at[i + 1]) < 0 ||
			    hex_digit(t.at[i + 2]) < 0)
				return false;
		} else if (!is_plain(t.at[i])) {
			return false;
		}
	}
	*out = bytes_eq_str(t, "-") ? BYTES_NONE : t;
	return true;
}

static bool read_class(struct bytes t, enum journal_class *out)
{
	for (unsigned i = 0; i < JOURNAL_CLASSES; i++) {
		if (bytes_eq_str(t, classes[i])) {
			*out = (enum journal_class)i;
			return true;
		}
	}
	return false;
}

static bool read_field(struct bytes t, struct journal_entry *e, enum field field)
{
	uint32_t v;

	switch (field) {
	case NONE:
		break;
	case NAME:
		return read_text(t, &e->name);
	case TYPE:
		return read_text(t, &e->type);
	case FILE_PATH:
		return read_text(t, &e->file);
	case TEXT:
		return read_text(t, &e->text);
	case DIGEST:
		return read_text(t, &e->digest);
	case SOP:
		return read_uid(t, &e->sop);
	case CLASS_UID:
		return read_uid(t, &e->class_uid);
	case TRANSACTION:
		return read_uid(t, &e->transaction);
	case CLASS:
		return read_class(t, &e->class);
	case STATUS:
		if (!read_hex(t, 4, &v))
			return false;
		e->status = (uint16_t)v;
		return true;
	case COUNT:
		return read_number(t, &e->count);
	case SEEN:
		return read_number(t, &e->seen);
	case MTIME:
		return read_signed(t, &e->mtime_ns);
	}
	return false;
}

static unsigned digits(const uint8_t *at, unsigned count)
{
	unsigned v = 0;

	for (unsigned i = 0; i < count; i++)
		v = v * 10 + at[i] - '0';
	return v;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, for years from 1970 on. */
static uint64_t days_to(unsigned year, unsigned month, unsigned day)
{
	static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	unsigned y = year - 1; /* leap days are counted up to the year before */

	return (year - 1970) * 365ull + (y / 4 - 492) - (y / 100 - 19) + (y / 400 - 4) +
	       before[month - 1] + (leap && month > 2) + day - 1;
}

static bool read_time(struct bytes t, uint64_t *out)
{
	static const char form[TIME_LEN + 1] = "0000-00-00T00:00:00.000Z";
	unsigned year, month, day;

	if (t.len != TIME_LEN)
		return false;
	for (size_t i = 0; i < TIME_LEN; i++)
		if (form[i] == '0' ? t.at[i] < '0' || t.at[i] > '9' : t.at[i] != (uint8_t)form[i])
			return false;
	year = digits(t.at, 4);
	month = digits(t.at + 5, 2);
	day = digits(t.at + 8, 2);
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*out = days_to(year, month, day) * 86400000 + digits(t.at + 11, 2) * 3600000ull +
	       digits(t.at + 14, 2) * 60000ull + digits(t.at + 17, 2) * 1000ull +
	       digits(t.at + 20, 3);
	return true;
}

/* All but the CRC. */
static bool parse_rest(struct bytes rest, struct journal_entry *e)
{
	struct journal_entry read = {.word = JOURNAL_WORDS};

	if (!read_time(token(&rest), &read.at_ms))
		return false;
	struct bytes word = token(&rest);
	for (unsigned i = 0; i < JOURNAL_WORDS && read.word == JOURNAL_WORDS; i++)
		if (bytes_eq_str(word, grammar[i].word))
			read.word = (enum journal_word)i;
	if (read.word == JOURNAL_WORDS)
		return false;
	for (size_t i = 0; i < FIELDS_MAX && grammar[read.word].fields[i] != NONE; i++)
		if (!read_field(token(&rest), &read, grammar[read.word].fields[i]))
			return false;
	if (rest.len > 0)
		return false;
	*e = read;
	return true;
}

bool journal_parse_line(struct bytes line, struct journal_entry *e)
{
	struct bytes rest = line;
	uint32_t crc;

	if (!read_hex(token(&rest), CRC_LEN, &crc) || line.len == CRC_LEN || crc32_of(rest) != crc)
		return false;
	return parse_rest(rest, e);
}

bool journal_parse_again(struct bytes line, struct journal_entry *e)
{
	return line.len > CRC_LEN &&
	       parse_rest(bytes_slice(line, CRC_LEN + 1, line.len - CRC_LEN - 1), e);
}

char *journal_decode(struct bytes field, struct arena *a)
{
	char *out = arena_alloc(a, field.len + 1, 1);
	size_t n = 0;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < field.len; i++) {
		uint32_t c = field.at[i];

		if (c == '%' && field.len - i >= 3 && read_hex(bytes_slice(field, i + 1, 2), 2, &c))
			i += 2;
		out[n++] = (char)(c == 0 ? '?' : c);
	}
	out[n] = '\0';
	return out;
}

/* ---- the file ---- */

enum err journal_open(struct journal *j, int dir, struct fault *f)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW;

	*j = (struct journal){.dir = dir, .fd = -1, .lines = BUF_INIT(LINES_MAX)};
	j->fd = openat(dir, JOURNAL_NAME, flags);
	if (j->fd < 0 && errno == ENOENT) {
		j->fd = openat(dir, JOURNAL_NAME, flags | O_CREAT, 0666);
		if (j->fd >= 0 && fsync(dir) < 0) { /* its name is durable before a line is */
			enum err e = fault_io(f, "fsync of the study's folder");

			journal_close(j);
			return e;
		}
	}
	if (j->fd < 0)
		return fault_io(f, "cannot open the study's journal");
	return OK;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	buf_free(&j->lines);
	*j = JOURNAL_NONE;
}

void journal_add(struct journal *j, const struct journal_entry *e)
{
	struct journal_entry stamped = *e;

	if (stamped.at_ms == 0)
		stamped.at_ms = journal_now_ms();
	journal_write_line(&j->lines, &stamped);
}

void journal_add_sent(struct journal *j, const char *destination, const struct uid *sop,
		      uint16_t status)
{
	journal_add(j, &(struct journal_entry){.word = JOURNAL_SENT,
					       .name = bytes_str(destination),
					       .sop = *sop,
					       .status = status});
}

bool journal_pending(const struct journal *j)
{
	return j->lines.len > 0;
}

/* The length of the whole lines among the first `size` bytes; -1 with errno. */
static off_t whole_lines(int fd, off_t size)
{
	uint8_t block[4096];

	while (size > 0) {
		size_t n = size < (off_t)sizeof(block) ? (size_t)size : sizeof(block);
		ssize_t got = pread(fd, block, n, size - (off_t)n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t)n) {
			errno = got < 0 ? errno : EIO;
			return -1;
		}
		while (n > 0 && block[n - 1] != '\n') {
			n--;
			size--;
		}
		if (n > 0)
			break;
	}
	return size;
}

/* Under the lock: nobody else is in the middle of a line, so what is not whole is a leftover. */
static enum err append(struct journal *j, struct fault *f)
{
	struct stat st;

	if (fstat(j->fd, &st) < 0)
		return fault_io(f, "cannot look at the study's journal");
	off_t end = whole_lines(j->fd, st.st_size);
	if (end < 0)
		return fault_io(f, "cannot read the study's journal");
	if (end != st.st_size && ftruncate(j->fd, end) < 0)
		return fault_io(f, "cannot cut the study's journal");

	enum err e = file_write_all(j->fd, buf_bytes(&j->lines), f);
	if (e != OK && ftruncate(j->fd, end) < 0)
		return e; /* the next append, or a reader, drops what is torn */
	return e;
}

enum err journal_write(struct journal *j, struct fault *f)
{
	enum err e;

	if (j->lines.failed)
		return fault_set(f, ERR_NOMEM, "no memory for the study's journal",
				 FAULT_NO_OFFSET);
	if (j->lines.len == 0)
		return OK;
	/* a file system without locks (ENOLCK) has to do without */
	while (flock(j->fd, LOCK_EX) < 0 && errno == EINTR)
		continue;
	e = append(j, f);
	(void)flock(j->fd, LOCK_UN);
	if (e == OK)
		j->lines.len = 0;
	return e;
}

enum err journal_sync(struct journal *j, struct fault *f)
{
	size_t len = j->lines.len;
	enum err e = journal_write(j, f);

	if (e != OK || len == 0)
		return e;
	if (fdatasync(j->fd) < 0) {
		j->lines.len = len; /* kept for another try */
		return fault_io(f, "fdatasync of the study's journal");
	}
	return OK;
}
