#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static struct wall wall_of(const struct tm *tm, long microsecond)
{
	return (struct wall){.year = tm->tm_year + 1900,
			     .month = tm->tm_mon + 1,
			     .day = tm->tm_mday,
			     .hour = tm->tm_hour,
			     .minute = tm->tm_min,
			     .second = tm->tm_sec > 59 ? 59 : tm->tm_sec,
			     .microsecond = (int)microsecond,
			     .utc_offset_s = (int)tm->tm_gmtoff};
}

struct wall clock_wall(void)
{
	const char *fixed = getenv("SOURCE_DATE_EPOCH");
	struct timespec t;
	struct tm tm;

	if (fixed != NULL && *fixed != '\0') {
		char *end;
		errno = 0;
		long long seconds = strtoll(fixed, &end, 10);
		time_t when = (time_t)seconds;
		if (errno == 0 && *end == '\0' && gmtime_r(&when, &tm) != NULL)
			return wall_of(&tm, 0);
	}
	clock_gettime(CLOCK_REALTIME, &t);
	localtime_r(&t.tv_sec, &tm);
	return wall_of(&tm, t.tv_nsec / 1000);
}

void wall_date(const struct wall *w, char out[static 9])
{
	snprintf(out, 9, "%04u%02u%02u", (unsigned)w->year % 10000u, (unsigned)w->month % 100u,
		 (unsigned)w->day % 100u);
}

void wall_time(const struct wall *w, char out[static 14])
{
	snprintf(out, 14, "%02u%02u%02u.%06u", (unsigned)w->hour % 100u, (unsigned)w->minute % 100u,
		 (unsigned)w->second % 100u, (unsigned)w->microsecond % 1000000u);
}

void wall_iso(const struct wall *w, char between, char out[static 20])
{
	char date[9], time[14];

	wall_date(w, date);
	wall_time(w, time);
	snprintf(out, 20, "%.4s-%.2s-%.2s%c%.2s:%.2s:%.2s", date, date + 4, date + 6, between, time,
		 time + 2, time + 4);
}
