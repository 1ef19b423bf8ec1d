// node ethers.mjs URL DATABASE HEAD ORDERBOOK OWNER
import { Interface, JsonRpcProvider } from 'ethers'
import { EVENTS, ORDERBOOK, URL, job } from './job.mjs'

const provider = new JsonRpcProvider(URL, 8453, { staticNetwork: true, batchMaxCount: 1 })
const contract = new Interface(EVENTS)
const topics = [['TakeOrderV2', 'ClearV2', 'AfterClear'].map((name) => contract.getEvent(name).topicHash)]

await job(async (first, last) => {
  const logs = await provider.getLogs({ address: ORDERBOOK, topics, fromBlock: first, toBlock: last })
  return logs.map((log) => {
    const parsed = contract.parseLog(log)
    return { name: parsed.name, args: parsed.args.toObject(true), log }
  })
})
provider.destroy()
