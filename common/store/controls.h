/*
 * Table controls: switches. trading_halted = '1' stops new orders at once and leaves the rest
 * running.
 */
#ifndef BALLAST_STORE_CONTROLS_H
#define BALLAST_STORE_CONTROLS_H

#include "base/compiler.h"
#include "store/store.h"

#include <stdbool.h>

#define CONTROL_REASON_SIZE 257

struct control_reason {
	char text[CONTROL_REASON_SIZE];
};

struct controls {
	struct store *store;
	struct statement find, set;
};

void controls_open(struct controls *controls, struct store *store);
void controls_close(struct controls *controls);

/*
 * Whether new orders are stopped; reason may be NULL. Any value but '0' stops: a switch half thrown
 * is thrown.
 */
bool controls_trading_halted(struct controls *controls, struct control_reason *reason);

/* Whether the switch was ever thrown, either way. */
bool controls_trading_was_decided(struct controls *controls);

/* Inside a transaction. reason: shortened to fit. */
void controls_set_trading_halted(struct controls *controls, bool halted, const char *reason);

#endif
