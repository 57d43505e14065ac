#include "dimse/status.h"

#include <stdio.h>
#include <string.h>

struct dimse_reply dimse_reply_of(uint16_t status, const char *comment)
{
	struct dimse_reply r = {.status = status};

	if (comment != NULL)
		snprintf(r.comment, sizeof(r.comment), "%s", comment);
	return r;
}

/* PS3.4 B.2.3: A700 may be tried again later, C000 is about this data set. */
static uint16_t status_of(enum err code)
{
	return code == ERR_IO || code == ERR_NOMEM ? DIMSE_OUT_OF_RESOURCES
						   : DIMSE_CANNOT_UNDERSTAND;
}

struct dimse_reply dimse_reply_fault(const struct fault *f)
{
	struct dimse_reply r = dimse_reply_of(status_of(f->code), f->text);
	size_t used = strlen(r.comment);
	char where[32];

	r.offending = f->tag;
	if (f->at == FAULT_NO_OFFSET)
		return r;
	snprintf(where, sizeof(where), " (offset %llu)", (unsigned long long)f->at);
	if (used + strlen(where) < sizeof(r.comment))
		memcpy(r.comment + used, where, strlen(where) + 1);
	return r;
}

enum scu_outcome dimse_outcome(uint16_t status)
{
	switch (status) {
	case DIMSE_SUCCESS:
		return SCU_SENT;
	case 0x0001: /* requested optional attributes are not supported */
	case 0x0107: /* attribute list error */
	case 0x0116: /* attribute value out of range */
		return SCU_SENT_WARNING;
	case DIMSE_PROCESSING_FAILURE:
	case DIMSE_NOT_AUTHORISED: /* somebody is about to authorise it */
	case DIMSE_RESOURCE_LIMITATION:
		return SCU_RETRY;
	default:
		break;
	}
	switch (status >> 8) {
	case 0x01:
	case 0x02:
	case 0xA8:
	case 0xA9:
		return SCU_PERMANENT;
	default:
		break;
	}
	if (status >> 12 == 0xB)
		return SCU_SENT_WARNING;
	return status >> 12 == 0xC ? SCU_PERMANENT : SCU_RETRY;
}

const char *dimse_status_text(uint16_t status)
{
	static const struct {
		uint16_t from, to;
		const char *text;
	} texts[] = {
		{0x0000, 0x0000, "success"},
		{0x0001, 0x0001, "optional attributes are not supported"},
		{0x0105, 0x0105, "no such attribute"},
		{0x0106, 0x0106, "invalid attribute value"},
		{0x0107, 0x0107, "attribute list error"},
		{0x0110, 0x0110, "processing failure"},
		{0x0111, 0x0111, "duplicate SOP instance"},
		{0x0112, 0x0112, "no such SOP instance"},
		{0x0113, 0x0113, "no such event type"},
		{0x0114, 0x0114, "no such argument"},
		{0x0115, 0x0115, "invalid argument value"},
		{0x0116, 0x0116, "attribute value out of range"},
		{0x0117, 0x0117, "invalid SOP instance"},
		{0x0118, 0x0118, "no such SOP class"},
		{0x0119, 0x0119, "class-instance conflict"},
		{0x0120, 0x0120, "missing attribute"},
		{0x0121, 0x0121, "missing attribute value"},
		{0x0122, 0x0122, "SOP class is not supported"},
		{0x0123, 0x0123, "no such action type"},
		{0x0124, 0x0124, "not authorised"},
		{0x0131, 0x0131, "duplicate transaction UID"},
		{0x0210, 0x0210, "duplicate invocation"},
		{0x0211, 0x0211, "unrecognised operation"},
		{0x0212, 0x0212, "mistyped argument"},
		{0x0213, 0x0213, "resource limitation"},
		{0xA700, 0xA7FF, "out of resources"},
		{0xA800, 0xA8FF, "SOP class is not supported"},
		{0xA900, 0xA9FF, "data set does not match the SOP class"},
		{0xB000, 0xB000, "data elements were coerced"},
		{0xB006, 0xB006, "data elements were discarded"},
		{0xB007, 0xB007, "data set does not match the SOP class, but was stored"},
		{0xB000, 0xBFFF, "a warning"},
		{0xC000, 0xCFFF, "cannot understand"},
		{0xFE00, 0xFE00, "cancelled"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (status >= texts[i].from && status <= texts[i].to)
			return texts[i].text;
	return "a status that the standard does not have";
}
