-- The last whole list of an event that a program kept, as of a row of the log. Whole
-- lists go on from it. Like the log, it can be done without: PostgreSQL empties both
-- after a crash and in a standby that takes over. Programs of number 7 go on; they
-- neither read nor write it.
CREATE UNLOGGED TABLE seatlock.base (
  event int PRIMARY KEY,
  number bigint NOT NULL, -- the row of the log
  nonce text NOT NULL,
  seats bytea NOT NULL    -- see base.go
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100, toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000);

-- Compressing it takes longer than reading it.
ALTER TABLE seatlock.base ALTER COLUMN seats SET STORAGE EXTERNAL;
