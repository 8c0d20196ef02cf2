-- What SQL selects and orders by has a column; the whole record is JSON beside it. Events are columns
-- throughout. Times in columns are nanoseconds since the epoch, except an event's, which is RFC 3339.
-- Text compares by bytes, whatever the locale of the database.

CREATE TABLE counters (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('position', 0), ('incident', 0);

CREATE TABLE events (
    position BIGINT PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    idempotency_key TEXT COLLATE "C" UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C",
    time TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    incident BIGINT,
    run TEXT COLLATE "C",
    cause TEXT COLLATE "C",
    data TEXT NOT NULL
);
CREATE INDEX events_by_kind ON events (kind, position);
CREATE INDEX events_by_subject ON events (subject, position) WHERE subject IS NOT NULL;
CREATE INDEX events_by_incident ON events (incident, position) WHERE incident IS NOT NULL;
CREATE INDEX events_by_run ON events (run, position) WHERE run IS NOT NULL;

CREATE TABLE runs (
    id TEXT COLLATE "C" PRIMARY KEY,
    status TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    incident BIGINT,
    component TEXT COLLATE "C",
    requested_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX runs_by_time ON runs (requested_at, id);
CREATE INDEX runs_by_status ON runs (status, requested_at, id);
CREATE INDEX runs_by_incident ON runs (incident, requested_at) WHERE incident IS NOT NULL;
CREATE INDEX runs_by_component ON runs (component, requested_at) WHERE component IS NOT NULL;

CREATE TABLE run_steps (
    run TEXT COLLATE "C" NOT NULL,
    step BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run, step)
);

CREATE TABLE run_output (
    run TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run, sequence)
);

CREATE TABLE incidents (
    id BIGINT PRIMARY KEY,
    status TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C",
    revision BIGINT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX incidents_by_status ON incidents (status, id);
CREATE UNIQUE INDEX incidents_active_by_fingerprint ON incidents (fingerprint)
    WHERE fingerprint IS NOT NULL AND status <> 'resolved';

CREATE TABLE incident_components (
    component TEXT COLLATE "C" NOT NULL,
    incident BIGINT NOT NULL,
    PRIMARY KEY (component, incident)
);
CREATE INDEX incident_components_by_incident ON incident_components (incident);

CREATE TABLE alarms (
    id TEXT COLLATE "C" PRIMARY KEY,
    record TEXT NOT NULL
);

CREATE TABLE deliveries (
    id TEXT COLLATE "C" PRIMARY KEY,
    status TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    next_attempt_at BIGINT,
    record TEXT NOT NULL
);
CREATE INDEX deliveries_by_time ON deliveries (created_at, id);
CREATE INDEX deliveries_by_status ON deliveries (status, created_at, id);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE status = 'pending';

CREATE TABLE postmortems (
    incident BIGINT PRIMARY KEY,
    drafted_at BIGINT NOT NULL,
    record TEXT NOT NULL
);

CREATE TABLE actions (
    id TEXT COLLATE "C" PRIMARY KEY,
    incident BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX actions_by_incident ON actions (incident, created_at);

CREATE TABLE cursors (
    reader TEXT COLLATE "C" PRIMARY KEY,
    position BIGINT NOT NULL
);

-- A released lease keeps its row, so that its token goes on growing.
CREATE TABLE leases (
    name TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT COLLATE "C",
    token BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
