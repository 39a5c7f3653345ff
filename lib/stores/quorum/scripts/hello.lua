-- Tells who answers: asked on every new connection, before anything else.
--
-- KEYS  1 the node's marker
-- reply {TIME in µs, the marker ('' for none), and of INFO: server, persistence, memory, replication, cluster}

local time = redis.call('TIME')
local reply = { time[1] * 1000000 + time[2], redis.call('GET', KEYS[1]) or '' }
for i, section in ipairs({ 'server', 'persistence', 'memory', 'replication', 'cluster' }) do
  reply[i + 2] = redis.call('INFO', section)
end
return reply
