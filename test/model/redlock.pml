/*
 * A lock over three nodes: acquire, write back, release, and a node that comes back without its data.
 * `node test/model/check.mjs` checks each variant with Spin, exhaustively.
 *
 * Checked
 *   Tokens (the default): no two holdings have the same one, and a holding that was there before another's
 *   attempt began has the smaller one. EXCLUSION: nobody holds the lock while somebody else does.
 *
 * Modelled
 *   Nodes: a counter, and a lease, which is an owner and the token stored beside it. A step is atomic.
 *   Clients: any number of attempts, CLIENTS at a time, each with an owner of its own.
 *   Messages: one that was sent is executed never, once or many times, at any later moment, in any order.
 *   An answer is heard when the client acts on it, at any later moment or never.
 *   TIME and proposals: a node gives any token above its counter, up to TOKENS.
 *   An attempt begins when the first of its messages is executed: the latest possible moment, so the
 *   strictest one for "was there before".
 *
 * Assumed
 *   Tokens: nothing of leases; any may end at any moment. So clocks may jump and clients stand still.
 *   LEASES_LAST (for exclusion): no lease ends before its client has stopped holding, or trying.
 *   RESTARTS: one node at a time is empty or on its way back; the other two have their data. When the
 *   delay has passed, nobody counts on what the node gave before: an answer from then is no vote any more,
 *   and who still holds the lock has renewed its leases on both other nodes.
 *
 * Reduced, with nothing lost
 *   An attempt that is over never holds again. Its leases, and what its late messages do, are NOBODY's.
 *   A release is one more reason for which NOBODY's lease ends.
 *   Any one holding is remembered, as `watched`, and compared with all later ones.
 *   The nodes are alike, so their states are kept sorted (not in the variants that print a trail).
 *
 * Not modelled
 *   More nodes, larger tokens, and progress: that anybody ever gets the lock. Blocks of tokens, transfers.
 *   Clocks, so whether deadlines and delays of the code keep what is assumed here. A node that comes back
 *   with older data instead of none, two at once, and the rule by TIME for when too few are intact.
 */

#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef TOKENS
#define TOKENS 4
#endif

/* The rules that are at stake; each wrong one has to be found. */

#ifdef NO_WRITE_BACK
#define AGREE(x, y) (ANSWER(x) && ANSWER(y))
#else
#define AGREE(x, y) (ANSWER(x) && ANSWER(x) == ANSWER(y))
#endif

/* What is left of an answer when a maximum is written back. */
#ifdef MIXED_ANSWERS
#define LEFT_OF(answer, max) (answer -> MAX(answer, max) : NONE)
#else
#define LEFT_OF(answer, max) (answer >= max -> answer : NONE)
#endif

#if defined(UNCONDITIONAL_WRITE_BACK)
#define MAY_WRITE_BACK(c) true
#elif defined(WRITE_BACK_BY_OWNER)
#define MAY_WRITE_BACK(c) (lease[node] == c)
#else
#define MAY_WRITE_BACK(c) (lease[node] == c && stored[node] <= maximum[c])
#endif

#ifdef LEASES_LAST
#define MAY_END (lease[node] == NOBODY || phase[lease[node]] == HELD && !RESTS_ON(node, lease[node]))
#else
#define MAY_END (lease[node] != FREE)
#endif

/* The way of a node that restarts empty: WAITING (the delay), CATCHING_UP, VOTING. */
#if defined(NO_RESTART_RULE)
#define AFTER_RESTART VOTING
#elif defined(NO_DELAY)
#define AFTER_RESTART CATCHING_UP
#elif defined(NO_CATCH_UP)
#define AFTER_DELAY VOTING
#elif defined(CATCH_UP_BEFORE_DELAY)
#define AFTER_RESTART CATCHING_UP
#define AFTER_CATCH_UP WAITING
#define AFTER_DELAY VOTING
#endif
#ifndef AFTER_RESTART
#define AFTER_RESTART WAITING
#endif
#ifndef AFTER_DELAY
#define AFTER_DELAY CATCHING_UP
#endif
#ifndef AFTER_CATCH_UP
#define AFTER_CATCH_UP VOTING
#endif

#ifdef CATCH_UP_FROM_ONE
#define CAUGHT_UP (wasRead[OTHER(1)] || wasRead[OTHER(2)])
#else
#define CAUGHT_UP (wasRead[OTHER(1)] && wasRead[OTHER(2)])
#endif

/* The state. Clients are 1 to CLIENTS; a node's lease is FREE, a client's present attempt's, or NOBODY's. */

#define NONE 0
#define FREE 0
#define NOBODY (CLIENTS + 1)
byte counter[3], lease[3], stored[3];

#define VOTING 0
#define WAITING 1
#define CATCHING_UP 2
byte mode[3];
bit wasRead[3]; /* by the node that catches up */

#define IDLE 0
#define ASKING 1 /* round 1 */
#define CONFIRMING 2 /* round 2, and any further one that a late, higher answer makes necessary */
#define HELD 3 /* a state with EXCLUSION only: for tokens, holding is a moment */
typedef Answers { byte from[3] };
byte phase[CLIENTS + 1], maximum[CLIENTS + 1];
Answers answers[CLIENTS + 1];

byte watched; /* the token of the holding that is remembered */
bit beganAfter[CLIENTS + 1]; /* the attempt began when that was over */
byte holders;
byte token; /* of use within a step only */
#ifdef REACH_HOLDINGS
byte holdings;
#endif
#ifdef REACH_RENEWED
byte loser; /* the holder that lost a lease to a restart */
#endif

#define MAX(a, b) (a > b -> a : b)
#define ANSWER(x) answers[c].from[x]
#define OTHER(i) ((node + i) % 3)
#define RESTS_ON(x, c) (lease[x] == c && stored[x] == maximum[c])
#define EACH_NODE(step) step(0) step(1) step(2)
#define EACH_PAIR(step) step(0, 1) step(0, 2) step(1, 2)
#if CLIENTS == 2
#define EACH_CLIENT(step) step(1) step(2)
#else
#define EACH_CLIENT(step) step(1) step(2) step(3)
#endif
#if TOKENS == 2
#define EACH_TOKEN(step, c) step(c, 1) step(c, 2)
#elif TOKENS == 3
#define EACH_TOKEN(step, c) step(c, 1) step(c, 2) step(c, 3)
#elif TOKENS == 4
#define EACH_TOKEN(step, c) step(c, 1) step(c, 2) step(c, 3) step(c, 4)
#else
#define EACH_TOKEN(step, c) step(c, 1) step(c, 2) step(c, 3) step(c, 4) step(c, 5)
#endif

/* Every step ends with SORT. */
#ifdef UNSORTED
#define SORT token = NONE
#else
#define SORT order(0, 1); order(1, 2); order(0, 1); token = NONE
#endif
#if CLIENTS == 2
#define ANSWERS_OF(x) (answers[1].from[x] * 8 + answers[2].from[x])
#define SWAP_ANSWERS(x, y) SWAP(answers[1].from, x, y); SWAP(answers[2].from, x, y)
#else
#define ANSWERS_OF(x) ((answers[1].from[x] * 8 + answers[2].from[x]) * 8 + answers[3].from[x])
#define SWAP_ANSWERS(x, y) \
  SWAP(answers[1].from, x, y); SWAP(answers[2].from, x, y); SWAP(answers[3].from, x, y)
#endif
#define STATE_OF(x) \
  (((((ANSWERS_OF(x) * 8 + counter[x]) * 8 + lease[x]) * 8 + stored[x]) * 4 + mode[x]) * 2 + wasRead[x])
#define SWAP(of, x, y) token = of[x]; of[x] = of[y]; of[y] = token
inline order(x, y) {
  if
  :: STATE_OF(x) > STATE_OF(y) ->
    SWAP(counter, x, y); SWAP(lease, x, y); SWAP(stored, x, y);
    SWAP(mode, x, y); SWAP(wasRead, x, y); SWAP_ANSWERS(x, y)
  :: else
  fi
}

/* A node executes what was sent. */

inline give(c, given) {
  if
  :: phase[c] == IDLE ->
    phase[c] = ASKING; beganAfter[c] = (watched != NONE);
    printf("client %d begins an attempt\n", c)
  :: else
  fi;
  counter[node] = given; lease[node] = c; stored[node] = given;
  printf("%c gives %d to client %d\n", 'A' + node, given, c)
}
#define MAY_GIVE(given) (mode[node] == VOTING && lease[node] == FREE && counter[node] < given)
#define ACQUIRE(c) EACH_TOKEN(ACQUIRE_TOKEN, c)
#define ACQUIRE_TOKEN(c, given) \
  :: d_step { MAY_GIVE(given) -> \
    give(c, given); \
    if \
    :: phase[c] == ASKING -> answers[c].from[node] = given \
    :: phase[c] == CONFIRMING && LEFT_OF(given, maximum[c]) -> \
      answers[c].from[node] = LEFT_OF(given, maximum[c]) \
    :: else \
    fi; SORT } \
  :: d_step { MAY_GIVE(given) && answers[c].from[node] -> \
    give(c, given); printf("  but its earlier answer is the one that is heard\n"); SORT }

#define WRITE_BACK(c) \
  :: d_step { mode[node] == VOTING && maximum[c] && MAY_WRITE_BACK(c) && \
              (stored[node] != maximum[c] || phase[c] == CONFIRMING && !answers[c].from[node]) -> \
    counter[node] = MAX(counter[node], maximum[c]); stored[node] = maximum[c]; \
    if :: phase[c] == CONFIRMING -> answers[c].from[node] = maximum[c] :: else fi; \
    printf("%c confirms %d to client %d\n", 'A' + node, maximum[c], c); SORT }

/* A holder gives its lease to a node that has none. */
#define ADOPT(c) \
  :: d_step { mode[node] == VOTING && lease[node] == FREE && phase[c] == HELD -> \
    counter[node] = MAX(counter[node], maximum[c]); lease[node] = c; stored[node] = maximum[c]; \
    printf("%c adopts the lease of client %d\n", 'A' + node, c); SORT }

/* Late messages of attempts that are over: acquire, confirm. */
#define LATE(nobody) EACH_TOKEN(LATE_TOKEN, nobody)
#define LATE_TOKEN(nobody, given) \
  :: d_step { MAY_GIVE(given) -> \
    counter[node] = given; lease[node] = nobody; \
    printf("%c gives %d to an attempt that is over\n", 'A' + node, given); SORT } \
  :: d_step { mode[node] == VOTING && lease[node] == nobody && counter[node] < given -> \
    counter[node] = given; \
    printf("%c confirms %d to an attempt that is over\n", 'A' + node, given); SORT }

#define AND_LASTS(c) && (phase[c] != HELD || RESTS_ON(OTHER(1), c) && RESTS_ON(OTHER(2), c))
#define VOID(c) answers[c].from[node] = NONE;
#define READ(i) \
  :: d_step { mode[node] == CATCHING_UP && !wasRead[OTHER(i)] -> \
    counter[node] = MAX(counter[node], counter[OTHER(i)]); wasRead[OTHER(i)] = 1; \
    printf("%c reads the counter of %c: %d\n", 'A' + node, 'A' + OTHER(i), counter[OTHER(i)]); SORT }

proctype Node(byte node) {
end:
  do
  EACH_CLIENT(ACQUIRE)
  EACH_CLIENT(WRITE_BACK)
#ifdef EXCLUSION
  EACH_CLIENT(ADOPT)
#endif
  LATE(NOBODY)
  :: d_step { MAY_END ->
    if
    :: lease[node] == NOBODY -> printf("%c frees the lease of an attempt that is over\n", 'A' + node)
    :: else -> printf("%c lets the lease of client %d expire\n", 'A' + node, lease[node])
    fi;
    lease[node] = FREE; stored[node] = NONE; SORT }
#ifdef RESTARTS
  :: d_step { mode[OTHER(1)] == VOTING && mode[OTHER(2)] == VOTING ->
#ifdef REACH_RENEWED
    loser = (phase[lease[node] % NOBODY] == HELD -> lease[node] : NONE);
#endif
    counter[node] = 0; lease[node] = FREE; stored[node] = NONE; mode[node] = AFTER_RESTART;
    wasRead[OTHER(1)] = 0; wasRead[OTHER(2)] = 0;
    printf("%c restarts without its data\n", 'A' + node); SORT }
  :: d_step { mode[node] == WAITING EACH_CLIENT(AND_LASTS) ->
    EACH_CLIENT(VOID)
    mode[node] = AFTER_DELAY;
    printf("%c has waited\n", 'A' + node);
#ifdef REACH_RENEWED
    assert(loser == NONE || phase[loser] != HELD);
#endif
    SORT }
  READ(1)
  READ(2)
  :: d_step { mode[node] == CATCHING_UP && CAUGHT_UP ->
    wasRead[OTHER(1)] = 0; wasRead[OTHER(2)] = 0; mode[node] = AFTER_CATCH_UP;
    printf("%c has caught up: its counter is %d\n", 'A' + node, counter[node]); SORT }
#endif
  od
}

/* A client acts on the answers of any two nodes, which is a majority. */

#define GIVE_UP(x) if :: lease[x] == c -> lease[x] = NOBODY; stored[x] = NONE :: else fi;
#define FORGET(x) ANSWER(x) = NONE;
inline over() {
#ifdef REACH_RENEWED
  loser = (loser == c -> NONE : loser);
#endif
  EACH_NODE(GIVE_UP)
  EACH_NODE(FORGET)
  phase[c] = IDLE; maximum[c] = NONE; beganAfter[c] = 0
}

inline hold() {
  printf("client %d holds the lock with %d\n", c, token);
#ifdef REACH_HOLDINGS
  holdings++;
  assert(holdings < TOKENS);
#endif
#ifdef EXCLUSION
  assert(holders == 0);
  holders++; phase[c] = HELD; maximum[c] = token;
  EACH_NODE(FORGET)
#else
  assert(watched == NONE || token != watched);
  assert(!beganAfter[c] || token > watched);
  over()
#endif
}
#define HOLD(x, y) \
  :: d_step { AGREE(x, y) -> token = MAX(ANSWER(x), ANSWER(y)); hold(); SORT }
#define HOLD_WATCHED(x, y) \
  :: d_step { AGREE(x, y) && !watched -> \
    token = MAX(ANSWER(x), ANSWER(y)); hold(); watched = token; SORT }

#define COUNT(x) ANSWER(x) = LEFT_OF(ANSWER(x), maximum[c]);
#define ROUND_2(x, y) \
  :: d_step { phase[c] == ASKING && ANSWER(x) && ANSWER(y) && !AGREE(x, y) -> \
    phase[c] = CONFIRMING; maximum[c] = MAX(ANSWER(x), ANSWER(y)); \
    COUNT(0) COUNT(1) COUNT(2) \
    printf("client %d has heard %c and %c: it writes %d back\n", c, 'A' + x, 'A' + y, maximum[c]); \
    SORT }
#define ROUND_3(x) \
  :: d_step { phase[c] == CONFIRMING && ANSWER(x) > maximum[c] -> \
    maximum[c] = ANSWER(x); \
    COUNT(0) COUNT(1) COUNT(2) \
    printf("client %d has heard %c as well: it writes %d back\n", c, 'A' + x, maximum[c]); SORT }

proctype Client(byte c) {
end:
  do
  EACH_PAIR(HOLD)
  EACH_PAIR(ROUND_2)
  EACH_NODE(ROUND_3)
#ifndef EXCLUSION
  EACH_PAIR(HOLD_WATCHED)
#endif
  :: d_step { phase[c] != IDLE ->
    printf("client %d gives up, or is done\n", c);
    holders = holders - (phase[c] == HELD);
    over(); SORT }
  od
}

#define RUN(c) run Client(c);
init {
  atomic {
    run Node(0); run Node(1); run Node(2);
    EACH_CLIENT(RUN)
  }
}
