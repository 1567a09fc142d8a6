-- Answers the last entry of an event's journal that has a number, if there is one, and
-- whether there are entries that have none.
CREATE OR REPLACE FUNCTION seatlock.journal(called text, layout text, called_revision int,
  OUT outcome text, OUT event int, OUT number bigint, OUT id uuid, OUT unnumbered boolean)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
  SELECT e.id, CASE WHEN e.fingerprint <> layout THEN 'other_seats' WHEN e.revision < called_revision THEN 'not_open' ELSE 'ok' END
    INTO journal.event, outcome FROM seatlock.event AS e WHERE e.name = called;
  outcome := coalesce(outcome, 'not_open');
  event := coalesce(event, 0);
  SELECT last.number, last.id INTO journal.number, journal.id FROM seatlock.entry AS last
    WHERE last.event = journal.event AND last.number IS NOT NULL ORDER BY last.number DESC LIMIT 1;
  unnumbered := EXISTS (SELECT FROM seatlock.entry AS fresh WHERE fresh.event = journal.event AND fresh.number IS NULL);
END $$;
