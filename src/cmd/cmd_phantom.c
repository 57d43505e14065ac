/*
 * netrt phantom: a study of our own making.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "phantom/phantom.h"

const char cmd_phantom_usage[] =
	"usage: netrt phantom OUT [--preset small|standard|large] [--seed N] [--slices N] "
	"[--matrix N]\n"
	"\n"
	"Write a made-up study into the new folder OUT: a CT series (OUT/ct) and an RT Structure\n"
	"Set (OUT/rs) with body, organs, a ring, an island, a keyhole, a seed.  The same options\n"
	"give the same bytes.  No patient was involved.\n"
	"\n"
	"  --preset P   small: 60 slices, 16 ROIs (default); standard: 200 slices, 30 ROIs;\n"
	"               large: 600 slices, 60 ROIs\n"
	"  --seed N     other noise and other UIDs (default 1)\n"
	"  --slices N   another number of slices, 4 to 20000\n"
	"  --matrix N   another number of rows and columns, 64 to 1024\n"
	"\n"
	"Exit codes: 0 done, 64 usage, 73 OUT cannot be created (or is not empty).\n";

/* A whole decimal number in low..high. */
static bool parse_number(const char *text, unsigned long long low, unsigned long long high,
			 unsigned long long *out)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 18 || text[digits] != '\0')
		return false;
	*out = strtoull(text, NULL, 10);
	return *out >= low && *out <= high;
}

/* The options into *o; 0, or an exit code after a message. */
static int parse_options(int argc, char **argv, struct phantom_options *o)
{
	static const struct option longs[] = {{"preset", required_argument, NULL, 'p'},
					      {"seed", required_argument, NULL, 's'},
					      {"slices", required_argument, NULL, 'n'},
					      {"matrix", required_argument, NULL, 'm'},
					      {NULL, 0, NULL, 0}};
	unsigned long long seed = 0, slices = 0, matrix = 0;
	const char *preset = "small";
	bool seeded = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		bool good = c == 'p' || (c == 's' && parse_number(optarg, 0, 1ull << 60, &seed)) ||
			    (c == 'n' && parse_number(optarg, 4, 20000, &slices)) ||
			    (c == 'm' && parse_number(optarg, 64, 1024, &matrix));
		if (!good)
			return cmd_usage_error("phantom",
					       "unknown option, or a value out of range");
		if (c == 'p')
			preset = optarg;
		seeded = seeded || c == 's';
	}
	if (!phantom_preset(preset, o))
		return cmd_usage_error("phantom", "--preset is small, standard or large");
	if (seeded)
		o->seed = seed;
	if (slices != 0)
		o->slices = (uint32_t)slices;
	if (matrix != 0)
		o->matrix = (uint32_t)matrix;
	return EX_OK;
}

int cmd_phantom(int argc, char **argv)
{
	struct phantom_options options = {0};
	struct phantom_summary summary = {0};
	struct fault fault = {0};

	if (cmd_wants_help(argc, argv, cmd_phantom_usage))
		return cmd_finish(EX_OK);
	int code = parse_options(argc, argv, &options);
	if (code != EX_OK)
		return code;
	if (argc - optind != 1)
		return cmd_usage_error("phantom", "takes one folder to create");

	const char *out = argv[optind];
	if (phantom_write(out, &options, &summary, &fault) != OK) {
		char why[256];

		fault_format(&fault, why, sizeof(why));
		log_say(LOG_ERROR, "%s: %s", log_quote_str(out), why);
		return EX_CANTCREAT;
	}
	printf("%s: %u CT images of %u x %u, a structure set with %u ROIs, %u contours, %llu "
	       "points "
	       "(%.1f MB)\n",
	       log_quote_str(out), options.slices, options.matrix, options.matrix, summary.rois,
	       summary.contours, (unsigned long long)summary.points,
	       (double)summary.structure_set_bytes / 1e6);
	return cmd_finish(EX_OK);
}
