// Made by scripts/embed-lua.mjs from the files in scripts/; change those.

export const guard = String.raw`
-- Stands before a script of the user's: refuses a token that is older than the newest which the fence has
-- seen, or raises the fence and leaves the rest to the script, with its own KEYS and ARGV alone.
--
-- KEYS  those of the script, then the fence
-- ARGV  those of the script, then the token, and for how many ms the fence is remembered
-- reply the script's own, or the error NESTJS_LOCKER_STALE with the newest token

do
  local fence, keep, token = table.remove(KEYS), table.remove(ARGV), table.remove(ARGV)
  local newest = redis.call('GET', fence)
  if newest and tonumber(newest) > tonumber(token) then
    return redis.error_reply('NESTJS_LOCKER_STALE ' .. newest)
  end
  redis.call('SET', fence, token, 'PX', math.max(redis.call('PTTL', fence), tonumber(keep)))
end
`;

export const set = String.raw`
-- Writes a key of the user's own; the guard stands before it.
--
-- KEYS  the key
-- ARGV  the value, then the options of SET
-- reply OK

return redis.call('SET', KEYS[1], unpack(ARGV))
`;
