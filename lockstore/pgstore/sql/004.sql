-- Whose locks on a seat expired before another user took it, and when: the newest
-- first, at most 16. They were rows of the table lapse.
ALTER TABLE seatlock.seat ADD COLUMN lapsed_by text[] COLLATE "C", ADD COLUMN lapsed_at timestamptz[];

UPDATE seatlock.seat SET lapsed_by = l.holders, lapsed_at = l.untils
  FROM (
    SELECT n.event, n.place, array_agg(n.holder ORDER BY n.nth) AS holders, array_agg(n.until ORDER BY n.nth) AS untils
    FROM (
      SELECT lapse.*, row_number() OVER (PARTITION BY event, place ORDER BY until DESC) AS nth FROM seatlock.lapse
      WHERE until > clock_timestamp() - interval '10 minutes'
    ) AS n WHERE n.nth <= 16 GROUP BY n.event, n.place
  ) AS l
  WHERE seat.event = l.event AND seat.place = l.place;

DROP TABLE seatlock.lapse;

-- Counting a user's seats reads those that the user has, and not those that the
-- user had.
DROP INDEX seatlock.seat_holder;
CREATE INDEX seat_holder ON seatlock.seat (event, holder, until) WHERE holder IS NOT NULL;

-- Programs of earlier numbers are refused: nothing that they sell with is left.
-- Some of these were made by number 1 alone.
DROP FUNCTION IF EXISTS seatlock.lock, seatlock.confirm, seatlock.release;
DROP FUNCTION IF EXISTS seatlock.do_lock, seatlock.do_confirm, seatlock.do_release;
DROP FUNCTION IF EXISTS seatlock.take;
