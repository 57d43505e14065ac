#include "dicom/syntax.h"

#include "dicom_uids.inc" /* generated from tables/ */

const struct syntax *syntax_find(struct bytes uid)
{
	static const struct syntax *const own[] = {
		&syntax_explicit_le,
		&syntax_implicit_le,
		&syntax_explicit_be,
		&syntax_deflated_le,
	};

	uid = bytes_trim(uid);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (bytes_eq_str(uid, own[i]->uid))
			return own[i];
	for (size_t i = 0; i < sizeof(syntax_others) / sizeof(syntax_others[0]); i++)
		if (bytes_eq_str(uid, syntax_others[i].uid))
			return &syntax_others[i];
	return NULL;
}

const struct syntax *syntax_acceptable(size_t index)
{
	static const struct syntax *const own[] = {
		&syntax_explicit_le,
		&syntax_implicit_le,
		&syntax_explicit_be,
#ifndef NETRT_MINIMAL
		&syntax_deflated_le,
#endif
	};

	if (index < sizeof(own) / sizeof(own[0]))
		return own[index];
	index -= sizeof(own) / sizeof(own[0]);
	for (size_t i = 0; i < sizeof(syntax_others) / sizeof(syntax_others[0]); i++)
		if (syntax_others[i].encapsulated && !syntax_others[i].deflated && index-- == 0)
			return &syntax_others[i];
	return NULL;
}

const char *uid_name(struct bytes uid)
{
	size_t low = 0, high = UID_ROWS;

	uid = bytes_trim(uid);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct bytes row = bytes_str(uid_pool + uid_order[middle]);
		int c = bytes_cmp(uid, row);

		if (c == 0)
			return (const char *)row.at + row.len + 1;
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
