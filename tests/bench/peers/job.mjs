// The job that both peers do: read the orderbook's trade logs of a range of blocks, 1000 blocks a request and ten
// requests at once, and store the owner's with better-sqlite3, a transaction for each answer.
import Database from 'better-sqlite3'

const ORDER = '(address owner, (address interpreter, address store, bytes bytecode) evaluable,' +
  ' (address token, uint8 decimals, uint256 vaultId)[] validInputs,' +
  ' (address token, uint8 decimals, uint256 vaultId)[] validOutputs, bytes32 nonce)'

export const EVENTS = [
  `event TakeOrderV2(address sender, (${ORDER} order, uint256 inputIOIndex, uint256 outputIOIndex,` +
    ' (address signer, uint256[] context, bytes signature)[] signedContext) config, uint256 input, uint256 output)',
  `event ClearV2(address sender, ${ORDER} alice, ${ORDER} bob, (uint256 aliceInputIOIndex,` +
    ' uint256 aliceOutputIOIndex, uint256 bobInputIOIndex, uint256 bobOutputIOIndex, uint256 aliceBountyVaultId,' +
    ' uint256 bobBountyVaultId) clearConfig)',
  'event AfterClear(address sender, (uint256 aliceOutput, uint256 bobOutput, uint256 aliceInput, uint256 bobInput)' +
    ' clearStateChange)',
]

export const [URL, DATABASE, HEAD, ORDERBOOK, OWNER] = process.argv.slice(2)
const BLOCKS = 1000
const AT_ONCE = 10

const text = (value) => JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? one.toString() : one))

// Whether an event is one of the owner's, and what is stored of it.
const touches = (name, args) =>
  name === 'TakeOrderV2' ? args.config.order.owner.toLowerCase() === OWNER
    : [args.alice, args.bob].some((order) => order.owner.toLowerCase() === OWNER)

// events: [{ name, args, log }] in chain order. A clear's amounts stand in the event behind it.
function rows(events) {
  const found = []
  events.forEach(({ name, args, log }, index) => {
    if (name === 'AfterClear' || !touches(name, args)) return
    const after = name === 'ClearV2' ? events[index + 1].args : undefined
    found.push([log.transactionHash, Number(log.logIndex ?? log.index), Number(log.blockNumber), log.blockHash,
      String(log.blockTimestamp ?? ''), name, text({ args, after, topics: log.topics, data: log.data })])
  })
  return found
}

// read(first, last) gives the events of those blocks.
export async function job(read) {
  const database = new Database(DATABASE)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec('CREATE TABLE event_queue (id INTEGER PRIMARY KEY, tx_hash TEXT, log_index INTEGER,' +
    ' block_number INTEGER, block_hash TEXT, block_timestamp TEXT, event_type TEXT, event_data TEXT,' +
    ' UNIQUE (tx_hash, log_index))')
  const insert = database.prepare('INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash,' +
    ' block_timestamp, event_type, event_data) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
  const store = database.transaction((all) => all.forEach((row) => insert.run(row)))
  let next = 1
  async function worker() {
    while (next <= HEAD) {
      const first = next
      next += BLOCKS
      store(rows(await read(first, Math.min(first + BLOCKS - 1, HEAD))))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  database.close()
}
