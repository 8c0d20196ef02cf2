-- Incidents of game days: 1 is practice, 0 is real.
ALTER TABLE incidents ADD COLUMN practice INTEGER NOT NULL DEFAULT 0;
