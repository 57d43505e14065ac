#include "dicom/vr.h"

#include <assert.h>
#include <stddef.h>

/* PS3.5 table 6.2-1 and 7.1.2. */
/* clang-format off */
static const struct vr_info vr_table[VR_COUNT] = {
	/*            name  long   text   chars  multi unit pad  max */
	[VR_NONE] = {"??", false, false, false, false, 1, '\0',     0},
	[VR_AE]   = {"AE", false, true,  false, true,  1, ' ',     16},
	[VR_AS]   = {"AS", false, true,  false, true,  1, ' ',      4},
	[VR_AT]   = {"AT", false, false, false, false, 2, '\0',     0},
	[VR_CS]   = {"CS", false, true,  false, true,  1, ' ',     16},
	[VR_DA]   = {"DA", false, true,  false, true,  1, ' ',      8},
	[VR_DS]   = {"DS", false, true,  false, true,  1, ' ',     16},
	[VR_DT]   = {"DT", false, true,  false, true,  1, ' ',     26},
	[VR_FD]   = {"FD", false, false, false, false, 8, '\0',     0},
	[VR_FL]   = {"FL", false, false, false, false, 4, '\0',     0},
	[VR_IS]   = {"IS", false, true,  false, true,  1, ' ',     12},
	[VR_LO]   = {"LO", false, true,  true,  true,  1, ' ',     64},
	[VR_LT]   = {"LT", false, true,  true,  false, 1, ' ',  10240},
	[VR_OB]   = {"OB", true,  false, false, false, 1, '\0',     0},
	[VR_OD]   = {"OD", true,  false, false, false, 8, '\0',     0},
	[VR_OF]   = {"OF", true,  false, false, false, 4, '\0',     0},
	[VR_OL]   = {"OL", true,  false, false, false, 4, '\0',     0},
	[VR_OV]   = {"OV", true,  false, false, false, 8, '\0',     0},
	[VR_OW]   = {"OW", true,  false, false, false, 2, '\0',     0},
	[VR_PN]   = {"PN", false, true,  true,  true,  1, ' ',     64},
	[VR_SH]   = {"SH", false, true,  true,  true,  1, ' ',     16},
	[VR_SL]   = {"SL", false, false, false, false, 4, '\0',     0},
	[VR_SQ]   = {"SQ", true,  false, false, false, 1, '\0',     0},
	[VR_SS]   = {"SS", false, false, false, false, 2, '\0',     0},
	[VR_ST]   = {"ST", false, true,  true,  false, 1, ' ',   1024},
	[VR_SV]   = {"SV", true,  false, false, false, 8, '\0',     0},
	[VR_TM]   = {"TM", false, true,  false, true,  1, ' ',     14},
	[VR_UC]   = {"UC", true,  true,  true,  true,  1, ' ',      0},
	[VR_UI]   = {"UI", false, true,  false, true,  1, '\0',    64},
	[VR_UL]   = {"UL", false, false, false, false, 4, '\0',     0},
	[VR_UN]   = {"UN", true,  false, false, false, 1, '\0',     0},
	[VR_UR]   = {"UR", true,  true,  false, false, 1, ' ',      0},
	[VR_US]   = {"US", false, false, false, false, 2, '\0',     0},
	[VR_UT]   = {"UT", true,  true,  true,  false, 1, ' ',      0},
	[VR_UV]   = {"UV", true,  false, false, false, 8, '\0',     0},
};

/* Two capital letters, 26 x 26, to the VR. */
#define AT_PAIR(a, b) [(a - 'A') * 26 + (b - 'A')]
static const uint8_t vr_of_pair[26 * 26] = {
	AT_PAIR('A', 'E') = VR_AE, AT_PAIR('A', 'S') = VR_AS, AT_PAIR('A', 'T') = VR_AT,
	AT_PAIR('C', 'S') = VR_CS, AT_PAIR('D', 'A') = VR_DA, AT_PAIR('D', 'S') = VR_DS,
	AT_PAIR('D', 'T') = VR_DT, AT_PAIR('F', 'D') = VR_FD, AT_PAIR('F', 'L') = VR_FL,
	AT_PAIR('I', 'S') = VR_IS, AT_PAIR('L', 'O') = VR_LO, AT_PAIR('L', 'T') = VR_LT,
	AT_PAIR('O', 'B') = VR_OB, AT_PAIR('O', 'D') = VR_OD, AT_PAIR('O', 'F') = VR_OF,
	AT_PAIR('O', 'L') = VR_OL, AT_PAIR('O', 'V') = VR_OV, AT_PAIR('O', 'W') = VR_OW,
	AT_PAIR('P', 'N') = VR_PN, AT_PAIR('S', 'H') = VR_SH, AT_PAIR('S', 'L') = VR_SL,
	AT_PAIR('S', 'Q') = VR_SQ, AT_PAIR('S', 'S') = VR_SS, AT_PAIR('S', 'T') = VR_ST,
	AT_PAIR('S', 'V') = VR_SV, AT_PAIR('T', 'M') = VR_TM, AT_PAIR('U', 'C') = VR_UC,
	AT_PAIR('U', 'I') = VR_UI, AT_PAIR('U', 'L') = VR_UL, AT_PAIR('U', 'N') = VR_UN,
	AT_PAIR('U', 'R') = VR_UR, AT_PAIR('U', 'S') = VR_US, AT_PAIR('U', 'T') = VR_UT,
	AT_PAIR('U', 'V') = VR_UV,
};
/* clang-format on */

enum vr vr_parse(const uint8_t two[static 2])
{
	unsigned a = (unsigned)two[0] - 'A', b = (unsigned)two[1] - 'A';

	return a < 26 && b < 26 ? (enum vr)vr_of_pair[a * 26 + b] : VR_NONE;
}

const struct vr_info *vr_info(enum vr vr)
{
	assert((unsigned)vr < VR_COUNT);
	return &vr_table[vr];
}
