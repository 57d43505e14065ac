#include "service/noise.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/random.h>

struct slot {
	_Atomic uint32_t minute;
	_Atomic uint32_t count; /* lines asked for in this minute */
};

struct noise {
	uint64_t key;
	struct slot slot[NOISE_SLOTS];
};

struct noise *noise_open(void)
{
	struct noise *n =
		mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (n == MAP_FAILED)
		return NULL;
	if (getrandom(&n->key, sizeof(n->key), GRND_NONBLOCK) != (ssize_t)sizeof(n->key))
		n->key = 0; /* only the sharing of places gets predictable */
	return n;
}

void noise_close(struct noise *n)
{
	if (n != NULL)
		munmap(n, sizeof(*n));
}

/* FNV-1a over the key and the address. */
static struct slot *slot_of(struct noise *n, const char *address)
{
	uint64_t h = 0xCBF29CE484222325u ^ n->key;

	for (; *address != '\0'; address++)
		h = (h ^ (uint8_t)*address) * 0x100000001B3u;
	return &n->slot[(h ^ (h >> 32)) % NOISE_SLOTS];
}

enum noise_verdict noise_ask(struct noise *n, const char *address, uint32_t minute, uint32_t most,
			     uint32_t *dropped)
{
	struct slot *s = slot_of(n, address);
	uint32_t before = atomic_load(&s->minute);

	*dropped = 0;
	if (before != minute && atomic_compare_exchange_strong(&s->minute, &before, minute)) {
		uint32_t count = atomic_exchange(&s->count, 0);

		*dropped = count > most ? count - most : 0;
	}
	uint32_t count = atomic_fetch_add(&s->count, 1) + 1;
	if (count == UINT32_MAX)
		atomic_fetch_sub(&s->count, 1);
	return count < most ? NOISE_SAY : count == most ? NOISE_LAST : NOISE_DROP;
}
