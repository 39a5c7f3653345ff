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
