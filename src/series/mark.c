#include "series/mark.h"

#include <stdio.h>

#include "series/parts.h"

#define MODEL "netrt"
#define PURPOSE "109103" /* PS3.16 D, DCM */

void mark_item(struct build *b, const struct wall *now, const char *software_version,
	       const char *description)
{
	char date[9], time[14], when[23];

	wall_date(now, date);
	wall_time(now, time);
	snprintf(when, sizeof(when), "%s%s", date, time);
	build_str(b, TAG_Manufacturer, VR_LO, "netrt");
	build_str(b, TAG_ManufacturerModelName, VR_LO, MODEL);
	build_str(b, TAG_SoftwareVersions, VR_LO, software_version);
	build_str(b, TAG_ContributionDateTime, VR_DT, when);
	build_str(b, TAG_ContributionDescription, VR_ST, description);
	parts_code(b, TAG_PurposeOfReferenceCodeSequence, PURPOSE, "Modifying Equipment");
}

void mark_sequence(struct build *b, const struct wall *now, const char *software_version,
		   const char *description)
{
	build_sequence(b, TAG_ContributingEquipmentSequence);
	build_item(b);
	mark_item(b, now, software_version, description);
	build_item_end(b);
	build_sequence_end(b);
}

static bool is_our_item(const struct dset *d, const struct elem *item)
{
	const struct elem *purpose = dset_find(d, item, TAG_PurposeOfReferenceCodeSequence);
	const struct elem *code = purpose == NULL ? NULL : dset_first(d, purpose);

	return code != NULL && bytes_eq_str(dset_text(d, item, TAG_ManufacturerModelName), MODEL) &&
	       bytes_eq_str(dset_text(d, code, TAG_CodeValue), PURPOSE);
}

bool mark_is_ours(const struct dset *d)
{
	const struct elem *sequence = dset_find(d, NULL, TAG_ContributingEquipmentSequence);
	const struct elem *item = sequence == NULL || (sequence->flags & ELEM_SEQUENCE) == 0
					  ? NULL
					  : dset_first(d, sequence);

	for (; item != NULL; item = dset_next(d, sequence, item))
		if (is_our_item(d, item))
			return true;
	return false;
}
