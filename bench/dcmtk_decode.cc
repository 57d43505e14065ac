// The same as bench_decode.c with DCMTK.
//
//     build/bench/dcmtk_decode ROUNDS FILE...
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>

static double now()
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

int main(int argc, char **argv)
{
	const int rounds = argc > 2 ? atoi(argv[1]) : 0;
	double best = 0;

	if (rounds < 1)
		return 2;
	DJDecoderRegistration::registerCodecs();
	DJLSDecoderRegistration::registerCodecs();
	DcmRLEDecoderRegistration::registerCodecs();
	for (int r = 0; r < rounds; r++) {
		const double start = now();
		double bytes = 0;
		for (int i = 2; i < argc; i++) {
			DcmFileFormat file;
			DcmElement *pixels = NULL;
			if (file.loadFile(argv[i]).bad() ||
			    file.getDataset()->chooseRepresentation(EXS_LittleEndianExplicit, NULL).bad() ||
			    file.getDataset()->findAndGetElement(DCM_PixelData, pixels).bad())
				return 2;
			bytes += double(pixels->getLength());
		}
		const double speed = bytes / (now() - start) / 1e6;
		best = speed > best ? speed : best;
	}
	printf("%.1f\n", best);
	return 0;
}
