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
