/*
 * netrt process: a folder of DICOM in, overlay series out.  Here are only the arguments and the
 * folders at both ends.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

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

static void fill(struct study_options *o, struct loaded *l, const struct arguments *a)
{
	study_options_of(o, l);
	o->now = clock_wall();
	o->workers = a->workers;
	o->out_path = a->out;
	o->sheet = a->sheet;
	o->json = a->json;
	o->quiet = a->quiet;
	o->progress = arguments_progress(a);
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

struct process_job {
	const struct arguments *a;
	struct study_options options;
};

static int scan_and_run(void *ctx, int out)
{
	const struct process_job *job = ctx;
	const struct arguments *a = job->a;
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
			code = batch_run(&scan, &job->options, out);
		}
	}
	scan_close(&scan);
	return code;
}

int cmd_process(int argc, char **argv)
{
	struct arguments a;
	struct process_job job = {.a = &a};
	static struct loaded loaded;

	if (cmd_wants_help(argc, argv, cmd_process_usage))
		return cmd_finish(EX_OK);

	int code = arguments_parse(&a, "process", "SD", argc, argv);
	if (code != EX_OK)
		return code;
#ifdef NETRT_MINIMAL
	if (a.sheet != NULL)
		return cmd_usage_error("process", "this netrt was built without JPEG: no --sheet");
#endif
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(2) */
	code = loaded_open(&loaded, a.config, a.debug);
	if (code == EX_OK)
		code = loaded_shield(&loaded);
	if (code == EX_OK) {
		log_level_set(level_of(loaded.conf.logging.level, a.quiet));
		fill(&job.options, &loaded, &a);
		code = arguments_run(&a, scan_and_run, &job);
	}
	loaded_close(&loaded);
	return cmd_finish(code);
}
