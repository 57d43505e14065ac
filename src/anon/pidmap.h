/*
 * NETRT's map of patients (pid_mapping.json), read and continued.
 *
 *     {"<16 hex digits>": {"anonymized_id": "SITE_0001_20240101", "first_seen": "...",
 *                          "original_patient_id_hash": "<the same>", "study_count": 1}, ...}
 *
 * The key is the first 16 hex digits of SHA-256 of "PatientID|PatientName".  The next number is one
 * above the highest that is there, whoever's site code it bears (NETRT reads none from a site code
 * with an underscore, and begins at 1 again; netrt does).  Every change is made under an
 * flock on
 * "<file>.lock", to a new file that is synced and renamed over the old one: readers and other
 * processes see the old map or the new one.  Members that netrt does not know stay, byte for byte.
 *
 * A map that cannot be read to its end is an error, never a reason to begin again: two patients
 * would get one number.
 */
#ifndef ANON_PIDMAP_H
#define ANON_PIDMAP_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"

#define PIDMAP_ID_MAX 64u
#define PIDMAP_TAIL_MAX 20u /* of it: "_<number>_<date>" */
#define PIDMAP_SEEN 64u

/* Patients that this process has asked for already; an entry of the map never changes. */
struct pidmap_seen {
	unsigned count; /* in all; the last PIDMAP_SEEN are here */
	struct {
		char key[17], id[PIDMAP_ID_MAX + 1];
	} entry[PIDMAP_SEEN];
};

struct pidmap_patient {
	/* as the source says them, UTF-8, without padding at the end (what stands in front counts:
	 * NETRT's way) */
	struct bytes id, name;
	struct bytes date; /* Study Date; used when it is eight digits, else today's */
};

/*
 * The patient's pseudonym, "<site>_<number>_<date>", from the map at `path`, where it is put when
 * it is not there yet.  ERR_WIRE: the map is damaged (f->at: where).  ERR_IO: it cannot be read,
 * locked or written; then no other patient got a number.  ERR_LIMIT: over LIMIT_PIDMAP, or the site
 * code leaves no room.  `seen` may be NULL.
 */
enum err pidmap_get(const char *path, const char *site_code, const struct pidmap_patient *patient,
		    const struct wall *now, struct pidmap_seen *seen,
		    char out[static PIDMAP_ID_MAX + 1], struct fault *f) MUST_USE;
/* Is the map in order (or not there yet, in a folder that can be written)?  For the start. */
enum err pidmap_check(const char *path, struct fault *f) MUST_USE;

#endif
