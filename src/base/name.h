/*
 * ROI names against what a configuration says about them.  Case does not count, for Latin,
 * Greek and Cyrillic letters; both sides are UTF-8, and bytes that are none compare as they
 * are.  Only the first NAME_CHARS_MAX characters are looked at.
 */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include "base/bytes.h"

#define NAME_CHARS_MAX 1024u

/* An empty needle is in no name: it would be in all of them. */
bool name_contains(struct bytes name, struct bytes needle);

/*
 * The whole name against a pattern: `*` any text, `?` one character, `[abc]`, `[a-z]` one of
 * these, `[!abc]` none of these, `\` the next character as it is.  A `[` without its `]` is
 * itself.
 */
bool name_matches(struct bytes name, struct bytes pattern);

#endif
