// The Node.js peer: what a careful user would write with node-pg. It listens
// on the Unix socket SOCKET; node-pg reads the PG... variables.
'use strict'

const crypto = require('crypto')
const fs = require('fs')
const http = require('http')
const { Pool } = require('pg')

const SECRETS_MS = 60000
const MAX_BODY = 4194304
const NIL = '00000000-0000-0000-0000-000000000000'
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const CALL = /^\/?communications\/callRecords(\/|$)/i
const COLUMNS = ['notification_id', 'received_at', 'tenant_id',
  'subscription_id', 'change_type', 'lifecycle_event', 'call_id', 'resource',
  'subscription_expires_at', 'forwarded_for']

const pool = new Pool({ max: Number(process.env.POOL || 16) })
let secrets = new Map()
let readAt = 0

async function readSecrets () {
  const result = await pool.query({
    name: 'secrets',
    text: 'SELECT secret_sha256, tenant_id, subscription_id ' +
      'FROM callhook_store.good_secrets()'
  })
  secrets = new Map(result.rows.map((row) => [row.subscription_id, row]))
  readAt = Date.now()
}

function trusted (item) {
  const known = secrets.get(item.subscriptionId)
  if (!known || typeof item.clientState !== 'string') return false
  const digest = crypto.createHash('sha256').update(item.clientState).digest()
  return crypto.timingSafeEqual(digest, known.secret_sha256) &&
    (known.tenant_id === NIL || known.tenant_id === item.tenantId)
}

const guid = (text) => GUID.test(text) ? text : null

function callId (item) {
  if (!CALL.test(item.resource)) return null
  return guid(item.resourceData && item.resourceData.id) ||
    guid(item.resource.split('/').pop())
}

function values (item, receivedAt, forwardedFor) {
  return [crypto.randomUUID(), receivedAt, guid(item.tenantId) || NIL,
    guid(item.subscriptionId), item.changeType, item.lifecycleEvent,
    callId(item), item.resource, item.subscriptionExpirationDateTime,
    forwardedFor]
}

// One statement for all rows of a request, prepared once for each number.
const statements = new Map()

function insert (rows) {
  let text = statements.get(rows)
  if (!text) {
    let n = 0
    const row = () => '(' + COLUMNS.map(() => '$' + (++n)).join() + ')'
    text = 'INSERT INTO callhook_store.notifications (' + COLUMNS.join() +
      ') VALUES ' + Array.from({ length: rows }, row).join()
    statements.set(rows, text)
  }
  return text
}

async function store (items, forwardedFor) {
  const receivedAt = new Date().toISOString()
  if (Date.now() - readAt > SECRETS_MS) await readSecrets()
  const rows = items.filter(trusted)
    .map((item) => values(item, receivedAt, forwardedFor))
  if (rows.length === 0) return
  await pool.query({
    name: 'insert' + rows.length,
    text: insert(rows.length),
    values: rows.flat()
  })
}

function answer (response, status, body = '', type = 'text/plain') {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff'
  })
  response.end(body)
}

async function takeBody (request, response, chunks) {
  let items
  try {
    items = JSON.parse(Buffer.concat(chunks).toString()).value
    if (!Array.isArray(items)) throw new TypeError('no value array')
  } catch (error) {
    answer(response, 400, 'not a notification\n')
    return
  }
  try {
    await store(items, request.headers['x-forwarded-for'] || '127.0.0.1')
    answer(response, 202)
  } catch (error) {
    console.error(error.message)
    answer(response, 503)
  }
}

function handle (request, response) {
  const start = request.url.indexOf('?')
  if (start >= 0) {
    const token = new URLSearchParams(request.url.slice(start))
      .get('validationToken')
    if (token !== null) {
      answer(response, 200, token, 'text/plain; charset=utf-8')
      return
    }
  }
  const chunks = []
  let size = 0
  request.on('data', (chunk) => {
    size += chunk.length
    if (size <= MAX_BODY) chunks.push(chunk)
  })
  request.on('end', () => {
    if (size > MAX_BODY) answer(response, 413)
    else takeBody(request, response, chunks)
  })
}

const server = http.createServer(handle)
server.keepAliveTimeout = 65000
readSecrets().then(() => {
  server.listen(process.env.SOCKET, 511, () => {
    fs.chmodSync(process.env.SOCKET, 0o660)
    console.error('ready')
  })
})
process.on('SIGTERM', () => process.exit(0))
