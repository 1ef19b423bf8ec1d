/*
 * A broker that places nothing anywhere: every order is accepted and filled at the price of the
 * trades it hedges. It keeps no state: what an order will do is written into its order_id, so that
 * a restart changes nothing.
 */
#ifndef BALLAST_EXECUTOR_BROKER_DRY_RUN_H
#define BALLAST_EXECUTOR_BROKER_DRY_RUN_H

#include "base/compiler.h"
#include "executor/broker.h"

#include <stdbool.h>
#include <stdint.h>

struct dry_run_options {
	int64_t fill_delay_ms; /* from submission to fill */
	/*
	 * What happens to the first orders of this run, comma separated; all later ones are filled:
	 * fill, refuse, unreachable (no byte left), lost (outcome unknown), expire, partial:SHARES
	 * (then expired).
	 */
	const char *script;
};

/* False when the script has a word that is none of those; it is logged. */
MUST_USE bool broker_dry_run_open(struct broker *broker, const struct dry_run_options *options);

#endif
