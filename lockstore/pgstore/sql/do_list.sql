-- Lists the seats that are taken, or those that have changed since a Version if the
-- log reaches back to it. Answers the Version, the clock in whole milliseconds, and
-- the places with until when each is taken, of each place the last. anew is as in
-- number.sql.
--
-- This is a procedure because it commits. Changes are numbered in transactions of
-- their own, so no lock that others wait for is held while seats are read or sent. A
-- whole list is read from the seats. Changes that are numbered after that replace
-- what it read, and so it is of one moment: that of the last row of the log.
CREATE OR REPLACE PROCEDURE seatlock.do_list(called text, layout text, called_revision int, since_number bigint, since_nonce text,
  INOUT outcome text, INOUT number bigint, INOUT nonce text, INOUT whole boolean, INOUT clock timestamptz, INOUT places int[], INOUT untils timestamptz[], INOUT anew boolean)
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  revision_ int;
  c record;
  newer timestamptz;
BEGIN
  SELECT id, revision INTO e, revision_ FROM seatlock.event WHERE name = called;
  IF e IS NULL OR revision_ < called_revision THEN
    outcome := 'not_open';
    RETURN;
  END IF;
  whole := false;
  anew := false;
  FOR turn IN 1 .. 5 LOOP
    -- Seats are read after the clock, so that they show every confirm that was in time.
    -- If this has to wait in between, they show locks that began after the clock beside
    -- others that had ended by then, and so no moment. Then it begins again, unless it
    -- would have to wait for later confirms.
    newer := coalesce(seatlock.settled(e, turn = 1), clock);
    FOR try IN 1 .. 20 LOOP
      clock := newer;
      anew := seatlock.number(e) OR anew;
      EXIT WHEN clock_timestamp() < clock + interval '2 milliseconds';
      newer := seatlock.settled(e, false);
      EXIT WHEN newer IS NULL;
    END LOOP;
    COMMIT;
    -- A layout that is replaced while this lists has another log.
    SELECT fingerprint INTO known FROM seatlock.event WHERE id = e;
    IF known IS DISTINCT FROM layout THEN
      outcome := CASE WHEN known IS NULL THEN 'not_open' ELSE 'other_seats' END;
      RETURN;
    END IF;
    SELECT * INTO c FROM seatlock.changes(e, since_number, since_nonce);
    number := c.number;
    nonce := c.nonce;
    IF number IS NULL THEN
      outcome := 'not_open';
      RETURN;
    END IF;
    EXIT WHEN c.known;
    -- The next turn reads what has changed since this Version. It fails to only if
    -- the log begins anew meanwhile.
    whole := true;
    since_number := number;
    since_nonce := nonce;
    SELECT array_agg(seat.place), array_agg(seat.until) INTO places, untils FROM seatlock.seat WHERE event = e AND until > clock;
  END LOOP;
  IF NOT c.known THEN
    RAISE serialization_failure USING MESSAGE = 'the log begins anew again and again';
  END IF;
  places := places || c.places;
  untils := untils || c.untils;
  outcome := 'ok';
  IF cardinality(places) > 1000 THEN
    -- A client that stops reading must not keep this transaction open for long.
    PERFORM set_config('tcp_user_timeout', '2s', true);
  END IF;
END $$;
