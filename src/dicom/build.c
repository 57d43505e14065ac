#include "dicom/build.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "dicom/number.h"

#define SHORT_MAX 65534u
#define LONG_MAX_LEN 0xFFFFFFFEu
#define CHUNK 256u /* numbers encoded at a time */

void build_init(struct build *b, const struct syntax *syntax, size_t max)
{
	*b = (struct build){.out = BUF_INIT(max), .syntax = syntax};
}

void build_free(struct build *b)
{
	buf_free(&b->out);
	b->depth = 0;
}

void build_reuse(struct build *b, const struct syntax *syntax, size_t max)
{
	buf_clear(&b->out);
	b->out.max = max;
	b->syntax = syntax;
	b->depth = 0;
}

static void add_u16(struct build *b, uint32_t v)
{
	uint8_t two[2];

	if (b->syntax->big_endian)
		put_u16be(two, (uint16_t)v);
	else
		put_u16le(two, (uint16_t)v);
	buf_add(&b->out, bytes_of(two, sizeof(two)));
}

static void add_u32(struct build *b, uint32_t v)
{
	uint8_t four[4];

	if (b->syntax->big_endian)
		put_u32be(four, v);
	else
		put_u32le(four, v);
	buf_add(&b->out, bytes_of(four, sizeof(four)));
}

static void add_tag(struct build *b, uint32_t tag)
{
	add_u16(b, TAG_GROUP(tag));
	add_u16(b, TAG_ELEMENT(tag));
}

/* PS3.5 7.1; `len` is even. */
static void add_head(struct build *b, uint32_t tag, enum vr vr, size_t len)
{
	if (len > LONG_MAX_LEN) {
		b->out.failed = true;
		return;
	}
	add_tag(b, tag);
	if (!b->syntax->explicit_vr) {
		add_u32(b, (uint32_t)len);
		return;
	}
	if (!vr_info(vr)->long_form && len > SHORT_MAX)
		vr = VR_UN;
	buf_add(&b->out, bytes_of(vr_info(vr)->name, 2));
	if (vr_info(vr)->long_form) {
		add_u16(b, 0);
		add_u32(b, (uint32_t)len);
	} else {
		add_u16(b, (uint32_t)len);
	}
}

void build_bytes(struct build *b, uint32_t tag, enum vr vr, struct bytes value)
{
	assert(vr != VR_NONE);
	add_head(b, tag, vr, value.len + value.len % 2);
	buf_add(&b->out, value);
	if (value.len % 2 != 0)
		buf_char(&b->out, (char)vr_info(vr)->pad);
}

void build_text(struct build *b, uint32_t tag, enum vr vr, struct bytes value)
{
	assert(vr_info(vr)->is_text);
	build_bytes(b, tag, vr, value);
}

void build_str(struct build *b, uint32_t tag, enum vr vr, const char *value)
{
	build_text(b, tag, vr, bytes_str(value));
}

void build_uid(struct build *b, uint32_t tag, const struct uid *uid)
{
	build_str(b, tag, VR_UI, uid->text);
}

void build_u16(struct build *b, uint32_t tag, enum vr vr, const uint16_t *values, size_t count)
{
	uint8_t chunk[2 * CHUNK];

	assert(vr_info(vr)->unit == 2);
	assert(count <= LONG_MAX_LEN / 2);
	add_head(b, tag, vr, 2 * count);
	while (count > 0) {
		size_t n = count < CHUNK ? count : CHUNK;

		for (size_t i = 0; i < n; i++) {
			if (b->syntax->big_endian)
				put_u16be(chunk + 2 * i, values[i]);
			else
				put_u16le(chunk + 2 * i, values[i]);
		}
		buf_add(&b->out, bytes_of(chunk, 2 * n));
		values += n;
		count -= n;
	}
}

void build_u32(struct build *b, uint32_t tag, enum vr vr, const uint32_t *values, size_t count)
{
	assert(vr_info(vr)->unit == 4);
	assert(count <= LONG_MAX_LEN / 4);
	add_head(b, tag, vr, 4 * count);
	for (size_t i = 0; i < count; i++)
		add_u32(b, values[i]);
}

void build_is(struct build *b, uint32_t tag, int64_t value)
{
	char text[24];

	assert(value >= INT32_MIN && value <= INT32_MAX);
	snprintf(text, sizeof(text), "%lld", (long long)value);
	build_str(b, tag, VR_IS, text);
}

#define DS_MAX 16

/* One way to write it; true when it fits and reads back as the same number. *fits says the first.
 */
static bool try_ds(bool point, int digits, double value, char out[static 48], bool *fits)
{
	double back;
	int n = point ? snprintf(out, 48, "%.*f", digits, value)
		      : snprintf(out, 48, "%.*g", digits, value);

	*fits = n > 0 && n <= DS_MAX;
	return *fits && ds_to_double(bytes_str(out), &back) && back == value;
}

/* As build.h says of build_ds. */
static void ds_text(double value, char best[static 48])
{
	char text[48];
	bool fits, same = value == 0.0;

	assert(value - value == 0.0); /* finite */
	memcpy(best, "0", 2);
	for (int decimals = 0; !same && decimals < DS_MAX - 1; decimals++)
		same = try_ds(true, decimals, value, best, &fits);
	/* more digits are never further off; 17 are always enough, if they fit */
	for (int digits = 1; !same && digits <= 17; digits++) {
		same = try_ds(false, digits, value, text, &fits);
		if (fits)
			memcpy(best, text, sizeof(text));
	}
}

void build_ds_list(struct build *b, uint32_t tag, const double *values, size_t count)
{
	struct buf list = BUF_INIT(count * (DS_MAX + 1));
	char text[48];

	for (size_t i = 0; i < count; i++) {
		ds_text(values[i], text);
		if (i > 0)
			buf_char(&list, '\\');
		buf_str(&list, text);
	}
	build_text(b, tag, VR_DS, buf_bytes(&list));
	b->out.failed = b->out.failed || list.failed;
	buf_free(&list);
}

void build_ds(struct build *b, uint32_t tag, double value)
{
	build_ds_list(b, tag, &value, 1);
}

/* All of its digits; false: they are too many. */
static bool pm_text(int64_t pm, char out[static 48])
{
	uint64_t whole = pm < 0 ? 0 - (uint64_t)pm : (uint64_t)pm;
	int n = snprintf(out, 48, "%s%llu.%09llu", pm < 0 ? "-" : "",
			 (unsigned long long)(whole / PM_PER_MM),
			 (unsigned long long)(whole % PM_PER_MM));

	while (out[n - 1] == '0')
		n--;
	n -= out[n - 1] == '.';
	out[n] = '\0';
	return n <= DS_MAX;
}

void build_ds_pm(struct build *b, uint32_t tag, const int64_t *values, size_t count)
{
	struct buf list = BUF_INIT(count * (DS_MAX + 1));
	char text[48];

	for (size_t i = 0; i < count; i++) {
		if (!pm_text(values[i], text))
			ds_text((double)values[i] / (double)PM_PER_MM, text);
		if (i > 0)
			buf_char(&list, '\\');
		buf_str(&list, text);
	}
	build_text(b, tag, VR_DS, buf_bytes(&list));
	b->out.failed = b->out.failed || list.failed;
	buf_free(&list);
}

void build_ow_le(struct build *b, uint32_t tag, struct bytes little_endian)
{
	uint8_t chunk[2 * CHUNK];

	if (!b->syntax->big_endian) {
		build_bytes(b, tag, VR_OW, little_endian);
		return;
	}
	add_head(b, tag, VR_OW, little_endian.len + little_endian.len % 2);
	while (little_endian.len > 0) {
		size_t n = little_endian.len < sizeof(chunk) ? little_endian.len : sizeof(chunk);

		for (size_t i = 0; i < n; i += 2) {
			chunk[i + 1] = little_endian.at[i];
			chunk[i] = i + 1 < n ? little_endian.at[i + 1] : 0;
		}
		buf_add(&b->out, bytes_of(chunk, n + n % 2));
		little_endian = bytes_slice(little_endian, n, little_endian.len - n);
	}
}

/* The length of what began here is filled in when it ends. */
static void open_length(struct build *b)
{
	assert(b->depth < sizeof(b->open) / sizeof(b->open[0]));
	b->open[b->depth++] = b->out.len;
	add_u32(b, 0);
}

static void close_length(struct build *b)
{
	assert(b->depth > 0);
	size_t at = b->open[--b->depth];

	if (b->out.failed)
		return;
	size_t len = b->out.len - at - 4;
	if (len > LONG_MAX_LEN)
		b->out.failed = true;
	else if (b->syntax->big_endian)
		put_u32be(b->out.at + at, (uint32_t)len);
	else
		put_u32le(b->out.at + at, (uint32_t)len);
}

void build_sequence(struct build *b, uint32_t tag)
{
	assert(b->depth % 2 == 0); /* in the data set or in an item */
	add_tag(b, tag);
	if (b->syntax->explicit_vr) {
		buf_str(&b->out, "SQ");
		add_u16(b, 0);
	}
	open_length(b);
}

void build_item(struct build *b)
{
	assert(b->depth % 2 == 1);
	add_tag(b, TAG_ITEM);
	open_length(b);
}

void build_item_end(struct build *b)
{
	assert(b->depth > 0 && b->depth % 2 == 0);
	close_length(b);
}

void build_sequence_end(struct build *b)
{
	assert(b->depth % 2 == 1);
	close_length(b);
}
