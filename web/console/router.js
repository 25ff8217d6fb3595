// Which page is shown stands in the address behind the hash: #/runs/ID?tab=rows. Never the token.

export function parse(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [page = '', ...rest] = path.split('/').map((p) => { try { return decodeURIComponent(p) } catch { return p } })
  return { page: page || 'runs', id: rest[0] ?? '', query: Object.fromEntries(new URLSearchParams(query)) }
}

export function format({ page, id, query = {} }) {
  const kept = Object.entries(query).filter(([, v]) => v !== '' && v !== undefined && v !== null)
  const search = new URLSearchParams(kept).toString()
  return `#/${page}${id ? `/${encodeURIComponent(id)}` : ''}${search ? `?${search}` : ''}`
}

export const current = () => parse(location.hash)
export const go = (place) => { location.hash = format(place) }

// Change the query of the page that is shown; nothing is added to the history.
export function note(query) {
  const place = current()
  const next = format({ ...place, query: { ...place.query, ...query } })
  if (next !== location.hash) history.replaceState(null, '', next)
}
