/* What the files behind conditions.h share; nobody else includes it. */
#ifndef BALLAST_MONITOR_CONDITIONS_PRIVATE_H
#define BALLAST_MONITOR_CONDITIONS_PRIVATE_H

#include "monitor/conditions.h"

/* Each opens its statements, closes them, and adds what it finds. */
void conditions_open_chain(struct conditions *conditions);
void conditions_close_chain(struct conditions *conditions);
void conditions_read_chain(struct conditions *conditions, int64_t now_ms,
			   struct condition_list *list);

void conditions_open_orders(struct conditions *conditions);
void conditions_close_orders(struct conditions *conditions);
/* After all others: an order that waits for what was already told is not told again. */
void conditions_read_orders(struct conditions *conditions, struct condition_list *list);

#endif
