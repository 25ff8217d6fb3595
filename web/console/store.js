// The state of the page in one place. Listeners name the keys they look at; what is set in one turn is told once.

export function createStore(initial) {
  const state = { ...initial }
  const listeners = new Set()
  let changed = null

  function tell() {
    const keys = changed
    changed = null
    for (const l of [...listeners]) if (listeners.has(l) && l.keys.some((k) => keys.has(k))) l.fn(state)
  }

  return {
    state,
    set(patch) {
      for (const [key, value] of Object.entries(patch)) {
        if (Object.is(state[key], value)) continue
        state[key] = value
        if (!changed) {
          changed = new Set()
          queueMicrotask(tell)
        }
        changed.add(key)
      }
    },
    // Calls fn now, and whenever one of the keys changed. Returns how to stop.
    on(keys, fn) {
      const listener = { keys, fn }
      listeners.add(listener)
      fn(state)
      return () => listeners.delete(listener)
    },
  }
}
