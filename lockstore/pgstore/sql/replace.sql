-- Replaces the layout of an event: seats are the ids of the new one, in order. Answers as
-- open does, or 'missing' with the seats that are locked or booked and have no place in
-- the new layout: the first 100, and how many more there are.
--
-- Transactions that change seats of the event hold a shared lock on its layout until
-- they end. This has that lock alone, so none of them goes by places of the layout
-- before. Rows keep all but their places.
CREATE OR REPLACE FUNCTION seatlock.replace(called text, layout text, called_revision int, seats text[],
  OUT outcome text, OUT missing text[], OUT more int)
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
  blocked CONSTANT timestamptz := '9999-12-31 00:00:00+00';
  e record;
  was_fixed boolean;
  newest bigint;
BEGIN
  -- The first look is without the lock, so that a layout which is refused holds nobody up.
  FOR look IN 1 .. 2 LOOP
    IF look = 2 THEN
      PERFORM pg_advisory_xact_lock(1399156852, hashtext(called));
    END IF;
    SELECT * INTO e FROM seatlock.event WHERE name = called;
    was_fixed := seatlock.fixed(e.id);
    outcome := CASE
      WHEN e.fingerprint IS NULL THEN 'not_open'
      WHEN e.fingerprint = layout THEN 'ok'
      WHEN called_revision < e.revision OR called_revision = e.revision AND was_fixed THEN 'other_seats' END;
    IF outcome IS NOT NULL THEN
      RETURN;
    END IF;
    SELECT (array_agg(gone.name ORDER BY gone.place))[1:100], greatest(count(*) - 100, 0) INTO missing, more
      FROM (
        SELECT seat.name, seat.place FROM seatlock.seat LEFT JOIN unnest(seats) AS kept (name) ON kept.name = seat.name
        WHERE seat.event = e.id AND seat.until > date_trunc('milliseconds', clock_timestamp()) AND seat.until <> blocked AND kept.name IS NULL
      ) AS gone;
    IF missing IS NOT NULL THEN
      outcome := 'missing';
      RETURN;
    END IF;
  END LOOP;
  PERFORM pg_advisory_xact_lock(1399156851, e.id); -- nobody numbers changes meanwhile

  WITH moved AS (
      DELETE FROM seatlock.seat WHERE event = e.id AND NOT EXISTS (
        SELECT FROM unnest(seats) WITH ORDINALITY AS same (name, i) WHERE same.name = seat.name AND same.i - 1 = seat.place
      ) RETURNING *
    )
    INSERT INTO seatlock.seat (event, place, name, holder, since, until, lapsed_by, lapsed_at, ref)
      SELECT m.event, (kept.i - 1)::int AS place, m.name, m.holder, m.since, m.until, m.lapsed_by, m.lapsed_at, m.ref
      FROM moved AS m JOIN unnest(seats) WITH ORDINALITY AS kept (name, i) ON kept.name = m.name
      ORDER BY place; -- once all are deleted
  UPDATE seatlock.event SET fingerprint = layout, revision = called_revision, fixed = was_fixed WHERE id = e.id;

  -- The log begins anew. Changes that have no number are left for sweep.sql.
  SELECT coalesce(max(number), 0) + 20000 INTO newest FROM seatlock.log WHERE event = e.id;
  DELETE FROM seatlock.log WHERE event = e.id;
  INSERT INTO seatlock.log (event, number, nonce, seen, places, untils, oldest)
    VALUES (e.id, newest, seatlock.nonce(), pg_current_snapshot(), '{}', '{}', newest);
  outcome := 'ok';
END $$;
