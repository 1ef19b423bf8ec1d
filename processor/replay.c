/*
 * See replay.h. Executions are the broker's word and cannot be replayed: the scratch ledger plans
 * none, so that its positions are the exposures that the real one has split into position and
 * hedges.
 */
#include "processor/replay.h"

#include "base/log.h"
#include "base/process.h"
#include "processor/processor.h"
#include "store/archived_data.h"
#include "store/audit.h"
#include "store/store_archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_A_STEP 100

/* More than any position: nothing is hedged. */
static const char no_hedge[] = "999999999999999999";

struct scratch {
	char directory[64];
	char path[80];
};

struct replay {
	struct store *ledger;
	struct audit audit;
	struct archive archive;	    /* opened when an event is there */
	struct buffer event_data;   /* of the archived event in hand */
	struct processor processor; /* of the scratch ledger */
	int64_t events;
	int64_t differences;
};

static void scratch_create(struct scratch *scratch)
{
	(void)snprintf(scratch->directory, sizeof(scratch->directory),
		       "/tmp/ballast-replay-XXXXXX");
	if (mkdtemp(scratch->directory) == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "no scratch database: %s cannot be created: %s",
		      scratch->directory, strerror(errno));
	(void)snprintf(scratch->path, sizeof(scratch->path), "%s/ballast.db", scratch->directory);
}

static void scratch_remove(const struct scratch *scratch)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	char path[sizeof(scratch->path) + 8];

	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", scratch->path, suffixes[i]);
		(void)unlink(path);
	}
	if (rmdir(scratch->directory) != 0)
		log_warn("scratch database left behind directory=%s", scratch->directory);
}

/* What the chain said of vaults. */
static void copy_vaults(struct replay *replay)
{
	struct processor *processor = &replay->processor;
	struct vault_conversion conversion;
	struct vault vault;
	struct vaults vaults;

	vaults_open(&vaults, replay->audit.store);
	while (vaults_next(&vaults, &vault))
		vaults_insert(&processor->wrapped.vaults, &vault);
	while (vaults_next_conversion(&vaults, &conversion))
		vaults_insert_conversion(&processor->wrapped.vaults, &conversion);
	vaults_close(&vaults);
}

/* What the processor needs beside events: what the chain said of tokens and vaults, and the word
 * that every block is covered. */
static bool prepare(struct replay *replay, const struct chain_settings *settings)
{
	const struct block_range all = {.first = settings->deployment_block, .last = INT64_MAX - 1};
	struct processor *processor = &replay->processor;
	struct tokens tokens;
	struct token token;

	if (!store_begin(&processor->store))
		return false;
	tokens_open(&tokens, replay->audit.store);
	while (tokens_next(&tokens, &token))
		tokens_insert(&processor->tokens, &token);
	tokens_close(&tokens);
	copy_vaults(replay);
	block_coverage_add(&processor->coverage, all);
	store_commit(&processor->store);
	return true;
}

static bool apply_all(struct replay *replay)
{
	while (processor_step(&replay->processor) != PROCESSOR_IDLE) {
	}
	return !process_stopping();
}

/* A replay without them would prove nothing. */
NORETURN static void end_without_archive(const struct replay *replay, enum outcome outcome,
					 const char *reason)
{
	fatal(outcome == OUTCOME_RETRY ? EXIT_CODE_TRY_AGAIN : EXIT_CODE_NEEDS_PERSON,
	      "archived events cannot be replayed: %s archive=%s: put the ledger's archive there, "
	      "from a backup if need be",
	      reason, archive_path_of(replay->ledger).text);
}

/* Puts what the archive has in the place of its name. */
static void fetch(struct replay *replay, struct audit_event *event)
{
	enum outcome outcome = OUTCOME_OK;
	struct error error;

	if (replay->archive.connection == NULL)
		outcome = archive_open_read_only(&replay->archive, replay->ledger, &error);
	if (outcome == OUTCOME_OK)
		outcome = archive_find(&replay->archive, event->id, &replay->event_data, &error);
	if (outcome != OUTCOME_OK)
		end_without_archive(replay, outcome, error.text);
	if (strcmp(archived_data_of(buffer_text(&replay->event_data)).text,
		   event->record.event_data) != 0) {
		log_error("the archive has other data than was archived event_id=%" PRId64,
			  event->id);
		end_without_archive(replay, OUTCOME_REJECTED, "its data is not what was archived");
	}
	event->record.event_data = buffer_text(&replay->event_data);
}

static bool append(struct replay *replay, struct audit_event *event)
{
	enum event_append append;

	if (event->archived)
		fetch(replay, event);
	append = event_queue_append(&replay->processor.events, &event->record);
	replay->events++;
	if (append == EVENT_ADDED)
		return true;
	replay->differences++;
	printf("DIFFERENCE event_queue has an event twice: tx_hash=%s log_index=%" PRId64 "\n",
	       evm_word_text(&event->record.tx_hash).text, event->record.log_index);
	return false;
}

/* One that left the chain: applied, removed, taken back. */
static bool replay_taken_back(struct replay *replay, struct audit_event *event)
{
	struct processor *processor = &replay->processor;
	int64_t id;

	if (!store_begin(&processor->store))
		return false;
	if (!append(replay, event)) {
		store_rollback(&processor->store);
		return true;
	}
	id = store_last_insert_id(&processor->store);
	store_commit(&processor->store);
	if (!apply_all(replay) || !store_begin(&processor->store))
		return false;
	event_queue_mark_removed(&processor->events, id);
	store_commit(&processor->store);
	return apply_all(replay);
}

/* The rest of the walk, in batches. */
static bool replay_standing(struct replay *replay, struct audit_event *event)
{
	struct processor *processor = &replay->processor;
	bool more = true;

	while (more) {
		if (!store_begin(&processor->store))
			return false;
		for (int i = 0; more && i < EVENTS_A_STEP; i++) {
			(void)append(replay, event);
			more = audit_next_event(&replay->audit, event);
		}
		store_commit(&processor->store);
		if (!apply_all(replay))
			return false;
	}
	return true;
}

static bool replay_events(struct replay *replay)
{
	struct audit_event event;

	while (audit_next_event(&replay->audit, &event)) {
		if (!event.taken_back)
			return replay_standing(replay, &event);
		if (!replay_taken_back(replay, &event))
			return false;
	}
	return true;
}

static void differ(struct replay *replay, const char *where, const char *what)
{
	replay->differences++;
	printf("DIFFERENCE only %s: %s\n", where, what);
}

/* Two sorted lists side by side. */
static void compare_facts(struct replay *replay, struct audit *replayed)
{
	const char *ours = audit_next_fact(&replay->audit);
	const char *theirs = audit_next_fact(replayed);

	while (ours != NULL || theirs != NULL) {
		int order = ours == NULL ? 1 : theirs == NULL ? -1 : strcmp(ours, theirs);

		if (order < 0)
			differ(replay, "in the database", ours);
		if (order > 0)
			differ(replay, "in the replay", theirs);
		if (order <= 0)
			ours = audit_next_fact(&replay->audit);
		if (order >= 0)
			theirs = audit_next_fact(replayed);
	}
}

/* "AAPL -0.7"; "" when there are no more. An exposure of zero is none. */
static void next_exposure(struct audit *audit, char *text, size_t size)
{
	struct symbol ticker;
	struct shares exposure;

	text[0] = '\0';
	while (audit_next_exposure(audit, &ticker, &exposure)) {
		if (shares_is_zero(exposure))
			continue;
		(void)snprintf(text, size, "%s %s", ticker.text, shares_text(exposure).text);
		return;
	}
}

static void compare_exposures(struct replay *replay, struct audit *replayed)
{
	char ours[SYMBOL_SIZE + 64];
	char theirs[sizeof(ours)];

	next_exposure(&replay->audit, ours, sizeof(ours));
	next_exposure(replayed, theirs, sizeof(theirs));
	while (ours[0] != '\0' || theirs[0] != '\0') {
		bool same = strcmp(ours, theirs) == 0;
		bool ours_first =
			theirs[0] == '\0' || (ours[0] != '\0' && strcmp(ours, theirs) < 0);

		if (!same && ours_first)
			differ(replay, "in the database, position and hedges", ours);
		else if (!same)
			differ(replay, "in the replay, position", theirs);
		if (same || ours_first)
			next_exposure(&replay->audit, ours, sizeof(ours));
		if (same || !ours_first)
			next_exposure(replayed, theirs, sizeof(theirs));
	}
}

static int compare(struct replay *replay)
{
	struct audit replayed;

	audit_open(&replayed, &replay->processor.store);
	compare_facts(replay, &replayed);
	compare_exposures(replay, &replayed);
	audit_close(&replayed);
	if (replay->differences > 0) {
		printf("replay: %" PRId64 " differences after %" PRId64 " events\n",
		       replay->differences, replay->events);
		return 1;
	}
	printf("replay: %" PRId64 " applied events give the same trades and positions: identical\n",
	       replay->events);
	return 0;
}

static int run_in(struct store *ledger, const struct chain_settings *settings,
		  const struct symbol_map *symbols, const char *path)
{
	static struct replay replay;
	struct shares threshold;
	bool valid = shares_parse(no_hedge, &threshold);
	int exit_code = EXIT_CODE_TRY_AGAIN;

	invariant(valid);
	store_open(&replay.processor.store, path);
	instance_lock_open(&replay.processor.lock, path);
	processor_open(&replay.processor, settings, symbols, threshold, 0);
	replay.ledger = ledger;
	buffer_init(&replay.event_data, BUFFER_MAX_EVENT_JSON);
	audit_open(&replay.audit, ledger);
	if (prepare(&replay, settings) && replay_events(&replay))
		exit_code = compare(&replay);
	audit_close(&replay.audit);
	archive_close(&replay.archive);
	buffer_free(&replay.event_data);
	processor_close(&replay.processor);
	instance_lock_close(&replay.processor.lock);
	store_close(&replay.processor.store);
	return exit_code;
}

/* Half-way between two states there is nothing to compare. */
static void require_settled(struct store *ledger)
{
	struct event_queue events;
	struct event_row event;
	bool waiting;

	event_queue_open(&events, ledger);
	waiting = event_queue_next_unreversed(&events, &event);
	event_queue_close(&events);
	if (waiting)
		fatal(EXIT_CODE_TRY_AGAIN, "events that left the chain wait to be taken back: run "
					   "the processor first");
}

int replay_run(struct store *ledger, const struct chain_settings *settings,
	       const struct symbol_map *symbols)
{
	struct scratch scratch = {.directory = ""};
	int exit_code;

	require_settled(ledger);
	scratch_create(&scratch);
	/* The steps of the replay are not events of the ledger. */
	log_set_level(LOG_LEVEL_ERROR);
	exit_code = run_in(ledger, settings, symbols, scratch.path);
	scratch_remove(&scratch);
	return exit_code;
}
