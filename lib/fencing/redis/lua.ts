// Made by scripts/embed-lua.mjs from the files in scripts/; change those.

export const guard = String.raw`
-- Stands before a script of the user's: refuses a token that is older than the newest which its fence has
-- seen, or raises all fences and leaves the rest to the script, with its own KEYS and ARGV alone.
--
-- KEYS  those of the script, then the fences
-- ARGV  those of the script, a token for each fence, for how many ms to remember them (empty: for ever), their count
-- reply the script's own, or the error NESTJS_LOCKER_STALE with the newest token and the number of its fence

do
  local count, keep = tonumber(table.remove(ARGV)), tonumber(table.remove(ARGV))
  local fences, tokens = {}, {}
  for i = count, 1, -1 do
    fences[i], tokens[i] = table.remove(KEYS), table.remove(ARGV)
  end
  for i, fence in ipairs(fences) do
    local newest = redis.call('GET', fence)
    if newest and tonumber(newest) > tonumber(tokens[i]) then
      return redis.error_reply('NESTJS_LOCKER_STALE ' .. newest .. ' ' .. i)
    end
  end
  for i, fence in ipairs(fences) do
    local left = redis.call('PTTL', fence)
    if left == -1 or not keep then
      redis.call('SET', fence, tokens[i])
    else
      redis.call('SET', fence, tokens[i], 'PX', math.max(left, keep))
    end
  end
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
