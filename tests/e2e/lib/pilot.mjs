// pilot.mjs - the model that sees (tests/tools/pilot) as a test's own: started, and started again when it crashed.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { keep, root, slow, within } from './harness.mjs'

const program = path.join(root, 'tests/tools/pilot/pilot.mjs')
const ours = path.join(root, 'profiles')

// The profiles of models that answer elsewhere than at their maker's: claude's server is the pilot.
export function pilotProfiles(dir, url) {
  const claude = JSON.parse(fs.readFileSync(path.join(ours, 'claude.json')))
  claude.endpoint.base_url = `${url}/v1`
  fs.mkdirSync(dir, { recursive: true })
  fs.writeFileSync(path.join(dir, 'claude.json'), JSON.stringify(claude))
}

const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [])

// A program that can be started in the place of llama-server; it is one more life of the same pilot.
export function pilotProgram(dir, { model, faults = [] }) {
  const file = path.join(dir, 'llama-server'), record = path.join(dir, 'pilot.jsonl')
  const options = `--model ${model} --faults '${faults.join(',')}' --record '${record}' --stay`
  fs.writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@" ${options}\n`, { mode: 0o755 })
  return file
}

// {url, record(), faults(), stop()}; a crash is one of the faults: then it is started again, at the same port.
export async function startPilot(dir, { model, faults = [] }) {
  const file = path.join(dir, 'pilot.jsonl'), options = ['--model', model, '--faults', faults.join(','), '--record', file]
  const record = () => read(file)
  let child, url, over = false
  async function start(port) {
    child = keep(spawn(process.execPath, [program, ...options, '--port', String(port)], { stdio: ['pipe', 'pipe', 'inherit'] }))
    child.ended = new Promise((resolve) => child.on('exit', resolve))
    child.on('exit', () => { if (!over && url) start(new URL(url).port) })
    url = await within(5000 * slow, 'the pilot', new Promise((resolve) => child.stdout.once('data', (d) => resolve(String(d).trim()))))
  }
  await start(0)
  return { url, record, faults: () => record().map((l) => l.fault).filter(Boolean), stop: () => { over = true; child.stdin.end(); return child.ended } }
}
