-- Version 3: what people note of exchanges, and answers that they have edited.

CREATE TABLE remark (
    exchange INTEGER PRIMARY KEY,
    mark     TEXT NOT NULL,
    comment  TEXT NOT NULL
);

-- An exchange with an edited answer has taken the place of these: they were not served any more from then on.
-- replayable: what theirs was. Once the edited one is deleted, it is that again.
CREATE TABLE displaced (
    exchange   INTEGER NOT NULL,
    original   INTEGER NOT NULL,
    replayable INTEGER NOT NULL,
    PRIMARY KEY (exchange, original)
) WITHOUT ROWID;

CREATE INDEX displaced_by_original ON displaced (original, exchange);

CREATE INDEX exchange_pinned ON exchange (id) WHERE pinned;
