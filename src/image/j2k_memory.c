#ifndef NETRT_MINIMAL

#include "image/j2k_memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define ALIGNED 32u /* the most that OpenJPEG asks for */

/* Before each block, which is aligned. */
struct head {
	void *raw; /* as malloc gave it */
	size_t size;
};

static struct {
	size_t budget, used;
	bool refused;
} memory;

void j2k_memory_begin(size_t budget)
{
	assert(memory.used == 0);
	memory.budget = budget;
	memory.refused = false;
}

bool j2k_memory_end(void)
{
	assert(memory.used == 0);
	return memory.refused;
}

static struct head *head_of(void *block)
{
	return (struct head *)block - 1;
}

static void *take(size_t size)
{
	size_t extra = sizeof(struct head) + ALIGNED;

	if (size == 0)
		return NULL;
	if (size > memory.budget - memory.used || size > SIZE_MAX - extra) {
		memory.refused = true;
		return NULL;
	}
	uint8_t *raw = malloc(size + extra);
	if (raw == NULL)
		return NULL;
	uint8_t *block = raw + sizeof(struct head);
	block += (ALIGNED - (uintptr_t)block % ALIGNED) % ALIGNED;
	*head_of(block) = (struct head){raw, size};
	memory.used += size;
	return block;
}

static void give_back(void *block)
{
	if (block == NULL)
		return;
	memory.used -= head_of(block)->size;
	free(head_of(block)->raw);
}

static void *change(void *block, size_t size)
{
	void *made = take(size);

	if (made == NULL || block == NULL)
		return made;
	size_t had = head_of(block)->size;
	memcpy(made, block, had < size ? had : size);
	give_back(block);
	return made;
}

/* ---- As OpenJPEG knows them (its opj_malloc.h, which is not installed) ---- */

void *opj_malloc(size_t size);
void *opj_calloc(size_t count, size_t size);
void *opj_realloc(void *block, size_t size);
void opj_free(void *block);
void *opj_aligned_malloc(size_t size);
void *opj_aligned_realloc(void *block, size_t size);
void *opj_aligned_32_malloc(size_t size);
void *opj_aligned_32_realloc(void *block, size_t size);
void opj_aligned_free(void *block);

void *opj_malloc(size_t size)
{
	return take(size);
}

void *opj_calloc(size_t count, size_t size)
{
	size_t whole;

	if (!size_mul(count, size, &whole))
		return NULL;
	void *block = take(whole);
	if (block != NULL)
		memset(block, 0, whole);
	return block;
}

void *opj_realloc(void *block, size_t size)
{
	return change(block, size);
}

void opj_free(void *block)
{
	give_back(block);
}

void *opj_aligned_malloc(size_t size)
{
	return take(size);
}

void *opj_aligned_realloc(void *block, size_t size)
{
	return change(block, size);
}

void *opj_aligned_32_malloc(size_t size)
{
	return take(size);
}

void *opj_aligned_32_realloc(void *block, size_t size)
{
	return change(block, size);
}

void opj_aligned_free(void *block)
{
	give_back(block);
}

#else
typedef int j2k_memory_is_empty; /* ISO C wants something here */
#endif
