-- An event, and the fingerprint of its seats, which never changes.
CREATE TABLE seatlock.event (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  fingerprint text NOT NULL
);

-- Who has a seat and until when: for good if that is infinity. A seat that
-- nobody ever had has no row. There is room on a page for the row that a
-- booking makes of a lock.
CREATE TABLE seatlock.seat (
  event int NOT NULL,
  place int NOT NULL, -- in the seat map, from 0
  name text COLLATE "C" NOT NULL,
  holder text COLLATE "C", -- null if it was given back
  since timestamptz NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (event, place)
) WITH (fillfactor = 60);

CREATE INDEX seat_holder ON seatlock.seat (event, holder) WHERE holder IS NOT NULL;

-- Whose lock on a seat ran out, where another has had the seat since.
CREATE TABLE seatlock.lapse (
  event int NOT NULL,
  place int NOT NULL,
  holder text COLLATE "C" NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (event, place, holder)
);

-- Changes that no list has told of yet. Who changes seats adds a row and gives
-- it no number, so nobody waits for the number of another; see list.sql. It and
-- the log can be done without: PostgreSQL empties both after a crash, and in a
-- standby that takes over, and then everybody gets a whole list. So a sale does
-- not pay for their safety.
CREATE UNLOGGED TABLE seatlock.change (
  event int NOT NULL,
  places int[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX change_event ON seatlock.change (event);

-- The changes that lists have told of, in the order in which they did. A row is
-- a Version: the number of changes so far, and a nonce that tells it from one of
-- the same number in another life of the database.
CREATE UNLOGGED TABLE seatlock.log (
  event int NOT NULL,
  number bigint NOT NULL,
  nonce text NOT NULL,
  places int[] NOT NULL,
  PRIMARY KEY (event, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
