-- A kept list ends with its event, also if a program of number 7 forgets that: it knows of
-- no kept lists. carry_out does not wait for the disk if it has nothing to wait for. It
-- takes and answers what it did, so programs of number 8 go on while others are replaced.
DELETE FROM seatlock.base WHERE event NOT IN (SELECT id FROM seatlock.event);
ALTER TABLE seatlock.base ADD FOREIGN KEY (event) REFERENCES seatlock.event ON DELETE CASCADE;
