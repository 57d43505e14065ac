#include "dicom/deflate.h"

#if NETRT_MINIMAL

enum err deflate_expand(struct bytes in, void **map, size_t *map_len, size_t *len, struct fault *f)
{
	(void)in, (void)map, (void)map_len, (void)len;
	return fault_set(f, ERR_UNSUPPORTED, "built without zlib: cannot read deflated files",
			 FAULT_NO_OFFSET);
}

void deflate_free(void *map, size_t map_len)
{
	(void)map, (void)map_len;
}

enum err inflater_open(struct inflater **z, struct fault *f)
{
	(void)z;
	return fault_set(f, ERR_UNSUPPORTED, "built without zlib: cannot read deflated data sets",
			 FAULT_NO_OFFSET);
}

enum err inflater_next(struct inflater *z, struct bytes *in, bool last, struct bytes *out,
		       struct fault *f)
{
	(void)z, (void)in, (void)last, (void)out;
	return fault_set(f, ERR_UNSUPPORTED, "built without zlib: cannot read deflated data sets",
			 FAULT_NO_OFFSET);
}

void inflater_free(struct inflater *z)
{
	(void)z;
}

enum err deflate_write(int fd, const struct bytes *views, size_t count, struct fault *f)
{
	(void)fd, (void)views, (void)count;
	return fault_set(f, ERR_UNSUPPORTED, "built without zlib: cannot write deflated files",
			 FAULT_NO_OFFSET);
}

#else

#define ZLIB_CONST /* input by const pointer */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

#include "base/file.h"
#include "base/limits.h"

#define FIRST_MAP (256u << 10)
#define RAW (-MAX_WBITS) /* zlib's sign for "no header" */

struct growing {
	uint8_t *at; /* NULL: no mapping */
	size_t size, len, max;
};

static size_t inflated_max(size_t source)
{
	size_t max;

	if (!size_mul(source, LIMIT_INFLATED_RATIO, &max) || max > LIMIT_INFLATED)
		max = LIMIT_INFLATED;
	return max < LIMIT_INFLATED_FREE ? LIMIT_INFLATED_FREE : max;
}

/* Twice as large, up to the maximum; at the maximum, an error. */
static enum err grow(struct growing *g, struct fault *f)
{
	size_t want = g->size == 0 ? FIRST_MAP : g->size * 2;
	void *p;

	if (g->size >= g->max)
		return fault_set(f, ERR_LIMIT, "a deflated data set becomes too large",
				 FAULT_NO_OFFSET);
	want = want > g->max ? g->max : want;
	if (g->at == NULL)
		p = mmap(NULL, want, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		p = mremap(g->at, g->size, want, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return fault_set(f, ERR_NOMEM, "no memory for a deflated data set",
				 FAULT_NO_OFFSET);
	g->at = p;
	g->size = want;
	return OK;
}

static enum err inflate_all(z_stream *z, struct bytes in, struct growing *g, struct fault *f)
{
	int status = Z_OK;

	while (status != Z_STREAM_END) {
		if (z->avail_in == 0 && in.len > 0) { /* zlib counts in unsigned */
			size_t part = in.len < UINT_MAX ? in.len : UINT_MAX;

			z->next_in = in.at;
			z->avail_in = (uInt)part;
			in = bytes_slice(in, part, in.len - part);
		}
		if (g->len == g->size) {
			enum err e = grow(g, f);

			if (e != OK)
				return e;
		}
		size_t room = g->size - g->len < UINT_MAX ? g->size - g->len : UINT_MAX;
		z->next_out = g->at + g->len;
		z->avail_out = (uInt)room;
		status = inflate(z, Z_NO_FLUSH);
		g->len += room - z->avail_out;
		if (status == Z_MEM_ERROR)
			return fault_set(f, ERR_NOMEM, "no memory to inflate", FAULT_NO_OFFSET);
		if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
			return fault_set(f, ERR_WIRE, "the deflated data set is damaged",
					 z->total_in);
		if (z->avail_in == 0 && in.len == 0 && status != Z_STREAM_END && z->avail_out > 0)
			return fault_set(f, ERR_WIRE, "the deflated data set is cut short",
					 z->total_in);
	}
	return OK;
}

static enum err expand(struct bytes in, int window, struct growing *g, struct fault *f)
{
	z_stream z = {0};

	if (inflateInit2(&z, window) != Z_OK)
		return fault_set(f, ERR_NOMEM, "no memory to inflate", FAULT_NO_OFFSET);
	g->len = 0;
	enum err e = inflate_all(&z, in, g, f);
	inflateEnd(&z);
	return e;
}

/* RFC 1950: method 8, window at most 32 KiB, and a check over both bytes. */
static bool has_zlib_header(struct bytes in)
{
	return in.len >= 2 && (in.at[0] & 0x0F) == 8 && in.at[0] >> 4 <= 7 &&
	       get_u16be(in.at) % 31 == 0;
}

enum err deflate_expand(struct bytes in, void **map, size_t *map_len, size_t *len, struct fault *f)
{
	struct growing g = {.max = inflated_max(in.len)};
	enum err e = expand(in, RAW, &g, f);

	if (e == ERR_WIRE && has_zlib_header(in))
		e = expand(in, MAX_WBITS, &g, f);
	if (e != OK) {
		deflate_free(g.at, g.size);
		return e;
	}
	*map = g.at;
	*map_len = g.size;
	*len = g.len;
	return OK;
}

void deflate_free(void *map, size_t map_len)
{
	if (map != NULL)
		munmap(map, map_len);
}

/* ---- reading in pieces ---- */

/* Input is gathered into blocks of one size, so that zlib and the limits see the same steps
 * however it came. */
struct inflater {
	z_stream z;
	bool begun, ended; /* `z` is in use; the deflate stream's last block is done */
	uint64_t in_total, out_total;
	size_t held;
	uint8_t block[4096];
	uint8_t out[16384];
};

enum err inflater_open(struct inflater **z, struct fault *f)
{
	struct inflater *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return fault_set(f, ERR_NOMEM, "no memory to inflate", FAULT_NO_OFFSET);
	*z = made;
	return OK;
}

void inflater_free(struct inflater *z)
{
	if (z != NULL && z->begun)
		inflateEnd(&z->z);
	free(z);
}

/* deflate_expand tries raw first.  A raw stream with these first bytes can only be a stored block,
 * whose length comes twice, the second time inverted (RFC 1951 3.2.4). */
static int window_of(struct bytes in)
{
	bool stored = in.len < 5 || (get_u16le(in.at + 1) ^ get_u16le(in.at + 3)) == 0xFFFF;

	return has_zlib_header(in) && !stored ? MAX_WBITS : RAW;
}

static enum err inflater_begin(struct inflater *z, struct fault *f)
{
	if (inflateInit2(&z->z, window_of(bytes_of(z->block, z->held))) != Z_OK)
		return fault_set(f, ERR_NOMEM, "no memory to inflate", FAULT_NO_OFFSET);
	z->begun = true;
	return OK;
}

/* Fill the block; true when it is to be given to zlib. */
static bool fill(struct inflater *z, struct bytes *in, bool last)
{
	size_t n = sizeof(z->block) - z->held;

	n = in->len < n ? in->len : n;
	if (n > 0)
		memcpy(z->block + z->held, in->at, n);
	z->held += n;
	*in = bytes_slice(*in, n, in->len - n);
	return z->held == sizeof(z->block) || (last && z->held > 0);
}

static enum err run(struct inflater *z, struct bytes *out, struct fault *f)
{
	uint64_t max = z->in_total * LIMIT_INFLATED_RATIO;

	z->z.next_out = z->out;
	z->z.avail_out = sizeof(z->out);
	int status = inflate(&z->z, Z_NO_FLUSH);
	*out = bytes_of(z->out, sizeof(z->out) - z->z.avail_out);
	z->out_total += out->len;
	z->ended = status == Z_STREAM_END;
	max = max < LIMIT_INFLATED_FREE ? LIMIT_INFLATED_FREE : max;
	if (z->out_total >= max || z->out_total >= LIMIT_INFLATED)
		return fault_set(f, ERR_LIMIT, "a deflated data set becomes too large",
				 FAULT_NO_OFFSET);
	if (status == Z_MEM_ERROR)
		return fault_set(f, ERR_NOMEM, "no memory to inflate", FAULT_NO_OFFSET);
	if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
		return fault_set(f, ERR_WIRE, "the deflated data set is damaged", z->z.total_in);
	return OK;
}

enum err inflater_next(struct inflater *z, struct bytes *in, bool last, struct bytes *out,
		       struct fault *f)
{
	for (;;) {
		if (z->ended) { /* padding */
			*in = BYTES_NONE;
			return ERR_MORE;
		}
		/* zlib wants more only when it left room in the output */
		if (!z->begun || (z->z.avail_in == 0 && z->z.avail_out > 0)) {
			if (!fill(z, in, last))
				break;
			enum err e = z->begun ? OK : inflater_begin(z, f);
			if (e != OK)
				return e;
			z->z.next_in = z->block;
			z->z.avail_in = (uInt)z->held;
			z->in_total += z->held;
			z->held = 0;
		}
		enum err e = run(z, out, f);
		if (e != OK || out->len > 0)
			return e;
	}
	if (last)
		return fault_set(f, ERR_WIRE, "the deflated data set is cut short",
				 z->begun ? z->z.total_in : 0);
	return ERR_MORE;
}

/* ---- writing ---- */

struct packer {
	z_stream z;
	int fd;
	uint64_t written;
	uint8_t out[64 << 10];
};

/* Run zlib until it has taken all its input (or, with Z_FINISH, given all its output). */
static enum err pump(struct packer *p, int flush, struct fault *f)
{
	int status;

	do {
		p->z.next_out = p->out;
		p->z.avail_out = sizeof(p->out);
		status = deflate(&p->z, flush);
		assert(status != Z_STREAM_ERROR);

		size_t n = sizeof(p->out) - p->z.avail_out;
		enum err e = file_write_all(p->fd, bytes_of(p->out, n), f);
		if (e != OK)
			return e;
		p->written += n;
	} while (flush == Z_FINISH ? status != Z_STREAM_END : p->z.avail_out == 0);
	return OK;
}

static enum err pack_all(struct packer *p, const struct bytes *views, size_t count, struct fault *f)
{
	enum err e = OK;

	for (size_t i = 0; i < count && e == OK; i++) {
		struct bytes rest = views[i];

		while (rest.len > 0 && e == OK) {
			size_t part = rest.len < UINT_MAX ? rest.len : UINT_MAX;

			p->z.next_in = rest.at;
			p->z.avail_in = (uInt)part;
			rest = bytes_slice(rest, part, rest.len - part);
			e = pump(p, Z_NO_FLUSH, f);
		}
	}
	if (e == OK)
		e = pump(p, Z_FINISH, f);
	if (e == OK && p->written % 2 != 0) /* PS3.5 A.5 */
		e = file_write_all(p->fd, BYTES_LIT("\0"), f);
	return e;
}

enum err deflate_write(int fd, const struct bytes *views, size_t count, struct fault *f)
{
	struct packer p = {.fd = fd};

	if (deflateInit2(&p.z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return fault_set(f, ERR_NOMEM, "no memory to deflate", FAULT_NO_OFFSET);
	enum err e = pack_all(&p, views, count, f);
	deflateEnd(&p.z);
	return e;
}

#endif
