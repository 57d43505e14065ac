#include "anon/patient.h"

#include <string.h>

#include "dicom/syntax.h"

#define ROOT "1.2.840.10008."
#define COMPONENT_MAX 5u /* digits; registered UIDs have four at most, minted ones more */
#define REGISTERED_MAX 40u

struct uid anon_uid(struct bytes key, struct bytes source)
{
	struct bytes trimmed = bytes_trim(source);

	return uid_derive(key, "deid-uid", &trimmed, 1);
}

struct uid anon_uid_mapped(struct bytes key, struct bytes source)
{
	struct uid same;

	return anon_uid_is_well_known(bytes_trim(source)) && uid_set(&same, source)
		       ? same
		       : anon_uid(key, source);
}

bool anon_uid_is_well_known(struct bytes trimmed)
{
	unsigned digits = 0;

	if (uid_name(trimmed) != NULL)
		return true;
	if (trimmed.len < sizeof(ROOT) || trimmed.len > REGISTERED_MAX ||
	    memcmp(trimmed.at, ROOT, sizeof(ROOT) - 1) != 0 || !uid_ok(trimmed))
		return false;
	for (size_t i = sizeof(ROOT) - 1; i < trimmed.len; i++) {
		digits = trimmed.at[i] == '.' ? 0 : digits + 1;
		if (digits > COMPONENT_MAX)
			return false;
	}
	return true;
}
