// Made by scripts/embed-lua.mjs from the files in scripts/; change those.

export const hello = String.raw`
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
`;

export const highestToken = String.raw`
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
`;

export const mark = String.raw`
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
`;

export const votes = String.raw`
-- Takes the steps of one call, in their order and at once. Those that are votes are refused unless the
-- node's marker is what the client takes it for: a node in quarantine, or one that came back empty, has
-- another.
--
-- KEYS  1 the node's marker, then of each step what it says
-- ARGV  1 the marker, 2 the asking process's description, then of each step what it says
-- reply TIME in µs (0 where nothing but releases was asked), then for each step its own; -4 for a vote that
--       is refused, {-2, message} for a failure
--
-- lease    string: '0' or, if anybody stands among those that wait, '1', then 'owner token s µs holder', the time being that of its
--          acquisition; it expires by itself
-- waiters  sorted set: those that wait, by the time until which they do
-- forced   string: the owners that lost the lease by force, until it would have expired
-- counter  string: the highest token of all names of its bucket
--
-- The common cases, a free name for which nobody waits and a lease that is its owner's, stand at the end and
-- need as few commands as can be.

local AHEAD, MOST_BLOCKS_AHEAD, LONGEST_BLOCK, MARK = 2000000, 1000000, 64, 8
local DOT, SPACE, ZERO = 46, 32, 48

local call = redis.call
local HOLDER = ARGV[2]
local seconds, rest, micros, now, votes

local function readTime()
  local time = call('TIME')
  seconds, rest = time[1], time[2]
  micros = seconds * 1000000 + rest
end

-- Everything but the common cases.
local function makeSteps()
  if not micros then readTime() end
  now = math.floor(micros / 1000)
  local CHANNEL = KEYS[1] .. ':freed'

  local function text(number)
    return string.format('%.0f', number)
  end

  local function parse(lease)
    local owner, token, since, micro, holder = string.match(lease, '^.(%S+) (%d+) (%d+) (%d+) (.*)$')
    return owner, tonumber(token), since * 1000 + math.floor(micro / 1000), holder
  end

  -- {first, mark, token, since, remaining, holder}
  local function tell(key, lease, first)
    local owner, token, since, holder = parse(lease)
    return { first, string.sub(owner, 1, MARK), token, since, call('PTTL', key), holder }
  end

  local function raise(key, token)
    local counter = call('GET', key)
    if not counter or tonumber(counter) < token then call('SET', key, text(token)) end
  end

  local function write(key, owner, token, ttl, hasWaiters, since)
    local mark = hasWaiters and '1' or '0'
    call('SET', key, mark .. owner .. ' ' .. token .. ' ' .. since .. ' ' .. HOLDER, 'PX', ttl)
  end

  -- All that belongs to an owner, or to any whose text goes on with a dot: the attempts of one wait.
  local function isOf(lease, owner)
    if string.find(lease, owner, 2, true) ~= 2 then return false end
    local after = string.byte(lease, #owner + 2)
    return after == SPACE or after == DOT
  end

  -- Who waits, of all its attempts.
  local function baseOf(owner)
    return string.match(owner, '^[^.]+')
  end

  local function tellWaiters(waiters, lease)
    if call('EXISTS', waiters) == 0 then return false end
    redis.pcall('PUBLISH', CHANNEL, lease)
    return true
  end

  -- Takes the lease that nobody has; the token is the highest of the proposal, TIME, and the counter and 1.
  local function give(k, owner, ttl, proposal, block, waiting)
    local token, digits = tonumber(proposal), proposal
    if micros > token then token, digits = micros, text(micros) end
    local counter = tonumber(call('GET', KEYS[k + 2]) or 0)
    -- Time carries the tokens on where counters are lost, so a block is given only while they are not far ahead.
    if counter >= micros + MOST_BLOCKS_AHEAD then block = 1 end
    if counter >= token then
      token = counter + 1
      digits = text(token)
    end
    local last = token + block - 1
    call('SET', KEYS[k + 2], last == token and digits or text(last))
    write(KEYS[k], owner, digits, ttl, waiting > 0, seconds .. ' ' .. rest)
    return token, last
  end

  -- 'a wait' owner ttl proposal; keys: lease, waiters, counter; wait in ms, 0 does not
  -- 'b tokens wait' the same, where more tokens than one are of use
  -- reply token or {token, last of the block, whether others wait};
  --    or -5 the proposal is too far ahead;
  --    or {0} it is free, but others wait for it; or {0, mark, token, since, remaining, holder} of who has it
  local function acquire(k, a, block, wait)
    local owner, ttl, proposal = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
    local lease, waiters = KEYS[k], KEYS[k + 1]
    if tonumber(proposal) > micros + AHEAD then return -5 end
    local held = call('GET', lease)
    if held and isOf(held, owner) then
      -- Asked again: the same lease, counted anew.
      call('PEXPIRE', lease, ttl)
      return (select(2, parse(held)))
    end
    call('ZREMRANGEBYSCORE', waiters, '-inf', '(' .. now)
    local waiting = call('ZCARD', waiters)
    local waiter = baseOf(owner)
    local isWaiter = call('ZSCORE', waiters, waiter) and 1 or 0
    if not held and (waiting == 0 or isWaiter == 1) then
      -- Its place stays until it is released: only then it is sure that a majority has granted it, too.
      local token, last = give(k, owner, ttl, proposal, block, waiting)
      return { token, last, waiting - isWaiter }
    end
    if wait > 0 then
      call('ZADD', waiters, now + wait, waiter)
      if call('PTTL', waiters) < wait then call('PEXPIRE', waiters, wait + 1) end
      if held and string.byte(held) == ZERO then
        call('SET', lease, '1' .. string.sub(held, 2), 'KEEPTTL')
      end
    end
    if not held then return { 0 } end
    return tell(lease, held, 0)
  end

  -- 'c' owner token last ttl; keys: lease, counter
  -- reply 1 confirmed; 0 it is free; -1 somebody else has it; {token} it is this owner's with a higher token
  local function confirm(k, a)
    local owner, token, last, ttl = ARGV[a + 1], tonumber(ARGV[a + 2]), ARGV[a + 3], ARGV[a + 4]
    local held = call('GET', KEYS[k])
    if not held then return 0 end
    local heldBy, stored = parse(held)
    if heldBy ~= owner then return -1 end
    if stored > token then return { stored } end
    raise(KEYS[k + 1], tonumber(last))
    local since = string.match(held, '^%S+ %d+( .*)$')
    call('SET', KEYS[k], string.sub(held, 1, 1) .. owner .. ' ' .. ARGV[a + 2] .. since, 'PX', ttl)
    return 1
  end

  -- What stands in the way of an owner that asks for its own lease.
  local function obstacle(held, owner, forced)
    if held then
      local heldBy, stored = parse(held)
      if heldBy == owner then return { stored } end
    end
    local losers = call('GET', forced)
    if losers and string.find(losers, owner, 1, true) then return -3 end
    return held and -1 or 0
  end

  local function isLease(held, owner, token)
    return held and string.find(held, owner .. ' ' .. token .. ' ', 2, true) == 2
  end

  -- 'n' owner token ttl; keys: lease, forced
  -- reply 1 renewed; 0 it is free; -1 somebody else has it; -3 it was taken by force;
  --    {token} it is this owner's with another token
  local function renew(k, a)
    local owner = ARGV[a + 1]
    local held = call('GET', KEYS[k])
    if isLease(held, owner, ARGV[a + 2]) then return call('PEXPIRE', KEYS[k], ARGV[a + 3]) end
    return obstacle(held, owner, KEYS[k + 1])
  end

  -- 'd' owner token ttl; keys: lease, forced, counter, waiters
  -- reply as renew
  local function adopt(k, a)
    local owner, token, ttl = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
    local why = obstacle(call('GET', KEYS[k]), owner, KEYS[k + 1])
    if why ~= 0 then return why end
    raise(KEYS[k + 2], tonumber(token) + LONGEST_BLOCK - 1)
    -- A token tells when it was given, but for one that was ahead of its time.
    local at = math.min(tonumber(token), micros)
    local since = string.format('%.0f %.0f', math.floor(at / 1000000), at % 1000000)
    write(KEYS[k], owner, token, ttl, call('EXISTS', KEYS[k + 3]) == 1, since)
    return 1
  end

  -- 't' owner token newOwner ttl; keys: lease, forced, waiters
  -- reply as renew
  local function transfer(k, a)
    local owner, token = ARGV[a + 1], ARGV[a + 2]
    local held = call('GET', KEYS[k])
    if not isLease(held, owner, token) then return obstacle(held, owner, KEYS[k + 1]) end
    local since = string.match(held, '^%S+ %d+ (%d+ %d+) ')
    local lease = string.sub(held, 1, 1) .. ARGV[a + 3] .. ' ' .. token .. ' ' .. since .. ' ' .. HOLDER
    call('SET', KEYS[k], lease, 'PX', ARGV[a + 4])
    -- Who has it keeps its place until the release, which will be another's.
    call('ZREM', KEYS[k + 2], baseOf(owner))
    return 1
  end

  -- 'r' or 'r minHold' owner; keys: lease, waiters
  -- 'R' the same, of an attempt that failed: keeps its place, and tells nobody
  -- reply 1 released, 2 the same, and others waited; 0 it is free, -1 somebody else has it
  local function release(k, a, keepsPlace)
    local owner, minHold = ARGV[a + 1], tonumber(string.sub(ARGV[a], 3)) or 0
    local lease, waiters = KEYS[k], KEYS[k + 1]
    local held = call('GET', lease)
    local isOurs = held and isOf(held, owner)
    if isOurs and minHold > 0 then
      local _, _, since = parse(held)
      -- A clock that was set back since may say that it has not even begun.
      local keep = math.min(since, now) + minHold - now
      if keep > 0 then
        call('PEXPIRE', lease, keep)
        return 1
      end
    end
    if isOurs then call('DEL', lease) end
    if not keepsPlace and call('EXISTS', waiters) == 1 then
      call('ZREM', waiters, baseOf(owner))
      if isOurs and tellWaiters(waiters, lease) then return 2 end
    end
    return isOurs and 1 or held and -1 or 0
  end

  -- 'i'; keys: lease, waiters
  -- reply {how many wait} and, if somebody holds it, mark, token, since, remaining, holder
  local function inspect(k)
    local held = call('GET', KEYS[k])
    local waiting = call('ZCOUNT', KEYS[k + 1], now, '+inf')
    if not held then return { waiting } end
    -- Who has it keeps its place until the release.
    if call('ZSCORE', KEYS[k + 1], baseOf(string.match(held, '^.(%S+)'))) then waiting = waiting - 1 end
    return tell(KEYS[k], held, waiting)
  end

  -- 'f' mark ('' for whoever has it); keys: lease, waiters, forced
  -- reply 0 it is free, -1 somebody else has it, or {0, mark, token, since, remaining, holder} of who had it
  local function force(k, a)
    local lease, waiters, forced = KEYS[k], KEYS[k + 1], KEYS[k + 2]
    local held = call('GET', lease)
    if not held then return 0 end
    local reply = tell(lease, held, 0)
    if ARGV[a + 1] ~= '' and ARGV[a + 1] ~= reply[2] then return -1 end
    -- For the holder, who learns it with the next renewal.
    local owner = string.match(held, '^.(%S+)')
    local ends = math.max(call('PTTL', forced), reply[5])
    call('SET', forced, (call('GET', forced) or '') .. ' ' .. owner, 'PX', math.max(ends, 1))
    call('DEL', lease)
    call('ZREM', waiters, baseOf(owner))
    tellWaiters(waiters, lease)
    return reply
  end

  local function acquireOne(k, a)
    return acquire(k, a, 1, tonumber(string.sub(ARGV[a], 3)))
  end

  local function acquireBlock(k, a)
    local tokens, wait = string.match(ARGV[a], '(%d+) (%d+)')
    return acquire(k, a, tonumber(tokens), tonumber(wait))
  end

  local function takeBack(k, a)
    return release(k, a, true)
  end

  return {
    a = { take = acquireOne, arguments = 4, keys = 3, isVote = true },
    b = { take = acquireBlock, arguments = 4, keys = 3, isVote = true },
    c = { take = confirm, arguments = 5, keys = 2, isVote = true },
    n = { take = renew, arguments = 4, keys = 2, isVote = true },
    d = { take = adopt, arguments = 4, keys = 4, isVote = true },
    t = { take = transfer, arguments = 5, keys = 3, isVote = true },
    r = { take = release, arguments = 2, keys = 2 },
    R = { take = takeBack, arguments = 2, keys = 2 },
    i = { take = inspect, arguments = 1, keys = 2 },
    f = { take = force, arguments = 2, keys = 3 },
  }
end

-- What is recorded of elements that are done once. What the texts say is the clients' business: a node only
-- compares and sets.
--
-- outcome  string: the record of an element
-- list     sorted set: names by the time until which they are listed there, in ms; it ends with its last one
-- lists    set: the ids of the lists that there are

local function addRecordSteps(steps)
  local MOST = 250

  -- {code, record, and of who has the lease: mark ('' for nobody), token}
  local function tell(code, present, lease)
    local held = call('GET', lease)
    if not held then return { code, present, '', 0 } end
    local owner, token = string.match(held, '^.(%S+) (%d+) ')
    return { code, present, string.sub(owner, 1, MARK), tonumber(token) }
  end

  local function fit(list, id, lists)
    call('ZREMRANGEBYSCORE', list, '-inf', '(' .. now)
    local last = call('ZRANGE', list, -1, -1, 'WITHSCORES')[2]
    if not last then
      call('SREM', lists, id)
    elseif last == 'inf' then
      call('PERSIST', list)
    else
      call('PEXPIREAT', list, last)
    end
  end

  local function enlist(list, id, lists, name, ends)
    call('ZADD', list, ends == '0' and '+inf' or ends, name)
    call('SADD', lists, id)
    fit(list, id, lists)
  end

  local function unlist(list, id, lists, name)
    if call('ZREM', list, name) == 1 then fit(list, id, lists) end
  end

  local function isClaimed(lease, owner, token)
    local held = call('GET', lease)
    return held and string.find(held, owner .. ' ' .. token .. ' ', 2, true) == 2
  end

  -- 'g'; keys: lease, outcome
  -- reply {0, record ('' for none), mark, token}
  local function recall(k)
    return tell(0, call('GET', KEYS[k + 1]) or '', KEYS[k])
  end

  -- 'w' name expected next ends, id of the list where it is and of that where it is to be ('' for none), until
  --     when it is to be there, '1' to keep it beyond that, owner ('' for anybody), token;
  --     times in ms, 0 for ever; keys: lease, outcome, the one list, the other, kept, lists
  -- reply {1} it is there; {0, record, mark, token} another one is; {-1, …} the lease is not the owner's
  local function record(k, a)
    local name, expected, next, ends = unpack(ARGV, a + 1, a + 4)
    local from, to, untilMs, keeps, owner, token = unpack(ARGV, a + 5, a + 10)
    local lease, outcome, kept, lists = KEYS[k], KEYS[k + 1], KEYS[k + 4], KEYS[k + 5]
    local present = call('GET', outcome) or ''
    if owner ~= '' and not isClaimed(lease, owner, token) then return tell(-1, present, lease) end
    if present ~= expected then
      if present == next then return { 1 } end
      return tell(0, present, lease)
    end
    if ends == '0' then call('SET', outcome, next) else call('SET', outcome, next, 'PXAT', ends) end
    if from ~= '' and from ~= to then unlist(KEYS[k + 2], from, lists, name) end
    if to ~= '' then enlist(KEYS[k + 3], to, lists, name, untilMs) end
    if keeps == '1' then
      enlist(kept, 'kept', lists, name, ends)
    else
      unlist(kept, 'kept', lists, name)
    end
    return { 1 }
  end

  -- 'x' name expected; keys: lease, outcome, kept, lists
  -- reply as of 'w'
  local function forget(k, a)
    local present = call('GET', KEYS[k + 1])
    if present and present ~= ARGV[a + 2] then return tell(0, present, KEYS[k]) end
    call('DEL', KEYS[k + 1])
    unlist(KEYS[k + 2], 'kept', KEYS[k + 3], ARGV[a + 1])
    return { 1 }
  end

  -- 'l' id cursor count; keys: list, lists
  -- reply {next cursor, names}
  local function list(k, a)
    fit(KEYS[k], ARGV[a + 1], KEYS[k + 1])
    local page = call('ZSCAN', KEYS[k], ARGV[a + 2], 'COUNT', ARGV[a + 3])
    local names = {}
    for i = 1, #page[2], 2 do names[#names + 1] = page[2][i] end
    return { page[1], names }
  end

  -- 'j' cursor; keys: lists
  -- reply {next cursor, ids}
  local function allLists(k, a)
    return call('SSCAN', KEYS[k], ARGV[a + 1], 'COUNT', MOST)
  end

  steps.g = { take = recall, arguments = 1, keys = 2, isVote = true }
  steps.w = { take = record, arguments = 11, keys = 6 }
  steps.x = { take = forget, arguments = 3, keys = 4, isVote = true }
  steps.l = { take = list, arguments = 4, keys = 2, isVote = true }
  steps.j = { take = allLists, arguments = 2, keys = 1, isVote = true }
end

local steps
local replies = { 0 }
local k, a = 2, 3
local step = ARGV[a]
while step do
  local letter = string.sub(step, 1, 1)
  local reply, keys, arguments

  if letter == 'a' then
    keys, arguments = 3, 4
    if not micros then readTime() end
    if votes == nil then votes = call('GET', KEYS[1]) == ARGV[1] end
    local proposal = ARGV[a + 3]
    local token = tonumber(proposal)
    if votes and token >= micros and token <= micros + AHEAD
      and call('EXISTS', KEYS[k], KEYS[k + 1]) == 0 then
      local counter = redis.pcall('SET', KEYS[k + 2], proposal, 'GET')
      if type(counter) == 'table' then
        reply = { -2, counter.err }
      else
        counter = counter and tonumber(counter)
        if counter and counter >= token then
          token = counter + 1
          proposal = string.format('%.0f', token)
          call('SET', KEYS[k + 2], proposal)
        end
        call('SET', KEYS[k], '0' .. ARGV[a + 1] .. ' ' .. proposal .. ' ' .. seconds .. ' ' .. rest .. ' '
          .. HOLDER, 'PX', ARGV[a + 2])
        reply = token
      end
    end

  elseif step == 'r' then
    keys, arguments = 2, 2
    local owner = ARGV[a + 1]
    local held = redis.pcall('GET', KEYS[k])
    if type(held) == 'string' and string.find(held, owner, 2, true) == 2
      and string.byte(held, #owner + 2) == SPACE and string.byte(held) == ZERO then
      call('DEL', KEYS[k])
      reply = 1
    end
  end

  if not reply then
    steps = steps or makeSteps()
    if not steps[letter] then addRecordSteps(steps) end
    local taken = steps[letter]
    keys, arguments = taken.keys, taken.arguments
    if taken.isVote and votes == nil then votes = call('GET', KEYS[1]) == ARGV[1] end
    reply = -4
    if votes or not taken.isVote then
      -- A key of another type is somebody else's: it must not fail the steps of all.
      local done, answer = pcall(taken.take, k, a)
      reply = done and answer or { -2, type(answer) == 'table' and answer.err or tostring(answer) }
    end
  end
  replies[#replies + 1] = reply
  k, a = k + keys, a + arguments
  step = ARGV[a]
end
if #replies == 1 then readTime() end
replies[1] = micros or 0
return replies
`;
