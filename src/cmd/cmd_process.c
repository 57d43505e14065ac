/*
 * netrt process: a folder of DICOM in, overlay series out.  Here are only the arguments and the
 * folders at both ends.
 */
#include <assert.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/from_conf.h"
#include "study/batch.h"

const char cmd_process_usage[] =
	"usage: netrt process [-c CONFIG] IN... -o OUT [-j N] [-q] [--json] [--sheet FILE.jpg]\n"
	"                     [--debug]\n"
	"\n"
	"Read DICOM images and RT Structure Sets, and write for every study that has both a new\n"
	"image series in which the contours are overlay planes:\n"
	"\n"
	"    OUT/UID_<StudyInstanceUID>/Addition/OVERLAY-<SOPInstanceUID of the source>.dcm\n"
	"                               report.txt, report.json: what was used, what not, and why\n"
	"                               report.html: the same to look at, with a contact sheet\n"
	"\n"
	"IN            files, or folders to be searched; whatever is not DICOM is passed by.\n"
	"              Inputs are never changed; an OUT inside IN is not read\n"
	"-o, --output OUT    made when it is not there; a study done before is replaced\n"
	"-c, --config FILE   YAML, see netrt config default; without it the built-in defaults, "
	"which\n"
	"              de-identify as NETRT did, with its map of patients in /mnt/shared, and "
	"write a\n"
	"              disclaimer into the images\n"
	"-j, --jobs N  worker processes; default: one for every processor\n"
	"-q, --quiet   errors and warnings only\n"
	"--json        on standard output one line of JSON for each study\n"
	"--sheet FILE.jpg    a picture of the first study's slices with the masks drawn; of a "
	"second\n"
	"              study FILE-2.jpg, and so on\n"
	"--debug       also draw every slice with its ROIs, as pictures and as a Secondary "
	"Capture\n"
	"              series: processing.debug\n"
	"\n"
	"The second structure set on the same images gives OVERLAY-<UID>-2.dcm and a series of "
	"its\n"
	"own, and so on. A study appears in OUT when it is whole, and not at all when it fails.\n"
	"Files are not forced to disk one by one: after a power cut, run it again.\n"
	"\n"
	"Exit codes: 0 all done, 64 usage, 65 some study could not be processed, 66 no input,\n"
	"73 cannot create the output, 74 standard output failed, 78 configuration.\n";

struct arguments {
	const char *config, *out, *sheet, *jobs;
	bool json, quiet, debug;
	char **inputs;
	size_t input_count;
};

static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"output", required_argument, NULL, 'o'},
		{"jobs", required_argument, NULL, 'j'},   {"quiet", no_argument, NULL, 'q'},
		{"json", no_argument, NULL, 'J'},         {"sheet", required_argument, NULL, 'S'},
		{"debug", no_argument, NULL, 'D'},        {NULL, 0, NULL, 0},
	};
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, ":c:o:j:q", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			a->config = optarg;
			break;
		case 'o':
			a->out = optarg;
			break;
		case 'j':
			a->jobs = optarg;
			break;
		case 'q':
			a->quiet = true;
			break;
		case 'J':
			a->json = true;
			break;
		case 'S':
			a->sheet = optarg;
			break;
		case 'D':
			a->debug = true;
			break;
		case ':':
			return cmd_usage_error("process", "an option lacks its value");
		default:
			return cmd_usage_error("process", "unknown option");
		}
	}
	a->inputs = argv + optind;
	a->input_count = (size_t)(argc - optind);
	if (a->input_count == 0)
		return cmd_usage_error("process", "give at least one file or folder to read");
	if (a->out == NULL || a->out[0] == '\0')
		return cmd_usage_error("process", "give the output folder with -o");
#ifdef NETRT_MINIMAL
	if (a->sheet != NULL)
		return cmd_usage_error("process", "this netrt was built without JPEG: no --sheet");
#endif
	return EX_OK;
}

static void fill(struct study_options *o, struct loaded *l, const struct arguments *a)
{
	study_options_of(o, l);
	o->now = clock_wall();
	o->out_path = a->out;
	o->sheet = a->sheet;
	o->json = a->json;
	o->quiet = a->quiet;
	o->progress = !a->quiet && isatty(STDERR_FILENO) == 1;
}

/* ---- the run ---- */

static void tell_problems(const struct scan *s)
{
	enum { TOLD = 20 };
	char text[256];

	for (uint32_t i = 0; i < s->problem_count && i < TOLD; i++) {
		fault_format(&s->problems[i].fault, text, sizeof(text));
		log_say(LOG_WARNING, "%s: not used: %s", log_quote_str(s->problems[i].path), text);
	}
	if (s->problem_count > TOLD)
		log_say(LOG_WARNING, "%u more files are not used", s->problem_count - TOLD);
}

static int scan_and_run(const struct arguments *a, const struct study_options *o, int out)
{
	static struct scan scan; /* big, and only one */
	struct fault f;
	char text[256];
	int code;
	enum err e = scan_open(&scan, &f);

	if (e == OK)
		e = scan_run(&scan, (const char *const *)a->inputs, a->input_count, out, &f);
	if (e != OK) {
		fault_format(&f, text, sizeof(text));
		log_say(LOG_ERROR, "%s", text);
		code = EX_DATAERR;
	} else {
		tell_problems(&scan);
		if (scan_dicom_count(&scan) + scan.counts.bad == 0) {
			log_say(LOG_ERROR, "no DICOM file among %u file%s", scan.counts.files,
				scan.counts.files == 1 ? "" : "s");
			code = EX_NOINPUT;
		} else {
			code = batch_run(&scan, o, out);
		}
	}
	scan_close(&scan);
	return code;
}

static int run(const struct arguments *a, struct study_options *o)
{
	bool made;
	int code = arguments_inputs(a->inputs, a->input_count);

	if (code != EX_OK)
		return code;

	int out = arguments_output(a->out, &made);
	if (out < 0)
		return EX_CANTCREAT;
	code = scan_and_run(a, o, out);
	close(out);
	if (made) {
		assert(a->out != NULL);
		(void)rmdir(a->out); /* goes only when nothing is in it */
	}
	return code;
}

int cmd_process(int argc, char **argv)
{
	struct arguments a = {.config = NULL};
	struct study_options o = {.workers = 0};
	static struct loaded loaded;

	if (cmd_wants_help(argc, argv, cmd_process_usage))
		return cmd_finish(EX_OK);

	int code = parse(argc, argv, &a);
	if (code != EX_OK)
		return code;
	o.workers = arguments_workers(a.jobs);
	if (o.workers == 0)
		return cmd_usage_error("process", "-j takes a number from 1 to 256");
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(2) */
	code = loaded_open(&loaded, a.config, a.debug);
	if (code == EX_OK)
		code = loaded_shield(&loaded);
	if (code == EX_OK) {
		log_level_set(level_of(loaded.conf.logging.level, a.quiet));
		fill(&o, &loaded, &a);
		code = run(&a, &o);
	}
	loaded_close(&loaded);
	return cmd_finish(code);
}
