-- Tells the highest token that a node knows, if it may vote.
--
-- KEYS  1 the marker, then all counters
-- ARGV  1 the marker that is expected
-- reply the token, 0 where there is none; -1 it has another marker

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local highest = 0
for i = 2, #KEYS do
  highest = math.max(highest, tonumber(redis.call('GET', KEYS[i]) or 0))
end
return highest
