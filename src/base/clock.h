/*
 * Time, read in one place and handed down as a value.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct wall { /* local time, for DA and TM values and reports */
	int year, month, day, hour, minute, second, microsecond;
	int utc_offset_s; /* local time less UTC */
};

uint64_t clock_us(void); /* monotonic, microseconds */
/* Local time now; SOURCE_DATE_EPOCH (seconds, UTC) in the environment overrides it, so that two
 * runs can be compared byte for byte. */
struct wall clock_wall(void);
void wall_date(const struct wall *w, char out[static 9]);  /* DA: YYYYMMDD */
void wall_time(const struct wall *w, char out[static 14]); /* TM: HHMMSS.FFFFFF */
/* ISO 8601, for people with a blank between: "2026-11-25 15:43:19"; for programs with a T. */
void wall_iso(const struct wall *w, char between, char out[static 20]);

#endif
