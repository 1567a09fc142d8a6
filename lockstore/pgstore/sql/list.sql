-- Lists the seats that are taken, or those that changed since a Version if the
-- log still has it. Answers the Version, the clock in whole milliseconds, and the
-- places, in no order, with until when each is taken.
--
-- Numbers that sellers drew for their changes would not come in the order of
-- their commits: who follows them misses the change that drew the smaller number
-- and is committed after the greater was read. So changes have no number until
-- somebody lists. Whoever does so numbers all that are committed, and waits for
-- nobody but another who numbers; a seller waits for neither. A snapshot of the
-- transactions for a Version would do without numbers, but it would be long, be
-- another whenever anything in the whole database server changed, and lag behind
-- its oldest transaction.
CREATE OR REPLACE FUNCTION seatlock.list(called text, layout text, since_number bigint, since_nonce text,
  OUT outcome text, OUT number bigint, OUT nonce text, OUT whole boolean, OUT clock timestamptz, OUT places int[], OUT untils timestamptz[])
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  pending boolean;
  unseen boolean;
BEGIN
  SELECT id, fingerprint INTO e, known FROM seatlock.event WHERE name = called;
  IF known IS DISTINCT FROM layout THEN
    outcome := CASE WHEN known IS NULL THEN 'not_open' ELSE 'other_seats' END;
    RETURN;
  END IF;
  PERFORM set_config('lock_timeout', '400ms', true);
  PERFORM pg_advisory_xact_lock_shared(1399156850, e); -- see do_confirm.sql

  LOOP
    -- Where nothing changed, nothing is written and nobody waited for.
    pending := EXISTS (SELECT FROM seatlock.change WHERE event = e);
    IF pending THEN
      PERFORM pg_advisory_xact_lock(1399156851, e);
    END IF;
    clock := date_trunc('milliseconds', clock_timestamp()); -- before any seat is looked at
    -- One statement sees one moment: no seat is newer than the Version.
    WITH moved AS (
        DELETE FROM seatlock.change WHERE event = e AND pending RETURNING change.places
      ), fresh AS (
        SELECT array_agg(DISTINCT place) AS places FROM moved, unnest(moved.places) AS place
      ), last AS (
        SELECT log.number, log.nonce FROM seatlock.log WHERE event = e ORDER BY log.number DESC LIMIT 1
      ), added AS (
        INSERT INTO seatlock.log (event, number, nonce, places)
          SELECT e, last.number + cardinality(fresh.places), seatlock.nonce(), fresh.places FROM last, fresh WHERE fresh.places IS NOT NULL
          RETURNING log.number, log.nonce
      ), known AS (
        SELECT EXISTS (SELECT FROM seatlock.log WHERE event = e AND log.number = since_number AND log.nonce = since_nonce) AS it
      ), seats AS (
        SELECT place, until FROM seatlock.seat
          WHERE event = e AND until > clock AND NOT (SELECT it FROM known)
        UNION ALL
        SELECT seat.place, seat.until
          FROM (
            SELECT unnest(log.places) AS place FROM seatlock.log WHERE event = e AND log.number > since_number AND (SELECT it FROM known)
            UNION SELECT unnest(fresh.places) FROM fresh WHERE (SELECT it FROM known)
          ) AS changed JOIN seatlock.seat ON seat.event = e AND seat.place = changed.place
      )
    SELECT coalesce(added.number, last.number), coalesce(added.nonce, last.nonce), NOT known.it,
        NOT pending AND EXISTS (SELECT FROM seatlock.change WHERE event = e), taken.places, taken.untils
      INTO number, nonce, whole, unseen, places, untils
      FROM last LEFT JOIN added ON true, known, (SELECT array_agg(seats.place) AS places, array_agg(seats.until) AS untils FROM seats) AS taken;
    EXIT WHEN unseen IS NOT TRUE;
  END LOOP;
  IF number IS NULL THEN
    outcome := 'not_open';
    RETURN;
  END IF;
  outcome := 'ok';
  IF pending THEN
    DELETE FROM seatlock.log WHERE event = e AND log.number < list.number - 10000;
  END IF;
END $$;
