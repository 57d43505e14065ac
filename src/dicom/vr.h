/*
 * Value representations (PS3.5 6.2, table 6.2-1).
 */
#ifndef DICOM_VR_H
#define DICOM_VR_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
enum vr {
	VR_NONE, /* not known, or bytes that are no VR */
	VR_AE, VR_AS, VR_AT, VR_CS, VR_DA, VR_DS, VR_DT, VR_FD, VR_FL, VR_IS, VR_LO, VR_LT,
	VR_OB, VR_OD, VR_OF, VR_OL, VR_OV, VR_OW, VR_PN, VR_SH, VR_SL, VR_SQ, VR_SS, VR_ST,
	VR_SV, VR_TM, VR_UC, VR_UI, VR_UL, VR_UN, VR_UR, VR_US, VR_UT, VR_UV,
	VR_COUNT
};
/* clang-format on */

struct vr_info {
	char name[3];   /* "AE" */
	bool long_form; /* explicit VR: two reserved bytes and a 32-bit length (PS3.5 7.1.2) */
	bool is_text;
	bool uses_charset; /* Specific Character Set applies: SH LO ST LT UC UT PN */
	bool multi;        /* backslash separates values (text only) */
	uint8_t unit;      /* bytes of one number for byte order: 1, 2, 4, 8; AT is 2 */
	uint8_t pad;       /* byte that makes the length even */
	uint32_t max_len;  /* characters of one value of text (PN: of a component group); bytes for
			    * those without character set; 0: no limit */
};

enum vr vr_parse(const uint8_t two[static 2]); /* VR_NONE when unknown */
const struct vr_info *vr_info(enum vr vr);     /* never NULL; VR_NONE has the name "??" */

#endif
