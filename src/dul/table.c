#include "dul/table.h"

#include <assert.h>
#include <stdint.h>

/*
 * PS3.8 table 9-10, turned to print: a row per event, a column per state, in the standard's own
 * order, so that it can be proofread against the page.
 */
/* clang-format off */
static const uint8_t table_9_10[DUL_EVENTS][DUL_STATES] = {
/*  Sta    1    2    3    4    5    6    7    8    9    10   11   12   13 */
/*  1 */ { AE1, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL,  NIL, NIL, NIL },
/*  2 */ { NIL, NIL, NIL, AE2, NIL, NIL, NIL, NIL, NIL, NIL,  NIL, NIL, NIL },
/*  3 */ { NIL, AA1, AA8, NIL, AE3, AA8, AA8, AA8, AA8, AA8,  AA8, AA8, AA6 },
/*  4 */ { NIL, AA1, AA8, NIL, AE4, AA8, AA8, AA8, AA8, AA8,  AA8, AA8, AA6 },
/*  5 */ { AE5, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL,  NIL, NIL, NIL },
/*  6 */ { NIL, AE6, AA8, NIL, AA8, AA8, AA8, AA8, AA8, AA8,  AA8, AA8, AA7 },
/*  7 */ { NIL, NIL, AE7, NIL, NIL, NIL, NIL, NIL, NIL, NIL,  NIL, NIL, NIL },
/*  8 */ { NIL, NIL, AE8, NIL, NIL, NIL, NIL, NIL, NIL, NIL,  NIL, NIL, NIL },
/*  9 */ { NIL, NIL, NIL, NIL, NIL, DT1, NIL, AR7, NIL, NIL,  NIL, NIL, NIL },
/* 10 */ { NIL, AA1, AA8, NIL, AA8, DT2, AR6, AA8, AA8, AA8,  AA8, AA8, AA6 },
/* 11 */ { NIL, NIL, NIL, NIL, NIL, AR1, NIL, NIL, NIL, NIL,  NIL, NIL, NIL },
/* 12 */ { NIL, AA1, AA8, NIL, AA8, AR2, AR8, AA8, AA8, AA8,  AA8, AA8, AA6 },
/* 13 */ { NIL, AA1, AA8, NIL, AA8, AA8, AR3, AA8, AA8, AR10, AR3, AA8, AA6 },
/* 14 */ { NIL, NIL, NIL, NIL, NIL, NIL, NIL, AR4, AR9, NIL,  NIL, AR4, NIL },
/* 15 */ { NIL, NIL, AA1, AA2, AA1, AA1, AA1, AA1, AA1, AA1,  AA1, AA1, NIL },
/* 16 */ { NIL, AA2, AA3, NIL, AA3, AA3, AA3, AA3, AA3, AA3,  AA3, AA3, AA2 },
/* 17 */ { NIL, AA5, AA4, AA4, AA4, AA4, AA4, AA4, AA4, AA4,  AA4, AA4, AR5 },
/* 18 */ { NIL, AA2, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL,  NIL, NIL, AA2 },
/* 19 */ { NIL, AA1, AA8, NIL, AA8, AA8, AA8, AA8, AA8, AA8,  AA8, AA8, AA7 },
};
/* clang-format on */

enum dul_action table_action(enum dul_event event, enum dul_state state)
{
	assert(event >= 1 && event <= DUL_EVENTS && state >= 1 && state <= DUL_STATES);
	return (enum dul_action)table_9_10[event - 1][state - 1];
}

const char *table_action_name(enum dul_action action)
{
	static const char *const names[] = {
		"-",     "AE-1", "AE-2", "AE-3", "AE-4", "AE-5", "AE-6", "AE-7", "AE-8", "DT-1",
		"DT-2",  "AR-1", "AR-2", "AR-3", "AR-4", "AR-5", "AR-6", "AR-7", "AR-8", "AR-9",
		"AR-10", "AA-1", "AA-2", "AA-3", "AA-4", "AA-5", "AA-6", "AA-7", "AA-8"};

	return names[action];
}
