/*
 * A Segmentation as DCMTK's own module for them reads it: every frame on standard output, a byte a
 * pixel (0 or 1); on standard error a line a segment: its number, label, codes and color.
 *
 *     test_segread FILE [bits]
 *
 * With `bits` the frames are unpacked here, from the Pixel Data that DCMTK has read: its module (3.6.7)
 * loses the last bits of a frame that begins and ends within bytes and reaches into one more than its
 * length would fill.  Exit code 1 where DCMTK refuses the file.
 */
#include "dcmtk/config/osconfig.h"

#include <cstdio>

#include "dcmtk/dcmseg/segdoc.h"
#include "dcmtk/dcmseg/segment.h"
#include "dcmtk/dcmseg/segutils.h"

static bool say_segment(DcmSegmentation *seg, unsigned number)
{
	DcmSegment *s = seg->getSegment(number);
	OFString label, category, type;
	Uint16 l = 0, a = 0, b = 0;

	if (s == NULL || s->getSegmentLabel(label).bad() ||
	    s->getSegmentedPropertyCategoryCode().getCodeValue(category).bad() ||
	    s->getSegmentedPropertyTypeCode().getCodeValue(type).bad() ||
	    s->getRecommendedDisplayCIELabValue(l, a, b).bad())
		return false;
	fprintf(stderr, "%u\t%s\t%s\t%s\t%u\\%u\\%u\n", number, label.c_str(), category.c_str(),
		type.c_str(), l, a, b);
	return true;
}

/* PS3.5 8.1.1 */
static bool write_bits(DcmDataset *d, size_t count)
{
	const Uint8 *bytes = NULL;
	unsigned long len = 0;

	if (d->findAndGetUint8Array(DCM_PixelData, bytes, &len).bad() || len * 8 < count)
		return false;
	for (size_t i = 0; i < count; i++)
		putchar(bytes[i / 8] >> i % 8 & 1);
	return true;
}

int main(int argc, char **argv)
{
	DcmSegmentation *seg = NULL;
	DcmFileFormat file;
	Uint16 rows = 0, cols = 0;

	if (argc != 2 && argc != 3)
		return 64;
	OFCondition c = DcmSegmentation::loadFile(argv[1], seg);
	if (c.bad()) {
		fprintf(stderr, "%s\n", c.text());
		return 1;
	}
	if (file.loadFile(argv[1]).bad() ||
	    file.getDataset()->findAndGetUint16(DCM_Rows, rows).bad() ||
	    file.getDataset()->findAndGetUint16(DCM_Columns, cols).bad())
		return 1;
	for (unsigned i = 1; i <= seg->getNumberOfSegments(); i++)
		if (!say_segment(seg, i))
			return 1;
	if (argc == 3)
		return write_bits(file.getDataset(), seg->getNumberOfFrames() * rows * cols) ? 0 : 1;
	for (size_t i = 0; i < seg->getNumberOfFrames(); i++) {
		DcmIODTypes::Frame *plain =
			DcmSegUtils::unpackBinaryFrame(seg->getFrame(i), rows, cols);

		if (plain == NULL)
			return 1;
		fwrite(plain->pixData, 1, plain->length, stdout);
		delete plain;
	}
	delete seg;
	return 0;
}
