// What really happened on the chain, found out another way than Ballast does: viem decodes, eth_getBlockReceipts
// is asked block by block, and no log is asked for.
//
// One JSON line in, one JSON line out:
//   {"url": ..., "orderbook": ..., "owners": [...], "first_block": n}
//   {"head": {"number", "hash"}, "events": [...], "fills": [...]}   or {"error": "..."}
// An event is a log of the owners' orders; a fill is one exposure of it (two of an equity against an equity).
// What was read of a block is kept under its hash, so that asking again costs as much as is new.
import { createInterface } from 'node:readline';
import { createPublicClient, decodeEventLog, formatUnits, http, parseAbi, toEventSelector } from 'viem';

const ABI = parseAbi([
  'struct IO { address token; uint8 decimals; uint256 vaultId; }',
  'struct EvaluableV3 { address interpreter; address store; bytes bytecode; }',
  'struct OrderV3 { address owner; EvaluableV3 evaluable; IO[] validInputs; IO[] validOutputs; bytes32 nonce; }',
  'struct SignedContextV1 { address signer; uint256[] context; bytes signature; }',
  'struct TakeOrderConfigV3 { OrderV3 order; uint256 inputIOIndex; uint256 outputIOIndex; SignedContextV1[] signedContext; }',
  'struct ClearConfig { uint256 aliceInputIOIndex; uint256 aliceOutputIOIndex; uint256 bobInputIOIndex; uint256 bobOutputIOIndex; uint256 aliceBountyVaultId; uint256 bobBountyVaultId; }',
  'struct ClearStateChange { uint256 aliceOutput; uint256 bobOutput; uint256 aliceInput; uint256 bobInput; }',
  'event TakeOrderV2(address sender, TakeOrderConfigV3 config, uint256 input, uint256 output)',
  'event ClearV2(address sender, OrderV3 alice, OrderV3 bob, ClearConfig clearConfig)',
  'event AfterClear(address sender, ClearStateChange clearStateChange)',
]);
const TOKEN = parseAbi(['function symbol() view returns (string)']);
const NAMES = new Map(ABI.filter((entry) => entry.type === 'event').map((entry) => [toEventSelector(entry), entry.name]));
const AT_ONCE = 24;

const chains = new Map(); // by url: what is known of its blocks and tokens

function chainOf(url) {
  if (!chains.has(url)) {
    const client = createPublicClient({ transport: http(url, { retryCount: 0, timeout: 20_000 }) });
    chains.set(url, { client, headers: new Map(), movements: new Map(), symbols: new Map() });
  }
  return chains.get(url);
}

async function inChunks(items, work) {
  const results = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    results.push(...await Promise.all(items.slice(at, at + AT_ONCE).map(work)));
  }
  return results;
}

async function header(chain, tag) {
  const block = await chain.client.request({ method: 'eth_getBlockByNumber', params: [tag, false] });
  if (!block) return null;
  const known = {
    hash: block.hash, parent: block.parentHash, number: Number(block.number), empty: block.transactions.length === 0,
  };
  chain.headers.set(known.hash, known);
  return known;
}

// The blocks from the first to the head, linked by their parents' hashes; null when the chain moved meanwhile.
async function canonical(chain, first) {
  const head = await header(chain, 'latest');
  const blocks = [head];
  while (blocks.at(-1).number > first) {
    const last = blocks.at(-1);
    if (!chain.headers.has(last.parent)) {
      const lowest = Math.max(first, last.number - AT_ONCE);
      const numbers = Array.from({ length: last.number - lowest }, (_, place) => lowest + place);
      await Promise.all(numbers.map((number) => header(chain, `0x${number.toString(16)}`)));
      if (!chain.headers.has(last.parent)) return null;
    }
    blocks.push(chain.headers.get(last.parent));
  }
  return head.number < first ? [] : blocks.reverse();
}

function side(order, inputIndex, outputIndex, received, given) {
  const input = order.validInputs[Number(inputIndex)];
  const output = order.validOutputs[Number(outputIndex)];
  return { owner: order.owner.toLowerCase(), input, output, received, given };
}

// What every order of an orderbook's logs received and gave, whoever owns it.
function movementsOf(logs, orderbook) {
  const found = [];
  const clears = new Map(); // by transaction: the ClearV2 that waits for its AfterClear
  for (const log of logs) {
    if (log.address.toLowerCase() !== orderbook || !NAMES.has(log.topics[0])) continue;
    const { eventName, args } = decodeEventLog({ abi: ABI, data: log.data, topics: log.topics });
    const place = {
      tx_hash: log.transactionHash, log_index: Number(log.logIndex),
      block_number: Number(log.blockNumber), block_hash: log.blockHash,
    };
    if (eventName === 'TakeOrderV2') { // the amounts are the taker's
      const { order, inputIOIndex, outputIOIndex } = args.config;
      found.push({ place, sides: [side(order, inputIOIndex, outputIOIndex, args.output, args.input)] });
    } else if (eventName === 'ClearV2') {
      clears.set(log.transactionHash, { place, args });
    } else {
      const clear = clears.get(log.transactionHash);
      const { alice, bob, clearConfig: config } = clear.args;
      const change = args.clearStateChange;
      clears.delete(log.transactionHash);
      found.push({
        place: clear.place,
        sides: [
          side(alice, config.aliceInputIOIndex, config.aliceOutputIOIndex, change.aliceInput, change.aliceOutput),
          side(bob, config.bobInputIOIndex, config.bobOutputIOIndex, change.bobInput, change.bobOutput),
        ],
      });
    }
  }
  return found;
}

async function movements(chain, orderbook, block) {
  const key = `${block.hash} ${orderbook}`;
  if (!chain.movements.has(key)) {
    let found = [];
    if (!block.empty) {
      const receipts = await chain.client.request({
        method: 'eth_getBlockReceipts', params: [`0x${block.number.toString(16)}`],
      });
      if (!receipts || receipts.some((receipt) => receipt.blockHash !== block.hash)) return null;
      found = movementsOf(receipts.flatMap((receipt) => receipt.logs), orderbook);
    }
    chain.movements.set(key, found);
  }
  return chain.movements.get(key);
}

async function symbol(chain, address) {
  if (!chain.symbols.has(address)) {
    chain.symbols.set(address, await chain.client.readContract({ address, abi: TOKEN, functionName: 'symbol' }));
  }
  return chain.symbols.get(address);
}

// BRK.B of tBRK.B, AAPL of AAPL0x, NVDA of NVDAs1.
function ticker(name) {
  if (name.startsWith('t')) return name.slice(1);
  return name.replace(/(0x|s1)$/, '');
}

async function fillsOf(chain, { place, sides }, owners) {
  const fills = [];
  for (const one of sides.filter(({ owner }) => owners.has(owner))) {
    const names = [await symbol(chain, one.input.token), await symbol(chain, one.output.token)];
    const received = formatUnits(one.received, one.input.decimals);
    const given = formatUnits(one.given, one.output.decimals);
    const book = (name, direction, amount, usdc) => fills.push({
      ...place, order_owner: one.owner, symbol: name, ticker: ticker(name), direction, amount, usdc_amount: usdc,
    });
    if (names[0] === 'USDC') book(names[1], 'SELL', given, received);
    else if (names[1] === 'USDC') book(names[0], 'BUY', received, given);
    else {
      book(names[1], 'SELL', given, null);
      book(names[0], 'BUY', received, null);
    }
  }
  return fills;
}

async function answer({ url, orderbook, owners, first_block: first }) {
  const chain = chainOf(url);
  const wanted = new Set(owners.map((owner) => owner.toLowerCase()));
  for (let attempt = 0; attempt < 20; attempt++) {
    const blocks = await canonical(chain, first);
    if (!blocks) continue;
    const all = await inChunks(blocks, (block) => movements(chain, orderbook.toLowerCase(), block));
    if (all.includes(null)) continue;
    const mine = all.flat().filter(({ sides }) => sides.some(({ owner }) => wanted.has(owner)));
    const fills = [];
    for (const event of mine) fills.push(...await fillsOf(chain, event, wanted));
    const head = blocks.at(-1) ?? await header(chain, 'latest');
    return {
      head: { number: head.number, hash: head.hash },
      hashes: Object.fromEntries(blocks.map(({ number, hash }) => [number, hash])),
      events: mine.map(({ place }) => place),
      fills,
    };
  }
  throw new Error('the chain does not stand still');
}

for await (const line of createInterface({ input: process.stdin })) {
  let result;
  try {
    result = await answer(JSON.parse(line));
  } catch (error) {
    result = { error: String(error.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
