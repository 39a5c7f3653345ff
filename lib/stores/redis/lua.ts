// Made by scripts/embed-lua.mjs from the files in scripts/; change those.

export const acquire = `
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
`;

export const forceRelease = `
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
`;

export const inspect = `
-- Tells who holds a name.
--
-- KEYS  1 lease
-- reply {token, since in ms, remaining ms, holder}, or nil

local lease = redis.call('HMGET', KEYS[1], 'token', 'since', 'holder')
if not lease[1] then
  return nil
end
return { lease[1], lease[2], redis.call('PTTL', KEYS[1]), lease[3] }
`;

export const release = `
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
`;

export const renew = `
-- Renews many leases of one process. Never creates one.
--
-- KEYS  the leases
-- ARGV  for each: owner, token, ttl in ms
-- reply for each: 1 renewed, 0 expired, -1 taken over

local replies = {}
for i, key in ipairs(KEYS) do
  local owner, token, ttl = ARGV[i * 3 - 2], ARGV[i * 3 - 1], ARGV[i * 3]
  -- A key of another type is somebody else's: it must not fail the renewals of all.
  local lease = redis.pcall('HMGET', key, 'owner', 'token')
  if lease[1] == owner and lease[2] == token then
    redis.call('PEXPIRE', key, ttl)
    replies[i] = 1
  elseif lease.err or lease[1] then
    replies[i] = -1
  else
    replies[i] = 0
  end
end
return replies
`;
