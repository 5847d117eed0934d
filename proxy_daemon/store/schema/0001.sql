-- Version 1: exchanges, their large bodies in parts, and what the store knows of itself.

CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- One row an exchange. Times: microseconds since 1970 (started) or since the start. Heads as `store/codec.py` writes them.
-- A body of NULL stands in body_part.
CREATE TABLE exchange (
    id            INTEGER PRIMARY KEY,
    started       INTEGER NOT NULL,
    fingerprint   BLOB,
    replayable    INTEGER NOT NULL,
    pinned        INTEGER NOT NULL,
    path          BLOB NOT NULL,
    model         TEXT NOT NULL,
    status        INTEGER NOT NULL,
    facts         BLOB NOT NULL,
    request_head  BLOB NOT NULL,
    request_size  INTEGER NOT NULL,
    request_body  BLOB,
    response_head BLOB,
    response_size INTEGER NOT NULL,
    response_body BLOB,
    pieces        BLOB
);

CREATE INDEX exchange_by_fingerprint ON exchange (fingerprint, id) WHERE replayable;
CREATE INDEX exchange_by_path ON exchange (path, model, id) WHERE replayable;

-- side: 0 request, 1 response
CREATE TABLE body_part (
    exchange INTEGER NOT NULL,
    side     INTEGER NOT NULL,
    start    INTEGER NOT NULL,
    data     BLOB NOT NULL,
    PRIMARY KEY (exchange, side, start)
) WITHOUT ROWID;
