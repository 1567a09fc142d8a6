-- Answers the newest Version, and whether the log reaches back to another one. If it
-- does, answers the places that have changed since then, in order, with until when
-- each is taken. It reads the log alone.
CREATE OR REPLACE FUNCTION seatlock.changes(e int, since_number bigint, since_nonce text,
  OUT number bigint, OUT nonce text, OUT known boolean, OUT places int[], OUT untils timestamptz[])
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
  SELECT last.number, last.nonce, EXISTS (SELECT FROM seatlock.log WHERE event = e AND log.number = since_number AND log.nonce = since_nonce)
    INTO changes.number, changes.nonce, known
    FROM seatlock.log AS last WHERE event = e ORDER BY last.number DESC LIMIT 1;
  IF known THEN
    SELECT array_agg(c.place ORDER BY c.place), array_agg(c.until ORDER BY c.place) INTO places, untils FROM (
      SELECT DISTINCT ON (u.place) u.place, u.until
      FROM seatlock.log, unnest(log.places, log.untils) AS u (place, until)
      WHERE event = e AND log.number > since_number ORDER BY u.place, log.number DESC
    ) AS c;
  END IF;
END $$;
