// Joins with an empty document, and tells how long it took until everything was here and in LevelDB.
// usage: node join.mjs URL DIR ITEMS
import { createRequire } from 'node:module'
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'
import WebSocket from 'ws'

const { LeveldbPersistence } = createRequire(import.meta.url)('y-leveldb')
const [url, dir, wanted] = [process.argv[2], process.argv[3], Number(process.argv[4])]
const store = new LeveldbPersistence(dir)
await store.getYDoc('group')
const began = performance.now()
const cpu = process.cpuUsage()
const doc = new Y.Doc()
const stored = []
doc.on('update', update => stored.push(store.storeUpdate('group', update)))
const map = doc.getMap('items')
const provider = new WebsocketProvider(url, 'group', doc, { WebSocketPolyfill: WebSocket, disableBc: true })
await new Promise(resolve => {
  const look = () => { if (map.size >= wanted) resolve() }
  provider.on('sync', look)
  doc.on('update', look)
})
await Promise.all(stored)
const seconds = (performance.now() - began) / 1000
const used = process.cpuUsage(cpu)
const kept = await store.getYDoc('group')
const held = kept.getMap('items').size
await store.destroy()
console.log(JSON.stringify({ seconds, cpu: (used.user + used.system) / 1e6, held }))
process.exit(held === wanted ? 0 : 1)
