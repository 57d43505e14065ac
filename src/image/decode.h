/*
 * The pixels of an image as native samples, whatever its transfer syntax (PS3.5 8.2, A.4).
 *
 *     native_open(&n, &part10, &dset, &f)
 *     ... n.data, laid out as n.format says ...
 *     native_close(&n)
 *
 *     RLE                       dicom/rle
 *     JPEG Lossless (14, SV1)   dicom/jpegll
 *     JPEG-LS                   dicom/jpegls
 *     JPEG baseline, extended   image/jpeg_read (libjpeg-turbo)
 *     JPEG 2000                 image/j2k (OpenJPEG)
 *
 * A MINIMAL build is without the last two and says ERR_UNSUPPORTED.
 */
#ifndef IMAGE_DECODE_H
#define IMAGE_DECODE_H

#include "dicom/part10.h"
#include "image/format.h"

struct native {
	struct image_format format; /* of `data`; after decoding Planar Configuration and
				     * Photometric Interpretation may be others than the source says
				     * (YBR_FULL_422, YBR_ICT and YBR_RCT become RGB) */
	struct bytes data;          /* image_bytes(), little endian, 8, 16 or 32 bits a sample */
	bool decoded;               /* from a compressed syntax; data is not in the source */
	bool lossy;                 /* of a stream that says so: DCT, JPEG-LS with NEAR above 0, the
				     * wavelet that loses.  What was cut from a reversible JPEG 2000
				     * stream it does not tell: the object does (decoded_lossy) */
	void *owned; /* mapping behind `data`, or NULL: a view of the source; after an
		      * odd length a zero byte follows, which may be written too */
	size_t owned_len;
	/* where it is not decoded: data byte i is byte i ^ (word - 1) of the value */
	size_t at;     /* of the value, in the data set */
	unsigned word; /* 1; or 2 or 4 in a big endian syntax */
};

/*
 * All frames.  ERR_UNSUPPORTED: this cannot be decoded here (f->text says what it is); ERR_WIRE:
 * the stream is broken (f->offset: in the data set); ERR_UNUSABLE: attributes or bytes are missing;
 * ERR_LIMIT: more than LIMIT_NATIVE_BYTES.  *n is to be closed in every case.
 */
enum err native_open(struct native *n, const struct part10 *p, const struct dset *d,
		     struct fault *f) MUST_USE;
void native_close(struct native *n);

#endif
