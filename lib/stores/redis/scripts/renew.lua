-- Renews many leases of one process. Never creates one. Touches no key but the leases, so that a
-- Cluster can go on renewing while it moves a slot.
--
-- KEYS  the leases
-- ARGV  for each: owner, token, ttl in ms
-- reply for each: 2 renewed and waited for, 1 renewed, 0 expired, -1 taken over, -2 forced

local time = redis.call('TIME')
local now = math.floor(time[1] * 1000 + time[2] / 1000)

local function renew(key, owner, token, ttl)
  -- A key of another type is somebody else's: it must not fail the renewals of all.
  local lease = redis.pcall('HMGET', key, owner, 'waited', 'forced')
  if lease.err then return -1 end
  local record, waited, forced = lease[1], lease[2], lease[3]
  local units, held, ends, rest = string.match(record or '', '^(%d+) (%d+) (%d+)( .*)$')
  if ends then
    if tonumber(ends) >= now and held == token then
      redis.call('HSET', key, owner, units .. ' ' .. held .. ' ' .. now + ttl .. rest)
      -- Of many holders the one that lasts longest decides how long the key does.
      if (units == '0' and not forced) or redis.call('PTTL', key) <= ttl then
        redis.call('PEXPIRE', key, ttl + 1)
      end
      return waited and 2 or 1
    end
    if tonumber(ends) >= now then return -1 end
  end
  if forced and string.find(forced, owner, 1, true) then return -2 end
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local units, ends = string.match(fields[i + 1], '^(%d+) %d+ (%d+) ')
    if ends and units == '0' and tonumber(ends) >= now then return -1 end
  end
  return 0
end

local replies = {}
for i, key in ipairs(KEYS) do
  replies[i] = renew(key, ARGV[i * 3 - 2], ARGV[i * 3 - 1], tonumber(ARGV[i * 3]))
end
return replies
