#include "service/shared.h"

#include <string.h>
#include <sys/mman.h>

#define PROBES 8u /* places looked at for one study */

struct shared *shared_make(uint32_t slot_count, struct fault *f)
{
	size_t size = sizeof(struct shared) + slot_count * sizeof(struct slot);
	struct shared *s =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED) {
		(void)fault_io(f, "cannot share memory between processes");
		return NULL;
	}
	s->slot_count = slot_count;
	return s;
}

void shared_ip(const struct address *a, uint8_t out[static 16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

	memcpy(out, a->ip, 16);
	if (memcmp(out, mapped, sizeof(mapped)) != 0)
		memset(out + 8, 0, 8);
}

static bool is_half(uint32_t state)
{
	return state == SLOT_HALF_OPEN || state == SLOT_LEAVING;
}

enum door_answer shared_enter(struct shared *s, const struct service_limits *limits,
			      const uint8_t ip[static 16], uint32_t *slot)
{
	uint32_t free = s->slot_count, half = 0, half_address = 0;

	for (uint32_t i = 0; i < s->slot_count; i++) {
		uint32_t state = atomic_load(&s->slot[i].state);

		if (state == SLOT_FREE && free == s->slot_count)
			free = i;
		if (!is_half(state))
			continue;
		half++;
		half_address += memcmp(s->slot[i].ip, ip, 16) == 0;
	}
	if (half_address >= limits->half_open_per_address)
		return DOOR_FULL_ADDRESS;
	if (half >= limits->half_open || free == s->slot_count)
		return DOOR_FULL;
	memcpy(s->slot[free].ip, ip, 16);
	atomic_store(&s->slot[free].stored, 0);
	for (unsigned i = 0; i < SLOT_FED; i++)
		atomic_store(&s->slot[free].fed[i], 0);
	atomic_store(&s->slot[free].state, SLOT_HALF_OPEN);
	*slot = free;
	return DOOR_OPEN;
}

void shared_leave(struct shared *s, uint32_t slot)
{
	atomic_store(&s->slot[slot].state, SLOT_FREE);
}

void shared_count(const struct shared *s, uint32_t *half_open, uint32_t *open)
{
	*half_open = *open = 0;
	for (uint32_t i = 0; i < s->slot_count; i++) {
		uint32_t state = atomic_load(&s->slot[i].state);

		*half_open += is_half(state);
		*open += state == SLOT_OPEN;
	}
}

bool shared_admit(struct shared *s, const struct service_limits *limits, uint32_t slot)
{
	struct slot *mine = &s->slot[slot];
	uint64_t ticket = atomic_fetch_add(&s->ticket, 1);
	uint32_t all = 0, address = 0;

	atomic_store(&mine->ticket, ticket);
	atomic_store(&mine->state, SLOT_OPEN);
	for (uint32_t i = 0; i < s->slot_count; i++) {
		if (i == slot || atomic_load(&s->slot[i].state) != SLOT_OPEN ||
		    atomic_load(&s->slot[i].ticket) > ticket)
			continue;
		all++;
		address += memcmp(s->slot[i].ip, mine->ip, 16) == 0;
	}
	if (all < limits->associations && address < limits->associations_per_address)
		return true;
	atomic_store(&mine->state, SLOT_LEAVING);
	return false;
}

/* FNV-1a; never 0. */
static uint64_t key_of(const struct uid *uid)
{
	uint64_t h = 14695981039346656037ull;

	for (const char *c = uid->text; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * 1099511628211ull;
	return h == 0 ? 1 : h;
}

void shared_feed(struct shared *s, uint32_t slot, const struct uid *study)
{
	struct slot *mine = &s->slot[slot];
	uint64_t key = key_of(study);

	for (unsigned i = 0; i < SLOT_FED; i++) {
		uint64_t there = atomic_load(&mine->fed[i]);

		if (there == key)
			return;
		if (there == 0) {
			atomic_store(&mine->fed[i], key);
			return;
		}
	}
	atomic_store(&mine->fed[key % SLOT_FED], key);
}

void shared_unfeed(struct shared *s, uint32_t slot, const struct uid *study)
{
	uint64_t key = key_of(study);

	for (unsigned i = 0; i < SLOT_FED; i++)
		if (atomic_load(&s->slot[slot].fed[i]) == key)
			atomic_store(&s->slot[slot].fed[i], 0);
}

bool shared_is_fed(const struct shared *s, const struct uid *study)
{
	uint64_t key = key_of(study);

	for (uint32_t i = 0; i < s->slot_count; i++) {
		uint32_t state = atomic_load(&s->slot[i].state);

		if (state == SLOT_FREE || state == SLOT_LEAVING)
			continue;
		for (unsigned k = 0; k < SLOT_FED; k++)
			if (atomic_load(&s->slot[i].fed[k]) == key)
				return true;
	}
	return false;
}

struct shared_study *shared_study(struct shared *s, const struct uid *study, bool *is_new)
{
	uint64_t key = key_of(study);

	*is_new = false;
	for (uint32_t i = 0; i < PROBES; i++) {
		struct shared_study *at = &s->study[(key + i) % SHARED_STUDIES];
		uint64_t there = atomic_load(&at->key);

		if (there == 0 && atomic_compare_exchange_strong(&at->key, &there, key)) {
			*is_new = true;
			return at;
		}
		if (there == key)
			return at;
	}
	return NULL;
}

void shared_forget(struct shared *s, const struct uid *study)
{
	uint64_t key = key_of(study);

	for (uint32_t i = 0; i < PROBES; i++) {
		struct shared_study *at = &s->study[(key + i) % SHARED_STUDIES];

		if (atomic_load(&at->key) != key)
			continue;
		atomic_store(&at->bytes, 0);
		atomic_store(&at->instances, 0);
		atomic_store(&at->key, 0);
	}
}
