/* `monitor status`: one screen that says whether all is well. */
#ifndef BALLAST_MONITOR_STATUS_H
#define BALLAST_MONITOR_STATUS_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "store/instance_lock.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct status_options {
	struct shares threshold;  /* from how many shares on a position is hedged */
	int64_t deployment_block; /* from where coverage must be contiguous; -1: its own beginning
				   */
	int64_t stale_seconds;	  /* how long an event may wait */
	bool needs_listener;	  /* without one at work, all is not well */
	bool colours;
};

/*
 * lock: NULL when no program has ever made the file. Returns how many things need a person; each is
 * a line that begins with "!".
 */
int64_t status_print(struct store *store, const struct instance_lock *lock,
		     const struct status_options *options, FILE *file);

#endif
