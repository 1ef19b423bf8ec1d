/*
 * event_queue.event_data: the raw logs, from which everything can be derived again for ever, and
 * the decoded fills for people and their SQL.
 *
 *	{"address":"0x..","topics":["0x.."],"data":"0x..",
 *	 "after_clear":{"log_index":4,"topics":["0x.."],"data":"0x.."},              a clear only
 *	 "sender":"0x..",
 *	 "fills":[{"owner":"0x..","input":{"token":"0x..","decimals":6,"vault_id":"1","amount":"150000000"},
 *	           "output":{...}}]}
 *
 * Amounts and vault ids are raw integers as decimal text. A leg of the second generation is
 *
 *	{"token":"0x..","vault_id":"0x..","float_word":"0x..","tokens":"150.25"}
 *
 * with the float's word and what it comes to in whole tokens; null: negative or too large. An event
 *that cannot be decoded has "decode_error" in place of "sender" and "fills". The programs decode
 *"topics" and "data"; nothing reads "fills" but people.
 */
#ifndef BALLAST_CHAIN_ORDERBOOK_JSON_H
#define BALLAST_CHAIN_ORDERBOOK_JSON_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "chain/evm_log.h"
#include "chain/orderbook_events.h"

/* Clears json, then writes the text. False: BUFFER_MAX_EVENT_JSON reached. */
MUST_USE bool orderbook_json_write(const struct evm_logs *logs,
				   const struct orderbook_occurrence *occurrence,
				   struct buffer *json);

/* Reads the raw logs of text and decodes them. REJECTED: not that JSON, or undecodable. */
MUST_USE enum outcome orderbook_json_decode(const char *text, struct orderbook_event *event,
					    struct error *error);

#endif
