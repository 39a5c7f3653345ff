-- Takes a free name for one owner, with a token larger than any before.
--
-- KEYS  1 lease, 2 token counter of the lease's tag
-- ARGV  1 owner, 2 ttl in ms, 3 holder's description, 4 seconds the counter lives unused (0: for ever)
-- reply {1, token}  or  {0, token, since in ms, remaining ms, holder} of the lease in the way

local lease = redis.call('HMGET', KEYS[1], 'owner', 'token', 'since', 'holder')

if lease[1] and lease[1] ~= ARGV[1] then
  return { 0, lease[2], lease[3], redis.call('PTTL', KEYS[1]), lease[4] }
end

if lease[1] then
  -- Asked again, because the first answer never came: the same lease, counted anew.
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return { 1, lease[2] }
end

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
-- Time carries the tokens on where the counter is lost: a flush, an eviction, a failover.
local token = math.max((tonumber(redis.call('GET', KEYS[2])) or 0) + 1, micros)
-- tostring() would round a number of this size.
local digits = string.format('%.0f', token)

if ARGV[4] == '0' then
  redis.call('SET', KEYS[2], digits)
else
  redis.call('SET', KEYS[2], digits, 'EX', ARGV[4])
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'token', digits,
  'since', string.format('%.0f', math.floor(micros / 1000)), 'holder', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { 1, digits }
