// mantis gguf: files of every kind are read as the npm package @huggingface/gguf reads them, and ones that are cut are refused.
// mantis engine: how the model server is started, and what ends a start.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { bin, root, slow, tempDir } from './lib/harness.mjs'
import { fromNpm, needs } from './lib/npm.mjs'

// It asks for Node 20, and runs on 18 as it is. Where it does not, that is told.
const other = await fromNpm('@huggingface/gguf').catch((error) => {
  if (Number(process.versions.node.split('.')[0]) >= 20) throw error
  console.error(`\n*** SKIPPED: @huggingface/gguf asks for Node 20, this is ${process.versions.node}: ${error.message}; mantis gguf is not held against it ***\n`)
  return null
})

let dir
before(() => {
  dir = tempDir('models')
  execFileSync(process.env.MAKE_GGUF || path.join(path.dirname(bin), 'tests/make_gguf'), [dir])
})
after(() => fs.rmSync(dir, { recursive: true, force: true }))

const mantis = (args, env = {}) => {
  const begun = Date.now()
  const r = spawnSync(bin, args, { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: dir, ...env }, maxBuffer: 1 << 26 })
  return { code: r.status, out: r.stdout, err: r.stderr, ms: Date.now() - begun }
}
const look = (file) => mantis(['gguf', '--json', '--metadata', '--tensors', file])
const read = (file) => {
  const r = look(file)
  assert.equal(r.code, 0, r.err)
  return JSON.parse(r.out)[0]
}

// ---- as another reader has it ------------------------------------------------------------------------

// Numbers of 64 bits are BigInt there; here they are numbers, or text where JSON has no such number.
function ours(type, value) {
  if (type === 'array') return value.value.map((item) => ours(value.of, item))
  if (type === 'uint64' || type === 'int64') return BigInt(value)
  if (type === 'float32') return Math.fround(value)
  return value
}

const theirReading = (file) => other.gguf(file, { allowLocalFile: true, typedMetadata: true, computeParametersCount: true })

async function compare(name) {
  const file = path.join(dir, name)
  return same(read(file), await theirReading(file))
}

// What is compared.
function same(mine, theirs) {
  const { GGUFValueType, GGMLQuantizationType } = other
  const { version, tensor_count: tensors, kv_count: keys, ...metadata } = theirs.typedMetadata
  assert.equal(mine.version, version.value)
  assert.equal(BigInt(mine.tensors), tensors.value)
  assert.equal(BigInt(mine.keys), keys.value)
  assert.equal(mine.parameters, theirs.parameterCount)
  assert.equal(BigInt(mine.data_start), theirs.tensorDataOffset)
  assert.deepEqual(Object.keys(mine.metadata), Object.keys(metadata))
  for (const [key, entry] of Object.entries(metadata)) {
    const own = mine.metadata[key]
    assert.equal(own.type.toUpperCase(), GGUFValueType[entry.type], key)
    if (own.type === 'array') assert.equal(own.of.toUpperCase(), GGUFValueType[entry.subType], key)
    assert.deepEqual(ours(own.type, own.type === 'array' ? own : own.value), entry.value, key)
  }
  assert.deepEqual(mine.tensor_list.map((t) => ({ name: t.name, shape: t.dims.map(BigInt), dtype: t.type, offset: BigInt(t.offset) })),
    theirs.tensorInfos.map((t) => ({ name: t.name, shape: t.shape, dtype: GGMLQuantizationType[t.dtype], offset: t.offset })))
  return Object.keys(metadata).length + mine.tensors
}

const names = ['all_values.gguf', 'all_values_v2.gguf', 'all_tensors.gguf', 'model.Q8_0.gguf', 'holo3.Q8_0.gguf', 'adapter.gguf', 'mmproj-f16.gguf',
  'split-00001-of-00003.gguf', 'split-00002-of-00003.gguf', 'split-00003-of-00003.gguf']
for (const name of names) {
  test(`${name} is read as @huggingface/gguf reads it`, needs(other), async () => {
    assert.ok(await compare(name) > 3)
  })
}

// The other reader refuses a file that is too small for so many weights, else it does not ask whether they are there; what a cut
// head lacks it takes for zeros where it can: what it makes of one is not what the file says, and is refused here.
test('files that are cut at every KB: a head that is whole is read as @huggingface/gguf reads it, one that is not is refused', needs(other), async () => {
  const counts = { same: 0, small: 0, none: 0 }
  const cut = path.join(dir, 'cut.gguf')
  for (const name of names) {
    const whole = fs.readFileSync(path.join(dir, name))
    const right = read(path.join(dir, name))
    for (let n = Math.min(1024, whole.length >> 1); n < whole.length; n += 1024) {
      fs.writeFileSync(cut, whole.subarray(0, n))
      const [mine] = JSON.parse(look(cut).out)
      assert.match(mine.problem, /cut\.gguf/)
      let error
      const theirs = await theirReading(cut).catch((e) => { error = e })
      const small = Boolean(mine.metadata && error)
      if (small) assert.match(error.message, /cannot fit in/)
      else if (mine.metadata) same(mine, theirs)
      else if (theirs) assert.throws(() => same(right, theirs), `${name} at ${n}`)
      counts[small ? 'small' : mine.metadata ? 'same' : 'none']++
    }
  }
  fs.rmSync(cut)
  assert.ok(counts.same > 30 && counts.none > 10, JSON.stringify(counts))
})

test('every value and tensor type is in those files', () => {
  const values = read(path.join(dir, 'all_values.gguf')).metadata
  assert.equal(new Set(Object.values(values).map((v) => v.type)).size, 13)
  assert.ok(new Set(read(path.join(dir, 'all_tensors.gguf')).tensor_list.map((t) => t.type)).size >= 34)
})

// ---- files that are not whole ------------------------------------------------------------------------

test('a file that is cut at any KB is refused, with what is missing', () => {
  for (const name of ['all_tensors.gguf', 'model.Q8_0.gguf', 'all_values.gguf']) {
    const whole = fs.readFileSync(path.join(dir, name))
    const cut = path.join(dir, 'cut.gguf')
    for (let n = 0; n < whole.length; n += 1024) {
      fs.writeFileSync(cut, whole.subarray(0, n))
      const r = mantis(['gguf', '--json', '--metadata', cut])
      assert.equal(r.code, 1, `${name} at ${n}: ${r.err}`)
      assert.match(r.err, n === 0 ? /^error: '.*cut.gguf': it is empty\n$/ : /^error: '.*cut.gguf'.*(is not whole|is cut short|cannot be there).*fetch it again\n$/)
      assert.match(JSON.parse(r.out)[0].problem, /cut\.gguf/)
    }
    fs.rmSync(cut)
  }
})

test('a missing part is named, whichever part is asked about', () => {
  const gone = path.join(dir, 'split-00002-of-00003.gguf')
  const kept = fs.readFileSync(gone)
  fs.rmSync(gone)
  for (const part of ['split-00001-of-00003.gguf', 'split-00003-of-00003.gguf']) {
    const r = mantis(['gguf', path.join(dir, part)])
    assert.equal(r.code, 1)
    assert.ok(r.err.includes(`part 2 is not there: fetch '${gone}' too`), r.err)
    assert.match(r.out, /whole +no/)
  }
  fs.writeFileSync(gone, kept)
})

test('several files: one that is no model file does not hide the others', () => {
  const r = mantis(['gguf', '/nowhere.gguf', path.join(dir, 'adapter.gguf'), bin])
  assert.equal(r.code, 1)
  assert.match(r.out, /kind +adapter \(lora\)/)
  assert.match(r.err, /^error: there is no file '\/nowhere.gguf'\nerror: .* it is no GGUF file/)
  const odd = mantis(['gguf', dir, '/dev/null', 'nowhere/x.gguf'])
  assert.equal(odd.code, 1)
  assert.equal(odd.err, `error: '${dir}' is a directory: name the .gguf file in it\nerror: '/dev/null' is no file on a disk: save what it gives, and name that\nerror: there is no file 'nowhere/x.gguf'\n`)
  const piped = spawnSync('sh', ['-c', 'cat "$1" | "$2" gguf /dev/stdin', 'sh', path.join(dir, 'adapter.gguf'), bin], { encoding: 'utf8', timeout: 10000 * slow })
  assert.deepEqual([piped.status, piped.stderr], [1, "error: '/dev/stdin' is no file on a disk: save what it gives, and name that\n"])
  assert.equal(mantis(['gguf']).code, 2)
  assert.equal(mantis(['gguf', '--help']).code, 0)
})

// ---- the model server's command ----------------------------------------------------------------------

test('mantis engine argv prints the command, for a shell and as JSON', () => {
  const models = path.join(dir, "it's here")
  fs.mkdirSync(models)
  for (const f of ['model.Q8_0.gguf', 'mmproj-f16.gguf']) fs.copyFileSync(path.join(dir, f), path.join(models, f))
  const env = { MANTIS_BRAIN: 'gemma4', MANTIS_GEMMA4_MODEL_DIR: models, MANTIS_LORA_ADAPTER: path.join(dir, 'adapter.gguf'), MANTIS_LORA_SCALE: '0.5', MANTIS_LLAMA_SERVER: '/bin/echo' }
  const plain = mantis(['engine', 'argv', '--port', '4711'], env)
  const json = JSON.parse(mantis(['engine', 'argv', '--port', '4711', '--json'], env).out)
  assert.equal(plain.code, 0, plain.err)
  // what a shell makes of the line is the list
  assert.equal(execFileSync('sh', ['-c', plain.out], { encoding: 'utf8' }), `${json.argv.slice(1).join(' ')}\n`)
  assert.deepEqual(json.argv, ['/bin/echo', '-m', `${models}/model.Q8_0.gguf`, '--host', '127.0.0.1', '--port', '4711', '-ngl', '99', '-c', '8192', '-ub', '2048',
    '--fit', 'off', '--mmproj', `${models}/mmproj-f16.gguf`, '--jinja', '--flash-attn', 'on', '--reasoning-budget', '512', '--parallel', '1',
    '--lora-scaled', `${dir}/adapter.gguf:0.5`])
  assert.match(json.challenger, /^adapter\.gguf-[0-9a-f]{8}$/)
  const check = mantis(['engine', 'check'], env)
  assert.equal(check.code, 0, check.err)
  assert.match(check.out, /model +.*model\.Q8_0\.gguf \(gemma4, Q8_0, 4\.2 K weights, 9\.9 KB\)/)
})

test('mantis engine check says what is missing and what to do, and what a server that runs already is', () => {
  const holo3 = { MANTIS_BRAIN: 'holo3', MANTIS_HOLO3_MODEL_DIR: dir, MANTIS_HOLO3_GGUF: 'holo3.Q8_0.gguf', MANTIS_REPO_ROOT: root }
  for (const [program, there] of [['/bin/echo', true], ['echo', true], ['/nowhere/x', false], ['no-such-program', false], [dir, false]]) {
    const r = mantis(['engine', 'check'], { ...holo3, MANTIS_LLAMA_SERVER: program })
    assert.equal(r.code, there ? 0 : 1, r.err)
    assert.equal(r.err, there ? '' : `error: there is no program '${program}': install it, or set MANTIS_LLAMA_SERVER to where it is\n`)
    assert.match(r.out, there ? new RegExp(`engine +llama-server, ${program}\n`) : /engine +llama-server, .*: not there\n/)
    assert.equal(JSON.parse(mantis(['engine', 'check', '--json'], { ...holo3, MANTIS_LLAMA_SERVER: program }).out).program_found, there)
  }
  const nothing = mantis(['engine', 'check'])
  assert.equal(nothing.code, 1)
  assert.match(nothing.err, /^error: for the brain 'page' .*set it to one of holo3, fara, gemma4-cua, or name a server that runs already in MANTIS_MODEL_URL\n$/)
  const url = { MANTIS_BRAIN: 'openai', MANTIS_MODEL_URL: 'http://gpu:8000/v1/', MANTIS_REPO_ROOT: root, MANTIS_SECRETS_DIR: dir }
  const external = mantis(['engine', 'check'], url)
  assert.equal(external.code, 0, external.err)
  assert.match(external.out, /^brain +openai\nengine +external, http:\/\/gpu:8000: nothing is started\nkey +none\ncalled +default\n/)
  const json = JSON.parse(mantis(['engine', 'check', '--json'], { ...url, MANTIS_MODEL_NAME: 'm' }).out)
  assert.deepEqual([json.engine, json.url, json.request_model, json.key_secret, json.start_timeout_s], ['external', 'http://gpu:8000', 'm', null, 360])
  assert.match(mantis(['engine', 'check'], { ...url, MANTIS_BRAIN: 'page' }).out, /called +as the caller says.*\nwarning +runs of this brain do not ask it/)
  for (const [what, more, says] of [['argv', {}, /nothing is started: MANTIS_MODEL_URL names a server that runs already, 'http:\/\/gpu:8000'/],
    ['check', { MANTIS_MODEL_KEY_SECRET: 'model_key' }, /MANTIS_MODEL_KEY_SECRET='model_key': there is no such secret/], ['check', { MANTIS_BRAIN: 'nope' }, /there is no 'nope'/]]) {
    const r = mantis(['engine', what], { ...url, ...more })
    assert.equal(r.code, 1)
    assert.match(r.err, says)
  }
})

test('what ends a start ends it within 2 s, with variable and value', () => {
  const cases = [
    [{ MANTIS_BRAIN: 'holo3', MANTIS_HOLO3_MODEL_DIR: '/nowhere' }, "MANTIS_HOLO3_MODEL_DIR: there is no directory '/nowhere'"],
    [{ MANTIS_BRAIN: 'holo3', MANTIS_HOLO3_GGUF: 'adapter.gguf', MANTIS_HOLO3_MODEL_DIR: dir }, `MANTIS_HOLO3_GGUF: '${dir}/adapter.gguf' is a LoRA adapter`],
    [{ MANTIS_BRAIN: 'gemma4', MANTIS_LORA_ADAPTER: 'vol:/x.gguf' }, "MANTIS_LORA_ADAPTER='vol:/x.gguf'"],
    [{ MANTIS_BRAIN: 'page', MANTIS_LORA_ADAPTER: '/x.gguf' }, "MANTIS_LORA_ADAPTER='/x.gguf': the brain 'page'"],
    [{ MANTIS_BRAIN: 'gpt' }, "the brain 'gpt' (MANTIS_BRAIN, MANTIS_MODEL)"],
  ]
  for (const [env, says] of cases) {
    for (const what of ['argv', 'check']) {
      const r = mantis(['engine', what], env)
      assert.equal(r.code, 1, r.err)
      assert.ok(r.err.startsWith('error: ') && r.err.includes(says), r.err)
      assert.equal(r.out, '')
      assert.ok(r.ms < 2000 * slow, `${r.ms} ms`)
    }
  }
  assert.equal(mantis(['engine', 'argv'], { MANTIS_CONTEXT_SIZE: 'big' }).code, 2)
})

test('a brain whose profile speaks another protocol ends the start, and says which brain to use', () => {
  for (const [brain, says] of [['chat:claude', /profiles\/claude\.json\): use claude:claude\n/], ['claude:holo3', /profiles\/holo3\.json\): use chat:holo3\n/]]) {
    const r = mantis(['serve', '--check', '--data-dir', dir], { MANTIS_BRAIN: brain, MANTIS_REPO_ROOT: root })
    assert.equal(r.code, 1, r.err)
    assert.ok(r.err.includes(`the brain '${brain}' (MANTIS_BRAIN, MANTIS_MODEL)`), r.err)
    assert.match(r.err, says)
  }
})

test('a ladder of which a part is no brain ends the start, and says what to write', () => {
  for (const [brain, says] of [
    ['ladder:holo3,claude', /there is no 'holo3', write chat:holo3\n/], ['ladder:page,nope', /there is no 'nope'\n/],
    ['ladder:page', /is no ladder: write ladder:<brain>,<brain>/], ['ladder:ladder:page,claude,claude', /is no ladder/],
    ['ladder:page,chat:claude', /use claude:claude\n/], ['ladder:page,chat:nope', /nope/]]) {
    const r = mantis(['serve', '--check', '--data-dir', dir], { MANTIS_BRAIN: brain, MANTIS_REPO_ROOT: root })
    assert.equal(r.code, 1, `${brain} ${r.err}`)
    assert.match(r.err, says)
  }
  assert.equal(mantis(['serve', '--check', '--data-dir', dir], { MANTIS_BRAIN: 'ladder:page,claude', MANTIS_REPO_ROOT: root }).code, 0)
})
