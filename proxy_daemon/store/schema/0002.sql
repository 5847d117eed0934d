-- Version 2: whose run an exchange belongs to, and recordings that answer more requests than their own.
-- replayable: 0 no, 1 its own request, 2 more: it has a pattern, or a person wrote its answer.
-- It is in the index on itself too: else SQLite looks it up in the long rows (`store/listing.py`).

ALTER TABLE exchange ADD COLUMN session TEXT NOT NULL DEFAULT '';

DROP INDEX exchange_by_fingerprint;
CREATE INDEX exchange_by_fingerprint ON exchange (fingerprint, id, session, replayable) WHERE replayable;
CREATE INDEX exchange_with_pattern ON exchange (id) WHERE replayable = 2;
