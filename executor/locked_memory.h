/*
 * Memory for keys and tokens: never swapped out, guarded by unreadable pages on both sides,
 * overwritten when it is given back (libsodium's sodium_malloc). With process_start's ban on core
 * dumps, nothing in it reaches a disk.
 */
#ifndef BALLAST_EXECUTOR_LOCKED_MEMORY_H
#define BALLAST_EXECUTOR_LOCKED_MEMORY_H

#include <stddef.h>

/* Zeroed, never NULL. Ends the process with 78 when the limit of locked memory is too small. */
void *locked_memory_allocate(size_t size);
/* NULL is fine. */
void locked_memory_free(void *memory);

#endif
