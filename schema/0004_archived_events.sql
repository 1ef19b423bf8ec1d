-- Retention: the raw data of what is settled for good moves into a file of its own, <database>.archive.

-- When the processor moved event_data there; NULL: it is here. The row stays: its key, place, times and outcome, and in
-- event_data what the data was, {"archived":true,"sha256":"<of the text that was here, lower-case hex>"}.
ALTER TABLE event_queue ADD COLUMN archived_at TEXT CHECK (archived_at IS NULL OR outcome IN ('trade', 'filtered'));

-- What may be archived when its time has come, oldest first.
CREATE INDEX event_queue_unarchived ON event_queue (processed_at, id)
	WHERE archived_at IS NULL AND outcome IN ('trade', 'filtered');
