#include "base/arena.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define RED_ZONE 16u
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE 0u
#endif

#define ALIGNMENT 16u
#define STEP ((size_t)1 << 20) /* how the part that may be written to grows */

enum err arena_open(struct arena *a, size_t cap, struct fault *f)
{
	assert(cap > 0);
	void *base = mmap(NULL, cap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return fault_set(f, ERR_NOMEM, "cannot reserve memory", FAULT_NO_OFFSET);
	*a = (struct arena){.base = base, .cap = cap};
	POISON(base, cap);
	return OK;
}

void arena_close(struct arena *a)
{
	if (a->base != NULL) {
		UNPOISON(a->base, a->cap);
		munmap(a->base, a->cap);
	}
	*a = (struct arena){0};
}

/* Bytes that a block takes from the arena; false when not a size_t. */
static bool padded_size(size_t want, size_t *padded)
{
	if (!size_add(want, ALIGNMENT - 1 + RED_ZONE, padded))
		return false;
	*padded -= *padded % ALIGNMENT;
	return true;
}

/* The arena up to `end` may be written to.  False: the process has no more memory. */
static bool open_until(struct arena *a, size_t end)
{
	size_t to = end / STEP * STEP + STEP; /* end <= cap: no overflow near a real cap */

	if (end <= a->writable)
		return true;
	to = to > a->cap ? a->cap : to;
	if (mprotect(a->base, to, PROT_READ | PROT_WRITE) < 0)
		return false;
	a->writable = to;
	return true;
}

/* [from, to) of the arena to the caller, zero. */
static void hand_out(struct arena *a, size_t from, size_t to)
{
	UNPOISON(a->base + from, to - from);
	if (from < a->peak) /* handed out before: make it zero again */
		memset(a->base + from, 0, (to < a->peak ? to : a->peak) - from);
}

static void take_until(struct arena *a, size_t end)
{
	a->used = end;
	if (end > a->peak)
		a->peak = end;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
	size_t want, padded;

	if (!size_mul(count, size, &want) || !padded_size(want, &padded) ||
	    padded > a->cap - a->used || !open_until(a, a->used + padded))
		return NULL;

	size_t start = a->used;
	hand_out(a, start, start + want);
	take_until(a, start + padded);
	return a->base + start;
}

bool arena_extend(struct arena *a, void *at, size_t old_size, size_t new_size)
{
	size_t start = (size_t)((uint8_t *)at - a->base), old_padded, padded;

	assert(new_size >= old_size);
	if (!padded_size(old_size, &old_padded))
		return false;
	assert(start + old_padded == a->used);
	if (!padded_size(new_size, &padded) || padded > a->cap - start ||
	    !open_until(a, start + padded))
		return false;

	/* The old padding is counted in `peak` but never written to: it may be zeroed again. */
	UNPOISON(at, new_size);
	hand_out(a, start + old_size, start + new_size);
	take_until(a, start + padded);
	return true;
}

struct bytes arena_copy(struct arena *a, struct bytes b)
{
	uint8_t *p = arena_alloc(a, b.len, 1);

	if (p == NULL)
		return BYTES_NONE;
	if (b.len > 0)
		memcpy(p, b.at, b.len);
	return bytes_of(p, b.len);
}

char *arena_strdup(struct arena *a, struct bytes b)
{
	size_t want;

	if (!size_add(b.len, 1, &want))
		return NULL;

	char *p = arena_alloc(a, want, 1);
	if (p != NULL && b.len > 0)
		memcpy(p, b.at, b.len);
	return p;
}

size_t arena_mark(const struct arena *a)
{
	return a->used;
}

void arena_reset(struct arena *a, size_t mark)
{
	assert(mark <= a->used);
	POISON(a->base + mark, a->used - mark);
	a->used = mark;
}
