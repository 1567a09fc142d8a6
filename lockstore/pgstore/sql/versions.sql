-- Answers, of each of the events that there is, the fingerprint, the Version,
-- and whether there are changes beyond it.
CREATE OR REPLACE FUNCTION seatlock.versions(called text[])
RETURNS TABLE (name text, fingerprint text, number bigint, nonce text, beyond boolean) LANGUAGE sql STABLE AS $$
  SELECT e.name, e.fingerprint, coalesce(h.number, 0), coalesce(h.nonce, ''), EXISTS (SELECT FROM seatlock.change WHERE event = e.id)
  FROM seatlock.event AS e
  LEFT JOIN LATERAL (SELECT log.number, log.nonce FROM seatlock.log WHERE event = e.id ORDER BY log.number DESC LIMIT 1) AS h ON true
  WHERE e.name = ANY (called)
$$;
