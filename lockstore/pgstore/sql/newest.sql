-- Answers the fingerprint of each event that exists, its Version, and whether there
-- are changes beyond that.
CREATE OR REPLACE FUNCTION seatlock.newest(called text[])
RETURNS TABLE (name text, fingerprint text, number bigint, nonce text, beyond boolean) LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
  SELECT e.name, e.fingerprint, coalesce(last.number, 0), coalesce(last.nonce, ''), EXISTS (SELECT FROM seatlock.beyond(e.id, last.seen))
  FROM seatlock.event AS e
  LEFT JOIN LATERAL (SELECT log.number, log.nonce, log.seen FROM seatlock.log WHERE event = e.id ORDER BY log.number DESC LIMIT 1) AS last ON true
  WHERE e.name = ANY (called)
$$;
