#include "study/outputs.h"

#include <stdio.h>
#include <string.h>

const struct output_place output_places[OUTPUT_KINDS] = {
	[OUTPUT_OVERLAY] = {"Addition", "OVERLAY-", ".dcm", "OVERLAY"},
	[OUTPUT_STRUCTURE_SET] = {"StructureSet", "RTSTRUCT-", ".dcm", "STRUCTURE_SET"},
	[OUTPUT_SEGMENTATION] = {"Segmentations", "SEG-", ".dcm", "SEGMENTATION"},
	[OUTPUT_DEBUG] = {"DebugDicom", "DEBUG-", ".dcm", "DEBUG"},
	[OUTPUT_PICTURE] = {"debug_visualization", "slice_", ".jpg", NULL},
};

const char *const output_reports[OUTPUT_REPORTS] = {"report.txt", "report.json", "report.html"};

void output_name(enum output_kind kind, const struct uid *uid, const char *suffix,
		 char out[static OUTPUT_NAME_MAX])
{
	const struct output_place *p = &output_places[kind];

	snprintf(out, OUTPUT_NAME_MAX, "%s%s%s%s", p->prefix, uid->text, suffix, p->extension);
}

void output_picture_name(unsigned number, const struct uid *uid, const char *suffix,
			 char out[static OUTPUT_NAME_MAX])
{
	snprintf(out, OUTPUT_NAME_MAX, "slice_%03u_%s%s.jpg", number, uid->text, suffix);
}

bool output_is_ours(enum output_kind kind, const char *name)
{
	const struct output_place *p = &output_places[kind];
	size_t len = strlen(name), begin = strlen(p->prefix), end = strlen(p->extension);

	return len > begin + end && len < OUTPUT_NAME_MAX && strncmp(name, p->prefix, begin) == 0 &&
	       strcmp(name + len - end, p->extension) == 0;
}
