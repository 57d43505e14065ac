/*
 * Property: of any input that opens as a DICOM file,
 *   - the text dump, cut and whole, is UTF-8 without any control character but line ends;
 *   - the JSON dump is one value of valid JSON and a line end, or, exactly when it returns an
 * error, nothing at all;
 *   - the text dump returns an error exactly when it shows one.
 *
 * The first byte chooses how the rest is taken: as a file, or as a bare data set in one of
 * three encodings, so that the encoding need not be guessed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/dump.h"
#include "json_check.h"

#define OUTPUT_MAX (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_clean(struct bytes text)
{
	uint32_t code;

	while (text.len > 0) {
		unsigned n = utf8_next(text, &code);

		if (n == 0 || (code < 0x20 && code != '\n') || (code >= 0x7F && code < 0xA0))
			return false;
		text.at += n;
		text.len -= n;
	}
	return true;
}

static void check_text(const struct part10 *p, bool whole)
{
	struct dump_out out = dump_out_memory(OUTPUT_MAX);
	struct fault f;
	enum err e = dump_text(p, whole, &out, &f);

	if (dump_out_end(&out, NULL) == OK) {
		assert(is_clean(buf_bytes(&out.text)));
		assert((strstr((const char *)out.text.at, "\n# error: ") != NULL) == (e != OK));
	}
	dump_out_free(&out);
}

static void check_json(const struct part10 *p)
{
	struct dump_out out = dump_out_memory(OUTPUT_MAX);
	struct fault f;
	enum err e = dump_json(p, &out, &f);

	if (e != OK)
		assert(out.text.len == 0);
	else if (dump_out_end(&out, NULL) == OK) {
		assert(out.text.len > 0 && out.text.at[out.text.len - 1] == '\n');
		assert(json_ok(bytes_of(out.text.at, out.text.len - 1)));
	}
	dump_out_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct syntax *const bare[] = {&syntax_implicit_le, &syntax_explicit_le,
					     &syntax_explicit_be};
	struct part10 p = PART10_NONE;
	struct fault f;

	if (size == 0)
		return 0;
	uint8_t *exact = malloc(size - 1 + (size == 1));
	assert(exact != NULL);
	memcpy(exact, data + 1, size - 1);
	struct bytes in = bytes_of(exact, size - 1);

	if (data[0] % 4 < 3)
		p = (struct part10){
			.map = FILE_MAP_NONE, .file = in, .data = in, .syntax = bare[data[0] % 4]};
	if (data[0] % 4 < 3 || part10_parse(&p, in, &f) == OK) {
		check_text(&p, false);
		check_text(&p, true);
		check_json(&p);
		if (data[0] % 4 == 3)
			part10_close(&p);
	}
	free(exact);
	return 0;
}
