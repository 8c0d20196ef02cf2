-- Which version of a configuration an environment has, which is on its way, and what those versions say.
CREATE TABLE config_rollouts (
    profile TEXT COLLATE "C" NOT NULL,
    environment TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (profile, environment)
);

CREATE TABLE config_versions (
    profile TEXT COLLATE "C" NOT NULL,
    environment TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (profile, environment, version)
);
