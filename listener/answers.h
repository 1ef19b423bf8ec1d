/* The questions a subscription asks and what their answers mean. The other half of subscription.c.
 */
#ifndef BALLAST_LISTENER_ANSWERS_H
#define BALLAST_LISTENER_ANSWERS_H

#include "base/compiler.h"
#include "listener/subscription.h"

#include <stddef.h>
#include <stdint.h>

/* Given by subscription.c. */
void subscription_fail(struct subscription *subscription, const struct error *why);
/* A new entry, or NULL when too much is under way already: then the question waits for the next
 * timer. */
struct request *subscription_ask(struct subscription *subscription, enum request_kind kind);
/* Sends subscription->request_text. */
void subscription_send(struct subscription *subscription);

/* Chain id and genesis hash; the subscriptions follow by themselves. */
void answers_ask_identity(struct subscription *subscription);

/* eth_blockNumber, unless it is being asked for that reason already. */
void answers_ask_once(struct subscription *subscription, enum request_kind kind);

/* All logs of the cutoff block: the subscription may have begun in its middle. */
void answers_ask_cutoff_logs(struct subscription *subscription);

/* What incomplete events lack: the logs of their blocks, or their blocks' times. */
void answers_ask_missing(struct subscription *subscription);

/* One answer, judged and used. An id nobody asked for is ignored. */
void answers_handle(struct subscription *subscription, uint64_t id, const char *text,
		    size_t length);

#endif
