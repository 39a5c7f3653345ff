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
