#!/usr/bin/env node
// Print TypeScript types of every schema in an OpenAPI document: clients/typescript/schema.d.mts.
//
// usage: openapi_types.mjs OPENAPI_JSON > clients/typescript/schema.d.mts

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const PLAIN = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' }
const isName = (key) => /^[A-Za-z_$][\w$]*$/.test(key)

function comment(text, indent) {
  return text ? `${indent}/** ${text.replaceAll('*/', '* /').replace(/\s*\n\s*/g, ' ')} */\n` : ''
}

function objectOf(schema, indent) {
  const inner = `${indent}  `
  const lines = Object.entries(schema.properties ?? {}).map(([key, property]) =>
    `${comment(property.description, inner)}${inner}${isName(key) ? key : JSON.stringify(key)}${schema.required?.includes(key) ? '' : '?'}: ${typeOf(property, inner)};\n`)
  const more = schema.additionalProperties
  if (!lines.length) return `{ [key: string]: ${more && more !== true ? typeOf(more, indent) : 'unknown'} }`
  if (more) lines.push(`${inner}[key: string]: unknown;\n`)
  return `{\n${lines.join('')}${indent}}`
}

const union = (list, indent) => [...new Set(list.map((s) => typeOf(s, indent)))].join(' | ')

function typeOf(schema, indent = '') {
  if (schema.$ref) return schema.$ref.split('/').at(-1)
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(' | ')
  if (schema.oneOf) return union(schema.oneOf, indent)
  if (schema.anyOf && !schema.properties) return union(schema.anyOf, indent)
  if (schema.allOf) return schema.allOf.map((s) => typeOf(s, indent)).join(' & ')
  const types = [schema.type ?? (schema.properties ? 'object' : [])].flat()
  const named = types.map((type) => {
    if (type === 'object') return objectOf(schema, indent)
    if (type === 'array') return `Array<${typeOf(schema.items ?? {}, indent)}>`
    return PLAIN[type]
  })
  return named.length ? named.join(' | ') : 'unknown'
}

export function typesOf(document) {
  const parts = Object.entries(document.components.schemas).map(([name, schema]) => {
    const type = typeOf(schema)
    const said = comment(schema.description, '')
    return type.startsWith('{\n') && type.endsWith('\n}') ? `${said}export interface ${name} ${type}\n` : `${said}export type ${name} = ${type};\n`
  })
  return `// Made by tools/openapi_types.mjs from /openapi.json; a test holds both together.\n\n${parts.join('\n')}`
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  process.stdout.write(typesOf(JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))))
