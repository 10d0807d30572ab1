-- Reads the rows of a day as one text: to take a month as tens of thousands of replies costs a client several times as much.
-- KEYS day   the sums of the day, by row
-- REPLY for each row a line with its field and a line with its numbers; empty for none
-- SHAPE text
-- IDEMPOTENT it only reads
local day = KEYS[1]
return table.concat(redis.call("HGETALL", day), "\n")
