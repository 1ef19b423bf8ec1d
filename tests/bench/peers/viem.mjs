// node viem.mjs URL DATABASE HEAD ORDERBOOK OWNER
import { createPublicClient, http, parseAbi } from 'viem'
import { EVENTS, ORDERBOOK, URL, job } from './job.mjs'

const client = createPublicClient({ transport: http(URL) })
const events = parseAbi(EVENTS)

await job(async (first, last) => {
  const logs = await client.getLogs({ address: ORDERBOOK, events, fromBlock: BigInt(first), toBlock: BigInt(last) })
  return logs.map((log) => ({ name: log.eventName, args: log.args, log }))
})
