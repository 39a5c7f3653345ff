-- Gives a lease back if it is this owner's. May be repeated.
--
-- KEYS  1 lease
-- ARGV  1 owner, 2 token, or '' where no answer ever told it
-- reply 1 released, 0 expired, -1 taken over

local lease = redis.call('HMGET', KEYS[1], 'owner', 'token')
if not lease[1] then
  return 0
end
if lease[1] == ARGV[1] and (ARGV[2] == '' or lease[2] == ARGV[2]) then
  redis.call('DEL', KEYS[1])
  return 1
end
return -1
