// tenants.mjs - a server with a keys file, and callers that each hold one token of it.

import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

import { Server, tempDir } from './harness.mjs'

export const newToken = () => crypto.randomBytes(32).toString('hex')

// tenants: {name: fields of tenancy.md section 3}; tenant_id is the name unless given. More than one
// token of a tenant: two names with the same tenant_id.
export class TenantServer extends Server {
  constructor(tenants, options = {}) {
    const config = tempDir('keys')
    const keysFile = path.join(config, 'keys.json')
    const secrets = path.join(config, 'secrets')
    fs.mkdirSync(secrets)
    super({
      ...options,
      token: '',
      env: { MANTIS_API_TOKEN: '', MANTIS_TENANT_KEYS_PATH: keysFile, MANTIS_SECRETS_DIR: secrets, ...options.env },
    })
    this.config = config
    this.keysFile = keysFile
    this.secrets = secrets
    this.tokens = {}
    this.writeKeys(tenants)
  }

  // The whole file anew, the way an operator's tool does it: beside it, then renamed.
  writeKeys(tenants) {
    const keys = {}
    for (const [name, fields] of Object.entries(tenants)) {
      this.tokens[name] ??= newToken()
      keys[this.tokens[name]] = { tenant_id: name, ...fields }
    }
    fs.writeFileSync(this.keysFile + '.new', JSON.stringify({ tenant_keys: keys }), { mode: 0o600 })
    fs.renameSync(this.keysFile + '.new', this.keysFile)
  }

  secret(name, value) { fs.writeFileSync(path.join(this.secrets, name), value + '\n', { mode: 0o600 }) }

  // The same server as seen with one token.
  as(name) {
    const caller = Object.create(this)
    caller.token = this.tokens[name] ?? name
    return caller
  }

  async stop() {
    await super.stop()
    fs.rmSync(this.config, { recursive: true, force: true })
  }
}

export async function startTenants(tenants, options) {
  return new TenantServer(tenants, options).start()
}
