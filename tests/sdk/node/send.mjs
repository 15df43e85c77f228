// Sends the messages of a file with Segment's SDK for Node and ends with 1 when one of them was not delivered.
//
//   GATEWAY_URL=http://localhost:8080 WRITE_KEY=… MESSAGES=../messages.json node send.mjs

import { readFileSync } from 'node:fs'
import { Analytics } from '@segment/analytics-node'

function required(name) {
  const value = process.env[name]
  if (!value) {
    console.error(`set the environment variable ${name}`)
    process.exit(2)
  }
  return value
}

const messages = JSON.parse(readFileSync(required('MESSAGES'), 'utf8'))
const analytics = new Analytics({
  host: required('GATEWAY_URL'),
  writeKey: required('WRITE_KEY'),
  flushAt: 20,
  flushInterval: 200,
  maxRetries: 3,
})

const failures = []
const delivered = new Set()
analytics.on('error', (error) => failures.push(error))

for (const { type, timestamp, ...message } of messages) {
  const call = timestamp ? { ...message, timestamp: new Date(timestamp) } : message
  analytics[type](call, (error, context) => {
    if (error) failures.push(error)
    else delivered.add(context.event.messageId)
  })
}

await analytics.closeAndFlush({ timeout: 60_000 })

const missing = messages.filter((message) => !delivered.has(message.messageId))
if (failures.length > 0 || missing.length > 0) {
  for (const failure of failures) console.error('not delivered:', failure?.reason ?? failure)
  console.error(`${delivered.size} of ${messages.length} messages were delivered`)
  process.exit(1)
}
console.log(`${delivered.size} messages were delivered`)
