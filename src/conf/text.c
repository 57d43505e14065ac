#include "conf/text.h"

#include "base/utf8.h"

/* YAML 1.1 c-printable; libyaml would refuse the same, but say less. */
static bool is_printable(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7E) || c == 0x85 ||
	       (c >= 0xA0 && c <= 0xFFFD && c != 0xFEFF) || c >= 0x10000;
}

/* YAML 1.1 b-char: also next line, line separator and paragraph separator. */
static bool is_break(uint32_t c)
{
	return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

const char *conf_text_fault(struct bytes s, struct conf_mark *at)
{
	uint32_t code = 0, before;

	*at = (struct conf_mark){1, 1};
	if (s.len >= 2 &&
	    ((s.at[0] == 0xFF && s.at[1] == 0xFE) || (s.at[0] == 0xFE && s.at[1] == 0xFF)))
		return "the file is UTF-16; save it as UTF-8";
	while (s.len > 0) {
		before = code;
		unsigned n = utf8_next(s, &code);
		if (n == 0)
			return "the file is not UTF-8 from here on; save it as UTF-8";
		if (!is_printable(code))
			return "a control character";
		if (code == '\n' && before == '\r') /* CR LF is one break, counted at the CR */
			;
		else if (is_break(code))
			*at = (struct conf_mark){at->line + 1, 1};
		else
			at->column++;
		s = bytes_slice(s, n, s.len - n);
	}
	return NULL;
}
