/*
 * Dates, moved by whole days (R12, R13).  DA and the date part of DT; TM stays as it is.
 *
 * `value` may hold several values and ranges; forms of ACR-NEMA ("2020.03.01") and dates without
 * day or month are understood: a year alone or a month is taken at its first day, moved, and cut
 * again. Padding is trimmed.
 */
#ifndef ANON_DATES_H
#define ANON_DATES_H

#include "base/buf.h"
#include "dicom/vr.h"

/* False: some part of it is no date (then nothing may pass), or leaves the years 1 to 9999. */
bool date_shift(struct bytes value, enum vr vr, int days, struct buf *out);
/* NETRT: the day becomes 01 (DA, DT); minutes and seconds become 00 (TM, DT).  False as above. */
bool date_first_day(struct bytes value, enum vr vr, struct buf *out);
bool time_full_hour(struct bytes value, enum vr vr, struct buf *out);
/* TM that stays: times and ranges of them, nothing that could be a date. */
bool time_ok(struct bytes value);
/* AS: ages of 90 years and above become 090Y.  False: it is no age. */
bool age_cap(struct bytes value, struct buf *out);

#endif
