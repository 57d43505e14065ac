/*
 * A source object of a person, what is forbidden of it, and an output to be searched.
 */
#ifndef TESTS_VERIFY_FIXTURE_H
#define TESTS_VERIFY_FIXTURE_H

#include <check.h>
#include <string.h>

#include "anon/verify.h"
#include "dicom/part10.h"
#include "support/anon.h"

#define UID_OLD "1.2.3.20200301.987654.1"
#define NEST TAG_RadiopharmaceuticalInformationSequence

struct work {
	struct anon_bench b;
	struct verify v;
	struct buf file; /* owned: an output */
	struct verify_hit hit;
};

/* The source object of all tests; `more` in addition to it. */
static inline void source_front(struct build *in, const char *charset, const char *person)
{
	if (charset != NULL)
		build_str(in, TAG_SpecificCharacterSet, VR_CS, charset);
	build_str(in, TAG_SOPClassUID, VR_UI, ANON_CT);
	build_str(in, TAG_SOPInstanceUID, VR_UI, UID_OLD);
	build_str(in, TAG_StudyDate, VR_DA, "20200301");
	build_str(in, TAG_AcquisitionDateTime, VR_DT, "20190415101500.25");
	build_str(in, TAG_AccessionNumber, VR_SH, "77443");
	build_str(in, TAG_Modality, VR_CS, "CT");
	build_str(in, TAG_Manufacturer, VR_LO, "ACME Imaging");
	build_str(in, TAG_InstitutionName, VR_LO, "ACME");
	build_str(in, TAG_ReferringPhysicianName, VR_PN, "Kovacs^Eva^^Dr");
	build_str(in, TAG_StationName, VR_SH, "Lichtung-3");
	build_str(in, TAG_InstitutionalDepartmentName, VR_LO, "Radiology");
	build_str(in, TAG_PatientName, VR_PN, person);
	build_str(in, TAG_PatientID, VR_LO, "MRN12345678");
	build_str(in, TAG_OtherPatientIDs, VR_LO, "OLD-99\\4711");
	build_str(in, TAG_PatientBirthDate, VR_DA, "19400301");
	build_str(in, TAG_StudyInstanceUID, VR_UI, "1.2.840.113619.2.55.3.123");
	build_str(in, TAG_SliceThickness, VR_DS, "2.5");
}

static inline void work_open(struct work *w, enum anon_profile profile, unsigned options,
			     const char *charset, const char *person)
{
	memset(w, 0, sizeof(*w));
	bench_open(&w->b, profile, options, &syntax_explicit_le);
	source_front(&w->b.in, charset, person);
}

static inline enum err try_collect(struct work *w)
{
	const struct anon_source source = {.data = buf_bytes(&w->b.in.out),
					   .syntax = w->b.in.syntax,
					   .patient = &w->b.patient};

	return verify_collect(&w->v, w->b.policy, &source, &w->b.a, &w->b.f);
}

static inline void collect(struct work *w)
{
	ck_assert_int_eq(try_collect(w), OK);
}

static inline void work_close(struct work *w)
{
	buf_free(&w->file);
	bench_close(&w->b);
}

static inline void file_begin(struct work *w, struct build *out, const struct syntax *syntax)
{
	struct part10_meta meta = {.source_ae = NULL};

	ck_assert(uid_set(&meta.sop_class, BYTES_LIT(ANON_CT)));
	ck_assert(uid_set(&meta.sop_instance, BYTES_LIT("2.25.17")));
	ck_assert(uid_set(&meta.transfer_syntax, bytes_str(syntax->uid)));
	buf_free(&w->file);
	w->file = BUF_INIT(16u << 20);
	ck_assert_int_eq(part10_head(&w->file, &meta, NULL), OK);
	build_init(out, syntax, 16u << 20);
	build_str(out, TAG_SOPClassUID, VR_UI, ANON_CT);
	build_str(out, TAG_SOPInstanceUID, VR_UI, "2.25.17");
}

static inline enum err look(struct work *w, struct build *out)
{
	if (out != NULL) {
		ck_assert(!out->out.failed);
		buf_add(&w->file, buf_bytes(&out->out));
		build_free(out);
	}
	memset(&w->hit, 0, sizeof(w->hit));
	return verify_file(&w->v, buf_bytes(&w->file), &w->hit, &w->b.f);
}

#endif
