-- Runs that a canary asked for are many; readers leave them out, and they are forgotten after a while.
ALTER TABLE runs ADD COLUMN routine INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_by_routine ON runs (routine, requested_at);
CREATE INDEX runs_by_document ON runs (document, routine, requested_at);
