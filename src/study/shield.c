#include "study/shield.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dicom/vr.h"
#include "study/roi_look.h"

static enum anon_act act_for(const struct anon_gate *gate, const uint32_t *path, unsigned depth,
			     uint32_t tag, enum vr vr, enum anon_iod iod)
{
	const struct anon_place place = {
		.iod = iod, .path = path, .depth = depth, .tag = tag, .vr = vr};

	return policy_decide(gate->policy, &place).act;
}

struct uid shield_uid(const struct anon_gate *gate, uint32_t tag, const struct uid *uid)
{
	if (gate == NULL || uid->text[0] == '\0' ||
	    act_for(gate, NULL, 0, tag, VR_UI, IOD_OTHER) != ACT_UID ||
	    anon_uid_is_well_known(bytes_str(uid->text)))
		return *uid;
	return anon_uid(bytes_of(gate->uid_key, sizeof(gate->uid_key)), bytes_str(uid->text));
}

/* Names as the policy treats ROI Name: as they are, of the vocabulary, or none. */
static enum err rename_rois(const struct anon_gate *gate, struct structset *set,
			    const struct part10 *file, struct arena *a, struct fault *f)
{
	static const uint32_t path[] = {TAG_StructureSetROISequence};
	enum anon_act act = act_for(gate, path, 1, TAG_ROIName, VR_LO, IOD_RT_STRUCTURE_SET);
	struct anon_patient patient;
	const struct anon_source source = {
		.data = file->data, .syntax = file->syntax, .patient = &patient};
	struct bytes *names = NULL;
	size_t count = 0, item = 0;

	if (act == ACT_KEEP)
		return OK;
	if (act == ACT_ROI_NAME) {
		enum err e = gate_patient(gate, file->data, file->syntax, &patient, a, f);
		if (e == OK)
			e = convert_roi_names(gate, &source, &names, &count, a, f);
		if (e != OK)
			return e;
	}
	for (uint32_t i = 0; i < set->roi_count; i++) {
		struct roi *r = &set->rois[i];

		r->name = r->in_roi_sequence && item < count ? names[item] : BYTES_NONE;
		if (r->name.at == NULL)
			r->name = roi_label(r, a);
		item += r->in_roi_sequence;
		if (r->name.at == NULL)
			return fault_set(f, ERR_NOMEM, "no memory for names of ROIs",
					 FAULT_NO_OFFSET);
	}
	return OK;
}

enum err shield_set(const struct anon_gate *gate, struct structset *set, const struct part10 *file,
		    struct arena *a, struct fault *f)
{
	if (gate == NULL)
		return OK;
	set->sop_instance = shield_uid(gate, TAG_SOPInstanceUID, &set->sop_instance);
	if (act_for(gate, NULL, 0, TAG_StructureSetLabel, VR_SH, IOD_RT_STRUCTURE_SET) != ACT_KEEP)
		set->label = BYTES_NONE;
	return rename_rois(gate, set, file, a, f);
}

const char *shield_profile(const struct anon_gate *gate)
{
	static const char *const words[] = {
		[ANON_NETRT] = "netrt", [ANON_BASIC] = "basic", [ANON_RESEARCH] = "research"};

	return words[gate->settings->profile];
}

enum err shield_crosswalk(const char *path, const struct buf *lines, struct fault *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fault_io(f, "the file of old and new UIDs");
	enum err e = lines->failed ? fault_set(f, ERR_NOMEM, "no memory for old and new UIDs",
					       FAULT_NO_OFFSET)
				   : file_write_all(fd, buf_bytes(lines), f);
	if (e == OK && fsync(fd) < 0)
		e = fault_io(f, "the file of old and new UIDs");
	close(fd);
	return e;
}

/* Digits and dots, as long as they go on. */
static struct bytes number_at(struct bytes line, size_t at)
{
	size_t end = at;

	while (end < line.len &&
	       ((line.at[end] >= '0' && line.at[end] <= '9') || line.at[end] == '.'))
		end++;
	while (end > at && line.at[end - 1] == '.')
		end--;
	return bytes_slice(line, at, end - at);
}

static bool is_instance_uid(struct bytes number)
{
	unsigned dots = 0;

	for (size_t i = 0; i < number.len; i++)
		dots += number.at[i] == '.';
	return number.len >= 12 && dots >= 2 && !(dots == 3 && number.len <= 15) &&
	       uid_ok(number) && !anon_uid_is_well_known(number);
}

void shield_text(const struct anon_gate *gate, struct bytes line, struct buf *out)
{
	struct bytes key = bytes_of(gate->uid_key, sizeof(gate->uid_key));
	bool maps = act_for(gate, NULL, 0, TAG_StudyInstanceUID, VR_UI, IOD_OTHER) == ACT_UID;

	for (size_t at = 0; at < line.len;) {
		struct bytes number = number_at(line, at);

		if (maps && is_instance_uid(number)) {
			struct uid told = anon_uid(key, number);
			buf_str(out, told.text);
		} else {
			buf_add(out, number);
		}
		at += number.len;
		if (number.len == 0)
			buf_add(out, bytes_slice(line, at++, 1));
	}
}

/* Dates that the new object says of itself move with those of its source; where these are removed,
 * it says none that means anything. */
static struct wall outside_time(const struct anon_gate *gate, const struct anon_patient *patient,
				const struct wall *now)
{
	const struct anon_settings *s = policy_settings(gate->policy);
	struct wall w = *now;
	struct tm tm = {.tm_year = w.year - 1900,
			.tm_mon = w.month - 1,
			.tm_mday = w.day + patient->shift_days,
			.tm_hour = 12};

	if (s->profile == ANON_NETRT || (s->options & ANON_RETAIN_FULL_DATES) != 0)
		return w;
	if (!policy_shifts_dates(gate->policy))
		return (struct wall){
			.year = 1900, .month = 1, .day = 1, .utc_offset_s = w.utc_offset_s};
	(void)timegm(&tm); /* only to put day and month in order */
	w.year = tm.tm_year + 1900;
	w.month = tm.tm_mon + 1;
	w.day = tm.tm_mday;
	return w;
}

/* Data set and pixels in one piece, as everything that derives from an image expects them. */
static enum err join(struct shield *s, struct arena *a, struct fault *f)
{
	const struct converted *c = &s->converted;
	size_t len = 0;

	for (size_t i = 0; i < c->view_count; i++)
		len += c->views[i].len;
	uint8_t *all = ARENA_NEW(a, uint8_t, len);
	if (all == NULL)
		return fault_set(f, ERR_NOMEM, "the image does not fit in memory", FAULT_NO_OFFSET);
	s->made.data = bytes_of(all, len);
	for (size_t i = 0; i < c->view_count; i++) {
		memcpy(all, c->views[i].at, c->views[i].len);
		all += c->views[i].len;
	}
	return dset_index(&s->index, s->made.data, s->made.syntax, 0, a, f);
}

/* As it is. */
static enum err let_through(struct shield *s, const struct part10 *source, const struct dset *dset,
			    struct arena *a, struct fault *f)
{
	enum err e = OK;

	s->source = source;
	s->dset = dset;
	if (dset == NULL) {
		s->dset = &s->index;
		e = dset_index(&s->index, source->data, source->syntax, 0, a, f);
	}
	if (e == OK)
		(void)uid_set(&s->instance, dset_text(s->dset, NULL, TAG_SOPInstanceUID));
	return e;
}

enum err shield_open(struct shield *s, const struct anon_gate *gate, const struct part10 *source,
		     const struct dset *dset, const struct wall *now, struct arena *a,
		     struct fault *f)
{
	*s = SHIELD_NONE;
	s->now = *now;
	if (gate == NULL)
		return let_through(s, source, dset, a, f);
	s->active = true;
	s->source = &s->made;
	s->dset = &s->index;
	enum err e = convert_make(&s->converted, gate, source, a, f);
	s->made = (struct part10){.map = FILE_MAP_NONE,
				  .syntax = s->converted.syntax,
				  .syntax_uid = s->converted.syntax_uid,
				  .meta_syntax = source->meta_syntax};
	if (e == OK)
		e = join(s, a, f);
	if (e != OK)
		return e;
	s->instance = s->converted.object.sop_instance;
	s->counts = s->converted.object.counts;
	s->pixels_decoded = s->converted.decoded;
	s->pixels_cleaned = s->converted.pixels.regions > 0 || s->converted.pixels.bits_cleared;
	s->now = outside_time(gate, &s->converted.patient, now);
	return OK;
}

enum err shield_verify(const struct shield *s, int dir, const char *name, struct verify_hit *hit,
		       struct fault *f)
{
	struct file_map written;

	if (!s->active)
		return OK;
	enum err e = file_map(&written, dir, name, f);
	if (e == OK)
		e = convert_verify(&s->converted, written.bytes, hit, f);
	file_unmap(&written);
	return e;
}

void shield_close(struct shield *s)
{
	if (s->active)
		convert_close(&s->converted);
	*s = SHIELD_NONE;
}
