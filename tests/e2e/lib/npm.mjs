// npm.mjs - packages from npm, as script/lib.sh put them beside the build. A test that cannot have
// them is skipped, and says so where nobody can miss it.

import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { bin } from './harness.mjs'

export const npmDir = path.join(path.dirname(bin), 'npm')
const require = createRequire(path.join(npmDir, 'package.json'))

// The module, or null.
export async function fromNpm(name) {
  try {
    const found = await import(pathToFileURL(require.resolve(name)).href)
    return found.default && Object.keys(found).every((k) => ['default', 'module.exports', '__esModule'].includes(k)) ? found.default : found
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND' && error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    console.error(`\n*** SKIPPED: '${name}' from npm is not in ${npmDir}; script/test installs it when npm and a registry can be reached ***\n`)
    return null
  }
}

// For a test's options: it runs only when all of these are there.
export function needs(...modules) {
  return { skip: modules.every(Boolean) ? false : 'npm packages are missing' }
}
