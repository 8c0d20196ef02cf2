-- Which version of a configuration an environment has, which is on its way, and what those versions say.
CREATE TABLE config_rollouts (
    profile TEXT NOT NULL,
    environment TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (profile, environment)
) STRICT;

CREATE TABLE config_versions (
    profile TEXT NOT NULL,
    environment TEXT NOT NULL,
    version TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (profile, environment, version)
) STRICT;
