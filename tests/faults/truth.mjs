// What really happened on the chain, found out another way than Ballast does: viem decodes, eth_getBlockReceipts
// is asked block by block, and no log is asked for. Shares of a vault are worth what convertToAssets says in the state of
// their fill's block, asked by its hash.
//
// One JSON line in, one JSON line out:
//   {"url": ..., "orderbook": ..., "owners": [...], "first_block": n}
//   {"head": {"number", "hash"}, "events": [...], "fills": [...], "conversions": [...], "vaults": [...]}
//   or {"error": "..."}
// An event is a log of the owners' orders; a fill is one exposure of it (two of an equity against an equity); a conversion
// is what a fill's raw shares of a vault were worth in raw units of its asset.
// What was read of a block is kept under its hash, so that asking again costs as much as is new.
import { createInterface } from 'node:readline';
import {
  createPublicClient, decodeEventLog, decodeFunctionResult, encodeFunctionData, formatUnits, http, numberToHex, parseAbi,
  toEventSelector,
} from 'viem';
import { ORDERBOOK_ABI } from '../orderbook_abi.mjs';

const AFTER = { ClearV2: 'AfterClear', ClearV3: 'AfterClearV2' };
const TOKEN = parseAbi(['function symbol() view returns (string)', 'function decimals() view returns (uint8)']);
const VAULT = parseAbi([
  'function asset() view returns (address)', 'function convertToAssets(uint256 shares) view returns (uint256 assets)',
]);
const BOOKED_DIGITS = 18;
const NAMES = new Map(
  ORDERBOOK_ABI.filter((entry) => entry.type === 'event').map((entry) => [toEventSelector(entry), entry.name]),
);
const AT_ONCE = 24;

const chains = new Map(); // by url: what is known of its blocks, tokens and vaults

function chainOf(url) {
  if (!chains.has(url)) {
    const client = createPublicClient({ transport: http(url, { retryCount: 0, timeout: 20_000 }) });
    const known = { headers: new Map(), movements: new Map(), exposures: new Map(), tokens: new Map(), vaults: new Map() };
    chains.set(url, { client, ...known });
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

// Amounts are { coefficient, exponent } of whole tokens, in the first generation and in the second.
function amountOf(value, io) {
  if (typeof value === 'bigint') return { coefficient: value, exponent: -io.decimals };
  const word = BigInt(value); // a signed exponent of 32 bits before a signed coefficient of 224
  const amount = { coefficient: BigInt.asIntN(224, word), exponent: Number(BigInt.asIntN(32, word >> 224n)) };
  if (amount.coefficient < 0n) throw new Error(`a negative amount: ${value}`);
  return amount;
}

// So many units of 10^-digits, rounded toward zero. No coefficient has more than 78 digits.
function units({ coefficient, exponent }, digits) {
  const shift = exponent + digits;
  if (coefficient === 0n || shift < -78) return 0n;
  if (shift > 78) throw new Error(`no real amount: ${coefficient}e${exponent}`);
  return shift < 0 ? coefficient / 10n ** BigInt(-shift) : coefficient * 10n ** BigInt(shift);
}

function side(order, inputIndex, outputIndex, received, given) {
  const input = order.validInputs[Number(inputIndex)];
  const output = order.validOutputs[Number(outputIndex)];
  return {
    owner: order.owner.toLowerCase(),
    input: { token: input.token, amount: amountOf(received, input) },
    output: { token: output.token, amount: amountOf(given, output) },
  };
}

// What every order of an orderbook's logs received and gave, whoever owns it.
function movementsOf(logs, orderbook) {
  const found = [];
  const clears = new Map(); // by transaction and the name of what it waits for: the Clear
  for (const log of logs) {
    if (log.address.toLowerCase() !== orderbook || !NAMES.has(log.topics[0])) continue;
    const { eventName, args } = decodeEventLog({ abi: ORDERBOOK_ABI, data: log.data, topics: log.topics });
    const place = {
      tx_hash: log.transactionHash, log_index: Number(log.logIndex),
      block_number: Number(log.blockNumber), block_hash: log.blockHash,
    };
    if (args.config) { // a take: the amounts are the taker's
      const { order, inputIOIndex, outputIOIndex } = args.config;
      found.push({ place, sides: [side(order, inputIOIndex, outputIOIndex, args.output, args.input)] });
    } else if (AFTER[eventName]) {
      clears.set(`${log.transactionHash} ${AFTER[eventName]}`, { place, args });
    } else {
      const waiting = `${log.transactionHash} ${eventName}`;
      const clear = clears.get(waiting);
      const { alice, bob, clearConfig: config } = clear.args;
      const change = args.clearStateChange;
      clears.delete(waiting);
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

async function once(known, key, ask) {
  if (!known.has(key)) known.set(key, await ask());
  return known.get(key);
}

function tokenOf(chain, address) {
  return once(chain.tokens, address, async () => {
    const about = (functionName) => chain.client.readContract({ address, abi: TOKEN, functionName });
    return { symbol: await about('symbol'), decimals: await about('decimals') };
  });
}

function vaultOf(chain, address) {
  return once(chain.vaults, address, async () => {
    const asset = await chain.client.readContract({ address, abi: VAULT, functionName: 'asset' });
    const { decimals } = await tokenOf(chain, asset);
    return { token: address.toLowerCase(), asset: asset.toLowerCase(), asset_decimals: decimals };
  });
}

// In the state after that very block: another block of its number may have left the shares worth something else.
async function assetsOf(chain, address, shares, blockHash) {
  const data = encodeFunctionData({ abi: VAULT, functionName: 'convertToAssets', args: [shares] });
  const result = await chain.client.request({ method: 'eth_call', params: [{ to: address, data }, { blockHash }] });
  return decodeFunctionResult({ abi: VAULT, functionName: 'convertToAssets', data: result });
}

// BRK.B of tBRK.B and wtBRK.B, AAPL of AAPL0x, NVDA of NVDAs1.
function ticker(name) {
  return name.replace(/^w?t(?=[A-Z])/, '').replace(/(0x|s1)$/, '');
}

const isWrapped = (name) => /^wt[A-Z]/.test(name);
const booked = (amount) => formatUnits(units(amount, BOOKED_DIGITS), BOOKED_DIGITS);

// What a leg adds to the exposure, in shares; and of a vault's shares, the conversion behind it.
async function exposureOf(chain, place, { token: address, amount }) {
  const moved = booked(amount);
  const { symbol, decimals } = await tokenOf(chain, address);
  if (!isWrapped(symbol)) return { symbol, amount: moved, token_amount: null };
  const vault = await vaultOf(chain, address);
  const shares = units(amount, decimals);
  const assets = await assetsOf(chain, address, shares, place.block_hash);
  const conversion = {
    token: vault.token, block_hash: place.block_hash, block_number: place.block_number,
    shares: numberToHex(shares, { size: 32 }), assets: numberToHex(assets, { size: 32 }),
  };
  const worth = booked({ coefficient: assets, exponent: -vault.asset_decimals });
  return { symbol, amount: worth, token_amount: moved, conversion, vault };
}

async function fillsOf(chain, { place, sides }, owners) {
  const found = [];
  for (const one of sides.filter(({ owner }) => owners.has(owner))) {
    const [input, output] = [await exposureOf(chain, place, one.input), await exposureOf(chain, place, one.output)];
    const book = ({ symbol, ...exposure }, direction, usdc) => found.push({
      ...place, order_owner: one.owner, symbol, ticker: ticker(symbol), direction, usdc_amount: usdc, ...exposure,
    });
    if (input.symbol === 'USDC') book(output, 'SELL', input.amount);
    else if (output.symbol === 'USDC') book(input, 'BUY', output.amount);
    else {
      book(output, 'SELL', null);
      book(input, 'BUY', null);
    }
  }
  return found;
}

// The events of the owners' orders in a block, and their fills. Null when it is no longer on the chain.
async function exposures(chain, orderbook, owners, block) {
  const key = `${block.hash} ${orderbook} ${[...owners].join()}`;
  if (!chain.exposures.has(key)) {
    const all = await movements(chain, orderbook, block);
    if (!all) return null;
    const events = all.filter(({ sides }) => sides.some(({ owner }) => owners.has(owner)));
    const fills = [];
    try {
      for (const event of events) fills.push(...await fillsOf(chain, event, owners));
    } catch (error) {
      const now = await header(chain, numberToHex(block.number));
      if (now?.hash !== block.hash) return null;
      throw error;
    }
    chain.exposures.set(key, { events: events.map(({ place }) => place), fills });
  }
  return chain.exposures.get(key);
}

const different = (items) => [...new Map(items.map((one) => [JSON.stringify(one), one])).values()];

async function answer({ url, orderbook, owners, first_block: first }) {
  const chain = chainOf(url);
  const wanted = new Set(owners.map((owner) => owner.toLowerCase()));
  for (let attempt = 0; attempt < 20; attempt++) {
    const blocks = await canonical(chain, first);
    if (!blocks) continue;
    const all = await inChunks(blocks, (block) => exposures(chain, orderbook.toLowerCase(), wanted, block));
    if (all.includes(null)) continue;
    const fills = all.flatMap((one) => one.fills);
    const head = blocks.at(-1) ?? await header(chain, 'latest');
    return {
      head: { number: head.number, hash: head.hash },
      hashes: Object.fromEntries(blocks.map(({ number, hash }) => [number, hash])),
      events: all.flatMap((one) => one.events),
      fills: fills.map(({ conversion, vault, ...fill }) => fill),
      conversions: different(fills.flatMap(({ conversion }) => conversion ?? [])),
      vaults: different(fills.flatMap(({ vault }) => vault ?? [])),
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
