// Random events of both generations, decoded by viem and by Ballast: the two must agree.
//
//   node tests/differential/events.mjs DECODER [EVENTS [SEED]]
//
// Every fourth event is spoilt (a word replaced, or cut): then Ballast may refuse what viem takes, for it is stricter
// about nothing but what it reads, and reads less; but what both take must be the same.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { decodeAbiParameters, encodeAbiParameters } from 'viem';
import { ORDERBOOK_ABI } from '../orderbook_abi.mjs';

const INPUTS = Object.fromEntries(ORDERBOOK_ABI.filter(({ type }) => type === 'event').map(({ name, inputs }) => [name, inputs]));
const [decoder, events = '100000', seed = '1'] = process.argv.slice(2);

// xorshift128+, so that a seed gives the same events everywhere.
let [a, b] = [BigInt(seed) * 0x9e3779b97f4a7c15n & 0xffffffffffffffffn || 1n, 0x2545f4914f6cdd1dn];
function bits64() {
  let x = a;
  const y = b;
  a = y;
  x ^= x << 23n & 0xffffffffffffffffn;
  b = x ^ y ^ x >> 17n ^ y >> 26n;
  return b + y & 0xffffffffffffffffn;
}
const below = (limit) => Number(bits64() % BigInt(limit));
const pick = (list) => list[below(list.length)];
const hex = (number, bytes) => `0x${number.toString(16).padStart(2 * bytes, '0')}`;
const word = () => bits64() << 192n | bits64() << 128n | bits64() << 64n | bits64();
const address = () => hex(word() >> 96n, 20);
const bytes = (most) => `0x${Array.from({ length: below(most) }, () => below(256).toString(16).padStart(2, '0')).join('')}`;
const uint = () => pick([0n, 1n, 2n ** 256n - 1n, word(), word() >> BigInt(below(256))]);
const list = (make, least = 0) => Array.from({ length: least + below(4) }, make);

function floatWord() {
  const edges = [0n, 1n, -1n, 2n ** 223n - 1n, -(2n ** 223n), 10n ** 67n];
  const coefficient = below(4) ? BigInt.asIntN(224, word() >> BigInt(32 + below(224))) : pick(edges);
  const exponent = below(4) ? below(110) - 90 : pick([-(2 ** 31), 2 ** 31 - 1, 0, -18, -19, 20, 21]);
  return hex(BigInt.asUintN(32, BigInt(exponent)) << 224n | BigInt.asUintN(224, coefficient), 32);
}

function order(floats) {
  const io = floats
    ? () => ({ token: address(), vaultId: hex(uint(), 32) })
    : () => ({ token: address(), decimals: pick([0, 6, 8, 18, 19, 77, 255]), vaultId: uint() });
  return {
    owner: address(),
    evaluable: { interpreter: address(), store: address(), bytecode: bytes(100) },
    validInputs: list(io, 1), validOutputs: list(io, 1), nonce: hex(word(), 32),
  };
}

// Mostly one of the list, now and then one beyond it.
const indexOf = (ios) => BigInt(below(20) ? below(ios.length) : ios.length);

function take(floats) {
  const one = order(floats);
  const context = floats ? () => hex(uint(), 32) : uint;
  const config = {
    order: one, inputIOIndex: indexOf(one.validInputs), outputIOIndex: indexOf(one.validOutputs),
    signedContext: list(() => ({ signer: address(), context: list(context), signature: bytes(80) })),
  };
  const amount = floats ? floatWord : uint;
  const name = floats ? 'TakeOrderV3' : 'TakeOrderV2';
  return { name, data: encodeAbiParameters(INPUTS[name], [address(), config, amount(), amount()]), after: '0x' };
}

function clear(floats) {
  const [alice, bob] = [order(floats), order(floats)];
  const amount = floats ? floatWord : uint;
  const vault = () => (floats ? hex(uint(), 32) : uint());
  const config = {
    aliceInputIOIndex: indexOf(alice.validInputs), aliceOutputIOIndex: indexOf(alice.validOutputs),
    bobInputIOIndex: indexOf(bob.validInputs), bobOutputIOIndex: indexOf(bob.validOutputs),
    aliceBountyVaultId: vault(), bobBountyVaultId: vault(),
  };
  const change = { aliceOutput: amount(), bobOutput: amount(), aliceInput: amount(), bobInput: amount() };
  const [name, afterName] = floats ? ['ClearV3', 'AfterClearV2'] : ['ClearV2', 'AfterClear'];
  return {
    name, afterName,
    data: encodeAbiParameters(INPUTS[name], [address(), alice, bob, config]),
    after: encodeAbiParameters(INPUTS[afterName], [address(), change]),
  };
}

function spoil(data) {
  const words = (data.length - 2) / 64;
  if (!below(3)) return data.slice(0, 2 + 2 * below(data.length / 2));
  const at = 2 + 64 * below(words);
  const lie = pick([0n, 1n, 31n, 32n, BigInt(32 * below(words + 2)), 2n ** 256n - 1n, word()]);
  return data.slice(0, at) + hex(lie, 32).slice(2) + data.slice(at + 64);
}

const canonical = (units) => {
  const digits = units.toString().padStart(19, '0');
  const fraction = digits.slice(-18).replace(/0+$/, '');
  return digits.slice(0, -18) + (fraction && `.${fraction}`);
};
const fits = (units) => (units < 2n ** 127n ? canonical(units) : '-');

// Shares as they would be booked, "-" when they are set aside: by integers of unlimited size.
function booked(amount, decimals, floats) {
  if (floats) {
    const coefficient = BigInt.asIntN(224, BigInt(amount));
    const power = BigInt.asIntN(32, BigInt(amount) >> 224n) + 18n;
    if (coefficient < 0n) return '-';
    if (coefficient === 0n) return '0';
    if (power >= 0n) return power > 60n ? '-' : fits(coefficient * 10n ** power);
    return power < -80n ? '0' : fits(coefficient / 10n ** -power);
  }
  if (decimals <= 18) return fits(amount * 10n ** BigInt(18 - decimals));
  const unit = 10n ** BigInt(decimals - 18);
  return amount % unit ? '-' : fits(amount / unit);
}

function side(io, amount, floats) {
  const fields = [io.token.toLowerCase(), io.decimals ?? 0, hex(BigInt(io.vaultId), 32), hex(BigInt(amount), 32)];
  return [...fields, booked(amount, io.decimals, floats)].join('/');
}

function fill(one, inputIndex, outputIndex, received, given, floats) {
  const input = one.validInputs[Number(inputIndex)];
  const output = one.validOutputs[Number(outputIndex)];
  if (!input || !output) throw new Error('index out of range');
  return [one.owner.toLowerCase(), side(input, received, floats), side(output, given, floats)];
}

// What viem makes of it; "refused" where it takes nothing.
function expected({ name, afterName, data, after }) {
  const floats = name.endsWith('V3');
  try {
    const values = decodeAbiParameters(INPUTS[name], data);
    if (!afterName) {
      const [sender, { order: one, inputIOIndex, outputIOIndex }, input, output] = values;
      return [sender.toLowerCase(), ...fill(one, inputIOIndex, outputIOIndex, output, input, floats)].join(' ');
    }
    const [sender, alice, bob, config] = values;
    const change = decodeAbiParameters(INPUTS[afterName], after)[1];
    return [
      sender.toLowerCase(),
      ...fill(alice, config.aliceInputIOIndex, config.aliceOutputIOIndex, change.aliceInput, change.aliceOutput, floats),
      ...fill(bob, config.bobInputIOIndex, config.bobOutputIOIndex, change.bobInput, change.bobOutput, floats),
    ].join(' ');
  } catch {
    return 'refused';
  }
}

const child = spawn(decoder, { stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const counts = { events: 0, agreed: 0, refused: 0, stricter: 0, further: 0 };

async function compare(event, whole) {
  const right = expected(event);
  const { value: found } = await answers.next();
  counts.events++;
  if (found === right) counts[found === 'refused' ? 'refused' : 'agreed']++;
  else if (!whole && found === 'refused') counts.stricter++; // dirty bytes that viem passes over
  else if (!whole && right === 'refused') counts.further++; // spoilt where no fill is read
  else throw new Error(`${event.name} ${event.data} ${event.after}\nviem    ${right}\nBallast ${found}`);
}

const CHUNK = 500;
const total = Number(events);
while (counts.events < total) {
  const chunk = Array.from({ length: Math.min(CHUNK, total - counts.events) }, (_, place) => {
    const event = (place & 1 ? clear : take)(Boolean(place & 2));
    const whole = Boolean(below(4));
    return { event: whole ? event : { ...event, data: spoil(event.data) }, whole };
  });
  child.stdin.write(chunk.map(({ event: { name, data, after } }) => `${name} ${data} ${after}\n`).join(''));
  for (const { event, whole } of chunk) await compare(event, whole);
}
child.stdin.end();
process.stdout.write(`differential: seed ${seed}, ${Object.entries(counts).map(([key, count]) => `${count} ${key}`).join(', ')}\n`);
