-- Locks one seat, which is the most frequent call of all that come alone, and answers as
-- carry_out does. A seat that nobody has had is locked in one statement. All else is left
-- to carry_out.
CREATE OR REPLACE FUNCTION seatlock.lock_one(lasts interval, most int, called text, layout text, called_revision int, seat_place int, seat_name text, who text,
  OUT clock timestamptz, OUT outcomes text[], OUT depends boolean[], OUT expires timestamptz[], OUT held int[], OUT marks int[], OUT untils timestamptz[])
LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET lock_timeout = '300ms' AS $$
DECLARE
  e int;
  nothing text;
BEGIN
  -- As in carry_out: nobody replaces the layout meanwhile, or counts the user's seats.
  nothing := pg_advisory_xact_lock_shared(1399156852, hashtext(called));
  SELECT id INTO e FROM seatlock.event WHERE name = called AND fingerprint = layout AND revision >= called_revision
    AND (most = 0 OR pg_try_advisory_xact_lock(hashtextextended(who, id)));
  IF e IS NOT NULL THEN
    clock := date_trunc('milliseconds', clock_timestamp());
    -- A seat that has a row is left to carry_out: this would wait for the transaction that
    -- changes the row.
    WITH locked AS (
        INSERT INTO seatlock.seat (event, place, name, holder, since, until)
          SELECT e, seat_place, seat_name, who, clock, clock + lasts
          WHERE NOT EXISTS (SELECT FROM seatlock.seat WHERE seat.event = e AND seat.place = seat_place)
            AND (most = 0 OR most > (SELECT count(*) FROM seatlock.seat WHERE seat.event = e AND seat.holder = who AND seat.until > clock))
        ON CONFLICT DO NOTHING RETURNING place
      )
      INSERT INTO seatlock.change (event, places) SELECT e, ARRAY[locked.place] FROM locked;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  SELECT c.* INTO clock, outcomes, depends, expires, held, marks, untils
    FROM seatlock.carry_out('lock', lasts, most, false, ARRAY[called], ARRAY[layout], ARRAY[called_revision], ARRAY[1], ARRAY[seat_place], ARRAY[seat_name], ARRAY[1], ARRAY[1], ARRAY[who],
      ARRAY[1], ARRAY[1], ARRAY[1], NULL, NULL, NULL, NULL, NULL, NULL) AS c;
END $$;
