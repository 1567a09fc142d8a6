-- Takes the rows of seats for a call of the user, until its transaction ends.
--
-- All calls of one user in one event come one after the other, and rows are
-- taken in the order of their places, first those that are new: so nobody waits
-- in a circle. Every seat has a row then: of seats that have none, another call
-- could be seen in part. Whoever waits too long for another fails, with nothing
-- done.
CREATE OR REPLACE FUNCTION seatlock.take(e int, wanted int[], names text[], who text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('lock_timeout', '400ms', true);
  PERFORM pg_advisory_xact_lock(hashtextextended(who, e));
  INSERT INTO seatlock.seat (event, place, name, since, until)
    SELECT e, w.place, w.name, '-infinity', '-infinity' FROM unnest(wanted, names) AS w (place, name)
    ORDER BY w.place ON CONFLICT (event, place) DO NOTHING;
  PERFORM FROM seatlock.seat WHERE event = e AND place = ANY (wanted) ORDER BY place FOR NO KEY UPDATE;
END $$;
