#include "service/accounts_line.h"

#include <string.h>

#include "base/pyformat.h"

#define MESSAGE_MOST 2048u /* bytes of a message, escaped: a line has room for its other fields */
#define FIELD_MOST 512u

static const char *const level_words[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
static const int level_numbers[] = {40, 30, 20, 10};

/* The names of NETRT's loggers. */
static const char *const part_names[] = {
	[ACCOUNTS_MAIN] = "__main__",
	[ACCOUNTS_LISTENER] = "netrt_core.dicom_listener",
	[ACCOUNTS_FILES] = "netrt_core.file_system_manager",
	[ACCOUNTS_STUDY] = "netrt_core.study_processor",
	[ACCOUNTS_SENDER] = "netrt_core.dicom_sender",
};

static const char *name_of(const struct accounts_line *l)
{
	return l->transaction ? "transaction" : part_names[l->part];
}

/* The front of `s` that is at most `most` bytes, "..." included, and ends between characters. */
static void add_cut(struct buf *out, struct bytes s, size_t most)
{
	size_t n = s.len;

	if (n > most) {
		n = most - 3;
		while (n > 0 && (s.at[n] & 0xC0) == 0x80)
			n--;
	}
	buf_add(out, bytes_slice(s, 0, n));
	if (n < s.len)
		buf_str(out, "...");
}

/* What came from anywhere, fit for a line. */
static void add_safe(struct buf *out, struct bytes s, size_t most)
{
	struct buf escaped = BUF_INIT(most * 4 + 16);

	/* each byte becomes one to four; more than `most` of them cannot be shown anyway */
	buf_escaped(&escaped, s.len > most ? bytes_slice(s, 0, most) : s);
	add_cut(out, buf_bytes(&escaped), most);
	out->failed |= escaped.failed;
	buf_free(&escaped);
}

static unsigned milliseconds(const struct wall *w)
{
	return (unsigned)w->microsecond / 1000u % 1000u;
}

void accounts_line_text(const struct accounts_line *l, const struct accounts_now *now,
			const char *format, struct buf *out)
{
	struct buf message = BUF_INIT(MESSAGE_MOST * 2), line = BUF_INIT(1u << 20);
	const struct wall *w = &now->wall;
	char when[20];
	struct buf asctime = BUF_INIT(64);

	wall_iso(w, ' ', when);
	buf_fmt(&asctime, "%s,%03u", when, milliseconds(w));
	add_safe(&message, l->message, MESSAGE_MOST);

	const struct pyformat_values values = {
		.asctime = buf_bytes(&asctime),
		.levelname = bytes_str(level_words[l->level]),
		.name = bytes_str(name_of(l)),
		.message = buf_bytes(&message),
		.func_name = bytes_str(l->event),
		.levelno = level_numbers[l->level],
		.process = now->process,
		.created_us = now->created_us,
		.relative_us = now->relative_us,
	};
	pyformat_render(format, &values, &line);
	add_cut(out, buf_bytes(&line), ACCOUNTS_LINE - 1);
	buf_char(out, '\n');
	out->failed |= message.failed || line.failed || asctime.failed;
	buf_free(&asctime);
	buf_free(&message);
	buf_free(&line);
}

static void member(struct buf *out, const char *key, const char *value, size_t most)
{
	struct buf safe = BUF_INIT(most * 4 + 16);

	if (value == NULL)
		return;
	add_safe(&safe, bytes_str(value), most);
	buf_fmt(out, ",\"%s\":", key);
	buf_json(out, buf_bytes(&safe));
	out->failed |= safe.failed;
	buf_free(&safe);
}

static void number(struct buf *out, const char *key, uint64_t value)
{
	if (value != ACCOUNTS_NONE)
		buf_fmt(out, ",\"%s\":%llu", key, (unsigned long long)value);
}

static void add_time(struct buf *out, const struct wall *w)
{
	char when[20];
	int offset = w->utc_offset_s / 60;

	wall_iso(w, 'T', when);
	buf_fmt(out, "{\"time\":\"%s.%03u%c%02d:%02d\"", when, milliseconds(w),
		offset < 0 ? '-' : '+', (offset < 0 ? -offset : offset) / 60,
		(offset < 0 ? -offset : offset) % 60);
}

/* With no text longer than `most`. */
static void json_object(const struct accounts_line *l, const struct accounts_now *now, size_t most,
			struct buf *out)
{
	struct buf message = BUF_INIT(MESSAGE_MOST * 2);

	add_time(out, &now->wall);
	buf_fmt(out, ",\"level\":\"%s\",\"logger\":\"%s\",\"event\":\"%s\",\"message\":",
		level_words[l->level], name_of(l), l->event);
	add_safe(&message, l->message, most);
	buf_json(out, buf_bytes(&message));
	number(out, "association", l->association);
	member(out, "address", l->address, most < 128 ? most : 128);
	member(out, "ae_title", l->ae_title, most < 128 ? most : 128);
	member(out, "study", l->study, most < 256 ? most : 256);
	member(out, "destination", l->dest, most < 128 ? most : 128);
	member(out, "series_type", l->series_type, most < 128 ? most : 128);
	number(out, "instances", l->instances);
	if (l->duration_us != ACCOUNTS_NONE)
		buf_fmt(out, ",\"duration_seconds\":%llu.%06llu",
			(unsigned long long)(l->duration_us / 1000000),
			(unsigned long long)(l->duration_us % 1000000));
	number(out, "retry_seconds", l->retry_seconds);
	if (l->status != ACCOUNTS_NONE)
		buf_fmt(out, ",\"status\":\"%04llX\"", (unsigned long long)l->status);
	member(out, "reason", l->reason, most < FIELD_MOST ? most : FIELD_MOST);
	buf_fmt(out, ",\"process\":%ld}\n", now->process);
	out->failed |= message.failed;
	buf_free(&message);
}

void accounts_line_json(const struct accounts_line *l, const struct accounts_now *now,
			struct buf *out)
{
	/* the escapes of JSON may double a text; then it gets less room, and at 64 all fits */
	for (size_t most = MESSAGE_MOST; most >= 64; most /= 2) {
		struct buf line = BUF_INIT(ACCOUNTS_LINE);

		json_object(l, now, most, &line);
		if (!line.failed || most == 64) {
			buf_add(out, buf_bytes(&line));
			out->failed |= line.failed;
			buf_free(&line);
			return;
		}
		buf_free(&line);
	}
}
