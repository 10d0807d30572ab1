-- Tells which of some commands its user has no right to run, as they stand: with these keys and channels.
-- KEYS own          any key of the app
-- ARGV commands...  of each: how many words it has, and the words
-- REPLY which of them are denied, by their places from 1; a command that the server does not know is not
-- SHAPE [(integer)...]
-- IDEMPOTENT        it reads
local own = KEYS[1]
local denied = {}
local at = 1
local place = 0
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  place = place + 1
  local known, allowed = pcall(redis.acl_check_cmd, unpack(ARGV, at + 1, at + words))
  if known and not allowed then denied[#denied + 1] = place end
  at = at + 1 + words
end
return denied
