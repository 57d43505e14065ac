#include "anon/identity.h"

#include <string.h>

#include "anon/visit.h"
#include "dicom/charset.h"
#include "dicom/dict.h"

#define VALUE_MAX (1u << 20) /* bytes of one identifying value as UTF-8 */

struct collector {
	const struct policy *policy; /* NULL: no phrases */
	struct anon_identity *identity;
	struct words *words;
	struct arena *a;
	struct fault *f;
	struct bytes
		in_force[VISIT_DEPTH + 1]; /* Specific Character Set of the item at each depth */
	struct bytes parsed;               /* of which `charset` was made */
	struct charset charset;
	bool taken;      /* a value of the top level, in its character set */
	struct buf text; /* owned; kept from object to object */
	struct visit visit;
};

static bool is_identifying(uint32_t tag)
{
	switch (tag) {
	case TAG_AccessionNumber:
	case TAG_PatientID:
	case TAG_IssuerOfPatientID:
	case TAG_OtherPatientIDs:
	case TAG_PatientAddress:
	case TAG_PatientTelephoneNumbers:
	case TAG_PatientTelecomInformation:
	case TAG_PersonAddress:
	case TAG_PersonTelephoneNumbers:
	case TAG_PersonTelecomInformation:
	case TAG_ReferringPhysicianAddress:
	case TAG_ReferringPhysicianTelephoneNumbers:
	case TAG_AdmissionID:
	case TAG_ServiceEpisodeID:
	case TAG_PlacerOrderNumberImagingServiceRequest:
	case TAG_FillerOrderNumberImagingServiceRequest:
		return true;
	default:
		return false;
	}
}

/* Institutions, departments, places, stations, devices, steps and trials: phrases. */
static bool is_phrase(uint32_t tag)
{
	switch (tag) {
	case TAG_InstitutionName:
	case TAG_InstitutionAddress:
	case TAG_InstitutionalDepartmentName:
	case TAG_StationName:
	case TAG_StationAETitle:
	case TAG_ScheduledStationName:
	case TAG_ScheduledStationAETitle:
	case TAG_PerformedStationName:
	case TAG_PerformedStationAETitle:
	case TAG_PerformedLocation:
	case TAG_ScheduledStudyLocation:
	case TAG_ScheduledProcedureStepLocation:
	case TAG_RequestedProcedureLocation:
	case TAG_CurrentPatientLocation:
	case TAG_PatientInstitutionResidence:
	case TAG_ScheduledPatientInstitutionResidence:
	case TAG_OrderEntererLocation:
	case TAG_RequestingService:
	case TAG_HumanPerformerOrganization:
	case TAG_VerifyingOrganization:
	case TAG_ResponsibleOrganization:
	case TAG_DeviceSerialNumber:
	case TAG_GantryID:
	case TAG_DetectorID:
	case TAG_TreatmentMachineName:
	case TAG_StudyID:
	case TAG_RequestedProcedureID:
	case TAG_ScheduledProcedureStepID:
	case TAG_PerformedProcedureStepID:
	case TAG_LocalNamespaceEntityID:
	case TAG_UniversalEntityID:
	case TAG_MedicalRecordLocator:
	case TAG_InsurancePlanIdentification:
	case TAG_RegionOfResidence:
	case TAG_ClinicalTrialSponsorName:
	case TAG_ClinicalTrialProtocolID:
	case TAG_ClinicalTrialProtocolName:
	case TAG_ClinicalTrialSiteID:
	case TAG_ClinicalTrialSiteName:
	case TAG_ClinicalTrialSubjectID:
	case TAG_ClinicalTrialSubjectReadingID:
	case TAG_ClinicalTrialCoordinatingCenterName:
	case TAG_ClinicalTrialProtocolEthicsCommitteeName:
	case TAG_ClinicalTrialProtocolEthicsCommitteeApprovalNumber:
		return true;
	default:
		return false;
	}
}

/* The meaning of a code for a person, or for an institution. */
static bool is_code_of(const struct collector *c, uint32_t tag, uint32_t sequence)
{
	return tag == TAG_CodeMeaning && c->visit.depth > 0 &&
	       c->visit.path[c->visit.depth - 1] == sequence;
}

/* Nothing of what the policy lets stand in its own place is looked for in others. */
static bool goes(const struct collector *c, const struct token *t)
{
	struct anon_place place = visit_place(&c->visit, t, IOD_OTHER);

	if (!is_phrase(t->tag)) { /* the meaning of a code goes with its sequence */
		place.tag = place.path[--place.depth];
		place.vr = VR_SQ;
	}
	enum anon_act act = policy_decide(c->policy, &place).act;
	return act != ACT_KEEP && act != ACT_CLEAN;
}

static struct bytes *field_of(struct anon_identity *identity, const struct token *t, unsigned depth)
{
	if (depth > 0)
		return NULL;
	switch (t->tag) {
	case TAG_PatientID:
		return &identity->id;
	case TAG_IssuerOfPatientID:
		return &identity->issuer;
	case TAG_PatientName:
		return &identity->name;
	case TAG_StudyDate:
		return &identity->study_date;
	case TAG_StudyInstanceUID:
		return &identity->study;
	default:
		return NULL;
	}
}

/* That of the item at hand (PS3.3 C.12.1.1.2). */
static const struct charset *charset_here(struct collector *c)
{
	struct bytes here = c->in_force[c->visit.depth];

	if (here.at != c->parsed.at || here.len != c->parsed.len) {
		c->charset = charset_parse(here);
		c->parsed = here;
	}
	return &c->charset;
}

static enum err take_value(struct collector *c, const struct token *t, enum vr vr)
{
	struct bytes *field = field_of(c->identity, t, c->visit.depth);
	bool words = vr == VR_PN || is_identifying(t->tag) ||
		     is_code_of(c, t->tag, TAG_PersonIdentificationCodeSequence);
	bool phrase = c->policy != NULL && !words &&
		      (is_phrase(t->tag) || is_code_of(c, t->tag, TAG_InstitutionCodeSequence)) &&
		      goes(c, t);
	enum err e = OK;

	if (field == NULL && !words && !phrase)
		return OK;
	c->taken = c->taken || c->visit.depth == 0;
	buf_clear(&c->text);
	charset_to_utf8(charset_here(c), vr, t->value, &c->text);
	if (c->text.failed)
		return fault_tag(c->f, ERR_LIMIT, "an identifying value over 1 MiB", t->at, t->tag);
	struct bytes value = buf_bytes(&c->text);
	while (value.len > 0 && (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\0'))
		value.len--;
	if (field != &c->identity->id && field != &c->identity->name)
		value = bytes_trim(value);
	if (words)
		e = words_add(c->words, value, c->a, c->f);
	else if (phrase)
		e = words_add_phrase(c->words, value, c->a, c->f);
	if (e == OK && field != NULL && field->len == 0) {
		*field = arena_copy(c->a, value);
		if (field->at == NULL)
			e = fault_set(c->f, ERR_NOMEM, "no memory for identifying values", t->at);
	}
	return e;
}

static enum err step(struct collector *c, const struct token *t)
{
	enum vr vr = dict_vr(t->tag);

	if (t->kind == TOK_PIXELS)
		return visit_skip(&c->visit, c->f);
	if (t->kind == TOK_ITEM)
		c->in_force[c->visit.depth] = c->in_force[c->visit.depth - 1];
	if (t->kind != TOK_ELEMENT)
		return OK;
	if (t->tag == TAG_SpecificCharacterSet)
		c->in_force[c->visit.depth] = t->value;
	if (visit_hides(t))
		return visit_enter(&c->visit, t, c->f);
	return take_value(c, t, vr != VR_UN ? vr : t->vr);
}

/* Every element; *late: the top level says its character set behind what it is for. */
static enum err pass(struct collector *c, struct bytes data, const struct syntax *syntax,
		     bool *late)
{
	struct bytes before = c->in_force[0];
	struct token t;
	enum err e;

	c->taken = false;
	c->parsed = BYTES_NONE;
	c->charset = charset_parse(BYTES_NONE);
	visit_open(&c->visit, data, syntax);
	while ((e = visit_next(&c->visit, &t, c->f)) == OK) {
		bool taken = c->taken;

		e = step(c, &t);
		if (e != OK)
			return e;
		*late = *late || (taken && !bytes_eq(before, c->in_force[0]));
		before = c->in_force[0];
	}
	return e == ERR_MORE ? OK : e;
}

enum err identity_collect(const struct identity_source *source, struct anon_identity *identity,
			  struct words *words, struct arena *a, struct fault *f)
{
	static struct collector work; /* large, and one at a time */
	struct collector *c = &work;
	const uint16_t words_before = words->count;
	bool late = false;

	c->policy = source->policy;
	c->identity = identity;
	c->words = words;
	c->a = a;
	c->f = f;
	c->in_force[0] = BYTES_NONE;
	c->text.max = VALUE_MAX;
	*identity = (struct anon_identity){.id = BYTES_NONE};
	enum err e = pass(c, source->data, source->syntax, &late);
	if (e == OK && late) { /* once more, with the one that was met last */
		words->count = words_before;
		*identity = (struct anon_identity){.id = BYTES_NONE};
		e = pass(c, source->data, source->syntax, &late);
	}
	return e;
}
