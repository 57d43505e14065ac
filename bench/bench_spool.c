/*
 * Receiving into the spool: objects a second, beside the least that the disk can be asked for.
 *
 *     build/bench/bench_spool [FOLDER [ROUNDS [OBJECTS]]]     (build/bench/work-spool, 7, 400)
 *
 * none      the whole way of an object of 512 KiB (head, streaming check, .part, rename) beside
 *           open, write and close of the same bytes under the last name
 * strict    the same with fdatasync and fsync of the folder, beside write, fdatasync, rename and
 * fsync
 *
 * With one process, and with eight that store into one study.  What is compared runs in turn, round
 * by round, and the median of each is taken.  Data come in pieces of 128 KiB, as from PDUs.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "dicom/build.h"
#include "dicom/stream.h"
#include "study/spool.h"

#define PIECE (1u << 20)
#define ROUNDS_MAX 100

struct job {
	const char *folder;
	struct bytes data; /* the data set */
	unsigned process, objects;
};

static void must(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(EXIT_FAILURE);
	}
}

static void data_set(struct build *b)
{
	static uint8_t pixels[512u << 10];

	for (size_t i = 0; i < sizeof(pixels); i++)
		pixels[i] = (uint8_t)((i * 2654435761u) >> 13);
	build_init(b, &syntax_explicit_le, 1u << 20);
	build_str(b, TAG_SOPClassUID, VR_UI, "1.2.840.10008.5.1.4.1.1.2");
	build_str(b, TAG_SOPInstanceUID, VR_UI, "1.2.3");
	build_str(b, TAG_StudyInstanceUID, VR_UI, "1.2.3");
	build_str(b, TAG_SeriesInstanceUID, VR_UI, "1.2.3.1");
	build_ow_le(b, TAG_PixelData, bytes_of(pixels, sizeof(pixels)));
	must(!b->out.failed, "data set");
}

/* ---- what is measured ---- */

static void through_spool(const struct job *j, enum spool_durability durability)
{
	static const struct stream_limits limits = STREAM_LIMITS_INIT;
	static const struct uid study = {.text = "1.2.3"};
	static struct spool s;
	static struct stream check;
	struct part10_meta meta = {.source_ae = "BENCH"};
	enum spool_result result;
	enum err e = spool_open(&s, j->folder, durability, 1u << 20, NULL);

	(void)uid_set(&meta.sop_class, BYTES_LIT("1.2.840.10008.5.1.4.1.1.2"));
	(void)uid_set(&meta.transfer_syntax, bytes_str(syntax_explicit_le.uid));
	for (unsigned i = 0; i < j->objects && e == OK; i++) {
		struct spool_part part;

		snprintf(meta.sop_instance.text, sizeof(meta.sop_instance.text), "1.%u.%u",
			 j->process, i);
		stream_init(&check, &syntax_explicit_le, &limits);
		e = spool_begin(&s, &part, &meta, NULL);
		for (size_t at = 0; at < j->data.len && e == OK; at += PIECE) {
			size_t left = j->data.len - at;
			struct bytes view = bytes_slice(j->data, at, left < PIECE ? left : PIECE);

			e = stream_feed(&check, view, NULL);
			if (e == OK)
				e = spool_write(&s, &part, &view, 1, NULL);
		}
		if (e == OK)
			e = stream_end(&check, NULL);
		if (e == OK)
			e = spool_commit(&s, &part, &study, &meta.sop_instance, SPOOL_IMAGE,
					 &result, NULL);
	}
	must(e == OK, "spool");
	spool_close(&s);
}

static void spool_none(const struct job *j)
{
	through_spool(j, SPOOL_NONE);
}

static void spool_strict(const struct job *j)
{
	through_spool(j, SPOOL_STRICT);
}

static void write_pieces(int fd, struct bytes data)
{
	for (size_t at = 0; at < data.len; at += PIECE) {
		size_t n = data.len - at < PIECE ? data.len - at : PIECE;

		must(write(fd, data.at + at, n) == (ssize_t)n, "write");
	}
}

static void bare(const struct job *j, bool synced)
{
	int dir = open(j->folder, O_RDONLY | O_DIRECTORY);
	char name[64], part[64];

	must(dir >= 0, j->folder);
	for (unsigned i = 0; i < j->objects; i++) {
		snprintf(name, sizeof(name), "%u.%u.dcm", j->process, i);
		snprintf(part, sizeof(part), "%u.part", j->process);
		int fd = openat(dir, synced ? part : name, O_WRONLY | O_CREAT | O_EXCL, 0666);
		must(fd >= 0, "open");
		write_pieces(fd, j->data);
		if (synced)
			must(fdatasync(fd) == 0 && renameat(dir, part, dir, name) == 0 &&
				     fsync(dir) == 0,
			     "sync");
		must(close(fd) == 0, "close");
	}
	close(dir);
}

static void bare_none(const struct job *j)
{
	bare(j, false);
}

static void bare_strict(const struct job *j)
{
	bare(j, true);
}

/* ---- rounds ---- */

struct measure {
	double rate;   /* objects a second, of all processes together */
	double cpu_us; /* of one object */
};

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return 1e6 * (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* In a new folder. */
static struct measure run(void (*work)(const struct job *), struct job j, unsigned processes)
{
	char command[600];
	double cpu = cpu_us();
	uint64_t start;

	must(mkdir(j.folder, 0777) == 0, j.folder);
	fflush(NULL);
	start = clock_us();
	j.objects /= processes;
	for (j.process = 0; j.process < processes; j.process++) {
		pid_t pid = fork();

		must(pid >= 0, "fork");
		if (pid == 0) {
			work(&j);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < processes; i++) {
		int status = -1;

		must(wait(&status) > 0 && status == 0, "a process");
	}
	double seconds = (double)(clock_us() - start) / 1e6, count = j.objects * processes;
	struct measure m = {count / seconds, (cpu_us() - cpu) / count};
	snprintf(command, sizeof(command), "rm -rf '%s' && sync", j.folder);
	must(system(command) == 0, "rm");
	return m;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned count)
{
	qsort(v, count, sizeof(*v), by_value);
	return v[count / 2];
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*ours)(const struct job *);
		void (*bare)(const struct job *);
		unsigned processes;
	} rows[] = {
		{"none", spool_none, bare_none, 1},
		{"none", spool_none, bare_none, 8},
		{"strict", spool_strict, bare_strict, 1},
		{"strict", spool_strict, bare_strict, 8},
	};
	struct job j = {.folder = argc > 1 ? argv[1] : "build/bench/work-spool"};
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 7;
	struct build b;

	j.objects = argc > 3 ? (unsigned)atoi(argv[3]) : 400;
	must(rounds > 0 && rounds <= ROUNDS_MAX && j.objects >= 8, "usage");
	data_set(&b);
	j.data = buf_bytes(&b.out);
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		double ours[ROUNDS_MAX], beside[ROUNDS_MAX], ratio[ROUNDS_MAX];
		double cpu[ROUNDS_MAX], cpu_beside[ROUNDS_MAX];

		for (unsigned r = 0; r < rounds; r++) {
			struct measure m = run(rows[k].ours, j, rows[k].processes),
				       n = run(rows[k].bare, j, rows[k].processes);

			ours[r] = m.rate;
			beside[r] = n.rate;
			ratio[r] = m.rate / n.rate;
			cpu[r] = m.cpu_us;
			cpu_beside[r] = n.cpu_us;
		}
		double middle = median(ratio, rounds); /* and sorts */
		printf("spool %-6s %u  %.0f/s beside %.0f/s, ratio %.2f [%.2f-%.2f]; cpu %.0f us "
		       "beside %.0f us\n",
		       rows[k].name, rows[k].processes, median(ours, rounds),
		       median(beside, rounds), middle, ratio[0], ratio[rounds - 1],
		       median(cpu, rounds), median(cpu_beside, rounds));
		fflush(stdout);
	}
	build_free(&b);
	return 0;
}
