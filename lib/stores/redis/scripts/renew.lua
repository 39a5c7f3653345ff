-- Renews many leases of one process. Never creates one.
--
-- KEYS  the leases
-- ARGV  for each: owner, token, ttl in ms
-- reply for each: 1 renewed, 0 expired, -1 taken over

local replies = {}
for i, key in ipairs(KEYS) do
  local lease = redis.call('HMGET', key, 'owner', 'token')
  if not lease[1] then
    replies[i] = 0
  elseif lease[1] == ARGV[i * 3 - 2] and lease[2] == ARGV[i * 3 - 1] then
    redis.call('PEXPIRE', key, ARGV[i * 3])
    replies[i] = 1
  else
    replies[i] = -1
  end
end
return replies
