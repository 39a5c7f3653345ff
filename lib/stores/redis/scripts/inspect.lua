-- Tells who holds a name.
--
-- KEYS  1 lease
-- reply {token, since in ms, remaining ms, holder}, or nil

local lease = redis.call('HMGET', KEYS[1], 'token', 'since', 'holder')
if not lease[1] then
  return nil
end
return { lease[1], lease[2], redis.call('PTTL', KEYS[1]), lease[3] }
