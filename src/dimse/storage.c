#include "dimse/storage.h"

#include <string.h>

#include "storage_classes.inc" /* generated from tables/storage_sop_classes.tsv */

const struct uid dimse_verification = {"1.2.840.10008.1.1"};
const struct uid dimse_commitment = {"1.2.840.10008.1.20.1"};
const struct uid dimse_commitment_instance = {"1.2.840.10008.1.20.1.1"};

bool storage_is_standard(const struct uid *sop_class)
{
	size_t low = 0, high = SOP_CLASSES;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strcmp(sop_class->text, sop_pool + sop_order[middle]);

		if (c == 0)
			return true;
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

bool storage_is(const struct storage_classes *classes, const struct uid *sop_class)
{
	if (storage_is_standard(sop_class))
		return true;
	for (size_t i = 0; classes != NULL && i < classes->other_count; i++)
		if (uid_eq(&classes->others[i], sop_class))
			return true;
	return false;
}

unsigned storage_supports(void *user, const struct uid *abstract_syntax)
{
	const struct storage_classes *classes = user;

	if (uid_eq(abstract_syntax, &dimse_verification) || storage_is(classes, abstract_syntax))
		return DUL_AS_SCP;
	if (classes != NULL && classes->commitment && uid_eq(abstract_syntax, &dimse_commitment))
		return DUL_AS_SCU;
	return DUL_NOT_SUPPORTED;
}
