/*
 * Proves that trades and positions follow from the queue: replays it in a scratch database, by the
 * same steps, and compares.
 */
#ifndef BALLAST_PROCESSOR_REPLAY_H
#define BALLAST_PROCESSOR_REPLAY_H

#include "base/compiler.h"
#include "base/settings.h"
#include "processor/symbol_map.h"
#include "store/store.h"

/*
 * ledger: opened read-only. The differences, or the proof, go to stdout. Exit code: 0 identical, 1
 * not, 75 told to stop before the end.
 */
MUST_USE int replay_run(struct store *ledger, const struct chain_settings *settings,
			const struct symbol_map *symbols);

#endif
