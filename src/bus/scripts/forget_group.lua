-- Forgets a group of a topic: how far it was, its readers, what it put aside. What only it had not read is kept no longer.
-- KEYS topic    start of the topic's keys
-- ARGV group    the group
-- REPLY 1; 0 when there was none; -1 when a reader of it is at work: then nothing is forgotten
-- SHAPE integer
-- IDEMPOTENT what is forgotten stays so
local topic = KEYS[1]
local group = ARGV[1]
-- INCLUDE groups
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if is_read(topic, group, now) then return -1 end
return forget(topic, group)
