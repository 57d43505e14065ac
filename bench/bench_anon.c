/*
 * What de-identification costs, step by step, in memory:
 *
 *     build/bench/bench_anon PROFILE FILE...      PROFILE: basic or research
 *
 * prints for all files together, the best of ROUNDS: objects a second of the data set (policy and
 * apply), of the pixels, of collecting what is forbidden, of searching; and gigabytes a second of
 * verifying, over the whole output: of structure sets, which are decimal text, and of all others.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon/identity.h"
#include "anon/pixels.h"
#include "anon/verify.h"
#include "base/clock.h"
#include "base/file.h"
#include "dicom/part10.h"

#define ROUNDS 7u
#define FILES_MAX 4096u

enum step { STEP_IDENTITY, STEP_APPLY, STEP_PIXELS, STEP_COLLECT, STEP_VERIFY, STEPS };
static const char *const step_words[] = {"identity and words", "policy and apply", "pixels",
					 "verify, collecting", "verify, searching"};

static struct bytes files[FILES_MAX];
static unsigned file_count;
static uint64_t took_us[STEPS], best_us[STEPS];

/* What was verified: structure sets, and others. */
static struct verified {
	const char *name;
	uint64_t bytes, us, best_us;
} verified[] = {{.name = "verify, images"}, {.name = "verify, contours"}};

static void die(const char *what)
{
	fprintf(stderr, "bench_anon: %s\n", what);
	exit(2);
}

static void add(enum step step, uint64_t *start)
{
	uint64_t now = clock_us();

	took_us[step] += now - *start;
	*start = now;
}

/* The output in one piece, as it would be written. */
static void put_together(const struct part10 *p, const struct anon_object *o,
			 const struct pixels_out *pixels, struct buf *out, struct arena *a)
{
	struct part10_meta meta = {.sop_class = o->sop_class,
				   .sop_instance = o->sop_instance,
				   .transfer_syntax = p->syntax_uid};

	if (part10_head(out, &meta, NULL) != OK)
		die("no memory");
	struct bytes *views = ARENA_NEW(a, struct bytes, anon_object_most(o));
	size_t count = views != NULL ? anon_object_list(o, pixels->view, views) : 0;
	for (size_t i = 0; i < count; i++)
		buf_add(out, views[i]);
	if (out->failed || views == NULL)
		die("no memory");
}

static void one(struct bytes file, const struct policy *policy, struct anon_patient *patient,
		struct arena *a)
{
	struct part10 p;
	struct dset d;
	struct anon_identity who;
	struct anon_object object = {.has_pixels = false};
	struct pixels_out pixels;
	struct verify verify;
	struct verify_hit hit;
	struct buf out = BUF_INIT(2 * file.len + (1u << 20));
	struct fault f = {0};

	arena_reset(a, 0);
	if (part10_parse(&p, file, &f) != OK || dset_index(&d, p.data, p.syntax, 0, a, &f) != OK)
		die("no DICOM file");
	const struct anon_source source = {.data = p.data, .syntax = p.syntax, .patient = patient};
	uint64_t start = clock_us();
	memset(&patient->words, 0, sizeof(patient->words));
	if (identity_collect(&(struct identity_source){p.data, p.syntax, policy}, &who,
			     &patient->words, a, &f) != OK)
		die(f.text);
	add(STEP_IDENTITY, &start);
	if (anon_apply(policy, &source, &object, &f) != OK)
		die(f.text);
	add(STEP_APPLY, &start);
	if (pixels_clean(&d, &object, NULL, 0, &pixels, &f) != OK)
		die(f.text);
	add(STEP_PIXELS, &start);
	if (verify_collect(&verify, policy, &source, a, &f) != OK)
		die(f.text);
	add(STEP_COLLECT, &start);
	put_together(&p, &object, &pixels, &out, a);
	start = clock_us();
	uint64_t began = start;
	if (verify_file(&verify, buf_bytes(&out), &hit, &f) != OK)
		die(f.text);
	add(STEP_VERIFY, &start);
	struct verified *v = &verified[anon_iod_of(dset_text(&d, NULL, TAG_SOPClassUID)) ==
				       IOD_RT_STRUCTURE_SET];
	v->bytes += out.len;
	v->us += start - began;
	buf_free(&out);
	pixels_close(&pixels);
	anon_object_close(&object);
	part10_close(&p);
}

int main(int argc, char **argv)
{
	static struct anon_patient patient;
	struct anon_settings settings = {.profile = ANON_BASIC};
	struct policy_problem problem;
	struct policy *policy;
	struct arena fixed, a;

	if (argc < 3 || arena_open(&fixed, 1u << 20, NULL) != OK ||
	    arena_open(&a, 1u << 30, NULL) != OK)
		die("PROFILE FILE...");
	if (strcmp(argv[1], "research") == 0)
		settings = (struct anon_settings){.profile = ANON_RESEARCH,
						  .options = ANON_RESEARCH_OPTIONS};
	if (policy_make(&policy, &settings, NULL, 0, &fixed, &problem, NULL) != OK)
		die("no policy");
	patient = (struct anon_patient){.id = "SITE_0001",
					.name = "SITE_0001",
					.shift_days = -100,
					.key = BYTES_LIT("0123456789abcdef0123456789abcdef")};
	for (int i = 2; i < argc && file_count < FILES_MAX; i++) {
		struct file_map map;

		if (file_map(&map, AT_FDCWD, argv[i], NULL) != OK)
			die("cannot be read");
		files[file_count++] = map.bytes;
	}
	for (unsigned r = 0; r < ROUNDS; r++) {
		memset(took_us, 0, sizeof(took_us));
		for (unsigned i = 0; i < 2; i++)
			verified[i].bytes = verified[i].us = 0;
		for (unsigned i = 0; i < file_count; i++)
			one(files[i], policy, &patient, &a);
		for (unsigned s = 0; s < STEPS; s++)
			if (r == 0 || took_us[s] < best_us[s])
				best_us[s] = took_us[s];
		for (unsigned i = 0; i < 2; i++)
			if (r == 0 || verified[i].us < verified[i].best_us)
				verified[i].best_us = verified[i].us;
	}
	for (unsigned s = 0; s < STEPS; s++)
		printf("%-20s %10.0f objects/s\n", step_words[s],
		       (double)file_count * 1e6 / (double)(best_us[s] + 1));
	for (unsigned i = 0; i < 2; i++)
		if (verified[i].bytes > 0)
			printf("%-20s %10.2f GB/s\n", verified[i].name,
			       (double)verified[i].bytes / 1e3 / (double)(verified[i].best_us + 1));
	return 0;
}
