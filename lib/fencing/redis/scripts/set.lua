-- Writes a key of the user's own; the guard stands before it.
--
-- KEYS  the key
-- ARGV  the value, then the options of SET
-- reply OK

return redis.call('SET', KEYS[1], unpack(ARGV))
