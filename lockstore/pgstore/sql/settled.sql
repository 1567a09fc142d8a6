-- Answers the clock, in whole milliseconds, once a list may look at seats by it: no
-- lock that had ended by then can be confirmed after this has returned.
--
-- A confirm that is not committed yet may have found a lock live that has ended for
-- the list. In a lock's last second, a confirm therefore holds a shared advisory
-- lock, and reads its clock after it has that. This waits for the transactions that
-- held the lock once the clock was read. Later ones find that the lock has ended.
-- If one of them takes too long, this fails. If waits is false, it answers null
-- instead of waiting.
CREATE OR REPLACE FUNCTION seatlock.settled(e int, waits boolean) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  clock CONSTANT timestamptz := date_trunc('milliseconds', clock_timestamp());
  holders text[];
BEGIN
  FOR try IN 1 .. 3 LOOP
    -- In most cases no confirm holds it. Rolling back releases it at once.
    BEGIN
      IF pg_try_advisory_xact_lock(1399156850, e) THEN
        RAISE SQLSTATE 'SL000';
      END IF;
    EXCEPTION WHEN SQLSTATE 'SL000' THEN
      RETURN clock;
    END;
    PERFORM pg_sleep(0.001);
  END LOOP;
  IF NOT waits THEN
    RETURN NULL;
  END IF;
  LOOP
    SELECT array_agg(virtualtransaction) INTO holders FROM pg_locks
      WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = 1399156850 AND objid = e::oid AND objsubid = 2 AND mode = 'ShareLock' AND granted
        AND (holders IS NULL OR virtualtransaction = ANY (holders));
    IF holders IS NULL THEN
      RETURN clock;
    END IF;
    IF clock_timestamp() > clock + interval '600 milliseconds' THEN
      RAISE lock_not_available USING MESSAGE = 'a confirm in the last second of its lock has not ended';
    END IF;
    PERFORM pg_sleep(0.002);
  END LOOP;
END $$;
