// Fills the server's document: every author has a client of its own, and writes its items into one shared map.
// usage: node fill.mjs URL ITEMS-FILE BYTES AUTHORS
import { readFileSync } from 'node:fs'
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'
import WebSocket from 'ws'

const [url, file, bytes, authors] = [process.argv[2], process.argv[3], Number(process.argv[4]), Number(process.argv[5])]
const items = readFileSync(file)
const count = items.length / bytes
const doc = new Y.Doc()
for (let author = 0; author < authors; author++) {
  const own = new Y.Doc()
  const map = own.getMap('items')
  for (let n = author; n < count; n += authors) {
    map.set(String(n), items.subarray(n * bytes, (n + 1) * bytes).toString('latin1'))
  }
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(own))
}
const provider = new WebsocketProvider(url, 'group', doc, { WebSocketPolyfill: WebSocket, disableBc: true })
await new Promise(resolve => provider.once('sync', resolve))
// The server has everything once another client gets everything from it.
for (;;) {
  const check = new Y.Doc()
  const other = new WebsocketProvider(url, 'group', check, { WebSocketPolyfill: WebSocket, disableBc: true })
  await new Promise(resolve => other.once('sync', resolve))
  const size = check.getMap('items').size
  other.destroy()
  if (size === count) break
  await new Promise(resolve => setTimeout(resolve, 100))
}
provider.destroy()
console.log(JSON.stringify({ items: count }))
process.exit(0)
