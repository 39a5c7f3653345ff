-- Writes what the node keeps about itself, if what is there is what the client takes it for, and raises
-- every counter of tokens to what other nodes know.
--
-- KEYS  1 the marker, then all counters
-- ARGV  1 the marker that is expected, '' for none, 2 the new one, 3 the least that counters are to have
-- reply 1 written, 0 it is another one

if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
local floor = tonumber(ARGV[3])
if floor > 0 then
  for i = 2, #KEYS do
    if tonumber(redis.call('GET', KEYS[i]) or 0) < floor then redis.call('SET', KEYS[i], ARGV[3]) end
  end
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
