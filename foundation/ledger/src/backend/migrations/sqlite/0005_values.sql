-- Parameters and secrets with their versions. Of a secret only the ciphertext is here; `key` names the master key
-- that its data key is wrapped with, and `rotation` the run that is to rotate it.
CREATE TABLE parameters (
    path TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;

CREATE TABLE parameter_versions (
    path TEXT NOT NULL,
    version INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (path, version)
) STRICT;

CREATE TABLE secrets (
    path TEXT PRIMARY KEY,
    rotation TEXT,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX secrets_by_rotation ON secrets (rotation) WHERE rotation IS NOT NULL;

CREATE TABLE secret_versions (
    path TEXT NOT NULL,
    version INTEGER NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (path, version)
) STRICT;
CREATE INDEX secret_versions_by_key ON secret_versions (key, path, version);

-- The last read of each secret; all of them are events.
CREATE TABLE secret_reads (
    path TEXT PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;
