-- Parameters and secrets with their versions. Of a secret only the ciphertext is here; `key` names the master key
-- that its data key is wrapped with, and `rotation` the run that is to rotate it.
CREATE TABLE parameters (
    path TEXT COLLATE "C" PRIMARY KEY,
    revision BIGINT NOT NULL,
    record TEXT NOT NULL
);

CREATE TABLE parameter_versions (
    path TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (path, version)
);

CREATE TABLE secrets (
    path TEXT COLLATE "C" PRIMARY KEY,
    rotation TEXT COLLATE "C",
    revision BIGINT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX secrets_by_rotation ON secrets (rotation) WHERE rotation IS NOT NULL;

CREATE TABLE secret_versions (
    path TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (path, version)
);
CREATE INDEX secret_versions_by_key ON secret_versions (key, path, version);

-- The last read of each secret; all of them are events.
CREATE TABLE secret_reads (
    path TEXT COLLATE "C" PRIMARY KEY,
    record TEXT NOT NULL
);
