-- Takes a lease from whoever holds it, and leaves a note for the holder until the lease would have ended.
--
-- KEYS  1 lease, 2 note
-- reply {token, since in ms, remaining ms, holder}, or nil

local lease = redis.call('HMGET', KEYS[1], 'token', 'since', 'holder', 'owner')
if not lease[1] then
  return nil
end
local remaining = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], lease[4], 'PX', math.max(remaining, 1))
return { lease[1], lease[2], remaining, lease[3] }
