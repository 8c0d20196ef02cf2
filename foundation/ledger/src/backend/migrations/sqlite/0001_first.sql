-- What SQL selects and orders by has a column; the whole record is JSON beside it. Events are columns
-- throughout. Times in columns are nanoseconds since the epoch, except an event's, which is RFC 3339.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('position', 0), ('incident', 0);

CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    idempotency_key TEXT UNIQUE,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    subject TEXT,
    time TEXT NOT NULL,
    actor TEXT NOT NULL,
    incident INTEGER,
    run TEXT,
    cause TEXT,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_kind ON events (kind, position);
CREATE INDEX events_by_subject ON events (subject, position) WHERE subject IS NOT NULL;
CREATE INDEX events_by_incident ON events (incident, position) WHERE incident IS NOT NULL;
CREATE INDEX events_by_run ON events (run, position) WHERE run IS NOT NULL;

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    document TEXT NOT NULL,
    incident INTEGER,
    component TEXT,
    requested_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_time ON runs (requested_at, id);
CREATE INDEX runs_by_status ON runs (status, requested_at, id);
CREATE INDEX runs_by_incident ON runs (incident, requested_at) WHERE incident IS NOT NULL;
CREATE INDEX runs_by_component ON runs (component, requested_at) WHERE component IS NOT NULL;

CREATE TABLE run_steps (
    run TEXT NOT NULL,
    step INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run, step)
) STRICT;

CREATE TABLE run_output (
    run TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run, sequence)
) STRICT;

CREATE TABLE incidents (
    id INTEGER PRIMARY KEY,
    status TEXT NOT NULL,
    fingerprint TEXT,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_by_status ON incidents (status, id);
CREATE UNIQUE INDEX incidents_active_by_fingerprint ON incidents (fingerprint)
    WHERE fingerprint IS NOT NULL AND status <> 'resolved';

CREATE TABLE incident_components (
    component TEXT NOT NULL,
    incident INTEGER NOT NULL,
    PRIMARY KEY (component, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_components_by_incident ON incident_components (incident);

CREATE TABLE alarms (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;

CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX deliveries_by_time ON deliveries (created_at, id);
CREATE INDEX deliveries_by_status ON deliveries (status, created_at, id);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE status = 'pending';

CREATE TABLE postmortems (
    incident INTEGER PRIMARY KEY,
    drafted_at INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;

CREATE TABLE actions (
    id TEXT PRIMARY KEY,
    incident INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX actions_by_incident ON actions (incident, created_at);

CREATE TABLE cursors (
    reader TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A released lease keeps its row, so that its token goes on growing.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT,
    token INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
