-- Bookings have references, seats can be blocked, a layout can be replaced, and there
-- are a journal and orders. Programs of number 5 cannot read blocked seats and do not
-- know of new layouts, so the functions that they call are gone.
SET LOCAL lock_timeout = '200ms';
DROP FUNCTION IF EXISTS seatlock.carry_out;
DROP FUNCTION IF EXISTS seatlock.open;
DROP PROCEDURE IF EXISTS seatlock.do_list;

-- fixed is set when a layout is replaced that was fixed. In other events, the layout
-- is fixed once a seat was changed: see fixed.sql.
ALTER TABLE seatlock.event ADD COLUMN revision int NOT NULL DEFAULT 0, ADD COLUMN fixed boolean NOT NULL DEFAULT false;

-- A seat that is blocked is taken until the end of the year 9999, by nobody. ref is the
-- reference of a booking, or why a seat is blocked; null if there is none.
ALTER TABLE seatlock.seat ADD COLUMN ref text COLLATE "C";

-- The seats of a user are read in pages.
DROP INDEX seatlock.seat_holder;
CREATE INDEX seat_holder ON seatlock.seat (event, holder, until, place) WHERE holder IS NOT NULL;

-- The journal. A transaction that changes seats adds its entries without a number, and
-- readers number them: see enter.sql. drawn is drawn while the transaction has the rows
-- of all its seats.
CREATE TABLE seatlock.entry (
  event int NOT NULL,
  drawn bigint GENERATED ALWAYS AS IDENTITY,
  number bigint,          -- of the event's entries, from 1
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  kind text NOT NULL,
  seats text[] COLLATE "C" NOT NULL,
  moved_to text[] COLLATE "C",
  holder text COLLATE "C",
  ref text COLLATE "C",
  asker text COLLATE "C",
  made timestamptz NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX entry_unnumbered ON seatlock.entry (event, drawn) WHERE number IS NULL;
CREATE UNIQUE INDEX entry_number ON seatlock.entry (event, number) WHERE number IS NOT NULL;

-- Orders. leased is until when nobody else is given an order that is due.
CREATE TABLE seatlock.orders (
  id text COLLATE "C" PRIMARY KEY,
  event text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  due timestamptz,
  leased timestamptz,
  body bytea NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX orders_due ON seatlock.orders (due) WHERE due IS NOT NULL;
CREATE INDEX orders_event ON seatlock.orders (event, id);
