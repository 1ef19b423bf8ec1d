/* See locked_memory.h. */
#include "executor/locked_memory.h"

#include "base/log.h"

#include <sodium.h>
#include <string.h>

void *locked_memory_allocate(size_t size)
{
	void *memory;

	if (sodium_init() < 0)
		fatal(EXIT_CODE_BUG, "libsodium does not start");
	memory = sodium_malloc(size);
	if (memory == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory size=%zu", size);
	/* sodium_malloc locks, and says nothing when it cannot: this does. */
	if (sodium_mlock(memory, size) != 0)
		fatal(EXIT_CODE_NEEDS_PERSON,
		      "secrets cannot be locked in memory: raise the limit of locked memory "
		      "(ulimit -l, LimitMEMLOCK) to 1 MB");
	memset(memory, 0, size);
	return memory;
}

void locked_memory_free(void *memory)
{
	sodium_free(memory);
}
