/*
 * netrt deid: folders of DICOM in, the same without their patients out.  netrt keygen: the secret
 * key that it needs.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/deid_settings.h"
#include "cmd/from_conf.h"
#include "study/deid.h"

const char cmd_deid_usage[] =
	"usage: netrt deid [-c CONFIG] IN... -o OUT [-j N] [-q] [--json]\n"
	"\n"
	"De-identify DICOM objects, as the section anonymization of CONFIG says:\n"
	"\n"
	"    OUT/UID_<new StudyInstanceUID>/<new SOPInstanceUID>.dcm\n"
	"    OUT/deid_report.json   what was done to each of them, by its new UIDs\n"
	"\n"
	"IN            files, or folders to be searched; whatever is not DICOM stays out of OUT.\n"
	"              Inputs are never changed; an OUT inside IN is not read\n"
	"-o, --output OUT    made when it is not there; an object done before is replaced\n"
	"-c, --config FILE   YAML, see netrt config default; without it the built-in defaults: "
	"NETRT's\n"
	"              rules and its map of patients in /mnt/shared. anonymization.enabled does "
	"not\n"
	"              matter here. netrt config policy shows what becomes of every attribute\n"
	"-j, --jobs N  worker processes; default: one for every processor\n"
	"-q, --quiet   errors and warnings only\n"
	"--json        on standard output one line of JSON: how many were done, refused, no DICOM\n"
	"\n"
	"Each output is read back and searched for what its source says of the patient; one in "
	"which\n"
	"something is found does not get its name, and neither does an object that may not pass: "
	"a\n"
	"reason for each is on standard error. Images that a structure set refers to and that are "
	"not\n"
	"there are told of, too, and so are files with one SOP Instance UID, of which one is in "
	"OUT.\n"
	"Without the key, the map, or with a rule that is unclear nothing is done at all.\n"
	"\n"
	"Exit codes: 0 all done, 64 usage, 65 some object was not let out, 66 no input, 73 cannot "
	"create\n"
	"the output, 74 standard output failed, 78 configuration, key or map of patients.\n";

const char cmd_keygen_usage[] =
	"usage: netrt keygen FILE\n"
	"\n"
	"Make a new secret key for de-identification (anonymization.key_file) in FILE, which only "
	"its\n"
	"owner may read. It prints the key's id, which logs and reports name; a file that is there "
	"stays\n"
	"as it is. Keep a copy in a safe place: without the key a patient's next study gets "
	"another\n"
	"pseudonym. Whoever has the key can find out who a patient is, by trying.\n"
	"\n"
	"Exit codes: 0 made, 64 usage, 73 FILE is there already or cannot be made, 74 standard "
	"output\n"
	"failed.\n";

struct deid_job {
	const struct arguments *a;
	struct deid_options options;
};

static int work(void *ctx, int out)
{
	const struct deid_job *job = ctx;

	return deid_run((const char *const *)job->a->inputs, job->a->input_count, out,
			&job->options);
}

/* Everything is opened before the first input is looked at. */
static int open_and_run(struct deid_job *job, struct arena *arena)
{
	static struct anon_settings settings;
	static struct anon_gate gate;
	static struct conf conf; /* large */

	if (!deid_load(&conf, job->a->config, arena))
		return EX_CONFIG;
	log_level_set(level_of(conf.logging.level, job->a->quiet));
	if (deid_settings(&settings, &conf, arena) != OK) {
		log_say(LOG_ERROR, "out of memory");
		return EX_OSERR;
	}
	if (!deid_open(&gate, &settings, &conf, arena))
		return EX_CONFIG;
	job->options.gate = &gate;
	job->options.crosswalk = conf.anonymization.crosswalk_file;
	int code = arguments_run(job->a, work, job);
	gate_close(&gate);
	return code;
}

int cmd_deid(int argc, char **argv)
{
	struct arguments a;
	struct arena arena;
	struct fault f;

	if (cmd_wants_help(argc, argv, cmd_deid_usage))
		return cmd_finish(EX_OK);
	int code = arguments_parse(&a, "deid", "", argc, argv);
	if (code != EX_OK)
		return code;
	struct deid_job job = {.a = &a,
			       .options = {.version = NETRT_VERSION,
					   .workers = a.workers,
					   .json = a.json,
					   .quiet = a.quiet,
					   .progress = arguments_progress(&a)}};
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(2) */
	if (arena_open(&arena, 4u * LIMIT_CONFIG_ARENA, &f) != OK) {
		log_say(LOG_ERROR, "%s", f.text);
		return EX_OSERR;
	}
	code = open_and_run(&job, &arena);
	arena_close(&arena);
	return cmd_finish(code);
}

int cmd_keygen(int argc, char **argv)
{
	struct anon_key key;
	struct fault f;
	char text[256];

	if (cmd_wants_help(argc, argv, cmd_keygen_usage))
		return cmd_finish(EX_OK);
	if (argc == 3 && strcmp(argv[1], "--") == 0) {
		argv++;
		argc--;
	} else if (argc == 2 && argv[1][0] == '-') {
		return cmd_usage_error("keygen", "unknown option");
	}
	if (argc != 2 || argv[1][0] == '\0')
		return cmd_usage_error("keygen", "takes one file");
	if (key_make(argv[1], &key, &f) != OK) {
		fault_format(&f, text, sizeof(text));
		log_say(LOG_ERROR, "%s: %s", log_quote_str(argv[1]), text);
		return EX_CANTCREAT;
	}
	printf("key %s -> %s\n", key.id, log_quote_str(argv[1]));
	explicit_bzero(&key, sizeof(key));
	return cmd_finish(EX_OK);
}
