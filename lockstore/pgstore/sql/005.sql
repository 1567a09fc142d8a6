-- Changes are numbered by a transaction of their own, and the log has the seats as
-- they were then, so that a list of changes reads the log alone. Both tables begin
-- anew: everybody gets a whole list once. The functions that read the old ones go,
-- so programs of number 3 fail and are refused.
DROP FUNCTION IF EXISTS seatlock.list(text, text, bigint, text);
DROP FUNCTION IF EXISTS seatlock.versions(text[]);
DROP FUNCTION IF EXISTS seatlock.heads(text[]);
DROP TABLE seatlock.change, seatlock.log;

-- Changes that have no number yet. A transaction that changes seats adds a row for
-- each event. PostgreSQL empties this table and the log after a crash and in a
-- standby that takes over. Then everybody gets a whole list, so a sale does not pay
-- for their safety.
CREATE UNLOGGED TABLE seatlock.change (
  event int NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  places int[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX change_event ON seatlock.change (event, xid);

-- Changes that have a number, in order. A row is a Version, and knows the changes of
-- every transaction that seen calls ended. It has the places that changed since
-- the row before it, with until when they were taken at that moment. The last row
-- says where the log begins.
CREATE UNLOGGED TABLE seatlock.log (
  event int NOT NULL,
  number bigint NOT NULL, -- how many changes there had been
  nonce text NOT NULL,    -- distinguishes it from a row of that number in another life of the database
  seen pg_snapshot NOT NULL,
  places int[] NOT NULL,
  untils timestamptz[] NOT NULL,
  oldest bigint NOT NULL, -- the first number that the log still has
  PRIMARY KEY (event, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
