-- What holds for a subject alone.
function rare.exception_of(exceptions, record)
  local stored = redis.call("HGET", exceptions, record)
  return stored and cjson.decode(stored)
end

-- A limit, and a bucket's size, as an exception changes them.
function rare.excepted(exception, tag, limit, algorithm, x, now)
  local rule = exception and exception.rules and exception.rules[string.format("%.0f", tag)]
  if not rule then return limit, x end
  local changed = limit
  if rule.limit and (rule.limit_until == 0 or rule.limit_until > now) then changed = tonumber(rule.limit) end
  if rule.more and rule.more_until > now then changed = changed + tonumber(rule.more) end
  if algorithm == TOKEN_BUCKET then
    if changed == 0 or limit == 0 then x = changed else x = x * changed / limit end
  end
  return changed, x
end

-- Whether anything of it is still in force.
function rare.holds(exception, now)
  if not exception then return false end
  if exception.blocked and (exception.blocked == 0 or exception.blocked > now) then return true end
  for _, rule in pairs(exception.rules or {}) do
    if rule.limit and (rule.limit_until == 0 or rule.limit_until > now) then return true end
    if rule.more and rule.more_until > now then return true end
  end
  return false
end

-- Takes away an exception that ended, and its mark; the record lives for two of the longest windows from now.
function rare.unmark(exceptions, key, record)
  redis.call("HDEL", exceptions, key)
  local marks, due = struct.unpack(HEAD, record)
  local head = struct.pack(HEAD, marks - 1, due)
  redis.call("SETRANGE", key, 0, head)
  redis.call("PEXPIRE", key, 62 * 86400000)
  return head .. string.sub(record, FIRST)
end
