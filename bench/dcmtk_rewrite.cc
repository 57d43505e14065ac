// The same as bench_rewrite.c with DCMTK: every file of a folder loaded and saved again.
//
//     build/bench/dcmtk_rewrite IN OUT [ROUNDS]
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

static double now()
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	const std::string in = argv[1], out = argv[2];
	const int rounds = argc > 3 ? atoi(argv[3]) : 1;
	std::vector<std::string> names;
	DIR *dir = opendir(in.c_str());
	if (dir == NULL)
		return 2;
	while (struct dirent *entry = readdir(dir))
		if (entry->d_name[0] != '.')
			names.push_back(entry->d_name);
	closedir(dir);

	double best = 0;
	for (int r = 0; r < rounds; r++) {
		for (const std::string &name : names)
			unlink((out + "/" + name).c_str());
		const double start = now();
		for (const std::string &name : names) {
			DcmFileFormat file;
			if (file.loadFile((in + "/" + name).c_str()).bad())
				return 2;
			const E_TransferSyntax syntax = file.getDataset()->getOriginalXfer();
			if (file.saveFile((out + "/" + name).c_str(), syntax).bad())
				return 2;
		}
		const double speed = double(names.size()) / (now() - start);
		best = speed > best ? speed : best;
	}
	printf("%.0f\n", best);
	return 0;
}
