-- Whether the layout of an event is fixed, which it is from the first change of a seat
-- on. A row whose since is -infinity was made for a seat that did not change.
CREATE OR REPLACE FUNCTION seatlock.fixed(e int) RETURNS boolean LANGUAGE sql STABLE SET enable_seqscan = off AS $$
  SELECT event.fixed OR EXISTS (SELECT FROM seatlock.seat WHERE seat.event = e AND since > '-infinity') FROM seatlock.event WHERE id = e
$$;
