-- Times are microseconds since 1970-01-01T00:00:00Z. Ids are their text. Digests are `sha256:<hex>`.
-- One text for SQLite and PostgreSQL: BIGINT, TEXT and bytes only, no sequences.
CREATE TABLE IF NOT EXISTS settings (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
-- Every event of every file, as the exact bytes that were committed to the ledger.
CREATE TABLE IF NOT EXISTS events (
    file_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    ladder TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    body BLOB NOT NULL,
    salt BLOB NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (file_id, sequence)
);
CREATE UNIQUE INDEX IF NOT EXISTS events_leaf ON events (leaf);
-- What is owed: a worker discharges it and reports back.
CREATE TABLE IF NOT EXISTS duties (
    id TEXT PRIMARY KEY,
    file_id TEXT NOT NULL,
    body BLOB NOT NULL,
    due BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    trouble TEXT,
    discharged_at BIGINT
);
CREATE INDEX IF NOT EXISTS duties_due ON duties (discharged_at, due);
CREATE INDEX IF NOT EXISTS duties_open_of ON duties (file_id) WHERE discharged_at IS NULL;
-- Sealed statements on their way out; kept for ever, with the receipt that proves delivery.
CREATE TABLE IF NOT EXISTS outbox (
    envelope_id TEXT PRIMARY KEY,
    peer TEXT NOT NULL,
    sender TEXT NOT NULL,
    addressee TEXT NOT NULL,
    file_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    sealed BLOB NOT NULL,
    sealed_digest TEXT NOT NULL,
    salt BLOB NOT NULL,
    leaf BIGINT NOT NULL,
    queued_at BIGINT NOT NULL,
    next_attempt BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    trouble TEXT,
    thresholds BIGINT NOT NULL DEFAULT 0,
    delivered_at BIGINT,
    refused_at BIGINT,
    receipt BLOB
);
-- The envelopes without a receipt, of each file the oldest first, without reading what is sealed.
DROP INDEX IF EXISTS outbox_open;
DROP INDEX IF EXISTS outbox_undelivered;
CREATE INDEX IF NOT EXISTS outbox_in_order ON outbox (file_id, leaf, next_attempt, peer, envelope_id)
    WHERE delivered_at IS NULL AND refused_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_file ON outbox (file_id);
-- What peers sent; the receipt is written in the transaction that makes the envelope durable, and never again.
CREATE TABLE IF NOT EXISTS inbox (
    peer TEXT NOT NULL,
    envelope_id TEXT NOT NULL,
    addressee TEXT NOT NULL,
    sealed_digest TEXT NOT NULL,
    sealed BLOB NOT NULL,
    receipt BLOB NOT NULL,
    received_at BIGINT NOT NULL,
    leaf BIGINT NOT NULL,
    state TEXT NOT NULL,
    file_id TEXT,
    code TEXT,
    PRIMARY KEY (peer, envelope_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS inbox_digest ON inbox (peer, sealed_digest);
DROP INDEX IF EXISTS inbox_state;
CREATE INDEX IF NOT EXISTS inbox_in_order ON inbox (state, leaf);
-- Drafts, statements, texts: content that can be destroyed while the history still verifies.
CREATE TABLE IF NOT EXISTS objects (
    digest TEXT PRIMARY KEY,
    body BLOB NOT NULL,
    stored_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger_leaves (
    leaf BIGINT PRIMARY KEY,
    commitment BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger_nodes (
    level BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (level, position)
);
-- Heads of peers' logs as we saw them; `linked` says that consistency with the one before was proven.
CREATE TABLE IF NOT EXISTS heads (
    peer TEXT NOT NULL,
    size BIGINT NOT NULL,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    linked BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (peer, size, root)
);
-- Heads of our own log that peers cosigned.
CREATE TABLE IF NOT EXISTS cosignatures (
    peer TEXT NOT NULL,
    size BIGINT NOT NULL,
    root BLOB NOT NULL,
    line TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (peer, size)
);
CREATE TABLE IF NOT EXISTS views (
    file_id TEXT PRIMARY KEY,
    side TEXT NOT NULL,
    body BLOB NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS officers (
    id TEXT PRIMARY KEY,
    body BLOB NOT NULL,
    token_digest TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS peers (
    state TEXT PRIMARY KEY,
    descriptor BLOB NOT NULL,
    enrolled_at BIGINT NOT NULL
);
-- Every descriptor that was believed, also those that a newer one replaced: old signatures are judged by them.
CREATE TABLE IF NOT EXISTS descriptors (
    state TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    digest TEXT NOT NULL,
    body BLOB NOT NULL,
    enrolled_at BIGINT NOT NULL,
    PRIMARY KEY (state, digest)
);
-- What people did at this node that belongs to no file, as the exact bytes that were committed to the ledger.
CREATE TABLE IF NOT EXISTS acts (
    leaf BIGINT PRIMARY KEY,
    label TEXT NOT NULL,
    body BLOB NOT NULL,
    salt BLOB NOT NULL,
    at BIGINT NOT NULL
);
-- What a person should look at: missing receipts, peer faults, skewed clocks, lapsing preservations.
CREATE TABLE IF NOT EXISTS findings (
    id TEXT PRIMARY KEY,
    file_id TEXT,
    peer TEXT,
    level TEXT NOT NULL,
    code TEXT NOT NULL,
    body BLOB NOT NULL,
    found_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS findings_file ON findings (file_id);
-- Peers with which nothing is exchanged until an officer looked; `finding` is why, when the node itself stopped.
CREATE TABLE IF NOT EXISTS halts (
    peer TEXT PRIMARY KEY,
    halted_at BIGINT NOT NULL,
    finding TEXT
);
-- What officers, and the node itself, did about peers and findings, as the exact bytes committed to the ledger.
CREATE TABLE IF NOT EXISTS oversight (
    leaf BIGINT PRIMARY KEY,
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    salt BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS oversight_subject ON oversight (subject, leaf);
-- Heads of a peer's log from before an officer let a new log begin; evidence, not compared any more.
CREATE TABLE IF NOT EXISTS heads_before (
    peer TEXT NOT NULL,
    size BIGINT NOT NULL,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    linked BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (peer, size, root)
);
-- Cosignatures on our heads by a peer whose log began anew.
CREATE TABLE IF NOT EXISTS cosignatures_before (
    peer TEXT NOT NULL,
    size BIGINT NOT NULL,
    root BLOB NOT NULL,
    line TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (peer, size)
);
-- Heads of our own log that witnesses cosigned; the newest ones are shown with the head that we publish.
CREATE TABLE IF NOT EXISTS witnessed (
    witness TEXT NOT NULL,
    size BIGINT NOT NULL,
    root BLOB NOT NULL,
    line TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (witness, size)
);
-- Signed proofs of the ladder of transport, ours and peers', each committed to our ledger. `number` counts thresholds.
CREATE TABLE IF NOT EXISTS proofs (
    direction TEXT NOT NULL,
    peer TEXT NOT NULL,
    envelope_id TEXT NOT NULL,
    step TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    signed BLOB NOT NULL,
    salt BLOB NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (direction, peer, envelope_id, step, number)
);
CREATE UNIQUE INDEX IF NOT EXISTS proofs_leaf ON proofs (leaf);
-- Signed statements as they were inside their envelopes; of received ones the sender's log evidence too.
CREATE TABLE IF NOT EXISTS copies (
    direction TEXT NOT NULL,
    peer TEXT NOT NULL,
    envelope_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    sent_at BIGINT NOT NULL,
    log BLOB,
    signed BLOB,
    PRIMARY KEY (direction, peer, envelope_id)
);
-- Sent envelopes whose opening by the addressed office is awaited; `level` counts the thresholds passed.
CREATE TABLE IF NOT EXISTS awaited (
    envelope_id TEXT PRIMARY KEY,
    since BIGINT NOT NULL,
    level BIGINT NOT NULL DEFAULT 0
);
-- Time-stamps on heads of our log; one covers every earlier leaf.
CREATE TABLE IF NOT EXISTS stamps (
    size BIGINT PRIMARY KEY,
    text TEXT NOT NULL,
    token BLOB NOT NULL,
    at BIGINT NOT NULL,
    authority TEXT NOT NULL,
    demonstration BIGINT NOT NULL
);
-- Every law profile that our State signed or that was taken from another one, as it was signed; findings name them by digest.
CREATE TABLE IF NOT EXISTS laws (
    state TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    digest TEXT NOT NULL,
    body BLOB NOT NULL,
    kept_at BIGINT NOT NULL,
    PRIMARY KEY (state, digest)
);
-- Calls to the officers on duty that go on until somebody opens the file; at most one open ring for each file.
-- `step` counts the escalations; `next_call` is when the next call is due.
CREATE TABLE IF NOT EXISTS rings (
    id TEXT PRIMARY KEY,
    file_id TEXT NOT NULL,
    peer TEXT NOT NULL,
    word TEXT NOT NULL,
    reason TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    step BIGINT NOT NULL DEFAULT 0,
    step_at BIGINT NOT NULL,
    escalates_at BIGINT,
    called_at BIGINT NOT NULL,
    next_call BIGINT NOT NULL,
    opened_at BIGINT,
    opened_by TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS rings_open ON rings (file_id) WHERE opened_at IS NULL;
-- Who was called because of a ring, by which means, and what came of it.
CREATE TABLE IF NOT EXISTS ring_calls (
    ring TEXT NOT NULL,
    number BIGINT NOT NULL,
    officer TEXT NOT NULL,
    means TEXT NOT NULL,
    at BIGINT NOT NULL,
    trouble TEXT,
    PRIMARY KEY (ring, number)
);
-- Questions to other States' contact points whether they are there, with the signed answer.
CREATE TABLE IF NOT EXISTS pings (
    peer TEXT NOT NULL,
    nonce TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    answered_at BIGINT,
    round_trip BIGINT,
    on_duty BIGINT,
    answer BLOB,
    trouble TEXT,
    PRIMARY KEY (peer, nonce)
);
CREATE INDEX IF NOT EXISTS pings_asked ON pings (peer, asked_at);
-- The events that the depositary recorded of the Convention; a correction is a row that supersedes another.
CREATE TABLE IF NOT EXISTS depositary (
    sequence BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL
);
